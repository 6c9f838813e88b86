"""What is wrong with a conversation, found before anybody dials: one sentence each, naming flow and state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conversation.fields import Field, Named, Translate, placeholders
from gateway.conversation.graph import RESUME, Ask, Atlas, Do, Each, End, Menu, Place, Tell
from gateway.conversation.screens import MORE_WORDING, SYSTEM_WORDINGS, show
from gateway.text.alphabet import Budget, is_gsm7
from gateway.text.catalogue import Entries, Entry
from gateway.text.paging import ScreenTooLong, paginate

MAX_CHOICES = 5  # a caller keeps no more in mind, and Lao fits no more on two pages
MAX_PAGES = 3  # of wording; a list may run longer, one line an item
NEEDS_GSM7 = ("en", "lo_Latn")  # one letter outside makes the whole message UCS-2, at 2.3 times the cost


def check(atlas: Atlas, entries: Entries, budgets: Mapping[str, Budget], facts: Mapping[str, Field]) -> list[str]:
    """All faults of an atlas, in the order a reader meets the states; an empty list is a good conversation."""
    faults: list[str] = []
    for wording in SYSTEM_WORDINGS:
        faults += _wording_faults("engine", wording, entries)
    for place in atlas:
        faults += _edge_faults(place, atlas)
        for wording in all_wordings(place):
            faults += _wording_faults(place.name, wording, entries)
        faults += _field_faults(place, facts)
    faults += _shape_faults(atlas)
    if not faults:  # only a sound graph with all its words can be measured
        for place in atlas:
            faults += _length_faults(place, atlas, entries, budgets, facts)
    return faults


def _edge_faults(place: Place, atlas: Atlas) -> Iterator[str]:
    for edge, target in zip(place.state.edges, place.targets, strict=True):
        if target != RESUME and atlas.get(target) is None:
            yield f"{place.name}: leads to {edge!r}, which does not exist"
    if isinstance(place.state, Menu) and len(place.state.choices) > MAX_CHOICES:
        yield f"{place.name}: {len(place.state.choices)} choices, at most {MAX_CHOICES} can be kept in mind"
    if isinstance(place.state, Menu) and not place.state.choices and place.state.each is None:
        yield f"{place.name}: a menu with nothing to choose; use Tell"
    if isinstance(place.state, Do) and not place.state.ways:
        yield f"{place.name}: work that leads nowhere"
    if isinstance(place.state, Do) and place.state.name not in place.flow.works:
        yield f"{place.name}: no function does this work"


def _shape_faults(atlas: Atlas) -> Iterator[str]:
    """Faults that only the whole graph shows: unreachable states, traps, circles of work."""
    ahead = {place.name: [t for t in place.targets if atlas.get(t)] for place in atlas}
    for door in atlas.doors:
        if atlas.get(door) is None:
            yield f"{door}: the engine needs this state, and it does not exist"
    reached = _closure([door for door in atlas.doors if door in ahead], ahead)
    behind: dict[str, list[str]] = {name: [] for name in ahead}
    for name, targets in ahead.items():
        for target in targets:
            behind[target].append(name)
    rests = [p.name for p in atlas if isinstance(p.state, End | Tell) or RESUME in p.targets]
    can_end = _closure(rests, behind)
    for place in atlas:
        if place.name not in reached:
            yield f"{place.name}: nothing leads here"
        if place.name not in can_end:
            yield f"{place.name}: no way from here to an end"
    work = {place.name for place in atlas if isinstance(place.state, Do)}
    for circle in _circles(work, ahead):
        yield f"{circle[0]}: work goes round in a circle: {' > '.join(circle)}"


def _closure(start: list[str], steps: Mapping[str, list[str]]) -> set[str]:
    seen, todo = set(start), list(start)
    while todo:
        for target in steps[todo.pop()]:
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def _circles(work: set[str], ahead: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Circles made of work states only, each once, from its first state in the order of the atlas."""
    named: set[frozenset[str]] = set()
    for first in (name for name in ahead if name in work):
        paths = [[first]]
        while paths:
            path = paths.pop()
            for target in ahead[path[-1]]:
                if target == first and frozenset(path) not in named:
                    named.add(frozenset(path))
                    yield [*path, first]
                elif target in work and target not in path:
                    paths.append([*path, target])


def all_wordings(place: Place) -> Iterator[str]:
    """What a state says, and what the fields in its wording may say."""
    yield from place.state.wordings
    for wording in place.state.wordings:
        for name in placeholders(wording):
            spoken = place.flow.fields.get(name)
            if not isinstance(spoken, Named):
                yield from getattr(spoken, "wordings", {}).values()


def _wording_faults(name: str, wording: str, entries: Entries) -> Iterator[str]:
    if not any(letter.isalpha() for letter in _without_placeholders(wording)):
        return  # nothing to translate: its fields speak for themselves
    for language, catalogue in entries.items():
        entry = catalogue.get(wording)
        if entry is None or not entry.text:
            yield f"{name}: {wording!r} has no wording in {language}"
        elif entry.fuzzy:
            yield f"{name}: {wording!r} is fuzzy in {language}"
        elif set(placeholders(entry.text)) != set(placeholders(wording)):
            ours, theirs = placeholders(wording), placeholders(entry.text)
            yield f"{name}: {wording!r} has other placeholders in {language}: {_list(theirs)} for {_list(ours)}"
        elif language in NEEDS_GSM7 and not is_gsm7(entry.text):
            strange = "".join(dict.fromkeys(letter for letter in entry.text if not is_gsm7(letter)))
            yield f"{name}: {wording!r} needs UCS-2 in {language} because of {strange!r}"


def _without_placeholders(wording: str) -> str:
    for name in placeholders(wording):
        wording = wording.replace(f"%({name})s", "")
    return wording


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "none"


def _field_faults(place: Place, facts: Mapping[str, Field]) -> Iterator[str]:
    known = {**facts, **place.flow.fields}
    for wording in place.state.wordings:
        for name in placeholders(wording):
            if name not in known:
                yield f"{place.name}: {wording!r} shows %({name})s, which is no field of {place.flow.name}"
    if isinstance(place.state, Ask) and place.state.into not in known:
        yield f"{place.name}: the answer goes into {place.state.into!r}, which is no field of {place.flow.name}"


class _Worst:
    """A field that always shows its longest value."""

    def __init__(self, spoken: Field) -> None:
        self.spoken = spoken
        self.store, self.load, self.worst = spoken.store, spoken.load, spoken.worst

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return self.spoken.worst(locale, translate)


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


def _length_faults(
    place: Place, atlas: Atlas, entries: Entries, budgets: Mapping[str, Budget], facts: Mapping[str, Field]
) -> Iterator[str]:
    if isinstance(place.state, Do):
        return
    listed = getattr(place.state, "each", None) is not None
    most = 1 if isinstance(place.state, End) else MAX_PAGES
    for language, catalogue in entries.items():

        def say(wording: str, catalogue: Mapping[str, Entry] = catalogue) -> str:
            entry = catalogue.get(wording)
            return entry.text if entry else wording

        for channel, budget in budgets.items():
            try:
                pages = worst_pages(place, language, say, budget, facts)
            except ScreenTooLong as problem:
                yield f"{place.name}: does not fit {channel} in {language}: {problem}"
                continue
            if len(pages) > most and not (listed and most > 1):
                yield (
                    f"{place.name}: takes {len(pages)} pages on {channel} in {language} at worst, {most} allowed"
                )
