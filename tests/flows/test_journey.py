"""A worker dials and sees whether her employer paid: the whole journey, in every language, on every screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from gateway.registry.port import Posting
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import Clock
from tests.register import Register, paid

Handset = Callable[..., Phone]

NOY = "+8562020000001"
SUMMARY = "%(paid)s of the last 12 months are paid. Last paid: %(last)s."


def with_gaps() -> dict[Month, Posting | str]:
    """Two years, with every reason a month can be missing for on 23 November 2026."""
    return paid(
        Month(2024, 11),
        Month(2026, 9),
        {
            Month(2025, 12): "partial",
            Month(2026, 2): Posting.ASSESSED,
            Month(2026, 6): Posting.UNMATCHED,
            Month(2026, 8): Posting.RECEIVED,
            Month(2026, 9): Posting.ASSESSED,
            Month(2026, 10): Posting.ASSESSED,
        },
    )


def test_first_call_asks_the_language_once_and_remembers_it(phone: Handset, register: Register) -> None:
    register.member(1, NOY, with_gaps())
    noy = phone(NOY).dial()
    assert noy.screen == "1 Lao ABC\n2 English\n3 ລາວ"
    noy.says("2")
    menu = "Social security\n1 My contributions\n2 Right to treatment\n3 Help\n4 Settings\n5 Employers"
    assert noy.screen == menu
    assert noy.dial().screen.startswith("Social security")


def test_within_three_steps_she_knows(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, with_gaps())
    noy = phone(NOY, language)  # dialled and chose the language: the first two steps
    noy.says("1").sees(SUMMARY, paid=6, last="07/2026")


@pytest.mark.parametrize(
    ("month", "why", "advice"),
    [
        ("10/2026", "not due yet", "Your employer still has time to pay. Look again next month."),
        ("09/2026", "late", "The due day has passed. Ask your employer to pay now."),
        ("08/2026", "being posted", "LSSO has the money and is posting it. Look again in a few days."),
        (
            "06/2026",
            "name or number unmatched",
            "Money came under a name or number that does not fit. Show LSSO your card.",
        ),
        (
            "02/2026",
            "not paid",
            "Ask your employer for the receipt of this month. No answer? Call LSSO.",
        ),
        (
            "12/2025",
            "part paid",
            "Only a part was paid. Ask your employer to correct it on the next form 2-01.",
        ),
    ],
)
def test_each_missing_month_says_why_and_what_to_do(
    phone: Handset, register: Register, language: str, month: str, why: str, advice: str
) -> None:
    register.member(1, NOY, with_gaps())
    noy = phone(NOY, language).says("1", "1")
    noy.sees("%(gaps)s of the last 12 months are not on your record. Choose one:", gaps=6)
    order = ["10/2026", "09/2026", "08/2026", "06/2026", "02/2026", "12/2025"]
    number = str(order.index(month) + 1)
    assert f"{number} {month} {noy.spoken(why)}" in noy.reading()
    noy.says(number).sees(
        "%(month)s: %(why)s. %(advice)s Hotline %(hotline)s.",
        month=month,
        why=noy.spoken(why),
        advice=noy.spoken(advice),
        hotline="1508",
    )
    noy.says("0").sees("%(gaps)s of the last 12 months are not on your record. Choose one:", gaps=6)


def test_month_by_month_by_year(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, with_gaps())
    noy = phone(NOY, language).says("1", "2").sees("Months paid each year:")
    assert "1 2026: 5/12 2 2025: 11/12 3 2024: 2/12" in noy.reading()
    noy.says("1").sees("Year %(year)s", year=2026)
    said = {why: noy.spoken(why) for why in ("paid", "not due yet", "late", "not paid")}
    assert f"{said['paid']}: 01 03-05 07" in noy.reading()
    assert f"{said['late']}: 09" in noy.reading()
    assert f"{said['not due yet']}: 10" in noy.reading()
    assert "11" not in noy.reading()  # November is under way, and nothing is known of it yet
    noy.says("0", "3").sees("Year %(year)s", year=2024)
    assert f"{said['paid']}: 11-12" in noy.reading()


def test_right_to_treatment_is_live_with_its_last_day(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, paid(Month(2026, 1), Month(2026, 10)))
    noy = phone(NOY, language).says("2")
    noy.sees(
        "You have the right to treatment until %(until)s. Show your card at your hospital.", until="31/01/2027"
    )


def test_right_to_treatment_ended_and_what_brings_it_back(
    phone: Handset, register: Register, language: str
) -> None:
    register.member(1, NOY, paid(Month(2026, 1), Month(2026, 4)))
    noy = phone(NOY, language).says("2")
    noy.sees(
        "Your right to treatment ended on %(until)s. Paid months needed to get it back: %(short)s.",
        until="31/07/2026",
        short=3,
    )


def test_no_right_yet(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, paid(Month(2026, 10), Month(2026, 10)), employed=(date(2026, 10, 1), None))
    noy = phone(NOY, language).says("2")
    noy.sees("No right to treatment yet. Paid months still needed: %(short)s.", short=2)


def test_everything_paid(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, paid(Month(2025, 1), Month(2026, 10)))
    noy = phone(NOY, language).says("1").sees(SUMMARY, paid=12, last="10/2026")
    noy.says("1").sees("No month is missing in the last 12.")


def test_an_employer_who_pays_early_is_paid_up(phone: Handset, register: Register) -> None:
    register.member(1, NOY, paid(Month(2025, 1), Month(2026, 11)))
    phone(NOY, "en").says("1").sees(SUMMARY, paid=12, last="11/2026")


def test_nothing_paid_at_all(phone: Handset, register: Register, language: str) -> None:
    register.member(1, NOY, {}, employed=None)
    noy = phone(NOY, language).says("1").sees("None of the last 12 months is paid.")
    noy.says("1").sees("%(gaps)s of the last 12 months are not on your record. Choose one:", gaps=12)
    assert noy.spoken("no employer reported you") in noy.reading()
    assert "13 11/2025" in noy.reading()  # 9 is always "more", so twelve months end with 13
    noy.says("13").sees("If you worked in this month, tell LSSO.")
    noy.dial().says("00", "1", "2").sees("No contributions were found.")


def test_a_month_falls_due_overnight(phone: Handset, register: Register, clock: Clock) -> None:
    register.member(1, NOY, paid(Month(2025, 1), Month(2026, 9), {Month(2026, 10): Posting.ASSESSED}))
    clock.is_at(date(2026, 11, 30))
    noy = phone(NOY, "en").says("1", "1").sees("1 10/2026 not due yet")
    clock.is_at(date(2026, 12, 1))  # and the window moves on with the month
    noy.dial().says("00", "1", "1").sees("1 11/2026 not due yet").sees("2 10/2026 late")


def test_her_phone_alone_shows_no_amount_name_number_or_employer(
    phone: Handset, register: Register, language: str
) -> None:
    register.member(1, NOY, with_gaps())
    noy = phone(NOY, language)
    seen = []
    for path in ("1", "1*1", "1*1*1", "1*2", "1*2*1", "1*3", "2", "3", "4", "4*4"):
        noy.dial(path)
        seen.append(noy.reading())
    together = " ".join(seen)
    for secret in ("287", "500.000", "Thotlong", "ທົດລອງ", "00001-01", "9900000001", "20000001"):
        assert secret not in together


def test_help_names_the_hotline(phone: Handset, language: str) -> None:
    phone(NOY, language).says("3").sees(
        "Hotline %(hotline)s, office hours. 0 goes back, 00 to the main menu. "
        "Boxes instead of letters? Choose Lao ABC under Settings.",
        hotline="1508",
    )


def test_the_language_can_be_changed_mid_call(phone: Handset) -> None:
    noy = phone(NOY, "en").says("4", "1")
    noy.language = "lo"
    noy.says("3").sees("My contributions")
    noy.dial().sees("My contributions")
