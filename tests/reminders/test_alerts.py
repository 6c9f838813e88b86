"""A text a month to members who asked: true, discreet, once, and nothing to whoever has their number now."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Executable, delete, insert, update

from app import LOCALES
from gateway.identity.subscribers import Subscriber, subscribers
from gateway.outbox.ledger import Ledger
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Retry
from gateway.outbox.reaper import Reaper
from gateway.outbox.rounds import drain
from gateway.outbox.sender import Sender
from gateway.registry import standing
from gateway.registry.port import Posting
from gateway.registry.scheme import load_scheme
from gateway.registry.sql import SqlRegistry
from gateway.registry.standing import Right
from gateway.registry.tables import contributions
from gateway.reminders.alerts import PURPOSE, Hours, Planner, Why, dispatch, tidy
from gateway.reminders.alerts_wording import NOTICE, RIGHTS, STANDINGS, WAY_OUT, Alert, render
from gateway.reminders.ladder import load_ladder
from gateway.reminders.wording import PARTS
from gateway.storage.engines import open_engine
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys, rotate
from gateway.storage.renewal import Renewal
from gateway.storage.schema import upgrade
from gateway.storage.tables import bindings, conversations
from gateway.text.alphabet import is_gsm7, segments, sendable
from gateway.text.catalogue import Catalogues
from gateway.text.values import Month
from tests.conftest import Clock
from tests.outbox.carrier import Provider
from tests.register import DUE, Register, paid, social
from tests.storage.crowd import binding

OCTOBER = Month(2026, 10)
LAOS = ZoneInfo("Asia/Vientiane")
NOY, KEO = "+8562020000001", "+8562020000002"
EARLY = datetime(2026, 11, 25, 5, tzinfo=UTC)  # noon in Vientiane; October is due on the 30th
LATE = datetime(2026, 12, 2, 5, tzinfo=UTC)  # three hours after employers are told that nothing came
NIGHT = datetime(2026, 12, 2, 15, tzinfo=UTC)  # 22:00
MORNING = datetime(2026, 12, 3, 2, tzinfo=UTC)
SAY = Catalogues.load(LOCALES).say
UNPAID = paid(Month(2026, 5), OCTOBER, {OCTOBER: Posting.ASSESSED})
PAID = paid(Month(2026, 5), OCTOBER)
MEMBERS, MEGABYTES = 6_000, 10


class Office:
    """The register, who asked, and the scheduler that tells them."""

    def __init__(self, url: str, outbox: Outbox, register: Register) -> None:
        self.url, self.outbox, self.register = url, outbox, register

    def asked(self, number: int, alerts: str = "full", **more: object) -> None:
        self.write(update(bindings).where(bindings.c.member == str(number)).values(alerts=alerts, **more))

    def speaks(self, phone: str, language: str) -> None:
        row = {"caller": self.outbox.keys.hasher("caller", phone), "language": language}
        self.write(insert(conversations).values(**row, event="e", path_length=0, version=1, moved_at=0))

    def money_comes(self, number: int) -> None:
        this = (contributions.c.member_id == number) & (contributions.c.month == OCTOBER.index)
        self.write(update(contributions).where(this).values(status=3, paid=contributions.c.due))

    def write(self, statement: Executable) -> None:
        with self.register.engine.begin() as connection:
            connection.execute(statement)

    def planner(self, again: bool = False) -> Planner:
        scheme, ladder, now = load_scheme(), load_ladder(), self.outbox.clock()
        due, today = scheme.due_on(OCTOBER), now.astimezone(LAOS).date()
        assert due
        hours = Hours.of(OCTOBER, due, ladder, LAOS)
        return Planner(
            month=OCTOBER,
            hours=hours,
            now=now,
            today=today,
            scheme=scheme,
            registry=SqlRegistry(self.outbox.hot, lambda: today, within=10),
            code="*1508#",
            hotline="1508",
            language="en",
            say=SAY,
            ledger=Ledger.read(self.outbox, PURPOSE, int(hours.opens.timestamp())),
            words=self.outbox.words,
            again=again,
        )

    def run(self, again: bool = False) -> tuple[int, int]:
        """One run of the scheduler; how many texts it posted, and how many it took back."""
        planner = self.planner(again)
        tidied = tidy(planner, self._asking(), self.outbox)
        return dispatch(planner, self._asking(), self.outbox), tidied.taken_back

    def whys(self) -> list[Why]:
        return [entry.why for entry in self.planner().plan(self._asking())]

    def words(self) -> list[str]:
        return [entry.text.words for entry in self.planner().plan(self._asking()) if entry.text]

    def _asking(self) -> Iterator[Subscriber]:
        return subscribers(self.url, self.outbox.keys, self.outbox.now())


@pytest.fixture
def office(database_url: str, outbox: Outbox, clock: Clock, tmp_path: Path) -> Iterator[Office]:
    clock.now = LATE
    upgrade(database_url, {"register"})
    register = Register(database_url, tmp_path / "keys")
    yield Office(database_url, outbox, register)
    register.close()


@pytest.fixture
def carried(sender: Sender, reaper: Reaper, provider: Provider) -> Callable[[], list[tuple[str, str]]]:
    """Everything that went over the wire by now, with where it went."""

    def carry() -> list[tuple[str, str]]:
        drain(sender, reaper)
        return [(message.msisdn, message.text) for message in provider.taken]

    return carry


def post_at_night(office: Office, clock: Clock) -> None:
    """Noy's "not paid yet" waits for the morning."""
    office.register.member(1, NOY, UNPAID)
    office.asked(1)
    clock.now = NIGHT
    assert office.run() == (1, 0)


def spoken(language: str, *wordings: str) -> str:
    values = {"month": "10/2026", "code": "*1508#", "hotline": "1508"}
    return sendable(" ".join(SAY(language, wording) % values for wording in (*wordings, WAY_OUT)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("october", "why", "until"),
    [
        (Posting.POSTED, standing.Why.PAID, "31/01/2027"),
        (Posting.ASSESSED, standing.Why.LATE, "31/12/2026"),
        (Posting.RECEIVED, standing.Why.POSTING, "31/12/2026"),
        (Posting.UNMATCHED, standing.Why.UNMATCHED, "31/12/2026"),
        ("partial", standing.Why.PARTIAL, "31/12/2026"),
    ],
)
def test_it_says_how_her_month_stands_and_until_when_she_is_treated(
    office: Office, language: str, october: Posting | str, why: standing.Why, until: str
) -> None:
    office.register.member(1, NOY, paid(Month(2026, 5), OCTOBER, {OCTOBER: october}))
    office.asked(1)
    office.speaks(NOY, language)
    right = SAY(language, RIGHTS[True]) % {"until": until}
    assert office.words() == [spoken(language, STANDINGS[why], right)]


def test_a_right_that_ended_is_said_and_one_that_never_was_is_not(office: Office) -> None:
    office.register.member(1, NOY, paid(Month(2026, 1), Month(2026, 3)))
    office.register.member(2, KEO, {OCTOBER: Posting.ASSESSED})
    office.register.member(3, "+8562020000003", {}, employed=None)
    for number in (1, 2, 3):
        office.asked(number)
    late, nobody = STANDINGS[standing.Why.LATE], STANDINGS[standing.Why.NOBODY]
    assert sorted(office.words()) == sorted(
        [
            spoken("en", late, "Right to treatment ended on 30/06/2026."),
            spoken("en", late),
            spoken("en", nobody),
        ]
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("october", [Posting.ASSESSED, Posting.RECEIVED, Posting.UNMATCHED, "partial", None])
def test_nothing_but_paid_is_told_before_employers_are(
    office: Office, clock: Clock, october: Posting | str | None
) -> None:
    without = {OCTOBER: october} if october else {}
    office.register.member(1, NOY, paid(Month(2026, 5), Month(2026, 9), without))
    office.asked(1)
    for now in (EARLY, datetime(2026, 12, 2, 1, 59, tzinfo=UTC)):
        clock.now = now
        assert office.whys() == [Why.EARLY]
        assert office.run() == (0, 0)
    clock.moves(minutes=1)
    assert office.run() == (1, 0)


def test_paid_is_told_once_the_month_is_over_and_until_the_next_has_its_turn(office: Office, clock: Clock) -> None:
    office.register.member(1, NOY, PAID)
    office.asked(1)
    stands = []
    for now in (
        datetime(2026, 10, 31, 16, 59, tzinfo=UTC),
        datetime(2026, 10, 31, 17, 0, tzinfo=UTC),
        datetime(2026, 12, 9, 9, 59, tzinfo=UTC),
        datetime(2026, 12, 9, 10, 0, tzinfo=UTC),
    ):
        clock.now = now
        office.asked(1, proved_at=int(now.timestamp()))
        stands += office.whys()
    assert stands == [Why.EARLY, Why.SEND, Why.SEND, Why.OVER]


def test_nobody_is_told_who_did_not_ask(office: Office) -> None:
    office.register.member(1, NOY, UNPAID)
    assert (office.run(), office.whys()) == ((0, 0), [])


@pytest.mark.parametrize("months", [PAID, UNPAID])
@pytest.mark.parametrize("chosen", [{"alerts": "notice"}, {"shared": True}, {"asks_pin": True}])
def test_a_notice_says_nothing_by_its_words_or_its_hour(
    office: Office, clock: Clock, months: dict[Month, Posting | str], chosen: dict[str, object]
) -> None:
    office.register.member(1, NOY, months)
    office.asked(1, **chosen)  # type: ignore[arg-type]
    clock.now = EARLY
    assert office.whys() == [Why.EARLY]
    clock.now = LATE
    assert office.words() == [spoken("en", NOTICE)]


@pytest.mark.parametrize("is_asleep", [True, False])
def test_a_phone_of_two_members_says_only_that_there_is_a_notice(office: Office, is_asleep: bool) -> None:
    office.register.member(1, NOY, PAID)
    office.register.member(2, NOY, UNPAID)
    office.asked(1)
    office.asked(2, "off", asleep=is_asleep)
    assert office.words() == [spoken("en", NOTICE)]


def test_a_number_that_was_given_up_gets_nothing(
    office: Office, clock: Clock, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    office.register.member(1, NOY, PAID)
    office.asked(1)
    office.register.member(2, KEO, PAID)
    office.asked(2, asleep=True)
    assert sorted(office.whys()) == [Why.ASLEEP, Why.SEND]
    office.asked(1, proved_at=int((clock() - timedelta(days=45)).timestamp()))
    assert office.whys() == [Why.ASLEEP, Why.ASLEEP]
    assert office.run() == (0, 0)
    assert carried() == []


def test_stop_wins_and_start_brings_it_back(
    office: Office, outbox: Outbox, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    office.register.member(1, NOY, PAID)
    office.asked(1)
    assert office.run() == (1, 0)
    her = outbox.keys.hasher("caller", NOY)
    outbox.reports.leave(her, NOY, PURPOSE)
    assert (office.whys(), office.run(), carried()) == ([Why.SILENCED], (0, 0), [])
    outbox.reports.come_back(her)
    assert office.run() == (1, 0)
    assert len(carried()) == 1


def test_money_that_comes_before_it_leaves_changes_what_is_said(
    office: Office, clock: Clock, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    post_at_night(office, clock)
    assert carried() == []
    office.money_comes(1)
    assert office.run() == (1, 1)
    assert (office.run(), office.whys()) == ((0, 0), [Why.WAITING])
    clock.now = MORNING
    right = SAY("en", RIGHTS[True]) % {"until": "31/01/2027"}
    assert carried() == [(NOY, spoken("en", STANDINGS[standing.Why.PAID], right))]
    assert (office.run(), office.whys()) == ((0, 0), [Why.TOLD])


def stops_asking(office: Office) -> None:
    office.asked(1, "off")


def is_swapped(office: Office) -> None:
    office.asked(1, asleep=True)


def moves_away(office: Office) -> None:
    office.write(delete(bindings).where(bindings.c.member == "1"))


def leaves_the_register(office: Office) -> None:
    office.write(update(bindings).values(member="99"))


@pytest.mark.parametrize("change", [stops_asking, is_swapped, moves_away, leaves_the_register])
def test_what_waits_is_taken_back_from_whoever_is_not_to_be_told_any_more(
    office: Office, clock: Clock, carried: Callable[[], list[tuple[str, str]]], change: Callable[[Office], None]
) -> None:
    post_at_night(office, clock)
    change(office)
    assert office.run() == (0, 1)
    clock.now = MORNING
    assert carried() == []


def test_what_waits_says_no_more_than_a_phone_that_is_shared_by_now_may_say(
    office: Office, clock: Clock, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    post_at_night(office, clock)
    office.register.member(2, NOY, UNPAID)
    assert office.run() == (1, 1)
    clock.now = MORNING
    assert carried() == [(NOY, spoken("en", NOTICE))]


def test_her_new_phone_takes_the_place_of_the_old_one(
    office: Office, clock: Clock, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    post_at_night(office, clock)
    office.asked(1, asleep=True)
    office.register.bind(KEO, 1)
    keo = bindings.c.caller == office.outbox.keys.hasher("caller", KEO)
    office.write(update(bindings).where(keo).values(alerts="full"))
    assert office.run() == (1, 1)
    clock.now = MORNING
    assert [phone for phone, _text in carried()] == [KEO]


def test_a_text_that_somebody_holds_is_neither_taken_back_nor_doubled(office: Office, outbox: Outbox) -> None:
    office.register.member(1, NOY, UNPAID)
    office.asked(1)
    office.run()
    [ref] = outbox.offer("synthetic", True, 10)
    assert outbox.take(ref)
    office.money_comes(1)
    assert (office.run(), office.whys()) == ((0, 0), [Why.WAITING])


def test_three_schedulers_at_once_and_a_restless_clock_tell_each_once(
    office: Office, clock: Clock, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    for number in range(1, 21):
        office.register.member(number, f"+85620200001{number:02d}", UNPAID)
        office.asked(number)
    posted: list[int] = []

    def schedule() -> None:
        try:
            posted.append(office.run()[0])
        finally:
            office.outbox.hot.close()

    threads = [threading.Thread(target=schedule) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(posted) == 20
    for hours in (-3, 30, -20, 100, -90):
        clock.moves(hours=hours)
        office.run()
        carried()
    assert len({phone for phone, _text in carried()}) == len(carried()) == 20


def test_a_new_key_is_no_second_text_and_forgets_no_language(
    office: Office, hot: Hot, clock: Clock, tmp_path: Path
) -> None:
    office.register.member(1, NOY, UNPAID)
    office.asked(1)
    office.speaks(NOY, "lo")
    [words] = office.words()
    assert office.run() == (1, 0)
    rotate(tmp_path / "keys", "index")
    rotate(tmp_path / "keys", "data")
    keys = Keys(tmp_path / "keys")
    office.outbox = Outbox(hot, keys, clock, "synthetic")
    assert (office.run(), office.whys()) == ((0, 0), [Why.WAITING])
    Renewal(open_engine(office.url), keys).run()
    assert (office.run(), office.whys()) == ((0, 0), [Why.WAITING])
    assert not is_gsm7(words)
    office.asked(1, "full", phone="1.gone")
    assert (office.run(), office.whys()) == ((0, 1), [Why.SEALED])


def test_what_died_is_sent_again_only_when_asked_and_as_things_stand_then(
    office: Office, provider: Provider, clock: Clock, carried: Callable[[], list[tuple[str, str]]]
) -> None:
    office.register.member(1, NOY, UNPAID)
    office.asked(1)
    provider.answers = lambda _message: Retry("the provider is busy", after=1)
    office.run()
    for _try in range(5):
        carried()
        clock.moves(seconds=2)
    assert (office.run(), office.whys()) == ((0, 0), [Why.DIED])
    provider.answers = provider.takes
    office.money_comes(1)
    assert office.run(again=True) == (1, 1)
    [(_phone, words)] = carried()
    assert "are paid" in words


def test_no_text_names_anybody_or_anything(office: Office) -> None:
    """Whatever stands, none of what the register holds of her, of her employer or of her money is said."""
    kinds = [Posting.POSTED, Posting.ASSESSED, Posting.RECEIVED, Posting.UNMATCHED, "partial"]
    for number, october in enumerate(kinds, start=1):
        phone = f"+85620200001{number:02d}"
        office.register.member(number, phone, paid(Month(2026, 5), OCTOBER, {OCTOBER: october}))
        office.asked(number)
        office.speaks(phone, ("en", "lo", "lo_Latn")[number % 3])
    said = office.words()
    assert len(said) == len(kinds)
    canaries = ["Thotlong", "ທົດລອງ", "00001-01", "2020000", str(DUE), str(DUE // 2), "287", "1990"]
    canaries += [social(number) for number in range(1, len(kinds) + 1)]
    assert [canary for canary in canaries for text in said if canary in text] == []


@pytest.mark.parametrize("why", STANDINGS)
@pytest.mark.parametrize("in_full", [True, False])
@pytest.mark.parametrize("live", [True, False])
def test_it_fits_and_says_the_way_out(why: standing.Why, in_full: bool, live: bool, language: str) -> None:
    """The longest that each can be, with an eight-digit hotline and a code of eight signs."""
    right = Right(live, date(2027, 1, 31), 0)
    alert = Alert(why, Month(2026, 12), right, "*1508*1#", "02112345")
    words = sendable(render(alert, language, SAY, in_full))
    assert segments(words).parts <= PARTS[language], (len(words), words)
    assert is_gsm7(words) == (language != "lo")
    assert "STOP" in words
    assert ("12/2026" in words) == ("31/01/2027" in words) == in_full
    if why is standing.Why.LATE or not in_full:
        assert "*1508*1#" in words


def test_memory_is_that_of_one_batch_however_many_ask(office: Office, outbox: Outbox) -> None:
    keys = outbox.keys
    every = [f"+8562021{number:06d}" for number in range(MEMBERS)]
    rows = [binding(keys, keys.hasher("caller", phone), phone[-6:], phone) for phone in every]
    with office.register.engine.begin() as connection:
        connection.execute(insert(bindings).values(alerts="full"), rows)
    del rows
    tracemalloc.start()
    try:
        found = sum(1 for _her in subscribers(office.url, keys, outbox.now()))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == MEMBERS
    assert peak < MEGABYTES * 2**20
