"""Both arms of reminders as one picture, an SVG: the share paid on time in each, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from gateway.reminders.effect import Effect, Side

WIDTH, HEIGHT = 720, 240  # pixels, as all numbers here
LEFT, RIGHT = 150, 680  # where 0 % and 100 % are
ROWS: Final = (95, 145)  # one an arm
BOTTOM: Final = 180  # of the scale
CAP: Final = 7  # half of the bar at an interval's end
STYLE: Final = (
    "text{font:14px sans-serif;fill:#222}.small{font-size:12px;fill:#555}.head{font-size:16px;font-weight:bold}"
    ".grid{stroke:#ddd}.reminded{stroke:#1b6ca8;fill:#1b6ca8}.held{stroke:#8a5a00;fill:#8a5a00}.bar{stroke-width:2}"
)


def draw(effect: Effect, heading: str, verdict: str) -> str:
    """The picture; `heading` and `verdict` are shown above and below the two intervals."""
    reminded, held_out = effect.reminded, effect.held_out
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" role="img">',
            f"<title>{escape(heading)} {escape(verdict)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            _words(20, 30, heading, "head"),
            _words(20, 52, "Share of months paid on time, with its 95 % interval", "small"),
            *_scale(),
            *_row(ROWS[0], "reminded", "reminded", reminded),
            *_row(ROWS[1], "held out", "held", held_out),
            _words(20, HEIGHT - 15, verdict),
            "</svg>\n",
        ]
    )


def _scale() -> Iterator[str]:
    for percent in range(0, 101, 20):
        x = _x(percent / 100)
        yield f'<line class="grid" x1="{x}" y1="70" x2="{x}" y2="{BOTTOM}"/>'
        yield _words(x, BOTTOM + 16, f"{percent} %", "small", "middle")


def _row(y: int, name: str, kind: str, side: Side) -> Iterator[str]:
    """An arm's name, its interval as a line between two bars, its share as a dot with its number."""
    value, low, high = map(_x, side.share)
    yield _words(20, y, name)
    yield _words(20, y + 16, f"{side.employers:,} employers", "small")
    yield f'<g class="{kind} bar"><line x1="{low}" y1="{y}" x2="{high}" y2="{y}"/>'
    for end in (low, high):
        yield f'<line x1="{end}" y1="{y - CAP}" x2="{end}" y2="{y + CAP}"/>'
    yield f'<circle cx="{value}" cy="{y}" r="5"/></g>'
    yield _words(value, y - 14, f"{side.share.value:.1%}".replace("%", " %"), anchor="middle")


def _words(x: float, y: int, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _x(share: float) -> float:
    return round(LEFT + share * (RIGHT - LEFT), 1)
