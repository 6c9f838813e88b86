"""How much room a text takes on the radio path: GSM-7 septets or UTF-16 code units.

Lao script exists in no GSM-7 table and in none of the national shift tables, so one Lao letter
moves a whole message to UCS-2 and more than halves its room (3GPP TS 23.038, 6.2.1 and annex A).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from gateway.text.lao import clusters

Alphabet = Literal["GSM-7", "UCS-2"]

# 3GPP TS 23.038, 6.2.1: the default alphabet, in the order of its code points, without ESC (0x1B).
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038, 6.2.1.1: each is sent as ESC and one more septet.
EXTENSION = "\f^{}\\[~]|€"

# In wording, NBSP keeps a number and its unit together. GSM-7 lacks it, so it is never sent.
NBSP = "\u00a0"

# An SMS carries 140 octets; the header that joins parts takes six of them (3GPP TS 23.040, 9.2.3.24.1).
SMS_ALONE = {"GSM-7": 160, "UCS-2": 70}
SMS_PART = {"GSM-7": 153, "UCS-2": 67}

# Every hop measures its screen several times; one pass of the regex engine takes about a microsecond.
_NOT_BASIC = re.compile(f"[^{re.escape(BASIC)}]")
_FOREIGN = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")


def is_gsm7(text: str) -> bool:
    """Whether every character can be sent in GSM-7, extension characters included."""
    return _FOREIGN.search(text) is None


def basic(text: str) -> str:
    """The text in one-septet letters: marks above letters are dropped, and so is what has no such letter.

    >>> basic("Café Ltd. [1] ກ")
    'Café Ltd. 1 '
    """
    plain = (letter if letter in BASIC else normalize("NFD", letter)[0] for letter in text)
    return "".join(letter for letter in plain if letter in BASIC)


def units(text: str) -> int:
    """The length of `text` as it is sent: septets if it is pure GSM-7, else UTF-16 code units."""
    if _NOT_BASIC.search(text) is None:
        return len(text)
    return len(text) + len(_EXTENDED.findall(text)) if is_gsm7(text) else _code_units(text)


def _code_units(text: str) -> int:
    # surrogatepass: a lone surrogate from a broken client counts as the one unit it is.
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def sendable(text: str) -> str:
    """Wording as it is sent: with plain spaces, of the same length."""
    return text.replace(NBSP, " ")


@dataclass(frozen=True, slots=True)
class Budget:
    """The room of one screen or message: `gsm7` septets or `ucs2` UTF-16 code units."""

    gsm7: int
    ucs2: int

    def limit(self, text: str) -> int:
        """The room there is for `text`, in the unit that `units` counts it in."""
        return self.gsm7 if is_gsm7(text) else self.ucs2

    def fits(self, text: str) -> bool:
        return units(text) <= self.limit(text)


# A USSD string is at most 160 octets (3GPP TS 24.080, annex A), which is 182 septets (TS 23.038, 6.1.2.3).
USSD_MAX = Budget(gsm7=182, ucs2=80)
# Operators often cut shorter than the standard; what an SMS holds passes everywhere we know of.
USSD = Budget(gsm7=160, ucs2=70)
# What one answer by SMS may cost: three joined parts.
SMS = Budget(gsm7=3 * SMS_PART["GSM-7"], ucs2=3 * SMS_PART["UCS-2"])


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs as SMS: `units` in its `alphabet`, sent in `parts` messages."""

    alphabet: Alphabet
    units: int
    parts: int

    @property
    def room(self) -> int:
        """The units that so many parts hold."""
        return SMS_ALONE[self.alphabet] if self.parts == 1 else self.parts * SMS_PART[self.alphabet]


def segments(text: str) -> Segments:
    """Count the SMS parts of `text`; no part ends inside an escape pair, a surrogate pair or a cluster.

    Whole clusters keep a part readable where a handset fails to join it, and Twilio bills so. An empty
    text is one part.
    """
    alphabet: Alphabet = "GSM-7" if is_gsm7(text) else "UCS-2"
    total = units(text)
    if total <= SMS_ALONE[alphabet]:
        return Segments(alphabet, total, parts=1)
    room = free = SMS_PART[alphabet]
    parts = 1
    for size in map(units, text) if alphabet == "GSM-7" else _cluster_sizes(text, room):
        if size > free:
            parts, free = parts + 1, room
        free -= size
    return Segments(alphabet, total, parts)


def _cluster_sizes(text: str, room: int) -> Iterator[int]:
    """Code units of each cluster, or of its characters where it is CR LF or exceeds a whole part."""
    for cluster in clusters(text):
        size = _code_units(cluster)
        if cluster == "\r\n" or size > room:
            yield from map(_code_units, cluster)
        else:
            yield size
