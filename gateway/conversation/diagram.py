"""The graph, drawn: Mermaid for documents, Graphviz's DOT for pictures. Both from the same states."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.conversation.fields import Translate
from gateway.conversation.graph import RESUME, WANTED, Ask, Atlas, Do, End, Menu, Place, Tell

SHAPES = {  # Mermaid brackets, DOT shape, fill
    Menu: (("[", "]"), "box", "#fff8e1"),
    Ask: (("[/", "/]"), "parallelogram", "#e3f2fd"),
    Tell: (("[", "]"), "box", "#f1f8e9"),
    Do: (("([", "])"), "ellipse", "#eceff1"),
    End: (("[[", "]]"), "box", "#fce4ec"),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
WIDTH = 30  # characters of one line in a box


def mermaid(atlas: Atlas, only: str | None = None) -> str:
    """The atlas, or one flow of it, as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    places = _chosen(atlas, only)
    for place in places:
        left, right = SHAPES[type(place.state)][0]
        text = "<br/>".join(_caption(place, lambda wording: wording)).replace('"', "'")
        lines.append(f'    {_id(place.name)}{left}"{text}"{right}')
    lines += [f'    {_id(target)}(["{_name(target)}"])' for target in _neighbours(places)]
    for place in places:
        for label, target in _arrows(place):
            lines.append(f'    {_id(place.name)} -->|"{label}"| {_id(target)}')
    return "\n".join(lines) + "\n"


def dot(atlas: Atlas, say: Translate, only: str | None = None, title: str = "") -> str:
    """The atlas, or one flow of it, in Graphviz's language, with wording as `say` speaks it."""
    lines = [
        "digraph conversation {",
        f'    graph [rankdir=TB, nodesep=0.25, ranksep=0.4, fontname="Noto Sans", label="{title}"];',
        '    node [style="filled,rounded", fontname="Noto Sans, Noto Sans Lao", fontsize=10, color="#90a4ae"];',
        '    edge [fontname="Noto Sans, Noto Sans Lao", fontsize=8, color="#607d8b", fontcolor="#455a64"];',
    ]
    places = _chosen(atlas, only)
    for place in places:
        _brackets, shape, colour = SHAPES[type(place.state)]
        text = "\\n".join(_caption(place, say)).replace('"', "'")
        lines.append(
            f'    {_id(place.name)} [id="{place.name}", shape={shape}, fillcolor="{colour}", label="{text}"];'
        )
    for target in _neighbours(places):
        lines.append(f'    {_id(target)} [shape=ellipse, style=dashed, label="{_name(target)}"];')
    for place in places:
        for label, target in _arrows(place):
            lines.append(f'    {_id(place.name)} -> {_id(target)} [label="{label}"];')
    return "\n".join([*lines, "}"]) + "\n"


def _chosen(atlas: Atlas, only: str | None) -> list[Place]:
    return [place for place in atlas if only is None or place.flow.name == only]


def _neighbours(places: list[Place]) -> list[str]:
    """What these states lead to without being one of them: states of other flows, and the way back."""
    inside = {place.name for place in places}
    outside = (target for place in places for target in place.targets if target not in inside)
    return list(dict.fromkeys(outside))


def _arrows(place: Place) -> Iterator[tuple[str, str]]:
    """Every edge with what leads along it: a key, a way, or nothing."""
    state = place.state
    if isinstance(state, Do):
        labels = list(state.ways)
    elif isinstance(state, Menu):
        labels = ["each"] if state.each and state.each.to else []
        labels += [str(number) for number in range(1, len(state.choices) + 1)]
    else:
        labels = ["answer"] * len(state.edges)
    yield from zip(labels, place.targets, strict=True)


def _caption(place: Place, say: Translate) -> Iterator[str]:
    state = place.state
    if isinstance(state, Do):
        yield place.name
        return
    yield from _fold(_plain(say(getattr(state, "wording", ""))) or place.name)
    each = getattr(state, "each", None)
    if each:
        yield ("1.. " if each.to else "") + _plain(say(each.wording))
    if isinstance(state, Menu):
        for number, label in enumerate(state.choices, 1):
            yield f"{number} {_plain(say(label))}"


def _plain(wording: str) -> str:
    """Placeholders as a product person writes them: `%(paid)s` is {paid}."""
    return PLACEHOLDER.sub(r"{\1}", wording).replace("%%", "%")


def _fold(text: str) -> Iterator[str]:
    line = ""
    for word in text.replace("\n", " ").split(" "):
        if line and len(line) + len(word) >= WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _id(name: str) -> str:
    return name.strip("()").replace(".", "__")


def _name(target: str) -> str:
    return {RESUME: "where the last call was cut", WANTED: "where she wanted to go"}.get(target, target)
