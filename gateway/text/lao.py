"""Lao script: one spelling for every word, digits, clusters, and where a line may end.

Lao puts no spaces between words and stacks signs on a consonant, so one picture can be typed in several
orders. Nothing here uses NFKC: it takes ຳ ໜ ໝ apart, and ICU then breaks inside syllables.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate, chain, pairwise

from icu4py.breakers import CharacterBreaker, LineBreaker

from gateway.text.syllables import CONSONANT, SIGN, meetings

# Distinct Lao stretches of the catalogues and a province's names; at about 0.4 kB each, under 2 MB.
REMEMBERED_RUNS = 4096

# Zero-width spaces and joiners, byte order mark, soft hyphen: invisible, yet each costs a unit.
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")

# The order of signs on one consonant: ຼ, vowels above and below, tone, silencer, then ະ າ ຳ.
_RANK = dict.fromkeys("\u0ec8\u0ec9\u0eca\u0ecb", 2) | dict.fromkeys("\u0ecc\u0ece", 3)
_RANK |= dict.fromkeys("\u0eb0\u0eb2\u0eb3", 4) | {"\u0ebc": 0}
_RANK_OF_VOWELS = 1

_SIGNS = re.compile(f"(?<=[{CONSONANT}])[{SIGN}]{{2,}}")
_DOUBLED_LEFT_VOWEL = re.compile("([\u0ec1-\u0ec4])\\1+")
# ຫນ and ຫມ stand for one letter, but not in ໂຫນ or ໂຫມ: with no sign of its own, ນ or ມ ends the syllable.
_DIGRAPH = re.compile(f"(?<![\u0ec0-\u0ec2])ຫ[ນມ]|ຫ[ນມ](?=[{SIGN}\u0ebd])")
_LETTER = {"ຫນ": "ໜ", "ຫມ": "ໝ"}

# A break may follow spaces, but never NBSP, and never comes before a sign, ໆ, ຯ or closing punctuation.
_GAP = re.compile(rf"[ \t\r\n]++(?![{SIGN}ໆຯ.,:;!?%/)\]}}»’”]|\Z)")
_LAO_RUN = re.compile("[\u0e80-\u0ecf\u0edc-\u0eff]+")  # no digits: a number never needs the dictionary


def normalise(text: str) -> str:
    """The canonical spelling of `text`: NFC, Lao signs in one order, each once, and nothing invisible.

    For wording and for whatever is typed. Applying it twice changes nothing. Emoji sequences fall apart,
    as joiners go.
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    text = text.replace("ເເ", "ແ")  # two E look exactly like one EI
    text = _DOUBLED_LEFT_VOWEL.sub(r"\1", text)
    text = _SIGNS.sub(_in_order, text)
    text = _DIGRAPH.sub(lambda found: _LETTER[found[0]], text)
    return unicodedata.normalize("NFC", text)  # a foreign mark among moved signs


def _in_order(found: re.Match[str]) -> str:
    signs = list(found[0])
    if "\u0ecd" in signs and "\u0eb2" in signs:  # ໍ and າ, whatever stands between, are ຳ
        signs = ["\u0eb3" if sign == "\u0eb2" else sign for sign in signs if sign != "\u0ecd"]
    signs.sort(key=lambda sign: _RANK.get(sign, _RANK_OF_VOWELS))
    return "".join(sign for sign, following in pairwise([*signs, ""]) if sign != following)


def fold(text: str) -> str:
    """`normalise`, with the older spelling ຫລ read as ຫຼ: for comparing words, not for showing them."""
    return normalise(_INVISIBLE.sub("", text).replace("ຫລ", "ຫຼ"))


def ascii_digits(text: str) -> str:
    """Turn decimal digits of every script (໑, ๑, １, ١) into 0-9; ② and ² are none, and stay."""
    if text.isascii():
        return text
    return _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)


def clusters(text: str) -> list[str]:
    """The extended grapheme clusters of `text` (Unicode UAX 29), in order; joined, they are `text` again."""
    # ICU refuses lone surrogates; U+FFFD has the same width here and also stands for itself.
    whole = list(CharacterBreaker(_SURROGATE.sub("\ufffd", text), "lo"))
    return [text[start:end] for start, end in pairwise(accumulate(map(len, whole), initial=0))]


def breaks(text: str) -> tuple[int, ...]:
    """Where a line of `text` may end: indices into the string, ascending, with neither 0 nor its length.

    After spaces, and between the words of Lao. A no-break space glues. Other scripts break at spaces only.
    """
    gaps = (gap.end() for gap in _GAP.finditer(text))
    words = (run.start() + end for run in _LAO_RUN.finditer(text) for end in _word_ends(run[0]))
    return tuple(sorted(chain(gaps, words)))


# By run, not by screen: amounts and dates differ with every caller, the words around them do not.
@lru_cache(maxsize=REMEMBERED_RUNS)
def _word_ends(run: str) -> tuple[int, ...]:
    """Where words meet in unspaced Lao: where ICU's dictionary and the script's own structure agree.

    By dictionary alone, ICU 78 cuts ຫຼາຍ|ໆ, ໂຫຼ|ດ (a word it lacks) and ອຸດ|ຫ|ນູນ (for ອຸດໜູນ).
    """
    ends = accumulate(map(len, LineBreaker(run, "lo")))  # its strings: segments() counts in UTF-16
    return tuple(sorted(meetings(run).intersection(ends)))
