"""Every screen in every language at its longest: what `flask flows check` measures and translators look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.conversation.fields import Field, Translate, placeholders
from gateway.conversation.graph import Atlas, Do, Each, Flow, Place
from gateway.conversation.screens import MORE_WORDING, fill, show
from gateway.text.alphabet import Budget, Segments, segments, sendable, units
from gateway.text.catalogue import Entries, Entry
from gateway.text.paging import ScreenTooLong, paginate


class Shown(NamedTuple):
    """One screen in one language at worst case. `problem` says why it has no pages."""

    place: Place
    language: str
    channel: str
    budget: Budget
    pages: Sequence[str]
    problem: str = ""

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Of each page, the units it takes and the units there are."""
        return [(units(page), self.budget.limit(page)) for page in self.pages]

    @property
    def fits(self) -> bool:
        return bool(self.pages) and all(taken <= room for taken, room in self.sizes)


class Texted(NamedTuple):
    """One SMS of a flow in one language at worst case, and its cost."""

    flow: Flow
    wording: str
    language: str
    text: str
    cost: Segments


def speaker(catalogue: Mapping[str, Entry]) -> Translate:
    """What a catalogue says, before it is compiled."""

    def say(wording: str) -> str:
        entry = catalogue.get(wording)
        return entry.text if entry else wording

    return say


def screens(
    place: Place, entries: Entries, budgets: Mapping[str, Budget], facts: Mapping[str, Field]
) -> Iterator[Shown]:
    """A state's screen in every language, on every channel; none for a state that only works."""
    if isinstance(place.state, Do):
        return
    for language, catalogue in entries.items():
        for channel, budget in budgets.items():
            try:
                pages = worst_pages(place, language, speaker(catalogue), budget, facts)
            except ScreenTooLong as problem:
                yield Shown(place, language, channel, budget, (), str(problem))
            else:
                yield Shown(place, language, channel, budget, pages)


def gallery(
    atlas: Atlas, entries: Entries, budgets: Mapping[str, Budget], facts: Mapping[str, Field]
) -> Iterator[tuple[Place, list[Shown]]]:
    """Every state that shows something, with its screens, in the order of the atlas."""
    for place in atlas:
        if shown := list(screens(place, entries, budgets, facts)):
            yield place, shown


def texts(flow: Flow, wording: str, entries: Entries, facts: Mapping[str, Field]) -> Iterator[Texted]:
    """An SMS in every language that has words for it."""
    known = {**facts, **flow.fields}
    fields = {name: _Worst(known[name]) for name in placeholders(wording)}
    for language, catalogue in entries.items():
        if wording in catalogue:
            say = speaker(catalogue)
            text = sendable(fill(wording, fields, dict.fromkeys(fields), language, say))
            yield Texted(flow, wording, language, text, segments(text))


def worst_pages(
    place: Place, locale: str, say: Translate, budget: Budget, facts: Mapping[str, Field]
) -> list[str]:
    """The pages of a screen with every field at its longest and every list full; raises ScreenTooLong."""
    known = {**facts, **place.flow.fields}
    data: dict[str, Any] = dict.fromkeys(known)
    each: Each | None = getattr(place.state, "each", None)
    if each:
        data[each.of] = [{}] * each.most
    fields = {name: _Worst(spoken) for name, spoken in known.items()}
    screen = show(place, fields, data, locale, say, back=True)
    return paginate(screen.body, screen.lines, screen.foot, say(MORE_WORDING), budget)


class _Worst:
    """A field that always shows its longest value."""

    def __init__(self, spoken: Field) -> None:
        self.spoken = spoken
        self.store, self.load, self.worst = spoken.store, spoken.load, spoken.worst
        self.needs = spoken.needs

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return self.spoken.worst(locale, translate)
