"""An employer's contact dials for her firm's totals; nobody else gets any; and everybody may calculate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from gateway.conversation.assurance import PROOF_SECONDS
from gateway.registry.port import Posting
from gateway.registry.scheme import Scheme
from gateway.registry.tables import employers
from gateway.text.showing import show_kip
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import Clock
from tests.register import DUE, Register, paid, social

Handset = Callable[..., Phone]

CONTACT, OTHERS, NOY = "+8562021000001", "+8562021000002", "+8562020000001"
CODE = "Type the code of your firm, as in 12345-01:"
DUES = "%(last)s is due by %(due_on)s. Not posted yet:"
OCTOBER = {"last": "10/2026", "due_on": "30/11/2026"}
CLOSED = (
    "Nothing can be shown. Check the code and try again; after 5 wrong ones wait until tomorrow. "
    "If it is right, let LSSO register this phone for your firm. Hotline %(hotline)s."
)
WAGE = "Type the wage of one month in kip, as in 3000000:"
SHARES = (
    "Employer %(employer)s, worker %(insured)s, together %(together)s of %(earnings)s (%(counts)s), "
    "%(this_month)s."
)


@pytest.fixture
def firm(register: Register) -> str:
    """Two workers since April; nothing is known of May. The code of their employer."""
    months = {
        **paid(Month(2026, 4), Month(2026, 7)),
        Month(2026, 8): Posting.RECEIVED,
        Month(2026, 9): Posting.ASSESSED,
        Month(2026, 10): Posting.ASSESSED,
    }
    del months[Month(2026, 5)]
    register.member(1, NOY, months)
    register.member(2, None, {**months, Month(2026, 7): "partial"})
    register.contact(OTHERS, employer=2)
    return register.contact(CONTACT)


def lines(phone: Phone, *amounts: tuple[str, int, str]) -> list[str]:
    """Lines of months as she reads them; an amount of 0 is not known, an empty reason is not said."""
    language = phone.language or ""
    kip = [show_kip(amount, language) if amount else phone.spoken("unknown") for _month, amount, _why in amounts]
    said = [f"{month}: {shown}" for (month, _amount, _why), shown in zip(amounts, kip, strict=True)]
    whys = [f", {phone.spoken(why)}" if why else "" for _month, _amount, why in amounts]
    return [" ".join(f"{line}{why}".split()) for line, why in zip(said, whys, strict=True)]


def test_what_is_due(phone: Handset, firm: str, language: str) -> None:
    contact = phone(CONTACT, language).says("5").sees("What is due").says("1").sees(CODE)
    contact.says(firm).sees(DUES, **OCTOBER)
    read = contact.reading()
    shown = lines(
        contact,
        ("10/2026", 2 * DUE, "not due yet"),
        ("09/2026", 2 * DUE, "late"),
        ("08/2026", 2 * DUE, "being posted"),
        ("07/2026", DUE - DUE // 2, "part paid"),
        ("05/2026", 0, "no return"),
    )
    assert read.endswith(" ".join(shown))  # newest first, and no other month


def test_firm_and_worker_read_the_day_of_their_regime(
    phone: Handset, firm: str, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On 23 November: by the rules of this regime October was due on the 12th, for others it is not due yet."""
    due_on = Scheme.due_on

    def of_regime(scheme: Scheme, month: Month, regime: str | None = None) -> date | None:
        return (month + 1).first + timedelta(11) if regime == "state" else due_on(scheme, month, regime)

    monkeypatch.setattr(Scheme, "due_on", of_regime)
    with register.engine.begin() as connection:
        connection.execute(update(employers).where(employers.c.code == firm).values(regime="state"))
    contact = phone(CONTACT, "en").says("5", "1", firm).sees(DUES, last="10/2026", due_on="12/11/2026")
    assert lines(contact, ("10/2026", 2 * DUE, "late"))[0] in contact.reading()
    worker = phone(NOY, "en").says("1", "1")
    assert "10/2026 late" in worker.reading()


def test_what_was_posted(phone: Handset, firm: str, language: str) -> None:
    contact = phone(CONTACT, language).says("5", "2", firm).sees("Posted in full or in part:")
    shown = lines(contact, ("07/2026", DUE + DUE // 2, ""), ("06/2026", 2 * DUE, ""), ("04/2026", 2 * DUE, ""))
    assert contact.reading().endswith(" ".join(shown))


def test_workers_on_the_last_return(phone: Handset, firm: str, language: str) -> None:
    contact = phone(CONTACT, language).says("5", "3", firm)
    contact.sees("Workers on the return for %(month)s: %(workers)s.", month="10/2026", workers=2)


def test_the_code_is_typed_once_a_sitting_and_is_no_way_back(phone: Handset, firm: str, clock: Clock) -> None:
    contact = phone(CONTACT, "en").says("5", "1", firm).sees(DUES, **OCTOBER)
    contact.says("0").sees("What was posted").says("2").sees("Posted in full or in part:")
    clock.moves(seconds=PROOF_SECONDS + 1)
    contact.says("0", "3").sees(CODE).says(firm).sees("Workers on the return for 10/2026: 2.")
    contact.says("00", "5", "3").sees(CODE)  # whoever takes the phone next begins anew


def test_a_call_that_was_cut_asks_again(phone: Handset, firm: str) -> None:
    contact = phone(CONTACT, "en").says("5", "1", firm).sees(DUES, **OCTOBER)
    contact.dial().sees("Welcome back.").says("1").sees(CODE).says(firm).sees(DUES, **OCTOBER)


@pytest.mark.parametrize("typed", ["00001-01", "0000101", "00001 01", "໐໐໐໐໑໐໑", "OOOOl-Ol"])
def test_a_code_is_read_as_people_type_it(phone: Handset, firm: str, typed: str) -> None:
    phone(CONTACT, "en").says("5", "3", typed).sees("Workers on the return for 10/2026: 2.")


def test_what_is_no_code_is_asked_again_and_not_counted(phone: Handset, firm: str) -> None:
    contact = phone(CONTACT, "en").says("5", "3")
    for typed in ("1", "000010", "00001-011", "abc", "*", "1234567890" * 10):
        contact.says(typed.replace("*", "#")).sees("Please type 7 numbers, as in 12345-01.").sees(CODE)
    contact.says(firm).sees("Workers on the return for 10/2026: 2.")


def test_whoever_is_not_its_contact_reads_the_same_words(phone: Handset, firm: str, language: str) -> None:
    """Dozens of probes, of no code, a code of others, other phones: as many steps, and the same screens."""
    screens = set()
    for probe in range(12):
        for number, code in (
            (CONTACT, f"9{probe:04d}-01"),
            (CONTACT, "00002-01"),
            (NOY, firm),
            (f"+85620555{probe:05d}", firm),
        ):
            prober = phone(number, language).dial("5*1")
            asked = prober.sees(CODE).screen
            screens.add((asked, prober.says(code).sees(CLOSED, hotline="1508").screen))
    assert len(screens) == 1


def test_codes_cannot_be_tried_all_day(phone: Handset, firm: str, clock: Clock) -> None:
    contact = phone(CONTACT, "en")
    for tried in range(5):
        contact.dial("5*3").says(f"9000{tried}-01").sees(CLOSED, hotline="1508")
    contact.dial("5*3").says(firm).sees(CLOSED, hotline="1508")
    clock.moves(days=1)
    for _right in range(7):  # only wrong ones count
        contact.dial("5*3").says(firm).sees("Workers on the return for 10/2026: 2.")


def test_a_contact_of_several_sees_the_one_she_names(phone: Handset, firm: str, register: Register) -> None:
    second = register.contact(CONTACT, employer=2)
    contact = phone(CONTACT, "en").says("5", "1", second)
    contact.sees("No return for the last 12 months is known here. Hotline 1508.")
    contact.dial("5*1").says(firm).sees(DUES, **OCTOBER)


def test_a_firm_without_returns_or_money_is_told_so(phone: Handset, register: Register, language: str) -> None:
    code = register.contact(CONTACT)
    nothing = "No return for the last 12 months is known here. Hotline %(hotline)s."
    contact = phone(CONTACT, language).says("5", "1", code).sees(nothing, hotline="1508")
    contact.says("0", "2").sees("Nothing was posted for the last 12 months.")
    contact.says("0", "3").sees(nothing, hotline="1508")


def test_all_posted_and_paid_early(phone: Handset, register: Register, language: str) -> None:
    register.member(1, None, paid(Month(2025, 10), Month(2026, 12)))
    code = register.contact(CONTACT)
    contact = phone(CONTACT, language).says("5", "1", code)
    contact.sees("Everything for the last 12 months is posted in full.")
    contact.says("0", "2").sees("Posted in full or in part:")
    months = [Month(2026, 12) + -back for back in range(14)]
    shown = lines(contact, *((f"{month.number:02d}/{month.year}", DUE, "") for month in months))
    assert contact.reading().endswith(" ".join(shown))
    assert shown[-1].startswith("11/2025")


def test_a_proof_of_a_firm_opens_no_record_and_a_members_no_firm(
    phone: Handset, firm: str, register: Register
) -> None:
    register.contact(NOY)
    noy = phone(NOY, "en").says("1").sees("3 of the last 12 months are paid")
    noy.says("00", "5", "1").sees(CODE).says(firm).sees(DUES, **OCTOBER)
    noy.says("00", "4", "4").sees("Who looked at your record:")  # hers, by her phone alone
    stranger = phone(OTHERS, "en").says("5", "3", "00002-01").sees("No return for the last 12 months")
    stranger.says("00", "1").sees("Type your social security number:")


def test_no_worker_is_ever_on_a_screen(phone: Handset, firm: str, language: str) -> None:
    contact, seen = phone(CONTACT, language), []
    for key in ("1", "2", "3"):
        contact.dial(f"5*{key}").says(firm)
        seen.append(contact.reading())
    together = " ".join(seen)
    for canary in ("Thotlong", "ທົດລອງ", social(1), social(2), "20000001", "2.500.000", "2,500,000", "1990"):
        assert canary not in together


def test_a_look_at_a_firm_stands_in_the_audit(phone: Handset, firm: str) -> None:
    contact = phone(CONTACT, "en").says("5", "1", "99999-01", "0", firm, "0", "2")
    caller = contact.gateway.keys.hasher("caller", CONTACT)
    deeds = [(deed.action, deed.subject) for deed in reversed(contact.gateway.trail.deeds(caller, 10))]
    assert deeds == [
        ("signed.in", "firm:00001-01"),
        ("firm.viewed", "firm:00001-01"),
        ("firm.viewed", "firm:00001-01"),
    ]


@pytest.mark.parametrize(
    ("typed", "earnings", "employer", "worker", "counts"),
    [  # 6 % and 5.5 %, worked out by hand; floor 2,500,000 and ceiling 4,500,000 kip
        ("1", 2_500_000, 150_000, 137_500, "the floor, not confirmed by LSSO"),
        ("2499999", 2_500_000, 150_000, 137_500, "the floor, not confirmed by LSSO"),
        ("2.500.000", 2_500_000, 150_000, 137_500, "the whole wage"),
        ("໓໐໐໐໐໐໐", 3_000_000, 180_000, 165_000, "the whole wage"),
        ("3,333,333 kip", 3_333_333, 200_000, 183_333, "the whole wage"),
        ("4500000", 4_500_000, 270_000, 247_500, "the whole wage"),
        ("4500001", 4_500_000, 270_000, 247_500, "the ceiling"),
        ("999999999999", 4_500_000, 270_000, 247_500, "the ceiling"),
    ],
)
def test_anybody_may_calculate(
    phone: Handset, language: str, typed: str, earnings: int, employer: int, worker: int, counts: str
) -> None:
    anybody = phone(NOY, language).says("5", "4").sees(WAGE).says(typed)
    amounts = {"earnings": earnings, "employer": employer, "insured": worker, "together": employer + worker}
    shown = {name: " ".join(show_kip(amount, language).split()) for name, amount in amounts.items()}
    anybody.sees(SHARES, this_month="11/2026", counts=anybody.spoken(counts), **shown)
    anybody.says("0").sees(WAGE)


@pytest.mark.parametrize("typed", ["0 kip", "abc", "-5", "2.5", "1000000000000"])
def test_what_is_no_wage_is_asked_again(phone: Handset, typed: str) -> None:
    phone(NOY, "en").says("5", "4", typed).sees("Please type an amount in kip, as in 3000000.").sees(WAGE)


def test_where_a_fact_is_not_known_it_says_so(phone: Handset, clock: Clock, language: str) -> None:
    clock.is_at(date(2020, 6, 15))  # sources differ on the floor of that year
    anybody = phone(NOY, language).says("5", "4", "3000000")
    said = "Rate, floor or ceiling are not known for %(this_month)s. Call LSSO: %(hotline)s."
    anybody.sees(said, this_month="06/2020", hotline="1508")
