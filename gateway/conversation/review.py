"""Every wording on one line of a sheet, for a native speaker to judge, and her judgement back.

She may change what stands under `lo` and `lo_Latn`, answer `ok` under `verdict`, which takes the question away,
and write under `comment` what is to be asked next. `English` names the line and is never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Final, NamedTuple

from gateway.conversation.check import NOTHING, Elsewhere, all_wordings, check
from gateway.conversation.fields import Field
from gateway.conversation.gallery import screens, texts
from gateway.conversation.graph import Atlas
from gateway.conversation.screens import SYSTEM_WORDINGS
from gateway.text.alphabet import Budget
from gateway.text.catalogue import Entries, Entry
from gateway.text.lao import normalise
from gateway.text.table import BOM, write_table

COLUMNS: Final = ("state", "English", "lo", "lo_Latn", "units", "verdict", "comment")
JUDGED: Final = ("lo", "lo_Latn")
GOOD: Final = "ok"

Changes = Mapping[str, Mapping[str, Entry]]  # language, English wording: what it is now


class Row(NamedTuple):
    """One line of the sheet. `units` are those of the fullest screen that says it, in Lao at worst case."""

    state: str
    english: str
    lo: str
    latin: str
    units: str
    verdict: str
    comment: str


class Unusable(ValueError):
    """The sheet cannot be taken; `problems` are sentences, and nothing is changed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def rows(
    atlas: Atlas,
    entries: Entries,
    budgets: Mapping[str, Budget],
    facts: Mapping[str, Field],
    elsewhere: Elsewhere = NOTHING,
) -> Iterator[Row]:
    """Every wording once, in the order a caller meets it, with all states that say it."""
    states: dict[str, list[str]] = {}
    fullest: dict[str, tuple[int, str]] = {}

    def met(wording: str, where: str, size: int, units: str) -> None:
        if wording not in entries["lo"]:
            return  # nothing to translate: its fields speak for themselves
        if where not in states.setdefault(wording, []):
            states[wording].append(where)
        fullest[wording] = max(fullest.get(wording, (0, "")), (size, units))

    for place in atlas:
        sizes = [
            size for one in screens(place, entries, budgets, facts) if one.language == "lo" for size in one.sizes
        ]
        size, room = max(sizes, default=(0, 0))
        units = f"{size}/{room}, pages: {len(sizes)}" if sizes else ""
        for wording in all_wordings(place):
            met(wording, place.name, size, units)
    for flow in atlas.flows:
        for text in flow.texts:
            for sent in texts(flow, text, entries, facts):
                if sent.language == "lo":
                    met(text, flow.name, sent.cost.units, f"{sent.cost.units}, SMS: {sent.cost.parts}")
    for name, wordings in {"engine": SYSTEM_WORDINGS, **elsewhere}.items():
        for wording in wordings:
            met(wording, name, 0, "")
    for wording, names in states.items():
        lao, latin = (entries[language].get(wording, Entry("", fuzzy=False)) for language in JUDGED)
        comment = lao.question or latin.question
        yield Row(" ".join(names), wording, lao.text, latin.text, fullest[wording][1], "", comment)


def sheet(found: Iterable[Row]) -> str:
    """The rows as CSV that a spreadsheet opens in Unicode."""
    out = StringIO()
    write_table(out, [COLUMNS, *found])
    return BOM + out.getvalue()


def judge(
    lines: Iterable[tuple[int, Mapping[str, str]]],
    atlas: Atlas,
    entries: Entries,
    budgets: Mapping[str, Budget],
    facts: Mapping[str, Field],
    elsewhere: Elsewhere = NOTHING,
) -> Changes:
    """What a sheet changes, by language. Raises `Unusable` when a line or the conversation would be faulty."""
    changed: dict[str, dict[str, Entry]] = {language: {} for language in JUDGED}
    problems: list[str] = []
    lines_of: dict[str, int] = {}
    for number, line in lines:
        wording, verdict = line["english"], line["verdict"].lower()
        if wording not in entries["lo"]:
            problems.append(f"line {number}: no screen says {wording!r}; the column English is never changed")
        elif wording in lines_of:
            problems.append(f"line {number}: {wording!r} stands on line {lines_of[wording]} already")
        elif verdict not in {"", GOOD}:
            problems.append(f"line {number}: the verdict is {GOOD} or empty, not {line['verdict']!r}")
        else:
            lines_of[wording] = number
            for language in JUDGED:
                before = entries[language][wording]
                after = _judged(before, line, language, verdict, entries)
                if not after.text:
                    problems.append(f"line {number}: there is no wording under {language}")
                elif after != before:
                    changed[language][wording] = after
    if not problems:
        problems = check(atlas, with_changes(entries, changed), budgets, facts, elsewhere)
    if problems:
        raise Unusable(problems)
    return {language: found for language, found in changed.items() if found}


def with_changes(entries: Entries, changes: Changes) -> Entries:
    return {language: {**found, **changes.get(language, {})} for language, found in entries.items()}


def _judged(before: Entry, line: Mapping[str, str], language: str, verdict: str, entries: Entries) -> Entry:
    text = line[language.lower()]
    asked = [entries[one][line["english"]].question for one in JUDGED]
    if verdict == GOOD:
        question = ""
    elif line["comment"] in asked or language != JUDGED[0]:
        question = before.question
    else:
        question = line["comment"]
    return Entry(normalise(text) if language == "lo" else text, before.fuzzy, question)
