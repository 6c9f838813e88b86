"""One-time codes: what is sent, how often, what opens, on both databases; limits at their very boundaries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text as sql

from gateway.identity.codes import A_DAY, DAY_SECONDS, LIMITS, TALLY_DAYS, Codes
from gateway.identity.port import Sending
from gateway.logs import configure_logs
from gateway.outbox.outbox import Outbox
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.renewal import phone_of_message, text_of_message
from gateway.storage.schema import upgrade
from tests.channels.conftest import rows
from tests.conftest import Clock
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)
from tests.faults import at_once
from tests.storage.conftest import Open, open_hot, store_url  # noqa: F401 (fixtures)

NUMBER = "+8562055500123"
OTHER = "+8562055500124"
PURPOSE = "pin.reset"
WORDING = "ລະຫັດ %(code)s, %(minutes)s\u00a0ນາທີ"
THREADS, ROUNDS = 20, 5  # a hundred requests on as many links as a test may hold

SENT, WAIT, OFF = Sending.SENT, Sending.WAIT, Sending.OFF


class Handsets:
    """Everybody's phone, were every message of the outbox sent."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Number and text of each message, oldest first."""
        url, opened = self.outbox.hot.url.render_as_string(hide_password=False), self.outbox.keys.sealer.open
        return [
            (
                str(opened(str(phone), phone_of_message(str(ref)))),
                str(opened(str(text), text_of_message(str(ref)))),
            )
            for ref, phone, text in rows(url, "SELECT ref, phone, text FROM outbox ORDER BY made_at")
        ]

    def code(self, msisdn: str = NUMBER) -> str:
        """The last code that arrived there."""
        text = next(text for number, text in reversed(self.texts) if number == msisdn)
        return text[len(WORDING.partition("%")[0]) :][:6]


class Bench:
    """Codes on one database, and short words for what the tests say."""

    def __init__(self, hot: Hot, keys: Keys, clock: Clock) -> None:
        self.hot, self.keys, self.clock = hot, keys, clock
        self.outbox = Outbox(hot, keys, clock, "synthetic")
        self.handsets = Handsets(self.outbox)
        self.codes = self.made()

    def made(self, a_day: int = A_DAY) -> Codes:
        return Codes(self.hot, self.keys, self.clock, self.outbox.step, a_day)

    def caller(self, msisdn: str) -> str:
        return self.keys.hasher("caller", msisdn)

    def send(self, msisdn: str = NUMBER, purpose: str = PURPOSE, codes: Codes | None = None) -> Sending:
        return (codes or self.codes).send(msisdn, self.caller(msisdn), purpose, WORDING)

    def check(self, typed: str, msisdn: str = NUMBER, purpose: str = PURPOSE) -> bool:
        return self.codes.check(self.caller(msisdn), purpose, typed)

    def wrong(self, msisdn: str = NUMBER) -> str:
        return f"{(int(self.handsets.code(msisdn)) + 1) % 10**6:06}"

    def table(self, name: str) -> list[tuple[object, ...]]:
        return rows(self.hot.url.render_as_string(hide_password=False), f"SELECT * FROM {name}")

    def tallied(self, name: str) -> int:
        return sum(row[2] for row in self.table("tallies") if row[0] == name)  # type: ignore[misc]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def bench(store_url: str, open_hot: Open, keys: Keys, clock: Clock) -> Bench:  # noqa: F811
    return Bench(open_hot(store_url), keys, clock)


@pytest.fixture
def fast(tmp_path: Path, open_hot: Open, keys: Keys, clock: Clock) -> Bench:  # noqa: F811
    """On SQLite alone, for what no database decides."""
    url = f"sqlite:///{tmp_path}/fast.db"
    upgrade(url, {"store"})
    return Bench(open_hot(url), keys, clock)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    configure_logs()
    capsys.readouterr()
    return lambda: "".join(capsys.readouterr())


def test_a_code_arrives_and_opens_once(bench: Bench) -> None:
    assert bench.send() is SENT
    assert bench.handsets.texts == [(NUMBER, f"ລະຫັດ {bench.handsets.code()}, 5 ນາທີ")]
    assert bench.check(bench.handsets.code())
    assert not bench.check(bench.handsets.code())


def test_digits_of_her_own_script_are_digits(fast: Bench) -> None:
    fast.send()
    assert fast.check(fast.handsets.code().translate(str.maketrans("0123456789", "໐໑໒໓໔໕໖໗໘໙")))


@pytest.mark.parametrize(("drawn", "code"), [(0, "000000"), (7, "000007"), (999_999, "999999")])
def test_a_code_has_six_digits_drawn_from_all_of_them(fast: Bench, drawn: int, code: str) -> None:
    asked: list[int] = []

    def below(limit: int) -> int:
        asked.append(limit)
        return drawn

    codes = Codes(fast.hot, fast.keys, fast.clock, fast.outbox.step, below=below)
    assert fast.send(codes=codes) is SENT
    assert (asked, fast.handsets.code()) == ([1_000_000], code)
    assert fast.check(code)


def test_codes_are_not_alike(fast: Bench) -> None:
    for number in range(50):
        fast.send(f"+85620555{number:05}")
    assert len({fast.handsets.code(number) for number, _text in fast.handsets.texts}) >= 49


# what may be sent


def test_sends_are_a_minute_apart_and_the_earlier_code_stays_good(bench: Bench) -> None:
    bench.send()
    first = bench.handsets.code()
    bench.clock.moves(seconds=59)
    assert bench.send() is WAIT
    assert bench.send(purpose="another") is WAIT
    assert len(bench.handsets.texts) == 1
    assert bench.check(first)
    bench.clock.moves(seconds=1)
    assert bench.send() is SENT


def test_a_new_code_takes_the_place_of_the_last(bench: Bench) -> None:
    bench.send()
    first = bench.handsets.code()
    bench.clock.moves(seconds=60)
    bench.send()
    while bench.handsets.code() == first:  # one time in a million
        bench.clock.moves(seconds=600)
        bench.send()
    assert not bench.check(first)
    assert bench.check(bench.handsets.code())


def test_three_in_ten_minutes(bench: Bench) -> None:
    said = []
    for moved in (0, 60, 60, 60, 419, 1, 59, 1):  # at 0, 60, 120, 180, 599, 600, 659 and 660 seconds
        bench.clock.moves(seconds=moved)
        said.append(bench.send())
    assert said == [SENT, SENT, SENT, WAIT, WAIT, SENT, WAIT, SENT]


def test_five_in_twenty_four_hours_whatever_the_date(bench: Bench) -> None:
    bench.clock.now = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    for _ in range(5):
        assert bench.send() is SENT
        bench.clock.moves(hours=1)
    bench.clock.moves(hours=18, minutes=59, seconds=59)  # a second before the first is a day old
    assert bench.send() is WAIT
    bench.clock.moves(seconds=1)
    assert bench.send() is SENT
    assert bench.send() is WAIT


def test_a_minute_is_a_minute_whatever_the_fraction(fast: Bench) -> None:
    fast.clock.moves(seconds=0.9)
    assert fast.send() is SENT
    fast.clock.moves(seconds=59.2)
    assert fast.send() is WAIT


def test_a_clock_that_goes_back_sends_nothing(bench: Bench) -> None:
    bench.send()
    bench.clock.moves(hours=-1)
    assert bench.send() is WAIT


def test_the_limits_are_those_of_a_list_of_all_sends(fast: Bench) -> None:
    """Three weeks of requests at random moments, against the plainest reading of the limits."""
    draw = Random(14)
    sends: list[float] = []
    for _ in range(1_500):
        fast.clock.moves(seconds=draw.choice([1, 7, 30, 59, 60, 61, 200, 600, 3_000, 9_000]))
        now = fast.clock.now.timestamp()
        allowed = (not sends or now - sends[-1] >= 60) and all(
            sum(now - one < window for one in sends) < most for window, most in LIMITS
        )
        assert (fast.send() is SENT) == allowed
        if allowed:
            sends.append(now)
    assert 60 < len(sends) == len(fast.handsets.texts)


STRANGE_NUMBERS = [
    "", "+", "856", "+856", "+85620", "020", "1508", "191", "+8561508", "*1508#",
    "+8562155500123", "+85621123456", "+85671212345", "+85641212345", "+85631212345",  # fixed lines
    "+856302123456", "+8563021234567", "+856304123456", "+856301234567",  # wireless fixed
    "+8562015500123", "+8562045500123", "+8562065500123", "+8562005500123",  # no operator's block
    "+8562085500123", "+8562080500123", "+8562086500123", "+8562089500123",
    "+856205550012", "+85620555001234", "+8562055500123 ", " +8562055500123", "+8562055500123\n",
    "+8562055500123\0",
    "8562055500123", "008562055500123", "02055500123", "2055500123", "55500123", "+856 20 5550 0123",
    "+856-20-55500123", "+856(0)2055500123", "+85602055500123", "tel:+8562055500123", "+8562055500123;ext=1",
    "+8562055500123,+8562055500124", "+8562055500123 +19005550123", "+໘໕໖໒໐໕໕໕໐໐໑໒໓",
    "+８５６２０５５５００１２３",
    "+85620555٠٠123", "+8562055500a23", "+8562O55500123", "+856205550012x", "++8562055500123", "+85６2055500123",
    "+66812345678", "+84912345678", "+8613812345678", "+85512345678", "+959123456789",  # the neighbours
    "+19005550123", "+882160012345", "+881612345678", "+37900000000", "+24205550123",  # premium, satellite
]  # fmt: skip


def test_nothing_leaves_for_a_number_that_is_no_lao_mobile(bench: Bench) -> None:
    assert len(set(STRANGE_NUMBERS)) >= 50
    for number in STRANGE_NUMBERS:
        assert bench.send(number) is OFF
    for country in {str(code) for code in range(1, 1000)} - {"856", "85", "8"}:
        assert bench.send(f"+{country}2055500123") is OFF
    assert bench.handsets.texts == []
    assert bench.table("codes") == bench.table("tallies") == []


def test_every_lao_mobile_block_gets_codes_and_no_other(fast: Bench) -> None:
    blocks = {f"{block:02}" for block in range(100) if fast.send(f"+85620{block:02}500123") is SENT}
    assert blocks == {*(f"{first}{second}" for first in "23579" for second in range(10)), "87", "88"}


def test_one_number_has_one_caller(fast: Bench) -> None:
    with pytest.raises(ValueError, match="the number it goes to"):
        fast.codes.send(NUMBER, fast.caller(OTHER), PURPOSE, WORDING)
    assert fast.table("codes") == fast.table("tallies") == []


@pytest.mark.parametrize("wording", ["%(code)s %(pin)s", "%(code)s 100%", "%(code)d"])
def test_a_wording_that_cannot_be_filled_costs_nothing(fast: Bench, wording: str) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        fast.codes.send(NUMBER, fast.caller(NUMBER), PURPOSE, wording)
    assert fast.table("codes") == fast.table("tallies") == []


def test_without_an_operator_there_are_no_codes(bench: Bench) -> None:
    assert bench.send(codes=Codes(bench.hot, bench.keys, bench.clock, None)) is OFF
    assert bench.table("codes") == bench.table("tallies") == []


def test_a_code_that_is_not_charged_is_not_posted(bench: Bench) -> None:
    """All in one transaction: where the cap of a day is reached, nothing is in the outbox either."""
    capped = bench.made(a_day=1)
    assert bench.send(codes=capped) is SENT
    assert bench.send(OTHER, codes=capped) is OFF
    assert [number for number, _text in bench.handsets.texts] == [NUMBER]


# the cap of the platform


def test_the_cap_of_a_day_is_exact_told_once_and_new_at_midnight(bench: Bench, logged: Callable[[], str]) -> None:
    bench.clock.now = datetime(2026, 11, 23, 23, 50, tzinfo=UTC)
    capped = bench.made(a_day=3)
    numbers = [f"+85620555001{number:02}" for number in range(20)]
    assert [bench.send(number, codes=capped) for number in numbers[:2]] == [SENT, SENT]
    assert bench.send(numbers[0], codes=capped) is WAIT  # what is not sent is not counted
    assert "used up" not in logged()
    assert [bench.send(number, codes=capped) for number in numbers[2:6]] == [SENT, OFF, OFF, OFF]
    told = logged()
    assert told.count('"event":"codes of this day are used up"') == told.count("\n") == 1
    bench.clock.now = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
    assert bench.send(numbers[7], codes=capped) is OFF
    bench.clock.moves(seconds=1)
    assert [bench.send(number, codes=capped) for number in numbers[8:12]] == [SENT, SENT, SENT, OFF]
    assert logged().count("used up") == 1
    assert len(bench.table("codes")) == 6  # and those refused left nothing


# what opens


def test_three_checks_and_no_more(bench: Bench) -> None:
    bench.send()
    for _ in range(2):
        assert not bench.check(bench.wrong())
    assert bench.check(bench.handsets.code())
    bench.clock.moves(minutes=1)
    bench.send()
    for _ in range(3):
        assert not bench.check(bench.wrong())
    assert not bench.check(bench.handsets.code())
    bench.clock.moves(minutes=1)
    bench.send()
    assert bench.check(bench.handsets.code())


@pytest.mark.parametrize(("seconds", "opens"), [(0, True), (299, True), (300, False), (86_400, False)])
def test_a_code_lives_for_five_minutes(bench: Bench, seconds: int, opens: bool) -> None:
    bench.send()
    bench.clock.moves(seconds=seconds)
    assert bench.check(bench.handsets.code()) is opens


def test_a_code_is_for_one_number_and_one_purpose(bench: Bench) -> None:
    bench.send()
    bench.send(OTHER, "number.change")
    mine, others = bench.handsets.code(), bench.handsets.code(OTHER)
    for _ in range(5):  # more than there are checks: none of these is one
        assert not bench.check(mine, purpose="number.change")
        assert not bench.check(mine, OTHER, PURPOSE)
        assert not bench.check(others, OTHER, PURPOSE)
        assert not bench.check(mine, "+8562055500199")
    if mine != others:
        assert not bench.check(others)
    assert bench.check(mine)
    assert bench.check(others, OTHER, "number.change")


def test_the_same_digits_are_another_code_elsewhere(fast: Bench) -> None:
    """Rows moved about in the database open nothing: the hash is bound to its caller and purpose."""
    codes = Codes(fast.hot, fast.keys, fast.clock, fast.outbox.step, below=lambda _limit: 123_456)
    for number in (NUMBER, OTHER):
        assert fast.send(number, codes=codes) is SENT
    [first, second] = fast.table("codes")
    assert first[1] != second[1]
    swap = "UPDATE codes SET purpose = 'another'"
    fast.hot.rows(fast.hot.statement(sql(swap)), {}, 1.0)
    assert not fast.check("123456", purpose="another")


@pytest.mark.parametrize(
    "typed", ["", " ", "0", "12345", "1234567", "000000" * 1000, "ກ" * 6, "\ud800", "%", "\0"]
)
def test_noise_is_no_code(bench: Bench, typed: str) -> None:
    bench.send()
    assert not bench.check(typed)


# many at once


def crowd(bench: Bench, works: list[Callable[[], object]]) -> list[object]:
    """Pieces of work on twenty threads, each with a link of its own; who is not served in time asks again."""

    def served(work: Callable[[], object]) -> object:
        for _ in range(20):
            with suppress(TimeoutError):
                return work()
        raise TimeoutError

    def run(mine: list[Callable[[], object]]) -> list[object]:
        try:
            return [served(work) for work in mine]
        finally:
            bench.hot.close()

    shares = [works[number::THREADS] for number in range(THREADS)]
    return [said for share in at_once([lambda mine=mine: run(mine) for mine in shares]) for said in share]  # type: ignore[misc]


def test_a_hundred_requests_at_once_for_one_number_send_one(bench: Bench) -> None:
    said = crowd(bench, [bench.send] * (THREADS * ROUNDS))
    assert Counter(said) == {SENT: 1, WAIT: THREADS * ROUNDS - 1}
    assert len(bench.handsets.texts) == 1
    assert bench.tallied("codes sent, by day") == bench.tallied("codes sent, by hour") == 1
    assert bench.check(bench.handsets.code())


def test_a_hundred_again_for_a_number_that_is_known(bench: Bench) -> None:
    bench.send()
    bench.clock.moves(seconds=60)
    assert Counter(crowd(bench, [bench.send] * (THREADS * ROUNDS)))[SENT] == 1
    assert len(bench.handsets.texts) == bench.tallied("codes sent, by day") == 2


def test_a_hundred_numbers_at_once_get_what_the_cap_allows(bench: Bench, logged: Callable[[], str]) -> None:
    capped = bench.made(a_day=40)
    numbers = [f"+856205550{number:04}" for number in range(THREADS * ROUNDS)]
    said = crowd(bench, [lambda number=number: bench.send(number, codes=capped) for number in numbers])  # type: ignore[misc]
    assert Counter(said) == {SENT: 40, OFF: 60}
    assert len({number for number, _text in bench.handsets.texts}) == len(bench.handsets.texts) == 40
    assert bench.tallied("codes sent, by day") == len(bench.table("codes")) == 40
    assert logged().count("used up") == 1


def test_the_right_code_at_once_opens_once(bench: Bench) -> None:
    bench.send()
    code = bench.handsets.code()
    assert Counter(crowd(bench, [lambda: bench.check(code)] * 100))[True] == 1


def test_a_hundred_guesses_at_once_are_three(bench: Bench) -> None:
    bench.send()
    wrong = bench.wrong()
    assert not any(crowd(bench, [lambda: bench.check(wrong)] * 100))
    assert [row[4] for row in bench.table("codes")] == [0]
    assert not bench.check(bench.handsets.code())


# what is noticed, kept and forgotten

HOUR = datetime(2026, 11, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "entered", "alarms"), [(50, 24, 1), (50, 25, 0), (50, 0, 1), (49, 0, 0), (51, 25, 1), (52, 26, 0)]
)
def test_an_hour_of_codes_that_few_entered_is_told_once(
    bench: Bench, logged: Callable[[], str], sent: int, entered: int, alarms: int
) -> None:
    bench.clock.now = HOUR + timedelta(minutes=59)
    numbers = [f"+85620555010{number:02}" for number in range(sent)]
    for number in numbers:
        assert bench.send(number) is SENT
    bench.clock.now = HOUR + timedelta(minutes=63, seconds=59)  # in the next hour, and still good
    for number in numbers[:entered]:
        assert bench.check(bench.handsets.code(number), number)
    for moment, line in ((64, 0), (64.99, 0), (65, alarms), (66, 0), (600, 0)):
        bench.clock.now = HOUR + timedelta(minutes=moment)
        bench.send(OTHER)
        assert logged().count('"event":"few codes are entered"') == line


def test_no_table_and_no_line_holds_number_code_or_text(bench: Bench, logged: Callable[[], str]) -> None:
    capped = bench.made(a_day=2)
    for number in (NUMBER, OTHER, "+8562055500125"):
        bench.send(number, codes=capped)
    bench.check(bench.wrong())
    told, secrets = logged(), set()
    assert "used up" in told
    for number, text in bench.handsets.texts:
        secrets |= {number, number[4:], text, bench.handsets.code(number)}
    assert len(secrets) == 8
    dump = str(bench.table("codes") + bench.table("tallies") + bench.table("outbox"))
    assert bench.caller(NUMBER) in dump
    for secret in secrets:
        # six digits may stand in a time or a hash by chance: a code has to stand alone
        assert re.search(rf"(?<![0-9a-f]){re.escape(secret)}(?![0-9a-f])", dump + told) is None


def test_what_limits_nothing_any_more_is_forgotten(bench: Bench) -> None:
    bench.send()
    bench.check(bench.handsets.code())
    bench.clock.moves(days=1, seconds=300)
    assert bench.codes.prune() == 0
    bench.clock.moves(seconds=1)
    assert bench.codes.prune() == 1
    assert bench.table("codes") == []
    bench.clock.moves(seconds=TALLY_DAYS * DAY_SECONDS)
    assert bench.codes.prune() == 3
    assert bench.table("tallies") == []


def test_the_tallies_of_others_are_not_ours_to_forget(fast: Bench) -> None:
    fast.hot.rows(fast.hot.statement(sql("INSERT INTO tallies VALUES ('pins tried', 1, 7)")), {}, 1.0)
    assert fast.codes.prune() == 0
    assert fast.tallied("pins tried") == 7
