from __future__ import annotations

import itertools
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.text.lao import ascii_digits, breaks, clusters, fold, normalise
from gateway.text.syllables import meetings
from tests.text.lao_samples import SENTENCES, SYLLABLES, WORDS

LAO = "".join(chr(code) for code in range(0x0E80, 0x0F00) if unicodedata.name(chr(code), ""))
SOUP = st.text(st.sampled_from(LAO + " a1\u200b\u200d\u0301\u0334\xad"), max_size=40)

WAYS_TO_WRITE_AM = ["ນ\u0ecd\u0ec9\u0eb2", "ນ\u0ec9\u0ecd\u0eb2", "ນ\u0eb3\u0ec9", "ນ\u0ec9\u0eb3"]


def show(text: str) -> str:
    """The text with its breaks as | and its no-break spaces as ~."""
    cuts = (0, *breaks(text), len(text))
    return "|".join(text[start:end] for start, end in itertools.pairwise(cuts)).replace("\u00a0", "~")


@pytest.mark.parametrize("written", WAYS_TO_WRITE_AM)
def test_water_has_one_spelling(written: str) -> None:
    assert normalise(written) == "ນ\u0ec9\u0eb3"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("ສ\u0ecd\u0eb2ລັບ", "ສຳລັບ"),  # nikhahit and aa
        ("ທ\u0ec8\u0eb5", "ທີ່"),  # tone typed before the vowel
        ("ຜ\u0ec9\u0eb9", "ຜູ້"),  # the same, which NFC alone puts right
        ("ວ\u0eb2\u0ec8", "ວ່າ"),  # tone typed after the vowel
        ("ຫ\u0ec9\u0ebcາ", "ຫຼ້າ"),
        ("ເເຮງງານ", "ແຮງງານ"),  # two E for EI
        ("ແແລະ", "ແລະ"),
        ("ທີີ່່", "ທີ່"),  # a key held too long
        ("ຈຳຳນວນ", "ຈຳນວນ"),
        ("ອຸດຫນູນ", "ອຸດໜູນ"),
        ("ເລກຫມາຍ", "ເລກໝາຍ"),
        ("ໃບແຈ້ງຫນີ້", "ໃບແຈ້ງໜີ້"),
        ("ເຫມືອນ", "ເໝືອນ"),
        ("ແຫນ້ນ", "ແໜ້ນ"),
        ("ໃຫມ່", "ໃໝ່"),
        ("ໂຫນ", "ໂຫນ"),  # here the second letter closes the syllable
        ("ໂຫມໂຮງ", "ໂຫມໂຮງ"),
        ("ບໍ່\u200bແມ່ນ\u2060\u200c\u200d\ufeff\xad", "ບໍ່ແມ່ນ"),
        ("e\u0301", "é"),
        ("ຫລາຍ", "ຫລາຍ"),  # an older spelling, not a mistake
        ("ຈຳນວນ ໜ ໝ ຳ", "ຈຳນວນ ໜ ໝ ຳ"),  # whole, as NFKC would not leave them
    ],
)
def test_normalise(written: str, canonical: str) -> None:
    assert normalise(written) == canonical


@pytest.mark.parametrize("text", [*WORDS, *(sentence.replace("|", "") for sentence in SENTENCES)])
def test_good_spelling_is_left_alone(text: str) -> None:
    assert normalise(text) == text


@settings(max_examples=500)
@given(SOUP | st.text())
@example("ກາ\u0301ໍ່")
@example("ກ\u0ec9\u0eb5\u0334")
def test_normalise_is_idempotent_and_composed(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_normalise_leaves_ascii_alone(text: str) -> None:
    assert normalise(text) == text == ascii_digits(text)


@pytest.mark.parametrize(
    ("left", "right"), [("ຫລາຍ", "ຫຼາຍ"), ("ຊ່ວຍເຫລືອ", "ຊ່ວຍເຫຼືອ"), ("ຫ\u200bລື", "ຫຼື"), ("ຫລ້າ", "ຫຼ້າ")]
)
def test_fold_makes_old_and_new_spelling_equal(left: str, right: str) -> None:
    assert fold(left) == fold(right) == right


def test_digits_of_every_script_and_nothing_else() -> None:
    for code in range(sys.maxunicode + 1):
        digit = unicodedata.decimal(chr(code), None)
        assert ascii_digits(chr(code)) == (chr(code) if digit is None else str(digit))
    assert ascii_digits("ປີ ໒໐໒໖, １② ²") == "ປີ 2026, 1② ²"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ນ້ຳໃຈ", ["ນ້ຳ", "ໃ", "ຈ"]),
        ("ຫຼ້າ", ["ຫຼ້", "າ"]),
        ("a👨‍👩‍👧🇱🇦👍🏽", ["a", "👨‍👩‍👧", "🇱🇦", "👍🏽"]),
        ("\r\n", ["\r\n"]),
        ("", []),
        ("a\ud83d\0ກ\udc00", ["a", "\ud83d", "\0", "ກ", "\udc00"]),
    ],
)
def test_clusters(text: str, parts: list[str]) -> None:
    assert clusters(text) == parts


@given(st.text(st.characters()) | SOUP)
def test_clusters_join_to_the_text_and_keep_marks_with_their_letter(text: str) -> None:
    parts = clusters(text)
    assert "".join(parts) == text
    torn = [after for before, after in itertools.pairwise(parts) if before[-1].isalnum() and is_mark(after[0])]
    assert torn == []


def is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


@pytest.mark.parametrize("marked", SENTENCES)
def test_breaks_of_real_sentences(marked: str) -> None:
    assert show(marked.replace("|", "").replace("~", "\u00a0")) == marked


@pytest.mark.parametrize("marked", ["ອຸດ|ຫນູນ", "ໂຫຼດ", "ຫຼາຍໆ", "ຈຳນວນ |9~ເດືອນ", "ກວດ|ຄືນ", "ອປຊ", "ຄຳ|ຖາມ ໆ"])
def test_breaks_icu_alone_gets_wrong(marked: str) -> None:
    assert show(marked.replace("|", "").replace("~", "\u00a0")) == marked


@pytest.mark.parametrize("word", SYLLABLES)
def test_syllables(word: str) -> None:
    ends = set(itertools.accumulate(map(len, word.split("-"))))
    text = word.replace("-", "")
    assert meetings(text) == ends - {len(text)}


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(SYLLABLES), min_size=2, max_size=8))
def test_no_break_inside_a_syllable_however_words_meet(words: list[str]) -> None:
    ends = set(itertools.accumulate(len(syllable) for word in words for syllable in word.split("-")))
    text = "".join(words).replace("-", "")
    assert meetings(text) <= ends
    assert set(breaks(text)) <= ends - {len(text)}


@given(st.text(st.characters()) | SOUP)
def test_breaks_of_any_text_are_inner_ascending_and_outside_clusters(text: str) -> None:
    found = breaks(text)
    assert list(found) == sorted(set(found))
    inside = set(range(len(text) + 1)) - set(itertools.accumulate(map(len, clusters(text))))
    assert not any(cut in inside and not text[cut - 1].isspace() for cut in found)
    assert not any(cut == len(text) or text[cut] in "ໆຯ.,:;!?%/)" or text[cut - 1] == "\u00a0" for cut in found)
