"""What keeps a message from leaving now, or at all: hour, age, month, rate, an ill provider, STOP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine

from gateway.outbox.outbox import Outbox
from gateway.outbox.port import (
    Draft,
    Kind,
    Message,
    Outcome,
    Retry,
)
from gateway.outbox.reaper import Reaper
from gateway.outbox.rounds import Rounds, drain
from gateway.outbox.sender import A_MONTH, Sender
from gateway.outbox.states import State
from gateway.storage.keys import Keys, rotate
from gateway.storage.tables import outbox as table
from tests.conftest import Clock
from tests.outbox.carrier import Provider
from tests.outbox.conftest import PHONE
from tests.outbox.test_sender import stands

Post = Callable[..., None]


def test_nobody_is_woken(outbox: Outbox, sender: Sender, reaper: Reaper, post: Post, clock: Clock) -> None:
    """Bulk waits for the morning in Vientiane; a reply does not."""
    clock.now = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)  # 20:30 there
    post(Kind.REMINDER)
    post(Kind.REPLY)
    assert drain(sender, reaper) == 1
    clock.now = datetime(2026, 11, 24, 0, 59, tzinfo=UTC)
    assert drain(sender, reaper) == 0
    clock.moves(minutes=2)
    assert drain(sender, reaper) == 1


def test_what_is_too_late_is_not_sent(
    outbox: Outbox, sender: Sender, reaper: Reaper, post: Post, clock: Clock
) -> None:
    post(Kind.CODE)
    clock.moves(minutes=6)
    assert drain(sender, reaper) == 0
    assert stands(outbox) == [("dropped", "too late")]


def test_enough_for_this_month(outbox: Outbox, sender: Sender, reaper: Reaper, post: Post, clock: Clock) -> None:
    for _number in range(A_MONTH + 2):
        post(Kind.CAMPAIGN)
    assert drain(sender, reaper) == A_MONTH
    assert stands(outbox).count(("dropped", "enough for this month")) == 2
    clock.moves(days=10)  # December
    post(Kind.CAMPAIGN)
    assert drain(sender, reaper) == 1


def test_enough_for_this_month_is_enough_across_a_rotation(
    outbox: Outbox, sender: Sender, reaper: Reaper, post: Post
) -> None:
    for _number in range(A_MONTH):
        post(Kind.CAMPAIGN)
    assert drain(sender, reaper) == A_MONTH
    rotate(outbox.keys.directory, "index")
    outbox.keys.look_again()
    post(Kind.CAMPAIGN)
    assert drain(sender, reaper) == 0
    assert ("dropped", "enough for this month") in stands(outbox)


def test_a_carriers_rate_is_kept_and_leaves_room_for_who_waits(
    outbox: Outbox, provider: Provider, reaper: Reaper, post: Post, clock: Clock, sender: Sender
) -> None:
    paced = Sender(outbox, sender.carriers, sender._tallies, sender._timezone, rates={"synthetic": 10})
    for number in range(20):
        post(Kind.REMINDER, f"+85620{number:08}")
    drain(paced, reaper)
    assert len(provider.taken) == 8
    post(Kind.CODE)
    drain(paced, reaper)
    assert provider.taken[-1].kind is Kind.CODE
    clock.moves(seconds=31)
    drain(paced, reaper)
    assert len(provider.taken) == 17


def test_bulk_leaves_at_its_pace_whenever_it_became_due(
    outbox: Outbox, provider: Provider, reaper: Reaper, post: Post, clock: Clock, sender: Sender
) -> None:
    """After a night, or after a provider was away, everything is due at once."""
    paced = Sender(outbox, sender.carriers, sender._tallies, sender._timezone, bulk_pace=20)
    for number in range(50):
        post(Kind.REMINDER, f"+85620{number:08}")
    left = []
    for _second in range(3):
        post(Kind.CODE)  # who waits is not held up
        drain(paced, reaper)
        left.append(len(provider.taken))
        assert not paced.due("synthetic", True, 10)  # nothing more is claimed in vain in this second
        clock.moves(seconds=1)
    assert left == [21, 42, 53]


def test_counts_of_seconds_and_months_that_are_over_are_forgotten(
    outbox: Outbox, reaper: Reaper, post: Post, clock: Clock, sender: Sender
) -> None:
    paced = Sender(outbox, sender.carriers, sender._tallies, sender._timezone, {"synthetic": 100}, bulk_pace=20)
    post(Kind.REMINDER)
    drain(paced, reaper)
    assert paced.prune() == 0  # they count still
    clock.moves(seconds=1)
    assert paced.prune() == 2  # the carrier's, and that of all bulk
    clock.moves(days=31)
    assert (paced.prune(), paced.prune()) == (1, 0)  # her month's


def test_an_ill_provider_is_left_alone(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post
) -> None:
    tried: list[str] = []

    def ill(message: Message) -> Outcome:
        tried.append(message.ref)
        return Retry("refused connection", provider_is_ill=True)

    provider.answers = ill
    for number in range(20):
        post(Kind.NOTICE, f"+85620{number:08}")
    drain(sender, reaper)
    assert len(tried) == 5
    assert stands(outbox).count(("due", "the provider is ill")) == 15


def test_a_queue_of_ten_thousand_and_a_stop(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, clock: Clock
) -> None:
    """Nothing is sent after the commit but what was claimed before it."""
    loud = Sender(outbox, sender.carriers, sender._tallies, sender._timezone, a_month=100_000)
    caller, size = outbox.keys.hasher("caller", PHONE), 10_000
    rows = [outbox.row(Draft(Kind.CAMPAIGN, PHONE, f"{n}", purpose="campaign")) for n in range(size)]
    engine = create_engine(outbox.hot.url)
    with engine.begin() as connection:
        connection.execute(table.insert(), rows)
    engine.dispose()
    rounds = Rounds(loud, reaper, {False: 1, True: 4})
    enough = threading.Event()

    def taken(message: Message) -> Outcome:
        if len(provider.taken) > 200:
            enough.set()
        return provider.takes(message)

    provider.answers = taken
    rounds.start()
    assert enough.wait(60)
    outbox.reports.leave(caller, PHONE, "campaign")
    at_commit, still_claimed = len(provider.taken), 4
    clock.moves(seconds=1)
    drained = [ended for _turn in range(20) for ended in [loud.due("synthetic", True, 100)] if ended]
    rounds.stop(30)
    assert drained == []
    assert len(provider.taken) <= at_commit + still_claimed
    assert [found for found, _why in stands(outbox)].count(State.DROPPED) >= size - at_commit - still_claimed


def test_what_she_asked_for_is_never_kept_from_her(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post
) -> None:
    outbox.reports.leave(outbox.keys.hasher("caller", PHONE), PHONE)
    post(Kind.REPLY, text="asked")
    post(Kind.REMINDER, text="not asked", purpose="reminder")
    drain(sender, reaper)
    assert provider.texts(PHONE) == ["asked"]
    assert outbox.reports.come_back(outbox.keys.hasher("caller", PHONE))
    post(Kind.REMINDER, text="again", purpose="reminder")
    drain(sender, reaper)
    assert provider.texts(PHONE) == ["asked", "again"]


@pytest.mark.parametrize("knows", [True, False])
def test_a_stop_of_before_a_rotation_holds_after_it(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, keys: Keys, knows: bool
) -> None:
    """Whichever key named her when she said it, and when the text was written; the sender may yet learn of one."""
    rotate(keys.directory, "index")
    fresh = Keys(keys.directory)
    newer = Outbox(outbox.hot, fresh, outbox.clock, "synthetic")
    [old, new] = fresh.hashers[::-1]
    if knows:
        keys.look_again()
    for said_by in (old, new):
        newer.reports.leave(said_by("caller", PHONE), PHONE)
        for through in (outbox, newer):
            assert through.post(Draft(Kind.CAMPAIGN, PHONE, "not wanted", purpose="campaign"))
            assert through.post(Draft(Kind.REPLY, PHONE, "asked"))
        drain(sender, reaper)
        assert provider.texts(PHONE) == ["asked"] * 2
        provider.taken.clear()
        newer.reports.come_back(said_by("caller", PHONE))
    assert stands(outbox).count(("dropped", "not wanted")) == 4
    post(Kind.CAMPAIGN, text="wanted again", purpose="campaign")
    drain(sender, reaper)
    assert provider.texts(PHONE) == ["wanted again"]
