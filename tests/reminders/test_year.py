"""A year of three schedulers, of postings at any moment and of a clock that jumps, compared with an oracle.

Every reminder leaves once or not at all, as the rules say: in the very round in which the oracle says so, to the
phone that it says, and at the cost that the plan said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as hour
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from gateway.outbox.port import Draft
from gateway.registry.firms import firms
from gateway.registry.scheme import Scheme
from gateway.reminders.dispatch import draft_of
from gateway.reminders.ladder import Edge
from gateway.reminders.plan import Entry, Planner
from gateway.text.alphabet import segments
from gateway.text.values import Month
from tests.reminders.oracle import STEPS, Group, Name, Oracle
from tests.reminders.rounds import CHANGES, SECOND, STEP, Round, history
from tests.reminders.town import MONEY, Employer, Event, What, town
from tests.reminders.world import Left, World, schedulers, world_on

COMMANDS: Final = import_module("gateway.cli.reminders")  # its package has the group of this name
SEED: Final = 2028
MANY: Final = 3_000  # employers, as many as the issue asks for
SOME: Final = 300  # on SQLite, where three schedulers take turns
LATE: Final = re.compile("nothing came|bo daihap|ບໍ່ໄດ້ຮັບ")  # what only the text after the due day says

Past = Sequence[tuple[Round, Sequence[Event]]]
Told = list[tuple[set[Name], set[Group]]]


class Differs(AssertionError):
    """The gateway did what the oracle does not say."""


class Year(NamedTuple):
    """A town, the rounds with what happened before each, and what the oracle says of them."""

    employers: Sequence[Employer]
    past: Past
    told: Told


def live(employers: Sequence[Employer], world: World, schedule: Callable[[], None]) -> list[Name]:
    """Go through the year; everything that left. Raises `Differs`."""
    oracle, left = Oracle(employers), []
    came: set[tuple[int, Month]] = set()
    for (_real, now, schedules), events in history(employers, SEED):
        world.clock.now = now
        world.happen(events)
        oracle.learn(events)
        came |= {(event.number, event.month) for event in events if event.what in MONEY}
        if schedules:
            _post(world, schedule, oracle.run(now))
        gone = _leave(world, oracle)
        if schedules and any((number, month) in came for _step, number, month in gone):
            raise Differs(f"at {now} somebody is texted who had paid")
        left += gone
    return left


def _post(world: World, schedule: Callable[[], None], expected: set[Name]) -> None:
    """Run the schedulers; what they post is as much as the oracle says, and costs what the plan says."""
    before, plan = world.counted(), world.plan() if expected else None
    schedule()
    texts, parts = (now - then for now, then in zip(world.counted(), before, strict=True))
    if texts != len(expected):
        raise Differs(f"at {world.clock()} {texts} texts are posted, not {len(expected)}")
    if expected and plan != (texts, parts):
        raise Differs(f"at {world.clock()} the plan says {plan}, the outbox {texts} texts of {parts} SMS")


def _leave(world: World, oracle: Oracle) -> list[Name]:
    """Run the senders; to each phone goes what the oracle says."""
    found: dict[str, list[Name]] = {}
    for text in world.carry():
        name, due = heard(text)
        found.setdefault(text.phone, []).append(name)
        if due != oracle.said.get(name):
            raise Differs(f"at {world.clock()} {name} says {due}, not {oracle.said.get(name)}")
    expected = {group.phone: group for group in oracle.carry(world.clock()) if group.leave}
    if odd := found.keys() ^ expected.keys():
        raise Differs(f"at {world.clock()} {len(odd)} phones are texted or left out: {sorted(odd)[:5]}")
    for phone, names in found.items():
        group = expected[phone]
        if len(names) != group.leave or len(set(names) & group.names) != group.leave:
            raise Differs(f"at {world.clock()} {phone} gets {names}, not {group.leave} of {group.names}")
    return [name for names in found.values() for name in names]


def heard(text: Left) -> tuple[Name, date]:
    """Employer, month, step and due day, out of the words that went over the wire."""
    code = re.search(r"\b(\d{5})-01\b", text.words)
    due = re.search(r"(\d\d)/(\d\d)/(\d{4})", text.words)
    month = re.search(r"(?<![/\d])(\d\d)/(\d{4})", text.words)
    assert code, text
    assert due, text
    assert month, text
    of = Month(int(month[2]), int(month[1]))
    name = Name("after" if LATE.search(text.words) else "before", int(code[1]), of)
    return name, date(int(due[3]), int(due[2]), int(due[1]))


@pytest.fixture(autouse=True)
def _host_in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("database_url", "count"), [("postgresql", MANY), ("sqlite", SOME)], indirect=["database_url"]
)
def test_a_year_is_as_the_oracle_says(database_url: str, count: int, tmp_path: Path) -> None:
    employers = town(count, SEED)
    with world_on(database_url, tmp_path / "keys", employers) as world, schedulers(world) as at_once:
        left = live(employers, world, at_once)
    assert len(set(left)) == len(left) > count
    assert len({(step, month) for step, _number, month in left}) >= 2 * 12


def _forgets_money(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(COMMANDS, "firms", lambda *of: (firm._replace(came=0) for firm in firms(*of)))


def _knows_no_names(patch: pytest.MonkeyPatch) -> None:
    def nameless(entry: Entry, planner: Planner) -> Draft | None:
        draft = draft_of(entry, planner)
        return draft and draft._replace(once="")

    patch.setattr("gateway.reminders.dispatch.draft_of", nameless)


def _takes_nothing_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(COMMANDS, "take_back", lambda _ledger, _judged, _outbox: 0)


def _wakes_people(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("gateway.outbox.sender.OPENS", hour.min)


def _goes_by_the_hosts_clock(patch: pytest.MonkeyPatch) -> None:
    def on(edge: Edge, due: date, _timezone: tzinfo) -> datetime:
        return datetime.combine(due + timedelta(edge.days), edge.at).astimezone(UTC)

    patch.setattr("gateway.reminders.ladder.Edge.on", on)


def _knows_one_due_day(patch: pytest.MonkeyPatch) -> None:
    due_on = Scheme.due_on
    patch.setattr(Scheme, "due_on", lambda self, month, regime=None: due_on(self, month))


def _counts_texts_as_sms(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("gateway.reminders.plan.segments", lambda words: replace(segments(words), parts=1))


@pytest.mark.parametrize(
    ("breaks", "how"),
    [
        (_forgets_money, "texts are posted, not"),
        (_knows_no_names, "texts are posted, not"),
        (_takes_nothing_back, r"phones are texted or left out|gets \["),  # the latter where a phone has many firms
        (_wakes_people, "phones are texted or left out"),
        (_goes_by_the_hosts_clock, "texts are posted, not"),
        (_knows_one_due_day, "texts are posted, not"),
        (_counts_texts_as_sms, "the plan says"),
    ],
)
def test_a_broken_gateway_differs(
    breaks: Callable[[pytest.MonkeyPatch], None], how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    employers = town(SOME, SEED)
    with world_on(f"sqlite:///{tmp_path}/test.db", tmp_path / "keys", employers) as world:
        breaks(monkeypatch)
        with pytest.raises(Differs, match=how):
            live(employers, world, world.schedule)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("A_MONTH", 9),
        ("BEFORE", 2),
        ("BEFORE", 4),
        ("IN_A_ROW", 2),
        ("IN_A_ROW", 4),
        ("BY_DAY", range(7, 20)),
        ("BY_DAY", range(8, 21)),
        ("STEPS", {**STEPS, "before": (STEPS["before"][0] - SECOND, STEPS["before"][1])}),
        ("STEPS", {**STEPS, "before": (STEPS["before"][0], STEPS["before"][1] + SECOND)}),
        ("STEPS", {**STEPS, "after": (STEPS["after"][0] - SECOND, STEPS["after"][1])}),
        ("STEPS", {**STEPS, "after": (STEPS["after"][0], STEPS["after"][1] + SECOND)}),
    ],
)
def test_the_year_is_full_enough_to_tell_a_wrong_rule(
    year: Year, rule: str, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the oracle says of the year depends on each of its rules, and to the second."""
    monkeypatch.setattr(f"tests.reminders.oracle.{rule}", wrong)
    assert _told(year.employers, year.past) != year.told


def test_the_year_has_every_kind_of_moment(year: Year) -> None:
    rounds = [one for one, _events in year.past]
    posted = {one: names for one, (names, _left) in zip(rounds, year.told, strict=True) if names}
    left = [
        (one.now.date(), group)
        for one, (_names, groups) in zip(rounds, year.told, strict=True)
        for group in groups
    ]
    assert {one.now - one.real for one in posted} == {timedelta(), STEP, -STEP}
    assert CHANGES[2] in {one.real for one in posted}
    assert any(group.leave < len(group.names) for _day, group in left)  # a phone had enough for a month
    assert {date(2028, 1, 31), date(2028, 2, 29)} <= {day for day, _group in left}
    assert sum(map(len, posted.values())) > len(set().union(*posted.values()))  # some are posted twice: taken back
    assert sum(event.what is What.MOVED for _one, events in year.past for event in events) > 100


@pytest.fixture(scope="module")
def year() -> Year:
    employers = town(MANY, SEED)
    past = list(history(employers, SEED))
    return Year(employers, past, _told(employers, past))


def _told(employers: Sequence[Employer], past: Past) -> Told:
    """What the oracle says is posted and leaves in each round."""
    oracle, told = Oracle(employers), []
    for (_real, now, schedules), events in past:
        oracle.learn(events)
        told.append((oracle.run(now) if schedules else set(), set(oracle.carry(now))))
    return told
