"""From a state to a screen: the wording in the caller's language, its lines, and what each key leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.conversation.fields import Field, Translate, placeholders
from gateway.conversation.graph import RESUME, Ask, Each, Menu, Place, Tell, _

BACK, HOME, MORE = "0", "00", "9"  # the same keys on every screen
BACK_WORDING = _("0 Back")
MORE_WORDING = _("9 More")
INVALID = _("Invalid choice.")
CHANGED = _("The menu has changed.")
SORRY = _("Sorry, system error. Please try later.")
NO_NUMBER = _("This service must see your phone number. Dial again without hiding it.")
BUSY = _("Many people are calling. Please try again in a minute.")
LAST_WORDS = (SORRY, NO_NUMBER, BUSY)  # said when nothing else can be: one page each
SYSTEM_WORDINGS = (BACK_WORDING, MORE_WORDING, INVALID, CHANGED, *LAST_WORDS)

Choice = tuple[str, dict[str, Any] | None]  # the full name it leads to, and the chosen item's stored values


class Gone(LookupError):
    """The session holds nothing for a placeholder: the wording is newer than the call."""


class Screen(NamedTuple):
    """What a state says now: a body, lines that stay whole, a foot, and what may be answered."""

    body: str
    lines: tuple[str, ...]
    foot: str
    choices: Mapping[str, Choice]


def keys(count: int) -> list[str]:
    """The first numbers a menu gives to its lines: 9 is always "more", so it is skipped.

    >>> keys(10)
    ['1', '2', '3', '4', '5', '6', '7', '8', '10', '11']
    """
    return [str(number) for number in range(1, count + 2) if str(number) != MORE][:count]


def fill(wording: str, fields: Mapping[str, Field], data: Mapping[str, Any], locale: str, say: Translate) -> str:
    """Translate a wording and put the stored values in, each formatted by its field."""
    translated = say(wording)
    if "%" not in translated:
        return translated
    try:
        values = {name: fields[name].show(data[name], locale, say) for name in placeholders(wording)}
    except (KeyError, ValueError) as problem:
        raise Gone(wording) from problem
    return translated % values


def show(
    place: Place,
    fields: Mapping[str, Field],
    data: Mapping[str, Any],
    locale: str,
    say: Translate,
    back: bool,
) -> Screen:
    """The screen of a state; raises `Gone` when the session does not hold what it shows."""
    state = place.state
    lines: list[str] = []
    choices: dict[str, Choice] = {}
    if isinstance(state, Menu | Tell) and state.each is not None:
        each = state.each
        items = _items(each, data)
        numbers = keys(len(items)) if each.to else [""] * len(items)
        for number, item in zip(numbers, items, strict=True):
            line = fill(each.wording, fields, {**data, **item}, locale, say)
            lines.append(f"{number} {line}" if number else line)
            if each.to:
                choices[number] = (place.target(each.to), item)
    if isinstance(state, Menu):
        labels = list(state.choices.items())
        for number, (label, edge) in zip(keys(len(lines) + len(labels))[len(lines) :], labels, strict=True):
            lines.append(f"{number} {fill(label, fields, data, locale, say)}")
            choices[number] = (edge if edge == RESUME else place.target(edge), None)
    foot = say(BACK_WORDING) if back and isinstance(state, Menu | Ask | Tell) else ""
    wording = getattr(state, "wording", "")
    return Screen(fill(wording, fields, data, locale, say) if wording else "", tuple(lines), foot, choices)


def _items(each: Each, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        items: list[dict[str, Any]] = data[each.of]
    except KeyError as problem:
        raise Gone(each.of) from problem
    return items[: each.most]
