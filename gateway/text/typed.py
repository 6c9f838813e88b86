"""What was typed, in a wrapper that nothing shows by mistake.

Providers send the whole key path with every hop, PINs included. A log call, a tracer or an error reporter that
meets a `Typed` finds "[typed]", whatever way it asks; who needs the words says `reveal()`, which is easy to find.
"""

from __future__ import annotations

from typing import Final

SHOWN: Final = "[typed]"


class Typed:
    """A text that may hold a secret. It has no length and no order: a hash of it by mistake fails, loudly.

    >>> f"{Typed('1*123456'):>10} {Typed('123456')!r}"
    '[typed] [typed]'
    >>> Typed("1").reveal()
    '1'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return SHOWN

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (SHOWN,)  # a copy or a pickle goes where nobody looks after it

    def __getstate__(self) -> str:
        return SHOWN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Typed) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
