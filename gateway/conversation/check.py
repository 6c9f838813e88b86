"""What is wrong with a conversation, found before anybody dials: one sentence each, naming flow and state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from gateway.conversation.assurance import Assurance
from gateway.conversation.fields import Field, Named, Once, placeholders
from gateway.conversation.gallery import screens, texts
from gateway.conversation.graph import MARKS, WANTED, Ask, Atlas, Do, End, Flow, Menu, Place, Tell
from gateway.conversation.screens import SYSTEM_WORDINGS
from gateway.text.alphabet import Budget, is_gsm7
from gateway.text.catalogue import Entries

MAX_CHOICES = 5  # a caller keeps no more in mind, and Lao fits no more on two pages
MAX_PAGES = 3  # of wording; a list may run longer, one line an item
LAO_PARTS = 2  # SMS of one text in Lao script, which holds less than half of what Latin letters do
NEEDS_GSM7 = ("en", "lo_Latn")  # one letter outside makes the whole message UCS-2, at 2.3 times the cost

Elsewhere = Mapping[str, Collection[str]]  # wordings that no conversation says, by what says them
NOTHING: Final[Elsewhere] = MappingProxyType({})


def check(
    atlas: Atlas,
    entries: Entries,
    budgets: Mapping[str, Budget],
    facts: Mapping[str, Field],
    elsewhere: Elsewhere = NOTHING,
) -> list[str]:
    """All faults of an atlas, in the order a reader meets the states; an empty list is a good conversation."""
    faults: list[str] = []
    for name, wordings in {"engine": SYSTEM_WORDINGS, **elsewhere}.items():
        for wording in wordings:
            faults += _wording_faults(name, wording, entries)
    for place in atlas:
        faults += _edge_faults(place, atlas)
        for wording in all_wordings(place):
            faults += _wording_faults(place.name, wording, entries)
        faults += _field_faults(place, facts)
    for flow in atlas.flows:
        for text in flow.texts:
            faults += _wording_faults(flow.name, text, entries)
            faults += _text_faults(flow, text, entries, facts)
    faults += _shape_faults(atlas)
    if not faults:  # only a sound graph with all its words can be measured
        for place in atlas:
            faults += _length_faults(place, entries, budgets, facts)
    return faults


def _edge_faults(place: Place, atlas: Atlas) -> Iterator[str]:
    for edge, target in zip(place.state.edges, place.targets, strict=True):
        if target not in MARKS and atlas.get(target) is None:
            yield f"{place.name}: leads to {edge!r}, which does not exist"
        if target == WANTED and not place.flow.proves:
            yield f"{place.name}: leads to where she wanted to go, but {place.flow.name} proves nothing"
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
        place = atlas.get(door)
        if place is None:
            yield f"{door}: the engine needs this state, and it does not exist"
        elif place.assurance:
            yield f"{door}: the engine needs this state for anyone, and it asks for {place.assurance.name}"
    for place in atlas:
        if place.assurance and atlas.asks(place.flow) is None:
            yield f"{place.name}: asks for {place.assurance.name}, and no state of this atlas signs anybody in"
    reached = _closure([door for door in atlas.doors if door in ahead], ahead)
    behind: dict[str, list[str]] = {name: [] for name in ahead}
    for name, targets in ahead.items():
        for target in targets:
            behind[target].append(name)
    rests = [p.name for p in atlas if isinstance(p.state, End | Tell) or {*MARKS} & {*p.targets}]
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
            elif known[name].needs > place.assurance:
                needed, had = known[name].needs.name, Assurance(place.assurance).name
                yield f"{place.name}: {wording!r} shows %({name})s, which needs {needed}; callers here are {had}"
    if isinstance(place.state, Ask) and place.state.into not in known:
        yield f"{place.name}: the answer goes into {place.state.into!r}, which is no field of {place.flow.name}"


def _text_faults(flow: Flow, text: str, entries: Entries, facts: Mapping[str, Field]) -> Iterator[str]:
    """An SMS costs by its parts: at its longest one in Latin letters, two in Lao script."""
    missing = [name for name in placeholders(text) if name not in {**facts, **flow.fields}]
    yield from (f"{flow.name}: {text!r} shows %({name})s, which is no field of {flow.name}" for name in missing)
    if missing:
        return
    for sent in texts(flow, text, entries, facts):
        most = 1 if sent.language in NEEDS_GSM7 else LAO_PARTS
        if sent.cost.parts > most:
            yield f"{flow.name}: {text!r} takes {sent.cost.parts} SMS in {sent.language} at worst, {most} allowed"


def _length_faults(
    place: Place, entries: Entries, budgets: Mapping[str, Budget], facts: Mapping[str, Field]
) -> Iterator[str]:
    listed = getattr(place.state, "each", None) is not None
    once = any(
        isinstance(place.flow.fields.get(name), Once)
        for wording in place.state.wordings
        for name in placeholders(wording)
    )  # what is kept nowhere cannot be turned back to
    most = 1 if once or isinstance(place.state, End) else MAX_PAGES
    for shown in screens(place, entries, budgets, facts):
        where, count = f"{shown.channel} in {shown.language}", len(shown.pages)
        if shown.problem:
            yield f"{place.name}: does not fit {where}: {shown.problem}"
        elif count > most and not (listed and most > 1):
            yield f"{place.name}: takes {count} pages on {where} at worst, {most} allowed"
