"""One line of an import: every cell read and checked. Reasons never repeat what a cell holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from gateway.registry.bulk import Row
from gateway.registry.port import Posting
from gateway.registry.tables import CODES, KIP_MAX, NAME_MAX, NUMBER_MAX
from gateway.text.lao import ascii_digits, normalise
from gateway.text.reading import read_code, read_date, read_kip, read_month
from gateway.text.values import Month

COLUMNS: Final = {
    "number": "social-security number, digits",
    "name_lo": "the member's name in Lao letters; may be empty if name_latin is not",
    "name_latin": "the member's name in Latin letters; may be empty if name_lo is not",
    "birth_date": "1990-05-17 or 17/05/1990, Christian era",
    "phone": "the registered phone, such as 020 2000 0001; empty for none",
    "employer_code": "5 + 2 digits of form 2-01, such as 12345-01",
    "employer_name": "in Lao or Latin letters",
    "month": "the month worked: 2026-10 or 10/2026",
    "insured_earnings": "whole kip",
    "due": "whole kip, employer's and member's share together",
    "paid": "whole kip on the member's record; 0 until posted",
    "posted_on": "day of posting; empty until posted",
    "status": "assessed, received, unmatched or posted",
}
NUMBER_MIN: Final = 6  # digits; the number's real format is unknown, shorter ones could be guessed
REMEMBERED: Final = 10_000  # cells read lately: one member's lines repeat her name, date and phone
HOME: Final = "LA"  # phones without a country code are Lao
MOBILE: Final = "20"  # what 8 bare digits lack, unless they are a fixed line's
BARE_DIGITS: Final = 8

_LAO = re.compile("[\u0e80-\u0eff]")


def read_line(cells: Mapping[str, str], today: date) -> tuple[Row, list[str]]:
    """The values of a line in the order of `load.lines` without its number, and what is wrong with it.

    With anything wrong the values are of no use.
    """
    values: dict[str, Any] = {}
    reasons: list[str] = []
    for column, read in _READERS.items():
        try:
            values[column] = read(cells[column])
        except ValueError as problem:
            reasons.append(f"{column}: {problem}")
    if not reasons:
        reasons = list(_together(values, today))
    if reasons:
        return (), reasons
    employer = values["employer_name"]
    lao = _LAO.search(employer) is not None
    return (
        values["number"],
        values["name_lo"],
        values["name_latin"],
        values["birth_date"].isoformat(),
        values["phone"],
        values["employer_code"],
        employer if lao else "",
        "" if lao else employer,
        values["month"].index,
        values["insured_earnings"],
        values["due"],
        values["paid"],
        values["posted_on"] and values["posted_on"].isoformat(),
        CODES[values["status"]],
    ), []


def read_phone(text: str) -> str:
    """A phone number in E.164; without a country code it is Lao, and 8 bare digits may be a mobile's."""
    digits = ascii_digits(normalise(text))
    candidates = [digits]
    if len(re.sub(r"\D", "", digits)) == BARE_DIGITS:
        candidates.append(MOBILE + digits)
    for candidate in candidates:
        try:
            number = phonenumbers.parse(candidate, HOME)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    raise ValueError("not a phone number")


def _together(values: Mapping[str, Any], today: date) -> list[str]:
    """What is wrong between the cells, each being readable."""
    posted = values["status"] is Posting.POSTED
    wrong = {
        "name_lo: empty, and so is name_latin": not (values["name_lo"] or values["name_latin"]),
        "birth_date: after today": values["birth_date"] > today,
        "month: after this month": values["month"] > Month.of(today),
        "paid: must be 0 until the status is posted": values["paid"] and not posted,
        "posted_on: must be empty until the status is posted": values["posted_on"] and not posted,
        "posted_on: after today": values["posted_on"] and values["posted_on"] > today,
    }
    return [reason for reason, is_so in wrong.items() if is_so]


def read_member(text: str) -> str:
    """A social-security number as the register has it: digits only."""
    digits = re.sub(r"[ .-]", "", ascii_digits(normalise(text)))
    if not (digits.isdecimal() and NUMBER_MIN <= len(digits) <= NUMBER_MAX):
        raise ValueError(f"not {NUMBER_MIN} to {NUMBER_MAX} digits")
    return digits


def _name(text: str) -> str:
    name = " ".join(normalise(text).split())
    if len(name) > NAME_MAX:
        raise ValueError(f"longer than {NAME_MAX} characters")
    if not name.isprintable():
        raise ValueError("has characters that cannot be shown")
    return name


def _employer_name(text: str) -> str:
    name = _name(text)
    if not name:
        raise ValueError("empty")
    return name


def read_amount(text: str) -> int:
    """Whole kip of one member's month, not more than the register holds."""
    amount = int(read_kip(text))
    if amount > KIP_MAX:
        raise ValueError(f"more than {KIP_MAX} kip in a month")
    return amount


def _status(text: str) -> Posting:
    try:
        return Posting(text.lower())
    except ValueError:
        raise ValueError(f"not one of {', '.join(Posting)}") from None


def _or_none(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: read(text) if text else None


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    column: lru_cache(REMEMBERED)(read)
    for column, read in {
        "number": read_member,
        "name_lo": _name,
        "name_latin": _name,
        "birth_date": read_date,
        "phone": _or_none(read_phone),
        "employer_code": read_code,
        "employer_name": _employer_name,
        "month": read_month,
        "insured_earnings": read_amount,
        "due": read_amount,
        "paid": read_amount,
        "posted_on": _or_none(read_date),
        "status": _status,
    }.items()
}
