"""Words people text, into commands: in any order, spacing, case and script, and near enough in spelling.

Three sieves, each coarser: words as listed; words of the same sound, as romanised Lao has no one spelling; words
that look alike. Only the first is sure. Who is not understood is shown what she may have meant, never acted for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple

from gateway.text.lao import ascii_digits, fold
from gateway.text.syllables import SIGN

MAX_READ: Final = 160  # characters: one SMS (3GPP TS 23.038). Whoever writes more tells a story
MAX_WORDS: Final = 8  # of a sentence, that are compared one by one
OFFERED: Final = 4  # commands: as many lines as fit one page in Lao script
MIN_LETTERS: Final = 4  # shorter words are listed in full, or not known
ALIKE: Final = 0.85  # measured with 108 other words: one was taken for a command, and three at 0.80
RESEMBLING: Final = 0.6  # difflib's own measure of a good match: enough to be offered
MAX_GIST, MAX_GIST_WORDS = 24, 3  # a new spelling is short; what is longer may say who wrote it

_LAO = "\u0e81-\u0eae\u0eb0-\u0ec4\u0ec8-\u0ece\u0edc-\u0edf"  # letters and signs, without ໆ, ຯ and digits
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ACCENT = re.compile("[\u0300-\u036f'’`ໆ]")  # also the apostrophe of don't, and ໆ, which says a word twice
_DIGIT_FOR_LETTER = re.compile("(?<=[a-z])[01](?=[a-z])")
_RUN = re.compile(rf"[a-z]+|[{_LAO}]+|\?|[^\W\d_]+")
_BESIDE = re.compile("[0-9?]")  # a number or a question: perhaps about the command, not the command itself
_GIST = re.compile(rf"[a-z]+|[{_LAO}]+")

# What romanised Lao spells in several ways (laoconverter.info, MoH 2020 and the popular spellings beside it).
_SOUNDS = tuple(
    (re.compile(spelling), sound)
    for spelling, sound in (
        ("ch", "j"),
        ("([kpt])h", r"\1"),
        ("ck", "k"),
        ("[xz]", "s"),
        ("ny|nh|gn", "y"),
        ("ou|oo", "u"),
        ("eu|ue|(?:er|ur)(?![aeiou])", "u"),
        ("([ao])r(?![aeiou])", r"\1"),
        ("ae", "e"),
        ("i[ae]", "i"),
        ("(?<=[aeiou])y", "i"),
        ("(?<=[aeiou])h(?![aeiou])", ""),
        ("ຫຼ", "ລ"),
        ("[\u0ec8-\u0ecb]", ""),  # tones
        (r"(.)\1+", r"\1"),
    )
)
# Letters of one sound; in Lao script also long vowels for short ones, and high consonants for low ones.
_SAME_SOUND = str.maketrans("bdvrຄຊທພຟຣຮໄຍຽໜໝີືູັະ", "ptwlຂສຖຜຝລຫໃຢຢນມິຶຸາາ")

Commands = dict[str, tuple[str, ...]]  # by a word or a sound, in the order of the table


class Understood(NamedTuple):
    """What a text asks for.

    `sure`: in words as they are listed, without a digit or a question mark. Otherwise `command` is a guess or
    None; a guess with an effect needs a yes, and `likely` has up to four commands, the likeliest first.
    """

    command: str | None
    sure: bool
    likely: tuple[str, ...]


class Grammar:
    """The commands of an installation and their words.

    `words`: command -> language -> words parted by commas, first the one to show. A word of two commands stands
    for neither and leads to both. `polite`: what may stand beside a command and changes nothing. `refusals`: what
    turns it into its contrary. The puzzled are offered commands in the order of the table.
    """

    def __init__(self, words: Mapping[str, Mapping[str, str]], *, polite: str = "", refusals: str = "") -> None:
        self._words = words
        listed = [
            (command, word) for command, by in words.items() for line in by.values() for word in _listed(line)
        ]
        self._polite = frozenset(_listed(polite))
        self._refusals = frozenset(_listed(refusals))
        self._lao = _any_of(
            {*self._polite, *self._refusals, *(part for _, word in listed for part in word.split())}
        )
        self._named: Commands = {}
        self._sounding: Commands = {}
        for command, word in listed:
            parts = self._parts(word)
            _enter(self._named, _together(parts), command)
            _enter(self._named, _in_any_order(parts), command)
            _enter(self._sounding, _sound(_together(parts)), command)
        self._long = [sound for sound in self._sounding if len(sound) >= MIN_LETTERS]

    def shown(self, command: str, language: str) -> str:
        """The word that a screen names for a command; KeyError when the table has no such entry."""
        return self._words[command][language].split(",")[0].strip()

    def understand(self, text: str) -> Understood:
        """Read one text message. Raises nothing; the work is bounded, whatever is in it."""
        text = text.strip()
        plain = _plain(text[:MAX_READ])
        words = self._parts(_DIGIT_FOR_LETTER.sub(lambda found: "ol"[int(found[0])], plain))
        asked = [word for word in words if word not in self._polite]
        meant = self._meant(words) or self._meant(asked)
        sure = bool(meant) and not _BESIDE.search(plain)
        if not meant and self._refusals.isdisjoint(asked[:-1]):  # in the last place, ບໍ່ only asks
            meant = self._alike(_together(asked))
        command = meant[0] if len(meant) == 1 and len(text) <= MAX_READ else None
        if command and sure:
            return Understood(command, True, ())
        likely = dict.fromkeys((*meant, *self._mentioned(asked), *self._words))
        return Understood(command, False, tuple(likely)[:OFFERED])

    def _parts(self, plain: str) -> list[str]:
        """The words of a text; unspaced Lao is cut at the words of the table, for every other word is unknown."""
        return [part for run in _RUN.findall(plain) for part in self._lao.split(run) if part]

    def _meant(self, words: Sequence[str]) -> tuple[str, ...]:
        """What the words, all of them, are listed for: as one, in another order, or each of them by itself."""
        listed = self._named.get(_together(words)) or self._named.get(_in_any_order(words))
        if listed or not words:
            return listed or ()
        each = [self._named.get(word, ()) for word in words]
        return tuple(command for command in each[0] if all(command in others for others in each))

    def _alike(self, word: str) -> tuple[str, ...]:
        """What sounds like a word, or else looks like its sound."""
        if len(word) < MIN_LETTERS:
            return ()
        sound = _sound(word)
        return self._sounding.get(sound) or tuple(dict.fromkeys(self._looking(sound, ALIKE)))

    def _looking(self, sound: str, likeness: float) -> Iterator[str]:
        if len(sound) >= MIN_LETTERS:
            for close in get_close_matches(sound, self._long, OFFERED, likeness):
                yield from self._sounding[close]

    def _mentioned(self, words: Sequence[str]) -> Iterator[str]:
        """Commands that a sentence mentions, or seems to, the likelier earlier."""
        for length in (3, 2, 1):
            for start in range(len(words) - length + 1):
                yield from self._meant(words[start : start + length])
        sounds = [_sound(word) for word in (_together(words), *words[:MAX_WORDS])]
        for likeness in (ALIKE, RESEMBLING):
            for sound in sounds:
                yield from self._looking(sound, likeness)


def gist(text: str) -> str:
    """A text that was not understood, as a word to count and never more: letters, at most MAX_GIST of them.

    Empty for what is long enough to be a sentence. What holds a digit, such as a phone, a date or an address, is
    left out whole. A name is letters too: count only what several phones have sent.
    """
    if len(text.strip()) > MAX_READ:
        return ""
    chunks = (chunk.strip(".,:;!?*#\"'()-") for chunk in _plain(text).split())
    words = [chunk for chunk in chunks if _GIST.fullmatch(chunk)]
    said = " ".join(words)
    return said if len(words) <= MAX_GIST_WORDS and len(said) <= MAX_GIST else ""


def _plain(text: str) -> str:
    """A text in lower case, canonical Lao and ASCII digits, without accents."""
    bare = _ACCENT.sub("", unicodedata.normalize("NFD", text.translate(_FULL_WIDTH).lower()))
    return ascii_digits(fold(bare))


def _listed(line: str) -> list[str]:
    return [word for word in map(str.strip, _plain(line).split(",")) if word]


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the Lao words, the longest first, but not within the clusters of another."""
    lao = sorted((word for word in words if re.fullmatch(f"[{_LAO}]+", word)), key=len, reverse=True)
    return re.compile(rf"((?<![ເ-ໄ])(?:{'|'.join(lao) or '(?!)'})(?![{SIGN}]))")


def _enter(commands: Commands, key: str, command: str) -> None:
    commands[key] = tuple(dict.fromkeys((*commands.get(key, ()), command)))


def _together(words: Sequence[str]) -> str:
    return "".join(words)


def _in_any_order(words: Sequence[str]) -> str:
    return " ".join(sorted(words))


def _sound(word: str) -> str:
    """What is left of a spelling when everything is made equal that ears do not tell apart, or writers do not."""
    for spelling, sound in _SOUNDS:
        word = spelling.sub(sound, word)
    return word.translate(_SAME_SOUND)
