"""Which PINs nobody may choose: how many, which known ones, and whose own."""

from __future__ import annotations

from itertools import permutations

import pytest

from gateway.identity.weakness import is_weak

# Markert et al. (IEEE S&P 2020), the ten most used of six digits; then others of their kinds
MOST_USED = (
    *("123456", "654321", "111111", "000000", "123123", "666666", "121212", "112233", "789456", "159753"),
    *("123321", "222222", "999999", "555555", "777777", "987654", "101010", "131313", "456789", "147258"),
)
PATTERNS = {
    "one digit": "444444",
    "a run up": "345678",
    "a run down": "876543",
    "a run over the end": "789012",
    "a run of four at the start": "456792",
    "a run of four in the middle": "723459",
    "a run of four at the end": "726543",
    "steps of two, even": "246810",
    "steps of two, odd": "135791",
    "tens": "102030",
    "ones": "010203",
    "falling pairs": "665544",
    "two digits in turn": "585858",
    "two digits, mixed": "788787",
    "a half twice": "748748",
    "a half mirrored": "748847",
    "pairs": "773388",
    "a pair twice": "747493",
    "a pair at both ends": "749374",
    "three and three alike": "777333",
    "four alike": "390000",
    "keypad rows": "456123",
    "keypad rows, backwards": "987321",
    "keypad columns": "369147",
    "keypad cross": "159357",
    "the column with the nought": "258074",
    "ddmmyy": "310784",
    "mmddyy": "073184",
    "yymmdd": "840731",
    "yyddmm": "843107",
    "the leap day": "290296",
    "a year of birth, and more": "198473",
    "a year of this century, and more": "200873",
    "more, and a year": "731984",
}
STRONG = ("730592", "487306", "863094", "497385", "904837", "640285")

BIRTH, PHONE, NUMBER = "1984-07-31", "+856 20 5559 8374", "9900 4728 61"


@pytest.mark.parametrize("pin", MOST_USED)
def test_the_most_used_are_refused(pin: str) -> None:
    assert is_weak(pin)


@pytest.mark.parametrize("pin", PATTERNS.values(), ids=PATTERNS)
def test_known_patterns_are_refused(pin: str) -> None:
    assert len(PATTERNS) >= 27
    assert is_weak(pin)


@pytest.mark.parametrize("pin", STRONG)
def test_others_may_be_chosen(pin: str) -> None:
    assert not is_weak(pin)
    assert not is_weak(pin, [BIRTH, PHONE, NUMBER])
    assert not is_weak(pin, ["", "-", "123"])


def test_the_blocklist_is_a_tenth_of_all_pins_and_leaves_most() -> None:
    refused = sum(is_weak(f"{number:06}") for number in range(10**6))
    assert 100_000 <= refused <= 200_000


def test_the_parts_of_her_birth_date_in_any_order_are_refused() -> None:
    parts = {"day": "31", "month": "07", "year": "84", "century": "19"}
    for names in permutations(parts, 3):
        pin = "".join(parts[name] for name in names)
        assert is_weak(pin, [BIRTH]), names


@pytest.mark.parametrize("own", [PHONE, NUMBER])
def test_every_piece_of_her_numbers_is_refused(own: str) -> None:
    digits = "".join(filter(str.isdecimal, own))
    pieces = [digits[start : start + 6] for start in range(len(digits) - 5)]
    pieces += [f"{digits[-4:]}60", f"60{digits[-4:]}", f"6{digits[-4:]}0"]
    for pin in pieces:
        assert is_weak(pin, [own]), pin
    assert any(not is_weak(pin) for pin in pieces)  # for strangers they are as good as any
