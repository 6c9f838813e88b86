"""The catalogues: one wording in, the caller's language out.

Read by Babel, found by **string** name: `Locale.parse("lo_Latn")` silently becomes `lo`, and Lao script on a
romanised session would more than double its cost. What `lo_Latn` lacks falls back to English, never to Lao.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po, write_po

from gateway.text.alphabet import Budget, is_gsm7

LANGUAGES = ("lo_Latn", "en", "lo")  # in the order the first screen offers them
SCRIPTS = {"lo": "ກ"}  # a letter of every script that is not in GSM-7
DOMAIN = "messages"
QUESTION = "review:"  # a translator's comment that begins so waits for a native speaker
UNBROKEN = 10_000  # characters of a line: longer than any wording or comment


@dataclass(frozen=True, slots=True)
class Entry:
    """One wording in one catalogue, as the translator left it."""

    text: str
    fuzzy: bool
    question: str = ""  # what a native speaker is asked about it


Entries = Mapping[str, Mapping[str, Entry]]  # language, then English wording


def read_entries(directory: Path) -> Entries:
    """Every entry of every `.po` file, with its flags, for the checks; raises FileNotFoundError."""
    entries = {}
    for language in LANGUAGES:
        with (directory / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
            catalogue = read_po(file)
        entries[language] = {
            str(message.id): Entry(str(message.string), message.fuzzy, _question(message.user_comments))
            for message in catalogue
            if message.id
        }
    return entries


def write_entries(directory: Path, language: str, changed: Mapping[str, Entry]) -> None:
    """Put these entries into a `.po` file and leave every other byte as it is; a crash leaves the file whole."""
    path = directory / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    for wording, entry in changed.items():
        message = catalogue[wording]
        message.string = entry.text
        others = [line for line in message.user_comments if not line.startswith(QUESTION)]
        message.user_comments = [*others, f"{QUESTION} {entry.question}"] if entry.question else others
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        write_po(file, catalogue, width=UNBROKEN)
    fresh.replace(path)


def _question(comments: Sequence[str]) -> str:
    asked = [line for line in comments if line.startswith(QUESTION)]
    return " ".join(line.removeprefix(QUESTION).strip() for line in asked)


class Catalogues:
    """All catalogues of an installation, held in memory: wording to wording, one look-up a sentence."""

    def __init__(self, catalogues: Mapping[str, Mapping[str, str]], default: str = "en") -> None:
        self.default = default
        self._words = catalogues

    @classmethod
    def load(cls, directory: Path, default: str = "en") -> Catalogues:
        """Read every language's compiled catalogue; raises FileNotFoundError when one is missing."""
        catalogues = {}
        for language in LANGUAGES:
            compiled = directory / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
            if not compiled.exists():
                raise FileNotFoundError(f"no compiled catalogue for {language}: run `make catalogues`")
            with compiled.open("rb") as file:
                words = {str(message.id): str(message.string) for message in read_mo(file) if message.id}
            catalogues[language] = words
        catalogues["lo_Latn"] = {**catalogues["en"], **catalogues["lo_Latn"]}
        return cls(catalogues, default)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._words)

    def say(self, language: str | None, wording: str) -> str:
        """The wording in this language, or itself where the catalogue has none."""
        return self._words[language or self.default].get(wording, wording)

    def speaker(self, language: str) -> partial[str]:
        return partial(self.say, language)

    @lru_cache(maxsize=16)  # noqa: B019 (channels are few, and catalogues live as long as the process)
    def within(self, budget: Budget) -> tuple[str, ...]:
        """Languages whose script this channel can carry: with no UCS-2 there is no Lao script."""
        return tuple(name for name in self._words if is_gsm7(SCRIPTS.get(name, "")) or budget.ucs2 > 0)
