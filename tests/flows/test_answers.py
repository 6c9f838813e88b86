"""What an employer answers to a reminder, and what follows: 1 paid, 2 needs a plan, 3 closed, 4 wrong number."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import create_engine, insert, select

from app import LOCALES, create_app
from flows.answers import claimed
from gateway.installation import Installation
from gateway.outbox.ledger import Ledger
from gateway.registry.firms import firms
from gateway.registry.port import Claim, Posting
from gateway.registry.scheme import load_scheme
from gateway.registry.tables import CODES, contacts, contributions, employers, members, stops
from gateway.reminders.dispatch import dispatch, judge, take_back
from gateway.reminders.ladder import load_ladder
from gateway.reminders.plan import PURPOSE, Planner, Why
from gateway.reminders.wording import WORDINGS
from gateway.storage.keys import Keys, rotate
from gateway.storage.renewal import Renewal, needing
from gateway.text.catalogue import read_entries
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import TOKEN, Clock, Texts
from tests.flows.test_texts import GUESS, Texting

OCTOBER = Month(2026, 10)
REGIME = "enterprise"
BOSS, OTHER = "+8562021000001", "+8562021000002"
FIRM, SECOND = "00001-01", "00002-01"
BEFORE = datetime(2026, 11, 26, 5, tzinfo=UTC)
PAID = "Thank you. LSSO will look for it and sends %(code)s no more reminder for %(month)s."
PLAN = "LSSO was told that %(code)s needs a plan: call %(hotline)s. No more reminder for %(month)s."
CLOSED = "Thank you. LSSO will check that %(code)s has closed, and sends no reminder until then."
LEFT = "Sorry. LSSO sends nothing about %(code)s to this number any more."


class Employers:
    """Firms that owe October and paid September. Those to whom somebody is added are reminded."""

    def __init__(self, app: Flask, url: str, language: str, *codes: str) -> None:
        self.gateway: Installation = app.extensions["pakan"]
        self.url, self.engine, self.language = url, create_engine(url), language
        with self.engine.begin() as connection:
            for number, code in enumerate(codes, start=1):
                name = {"name_lo": "ທົດລອງ", "name_latin": "Thotlong"}
                connection.execute(insert(employers), {"id": number, "code": code, **name})
                person = {"number": f"99{number:08d}", "birth_date": date(1990, 11, 5), **name}
                connection.execute(insert(members), {"id": number, **person})
                month = {"member_id": number, "employer_id": number, "insured_earnings": 2_500_000, "due": 287_500}
                came = {"paid": 287_500, "posted_on": date(2026, 10, 12), "status": CODES[Posting.POSTED]}
                owed = {"paid": 0, "posted_on": None, "status": CODES[Posting.ASSESSED]}
                connection.execute(insert(contributions), {**month, "month": (OCTOBER + -1).index, **came})
                connection.execute(insert(contributions), {**month, "month": OCTOBER.index, **owed})

    def add(self, employer: int, msisdn: str) -> None:
        told = {"language": self.language, "role": "synthetic", "agreed_on": date(2026, 1, 1), "bounces": 0}
        with self.engine.begin() as connection:
            connection.execute(insert(contacts), {"employer_id": employer, "msisdn": msisdn, **told})

    def plan(self) -> Planner:
        gateway, due = self.gateway, load_scheme().due_on(OCTOBER, REGIME)
        assert due
        ledger = Ledger.read(gateway.outbox, PURPOSE)
        say = gateway.engine.catalogues.say
        return Planner(
            OCTOBER,
            REGIME,
            due,
            gateway.clock(),
            load_ladder(),
            gateway.timezone,
            "1508",
            say,
            ledger,
            gateway.outbox.words,
        )

    def remind(self) -> int:
        """One run of `flask reminders send`; how many texts are new."""
        planner = self.plan()
        take_back(planner.ledger, [judge(planner, firms(self.url, OCTOBER, REGIME))], self.gateway.outbox)
        return dispatch(planner, firms(self.url, OCTOBER, REGIME), self.gateway.outbox)

    def whys(self) -> dict[str, Why]:
        return {entry.firm.code: entry.why for entry in self.plan().plan(firms(self.url, OCTOBER, REGIME))}

    def stopped(self) -> list[tuple[int, str, date | None]]:
        with self.engine.connect() as connection:
            return [(row.employer_id, row.why, row.until) for row in connection.execute(select(stops))]

    def cases(self, state: str = "open") -> list[tuple[str, str]]:
        return [(str(case.kind), case.member) for case in self.gateway.office.cases(state)]


@pytest.fixture
def operator() -> Texts:
    return Texts("africastalking")


@pytest.fixture
def app(gateway_url: str, clock: Clock, tmp_path: Path, operator: Texts) -> Flask:
    clock.now = BEFORE
    account = {"at_username": "synthetic-user", "at_api_key": "synthetic-key-of-many-letters"}
    config = {"database_url": gateway_url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,)}
    return operator.of(create_app({**config, **account, "hotline": "1508"}, clock=clock, carriers=(operator,)))


@pytest.fixture
def owing(app: Flask, gateway_url: str, language: str) -> Employers:
    owing = Employers(app, gateway_url, language, FIRM, SECOND)
    owing.add(1, BOSS)
    return owing


@pytest.fixture
def boss(app: Flask, operator: Texts, owing: Employers, language: str) -> Texting:
    """She was reminded of the first firm, in her language."""
    assert owing.remind() == 1
    boss = Texting(app, operator, BOSS, language)
    assert FIRM in boss.inbox[-1]
    return boss


@pytest.fixture
def cases(app: Flask) -> Callable[..., str]:
    """`cases("approve", "1")`, as an officer types it."""

    def run(*words: str) -> str:
        said = FlaskCliRunner(app).invoke(args=["cases", *words, "--officer", "synthetic"])
        assert said.exit_code == 0, said.output
        return said.output

    return run


@pytest.mark.parametrize("one", ["1", "໑", "1.", "1 Paid", "(1)", "1 thok leo"])
def test_one_says_it_paid(boss: Texting, owing: Employers, one: str, clock: Clock) -> None:
    boss.writes(one).reads(PAID, code=FIRM, month="10/2026")
    assert owing.whys() == {FIRM: Why.ANSWERED, SECOND: Why.UNKNOWN}
    assert owing.cases() == [("paid", "00001-01 2026-10")]
    [(_employer, why, until)] = owing.stopped()
    assert (why, until) == ("answered", date(2026, 12, 9))
    clock.now = datetime(2026, 12, 3, 5, tzinfo=UTC)  # the second text of the ladder
    assert owing.remind() == 0
    assert len(boss.inbox) == 2


def test_two_needs_a_plan(boss: Texting, owing: Employers, cases: Callable[..., str], clock: Clock) -> None:
    boss.writes("2").reads(PLAN, code=FIRM, month="10/2026", hotline="1508")
    assert owing.whys()[FIRM] is Why.ANSWERED
    assert "plan" in cases("approve", "1", "--yes")
    assert owing.cases() == []
    clock.now = datetime(2026, 12, 3, 5, tzinfo=UTC)
    assert owing.remind() == 0


def test_three_has_closed_after_it_was_asked_once_more(
    boss: Texting, owing: Employers, cases: Callable[..., str]
) -> None:
    boss.writes("3").reads("Has the employer %(code)s closed?", code=FIRM)
    assert owing.stopped() == []
    boss.writes("1").reads(CLOSED, code=FIRM)
    assert owing.whys()[FIRM] is Why.ANSWERED
    assert owing.cases() == [("closed", "00001-01 2026-10")]
    cases("approve", "1", "--yes")
    assert owing.stopped() == [(1, "closed", None)]
    assert owing.whys()[FIRM] is Why.CLOSED


def test_four_is_a_wrong_number_and_another_contact_is_told(boss: Texting, owing: Employers, clock: Clock) -> None:
    owing.add(1, OTHER)
    boss.writes("4").reads("Does this number speak for the employer %(code)s?", code=FIRM)
    boss.writes("1").reads(LEFT, code=FIRM)
    assert owing.cases() == [("wrong", "00001-01 2026-10")]
    clock.now = datetime(2026, 12, 3, 5, tzinfo=UTC)
    assert owing.remind() == 1
    assert len(boss.inbox) == 3
    assert FIRM in boss.operator.to(OTHER)[-1]


def test_the_words_beside_a_number_are_known_in_three_languages() -> None:
    wording = WORDINGS["due", False]
    for entries in read_entries(LOCALES).values():
        told = re.findall(r"\b([1-4]) ([^\d.]+?)(?= [2-4] |\.)", entries[wording].text)
        assert [claimed(f"{number} {words}") for number, words in told] == list(Claim), told


@pytest.mark.parametrize("number", ["3", "4"])
def test_no_leaves_everything_as_it_was(boss: Texting, owing: Employers, number: str) -> None:
    boss.writes(number, "2")
    assert (owing.stopped(), owing.cases()) == ([], [])
    assert owing.whys()[FIRM] is Why.TOLD


def test_an_answer_that_was_not_true_is_lifted(boss: Texting, owing: Employers, cases: Callable[..., str]) -> None:
    boss.writes("1")
    assert "is refused" in cases("refuse", "1")
    assert owing.stopped() == []
    assert owing.whys()[FIRM] is Why.TOLD


def test_she_may_change_her_mind_and_repeats_change_nothing(boss: Texting, owing: Employers) -> None:
    boss.writes("1").again().again().writes("1", "2").reads(PLAN, code=FIRM, month="10/2026", hotline="1508")
    assert owing.cases() == [("paid", "00001-01 2026-10"), ("plan", "00001-01 2026-10")]
    assert len(owing.stopped()) == 1


def test_who_speaks_for_two_is_asked_for_which(boss: Texting, owing: Employers, clock: Clock) -> None:
    clock.now += timedelta(seconds=3600)
    owing.add(2, BOSS)
    assert owing.remind() == 1
    assert SECOND in boss.inbox[-1]
    boss.writes("1").reads("About which employer?")
    boss.writes("2").reads(PAID, code=FIRM, month="10/2026")
    assert owing.whys() == {FIRM: Why.ANSWERED, SECOND: Why.TOLD}


def test_a_menu_that_came_later_has_the_number(boss: Texting, owing: Employers, clock: Clock) -> None:
    """And a reminder that came after the menu has it again."""
    clock.now += timedelta(seconds=60)
    boss.writes("xyzzy").reads(GUESS)
    boss.writes("1")
    assert owing.stopped() == []
    clock.now = datetime(2026, 12, 3, 5, tzinfo=UTC)
    boss.writes("xyzzy").reads(GUESS)
    clock.now += timedelta(seconds=60)
    assert owing.remind() == 1
    assert FIRM in boss.inbox[-1]
    boss.writes("1").reads(PAID, code=FIRM, month="10/2026")


def test_a_number_from_whom_nothing_was_asked_is_only_a_number(
    app: Flask, operator: Texts, owing: Employers, boss: Texting, clock: Clock
) -> None:
    Texting(app, operator, OTHER).writes("1").reads(GUESS)
    boss.writes("15").reads(GUESS)
    clock.now += timedelta(days=15)
    boss.writes("1").reads(GUESS)
    assert (owing.stopped(), owing.cases()) == ([], [])


@pytest.mark.parametrize(
    "words",
    ["2 workers are missing", "1 worker left us", "2,500,000", "1/10/2026", "2 paid", "1 2"],
)
def test_what_only_begins_with_a_number_is_no_answer(boss: Texting, owing: Employers, words: str) -> None:
    boss.writes(words)
    assert (owing.stopped(), owing.cases()) == ([], [])


def test_a_reminder_that_waited_for_the_day_is_answered_when_it_came(
    app: Flask, operator: Texts, owing: Employers, language: str, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 26, 14, tzinfo=UTC)  # 21:00 in Laos
    assert owing.remind() == 1
    boss = Texting(app, operator, BOSS, language)
    clock.now = datetime(2026, 11, 27, 0, tzinfo=UTC)  # 07:00
    boss.writes("xyzzy")
    assert not any(FIRM in text for text in boss.inbox)
    clock.now = datetime(2026, 11, 27, 1, 5, tzinfo=UTC)  # 08:05
    assert FIRM in boss.inbox[-1]
    clock.now += timedelta(minutes=1)
    boss.writes("1").reads(PAID, code=FIRM, month="10/2026")


def test_who_says_it_is_a_wrong_number_reads_nothing_of_the_employer_till_an_officer_knows_better(
    boss: Texting, owing: Employers, phone: Callable[..., Phone], cases: Callable[..., str], language: str
) -> None:
    boss.writes("4", "1").reads(LEFT, code=FIRM)
    caller = phone(BOSS, language).says("5", "1", FIRM)
    assert "287" not in caller.screen
    cases("refuse", "1")
    assert owing.whys()[FIRM] is Why.TOLD
    assert "287" in phone(BOSS, language).dial().says("5", "1", FIRM).reading()
    gateway = owing.gateway
    deeds = gateway.trail.deeds(gateway.keys.hasher("caller", BOSS), 9)
    assert ("employer", "claim.wrong", f"{FIRM} 2026-10") in [
        (one.actor, one.action, one.subject) for one in deeds
    ]


def test_what_else_it_answered_still_counts(boss: Texting, owing: Employers, cases: Callable[..., str]) -> None:
    boss.writes("1", "2")
    cases("refuse", "1")  # it did not pay
    assert owing.whys()[FIRM] is Why.ANSWERED
    cases("refuse", "2")  # and needs no plan
    assert owing.whys()[FIRM] is Why.TOLD


def test_words_that_are_known_are_words(boss: Texting, owing: Employers) -> None:
    boss.writes("stop").reads(
        "LSSO will send you only answers to your own texts. To get the others again write START."
    )
    assert owing.whys()[FIRM] is Why.SILENCED
    assert owing.cases() == []


def test_an_answer_is_understood_after_keys_were_renewed(
    boss: Texting, owing: Employers, app: Flask, tmp_path: Path
) -> None:
    for name in ("data", "index"):
        rotate(tmp_path / "keys", name)
    keys = Keys(tmp_path / "keys")
    assert needing(owing.engine, keys, 0)["data"][1]["what messages ask about"] == 1
    Renewal(owing.engine, keys).run()
    assert not needing(owing.engine, keys, 0)["data"][1]
    owing.gateway.keys.look_again()
    boss.writes("1").reads(PAID, code=FIRM, month="10/2026")
