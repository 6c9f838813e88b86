"""Where Lao syllables begin and end, read off the structure of the script: no dictionary, so no gaps in it.

A syllable is an onset, vowel signs around it, a tone on it and perhaps a closing consonant. Only the last is
hard: a consonant closes a syllable unless it carries the vowel of the next one, which a look-ahead tells.
"""

from __future__ import annotations

import re

CONSONANT = "\u0e81-\u0eae\u0edc-\u0edf"
SIGN = "\u0eb0-\u0ebc\u0ec8-\u0ece"  # whatever needs a consonant to its left

_CARRIES = f"[{SIGN}ຽ]"
_TONE = "[\u0ec8-\u0ecb]?"
# ກ ງ ຍ ດ ນ ບ ມ ວ close Lao syllables, the others only loan words. ອ and ວ before one of them may be a vowel.
_CLOSING = "[ກງຍດນບມວຊຕຟຣລສ]"
_CLOSE = f"{_CLOSING}(?!{_CARRIES}|[ວອ]{_CLOSING}(?!{_CARRIES}))\u0ecc?"
# Two letters can begin a syllable: ຫ with a soft consonant (ຫຼາຍ, older ຫລາຍ; ຫນູ for ໜູ), or ວ after a hard one.
_ONSET = f"(?:ຫ[ງຍຣລວນມ](?={_CARRIES}|[ວອ]{_CLOSING})|[{CONSONANT}]ຼ?)"
_ONSET_W = f"(?:[ກຂຄງຈຖທສ]ວ(?={_CARRIES})|{_ONSET})"

_RHYMES = (
    f"[ເແໂ]{_ONSET}{_TONE}ະ",  # ແລະ
    f"ເ{_ONSET}{_TONE}າະ",  # ເພາະ
    f"ເ{_ONSET}ົ{_TONE}າ",  # ເຂົ້າ
    f"ເ{_ONSET}[ຶື]{_TONE}ອ(?:{_CLOSE})?",  # ເດືອນ
    f"ເ{_ONSET}ັ?{_TONE}(?:ຽ(?:{_CLOSE})?|ຍ(?!{_CARRIES}))",  # ເສຍ
    f"ເ{_ONSET}[ິີ]{_TONE}(?:{_CLOSE})?",  # ເງິນ
    f"ແ[{CONSONANT}]ວ{_TONE}ງ(?!{_CARRIES})",  # ແຂວງ
    f"[ເແໂ]{_ONSET}ັ?{_TONE}(?:{_CLOSE})?",  # ແຫ່ງ, ໂຫຼດ
    f"[ໃໄ]{_ONSET}{_TONE}",  # ໃຈ
    f"{_ONSET}[ັົ]{_TONE}ວະ?",  # ຫົວ
    f"{_ONSET_W}[ັົ]{_TONE}{_CLOSE}",  # ຮັບ
    f"{_ONSET_W}[ິ-ູ]{_TONE}(?:{_CLOSE})?",  # ກີບ
    f"{_ONSET_W}{_TONE}(?:ະ|ຳ|າ(?:{_CLOSE})?)",  # ຄວາມ, ນ້ຳ
    f"{_ONSET}ໍ{_TONE}",  # ບໍ່
    f"{_ONSET}ັ?{_TONE}[ອວຽ]{_CLOSE}",  # ຂອງ, ກວດ, ວຽງ
)
_SYLLABLE = re.compile(f"(?:{'|'.join(_RHYMES)})[ໆຯ]?")


def meetings(text: str) -> set[int]:
    """The indices where one whole syllable ends and another begins; nothing is said of what is no syllable."""
    spans = [found.span() for found in _SYLLABLE.finditer(text)]
    return {start for start, _ in spans} & {end for _, end in spans}
