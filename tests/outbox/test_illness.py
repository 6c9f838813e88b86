"""A provider that is ill for minutes or days: what waits for it, what dies, and what is sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from gateway.outbox.circuit import Circuit
from gateway.outbox.desk import Desk
from gateway.outbox.outbox import BACKOFF_MAX_SECONDS, LEASE_SECONDS, Outbox
from gateway.outbox.port import Kind, Message, Outcome, Retry, Sent, Unknown
from gateway.outbox.reaper import DOUBT_SECONDS, Reaper
from gateway.outbox.rounds import drain
from gateway.outbox.sender import Sender
from gateway.outbox.states import LIFE_SECONDS, MAX_ATTEMPTS, State
from tests.conftest import Clock
from tests.outbox.carrier import Provider
from tests.outbox.conftest import PHONE
from tests.outbox.test_sender import stands, state

Post = Callable[..., None]

ILL = Retry("not reached", provider_is_ill=True)
POISON = Retry("poison")
UNKNOWN = Unknown("no answer")
HOUR = 3_600


@pytest.fixture
def sender(sender: Sender, clock: Clock) -> Sender:
    """The sender, whose circuit goes by the clock of the test."""
    sender._circuits["synthetic"] = Circuit(lambda: clock().timestamp())
    return sender


def passes(seconds: int, step: int, clock: Clock, sender: Sender, reaper: Reaper) -> None:
    for _tick in range(seconds // step):
        drain(sender, reaper)
        clock.moves(seconds=step)
    drain(sender, reaper)


def test_a_lone_notice_outlives_an_outage(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    """Its life is three days; it is tried ever less often, but at least as often as the longest wait says."""
    tried: list[float] = []

    def ill(_message: Message) -> Outcome:
        tried.append(clock().timestamp())
        return ILL

    provider.answers = ill
    post(Kind.NOTICE, text="Your LSSO PIN was set.")
    passes(120, 1, clock, sender, reaper)
    assert state(outbox) == State.DUE
    passes(12 * HOUR, 10, clock, sender, reaper)
    waits = [after - before for before, after in pairwise(tried)]
    assert max(waits) <= BACKOFF_MAX_SECONDS + 10
    assert 12 * HOUR / BACKOFF_MAX_SECONDS < len(tried) < 4 * 12 * HOUR / BACKOFF_MAX_SECONDS
    provider.answers = provider.takes
    passes(int(BACKOFF_MAX_SECONDS), 10, clock, sender, reaper)
    assert provider.texts(PHONE) == ["Your LSSO PIN was set."]
    assert state(outbox) == State.ACCEPTED


@pytest.mark.parametrize("kind", [Kind.CODE, Kind.REPLY])
def test_an_outage_ends_what_it_outlives(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock, kind: Kind
) -> None:
    provider.answers = lambda _message: ILL
    post(kind)
    passes(LIFE_SECONDS[kind] - 10, 10, clock, sender, reaper)
    assert state(outbox) == State.DUE
    passes(20, 10, clock, sender, reaper)
    assert stands(outbox) == [("dropped", "too late")]


def test_poison_dies_of_its_own_tries_alone(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    says = [answer for _try in range(MAX_ATTEMPTS) for answer in (ILL, POISON)]
    told = iter(says)
    provider.answers = lambda _message: next(told)
    post(Kind.NOTICE)
    passes(12 * HOUR, 60, clock, sender, reaper)
    assert next(told, None) is None
    assert stands(outbox) == [("dead", "poison")]


def test_a_reminder_is_counted_once_a_month_however_often_it_is_tried(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    modest = Sender(outbox, sender.carriers, sender._tallies, sender._timezone, a_month=1)
    modest._circuits = sender._circuits
    provider.answers = lambda _message: ILL
    post(Kind.REMINDER)
    passes(HOUR, 10, clock, modest, reaper)
    provider.answers = provider.takes
    passes(int(BACKOFF_MAX_SECONDS), 10, clock, modest, reaper)
    assert state(outbox) == State.ACCEPTED


def test_the_longest_wait_holds_after_any_number_of_tries(outbox: Outbox, post: Post, clock: Clock) -> None:
    post(Kind.NOTICE)
    [ref] = outbox.offer("synthetic", False, 1)
    claim = outbox.take(ref)
    assert claim
    tried = claim._replace(message=claim.message._replace(attempt=100_000))
    assert outbox.record(tried, ILL) == State.DUE
    clock.moves(seconds=BACKOFF_MAX_SECONDS + 1)
    assert outbox.offer("synthetic", False, 1) == [ref]


@pytest.mark.parametrize(
    ("says", "ends"),
    [
        ((UNKNOWN, Sent("x")), State.ACCEPTED),
        ((ILL, UNKNOWN, Sent("x")), State.ACCEPTED),
        ((POISON, UNKNOWN, Sent("x")), State.ACCEPTED),
        ((UNKNOWN, UNKNOWN), State.UNKNOWN),
        ((UNKNOWN, ILL, POISON, UNKNOWN), State.UNKNOWN),
        ((ILL, UNKNOWN, POISON, Sent("x")), State.ACCEPTED),
    ],
)
def test_a_notice_once_in_doubt_is_sent_again_once(
    outbox: Outbox,
    sender: Sender,
    reaper: Reaper,
    provider: Provider,
    post: Post,
    clock: Clock,
    says: Sequence[Outcome],
    ends: State,
) -> None:
    """Whichever of its tries it was that nobody knows the end of; a provider that cannot be asked."""
    provider.finds = False
    told = iter(says)
    provider.answers = lambda _message: next(told)
    post(Kind.NOTICE)
    passes(2 * HOUR, 10, clock, sender, reaper)
    assert next(told, None) is None
    assert state(outbox) == ends


def test_a_sender_that_wakes_makes_one_doubt_and_not_two(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    """Its lease ended, and then it says itself that it does not know."""
    provider.finds = False
    post(Kind.NOTICE)
    [ref] = outbox.offer("synthetic", False, 1)
    slept = outbox.take(ref)
    assert slept
    clock.moves(seconds=LEASE_SECONDS + 1)
    reaper.sweep()
    assert outbox.record(slept, UNKNOWN) == State.IN_DOUBT
    passes(DOUBT_SECONDS, 10, clock, sender, reaper)
    assert len(provider.taken) == 1
    assert state(outbox) == State.ACCEPTED


def test_by_hand_it_begins_anew(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    provider.answers = lambda _message: POISON
    post(Kind.NOTICE)
    passes(2 * HOUR, 60, clock, sender, reaper)
    assert state(outbox) == State.DEAD
    [line] = Desk(outbox).lines(State.DEAD, 1)
    assert Desk(outbox).retry(line.ref, Kind.NOTICE)
    drain(sender, reaper)
    assert state(outbox) == State.DUE
