from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.alphabet import (
    BASIC,
    EXTENSION,
    NBSP,
    SMS_PART,
    USSD,
    USSD_MAX,
    Budget,
    is_gsm7,
    segments,
    sendable,
    units,
)

BROKEN = ["\ud800", "\udfff", "a\udc80b", "\ud83d" * 80, "\0", "a\0" * 90, "ກ\ud83d\0" * 40]


def test_the_tables_have_the_size_the_standard_gives_them() -> None:
    assert len(BASIC) == len(set(BASIC)) == 127  # 128 codes, one of them ESC
    assert len(EXTENSION) == len(set(EXTENSION)) == 10
    assert not set(BASIC) & set(EXTENSION)


@pytest.mark.parametrize("text", ["", "LSSO: 287,500 kip", "¿Qué?", "[a] {b} ~^|\\ €5", "line\nline\r\n", "Ω"])
def test_gsm7(text: str) -> None:
    assert is_gsm7(text)


@pytest.mark.parametrize("text", ["₭", "`", "’", "–", "…", "•", "о", "\t", "\x1b", NBSP, "ç", "ກ", "kip ກ", "\0"])
def test_one_strange_character_leaves_gsm7(text: str) -> None:
    assert not is_gsm7(text)
    assert not is_gsm7(f"{BASIC}{text}")


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("abc", 3), ("{}", 4), ("€1", 3), ("\f", 2), ("ກ", 1), ("ນ້ຳ", 3), ("{ກ", 2), ("😀", 2), ("😀a", 3)],
)
def test_units(text: str, count: int) -> None:
    assert units(text) == count


@given(st.text(st.sampled_from(BASIC + EXTENSION)))
def test_septets_are_counted_one_by_one(text: str) -> None:
    assert units(text) == sum(2 if char in EXTENSION else 1 for char in text)


@given(st.text(), st.sampled_from("ກ`😀"))
def test_outside_gsm7_a_unit_is_two_octets_of_utf_16(text: str, foreign: str) -> None:
    assert 2 * units(text + foreign) == len((text + foreign).encode("utf-16-be"))


@pytest.mark.parametrize("text", BROKEN)
def test_broken_text_is_counted_not_refused(text: str) -> None:
    assert not is_gsm7(text)
    assert units(text) == len(text)
    assert segments(text).parts == (1 if len(text) <= 70 else -(-len(text) // SMS_PART["UCS-2"]))


@pytest.mark.parametrize(
    ("budget", "text", "fits"),
    [
        (USSD, "a" * 160, True),
        (USSD, "a" * 161, False),
        (USSD, "a" * 158 + "{", True),
        (USSD, "a" * 159 + "{", False),
        (USSD, "ກ" * 70, True),
        (USSD, "ກ" * 71, False),
        (USSD, "a" * 70 + "ກ", False),
        (USSD_MAX, "a" * 182, True),
        (USSD_MAX, "a" * 183, False),
        (USSD_MAX, "ກ" * 80, True),
        (USSD_MAX, "ກ" * 79 + "😀", False),
        (Budget(160, 0), "ກ", False),
        (Budget(160, 0), "a", True),
    ],
)
def test_a_budget_counts_in_the_alphabet_of_the_text(budget: Budget, text: str, fits: bool) -> None:
    assert budget.fits(text) is fits
    assert budget.limit(text) == (budget.gsm7 if is_gsm7(text) else budget.ucs2)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 152 + "{" + "b" * 152, 3),  # the escape pair moves on
        ("ກ" * 70, 1),
        ("ກ" * 71, 2),
        ("ກ" * 66 + "😀" + "ກ" * 66, 3),  # so does a surrogate pair
        ("ກ" * 66 + "ນ້ຳ" + "ກ" * 65, 3),  # and a cluster
        ("ກ" + "\u0301" * 200, 3),  # a cluster no part can hold
    ],
)
def test_parts(text: str, parts: int) -> None:
    assert segments(text).parts == parts


@given(st.text(st.sampled_from("aé{€ກນ້ຳ😀\u0301\r\n")))
def test_parts_are_enough_and_never_wasteful(text: str) -> None:
    found = segments(text)
    assert found.units == units(text)
    room = SMS_PART[found.alphabet]
    assert found.parts * room >= found.units or found.parts == 1
    # two neighbouring parts hold more than one part's room, or they would be one
    assert found.parts == 1 or (found.parts // 2) * room < found.units


def test_wording_is_sent_with_plain_spaces() -> None:
    assert sendable(f"9{NBSP}kip") == "9 kip"
    assert is_gsm7(sendable(f"9{NBSP}kip"))
