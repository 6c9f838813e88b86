"""One screen into the pages a handset shows: as few as possible, each ending where a reader would pause.

A page more costs the caller a key and some seconds, so the fewest pages come first. Where that leaves a
choice, a page ends with a line or a sentence rather than between two words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, takewhile

from gateway.text.alphabet import Budget, sendable, units
from gateway.text.lao import breaks, clusters

# What the end of a page costs its reader; to this comes the share of the page left empty, squared.
LINE_END = 0.0
SENTENCE_END = 0.1
SPACE = 0.3
WORD_END = 0.5  # in the unspaced flow of Lao
QUESTION_ALONE = 0.5  # all its choices would stand on the next page


class ScreenTooLong(ValueError):
    """Something that cannot be divided has no room on a page. The message holds lengths, never the text."""


def paginate(body: str, items: Sequence[str], foot: str, more: str, budget: Budget) -> list[str]:
    """The pages of a screen: `body`, then each of `items` on its own line, and a last line on every page.

    The last line is `foot`, with `more` before it on all pages but the last; all four may be empty. Items
    are never divided; a word only if it is longer than a page, and then between clusters. A no-break space
    holds its neighbours together and is sent as a space. Every page fits `budget`, and no other way to
    divide gives fewer pages. Raises ScreenTooLong when an item and the last line exceed a page.
    """
    body = body.strip()
    lines = [f"{item}\n" for item in items]
    whole = _page([body, "\n", *lines], foot)
    if budget.fits(whole):
        return [whole]
    more = f"{more} {foot}".strip()
    words = list(_words(body, more, budget))
    return _Screen(words + lines, len(words), foot, more, budget).pages()


def _page(pieces: Sequence[str], last_line: str) -> str:
    return sendable(f"{''.join(pieces).strip()}\n{last_line}".strip())


def _words(body: str, last_line: str, budget: Budget) -> Iterator[str]:
    """The pieces of `body` that a page may end after, each with the space behind it; always at least one."""
    for start, end in pairwise((0, *breaks(body), len(body))):
        word = body[start:end] if end < len(body) else f"{body[start:]}\n"
        if budget.fits(_page([word], last_line)):
            yield word
        else:
            yield from clusters(word)


@dataclass(frozen=True, slots=True)
class _Screen:
    """A screen that takes several pages. A page is a range of pieces; items begin at piece `choices`."""

    pieces: list[str]
    choices: int
    foot: str
    more: str
    budget: Budget

    def page(self, start: int, end: int) -> str:
        last_line = self.more if end < len(self.pieces) else self.foot
        return _page(self.pieces[start:end], last_line)

    def fits(self, start: int, end: int) -> bool:
        return self.budget.fits(self.page(start, end))

    def pages(self) -> list[str]:
        start, pages = 0, []
        for earliest in self.earliest_ends():
            end = self.best_end(start, earliest)
            pages.append(self.page(start, end))
            start = end
        return pages

    def earliest_ends(self) -> list[int]:
        """Of each page, the earliest end that leaves the rest no page more: filled from the last back."""
        ends = [len(self.pieces)]
        while (end := ends[0]) > 0 and (begin := self.earliest_begin(end)) > 0:
            ends.insert(0, begin)
        return ends

    def earliest_begin(self, end: int) -> int:
        begin = bisect_left(range(end), True, key=lambda start: self.fits(start, end))
        if begin == end:
            raise ScreenTooLong(self.complaint(end - 1))
        return begin

    def best_end(self, start: int, earliest: int) -> int:
        """Where the page from `start` ends best: from `earliest` on, as far as it fits."""
        ends = list(takewhile(partial(self.fits, start), range(earliest, len(self.pieces) + 1)))
        longest = self.length(start, ends[-1])
        return min(ends, key=lambda end: self.roughness(end) + (self.length(end, ends[-1]) / longest) ** 2)

    def roughness(self, end: int) -> float:
        before = self.pieces[end - 1]
        bare = before.rstrip()
        if end == self.choices:
            return QUESTION_ALONE
        if "\n" in before[len(bare) :]:
            return LINE_END
        if bare == before:
            return WORD_END
        return SENTENCE_END if bare.endswith((".", "!", "?")) else SPACE

    def length(self, start: int, end: int) -> int:
        return sum(map(len, self.pieces[start:end]))

    def complaint(self, piece: int) -> str:
        """Why this piece has no page: its length with the last line, and the page's room."""
        name = "a letter" if piece < self.choices else f"item {piece - self.choices + 1}"
        page = self.page(piece, piece + 1)
        return f"{name} and the last line take {units(page)} units of {self.budget.limit(page)}"
