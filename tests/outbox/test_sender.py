"""One message from its row to the wire and back, and what becomes of it when something breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from gateway.outbox.outbox import LEASE_SECONDS, Outbox
from gateway.outbox.port import (
    Draft,
    Kind,
    Message,
    OptedOut,
    Outcome,
    Receipt,
    Refused,
    Retry,
    Sent,
    Status,
    Unknown,
)
from gateway.outbox.reaper import DOUBT_SECONDS, NO_REPORT_SECONDS, Reaper
from gateway.outbox.rounds import Rounds, drain
from gateway.outbox.sender import Ended, Sender
from gateway.outbox.states import MAX_ATTEMPTS, State
from gateway.storage.tables import outbox as table
from tests.conftest import Clock
from tests.outbox.carrier import Provider
from tests.outbox.conftest import PHONE

Post = Callable[..., None]


def stands(outbox: Outbox) -> list[tuple[str, str]]:
    """State and reason of every message, oldest first."""
    engine = create_engine(outbox.hot.url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT state, why FROM outbox ORDER BY made_at, ref")).all()
    engine.dispose()
    return [(str(state), str(why)) for state, why in rows]


def state(outbox: Outbox) -> str:
    [(found, _why)] = stands(outbox)
    return found


def test_a_message_goes_out_once(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post
) -> None:
    post(text="ທ່ານຂາດ 2 ເດືອນ")
    assert drain(sender, reaper) == 1
    assert drain(sender, reaper) == 0
    assert provider.texts(PHONE) == ["ທ່ານຂາດ 2 ເດືອນ"]
    assert state(outbox) == State.ACCEPTED


def test_the_same_once_is_the_same_message(outbox: Outbox) -> None:
    draft = Draft(Kind.REMINDER, PHONE, "due", once="2026-11")
    assert outbox.post(draft)
    assert not outbox.post(draft)


def test_numbers_and_texts_are_sealed(outbox: Outbox, post: Post) -> None:
    post(text="synthetic words")
    engine = create_engine(outbox.hot.url)
    with engine.connect() as connection:
        row = str(connection.execute(text("SELECT * FROM outbox")).one())
    engine.dispose()
    assert "synthetic words" not in row
    assert PHONE[-8:] not in row


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        (Retry("busy"), State.DUE),
        (Refused("no such number"), State.FAILED),
        (OptedOut(), State.FAILED),
        (Unknown("late"), State.IN_DOUBT),
    ],
)
def test_every_outcome_has_its_state(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, outcome: Outcome, ends: State
) -> None:
    provider.answers = lambda _message: outcome
    post()
    drain(sender, reaper)
    assert state(outbox) == ends


def test_five_tries_then_dead_and_others_flow(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    """10 poison messages among 200: the others are not held up (reliability F19)."""

    def picky(message: Message) -> Outcome:
        return Retry("poison") if message.text == "poison" else provider.takes(message)

    provider.answers = picky
    for number in range(200):
        post(Kind.NOTICE, f"+85620{number:08}", "poison" if number % 20 == 0 else "good")
    assert drain(sender, reaper) == 190
    for _try in range(MAX_ATTEMPTS):
        clock.moves(minutes=16)
        drain(sender, reaper)
    assert [one for one in stands(outbox) if one[0] == State.DEAD] == [("dead", "poison")] * 10


def test_what_the_provider_asks_to_wait_is_waited(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    provider.answers = lambda _message: Retry("busy", after=120)
    post()
    drain(sender, reaper)
    provider.answers = provider.takes
    clock.moves(seconds=119)
    assert drain(sender, reaper) == 0
    clock.moves(seconds=2)
    assert drain(sender, reaper) == 1


def claimed(outbox: Outbox) -> str:
    """Take the one message and go away with it, as a process that is killed does."""
    [ref] = outbox.offer("synthetic", False, 1) or outbox.offer("synthetic", True, 1)
    assert outbox.take(ref)
    return ref


def test_a_sender_that_died_before_the_wire_is_followed_by_another(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    post()
    claimed(outbox)
    drain(sender, reaper)
    assert state(outbox) == State.CLAIMED
    clock.moves(seconds=LEASE_SECONDS + 1)
    drain(sender, reaper)
    assert len(provider.taken) == 1
    assert state(outbox) == State.ACCEPTED


def test_a_sender_that_died_after_the_wire_sends_nothing_twice(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post, clock: Clock
) -> None:
    post()
    [ref] = outbox.offer("synthetic", False, 1)
    claim = outbox.take(ref)
    assert claim
    provider.send(claim.message)
    clock.moves(seconds=LEASE_SECONDS + 1)
    drain(sender, reaper)
    assert len(provider.taken) == 1
    assert state(outbox) == State.ACCEPTED


@pytest.mark.parametrize(
    ("kind", "sent", "ends"),
    [
        (Kind.CODE, 0, State.UNKNOWN),
        (Kind.REPLY, 0, State.UNKNOWN),
        (Kind.REMINDER, 0, State.UNKNOWN),
        (Kind.NOTICE, 1, State.ACCEPTED),
    ],
)
def test_a_provider_that_cannot_be_asked(
    outbox: Outbox,
    sender: Sender,
    reaper: Reaper,
    provider: Provider,
    post: Post,
    clock: Clock,
    kind: Kind,
    sent: int,
    ends: State,
) -> None:
    """Only what has to arrive is sent once more; the rest is listed (reliability 3.5)."""
    provider.finds = False
    post(kind)
    claimed(outbox)
    clock.moves(seconds=LEASE_SECONDS + 1)
    drain(sender, reaper)
    clock.moves(seconds=DOUBT_SECONDS + 1)
    drain(sender, reaper)
    assert len(provider.taken) == sent
    assert state(outbox) == ends


def test_whoever_slept_on_a_claim_cannot_record(outbox: Outbox, post: Post, clock: Clock, reaper: Reaper) -> None:
    post()
    [ref] = outbox.offer("synthetic", False, 1)
    slept = outbox.take(ref)
    assert slept
    clock.moves(seconds=LEASE_SECONDS + 1)
    reaper.sweep()
    again = outbox.take(ref)
    assert again
    assert outbox.record(slept, Sent("mine")) is None
    assert outbox.record(again, Sent("theirs")) == State.ACCEPTED


def test_a_report_before_the_answer_of_the_submit(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post
) -> None:
    """By our reference, and by an id that nobody knows yet."""

    def early(message: Message) -> Outcome:
        by_ref = Receipt("synthetic", Status.DELIVERED, ref=message.ref)
        by_id = Receipt("synthetic", Status.DELIVERED, provider_id=f"id-{message.ref}")
        outbox.reports.apply(by_ref if message.text == "by ref" else by_id)
        return provider.takes(message)

    provider.answers = early
    post(text="by ref")
    post(text="by id")
    assert drain(sender, reaper) == 2
    assert [found for found, _why in stands(outbox)] == [State.DELIVERED] * 2


OUT = Receipt("synthetic", Status.FAILED, why="opted out", opted_out=True)
ACCEPTED, DELIVERED, FAILED = (Receipt("synthetic", status) for status in Status)


@pytest.mark.parametrize("early", [True, False], ids=["before the answer", "after it"])
@pytest.mark.parametrize(
    ("reports", "ends", "next_one"),
    [
        ((DELIVERED, FAILED), State.DELIVERED, State.DELIVERED),
        ((DELIVERED, ACCEPTED), State.DELIVERED, State.DELIVERED),
        ((ACCEPTED, DELIVERED), State.DELIVERED, State.DELIVERED),
        ((ACCEPTED, FAILED), State.FAILED, State.FAILED),
        ((FAILED, DELIVERED), State.FAILED, State.FAILED),
        ((FAILED, ACCEPTED), State.FAILED, State.FAILED),
        ((OUT,), State.FAILED, State.DROPPED),
        ((ACCEPTED, OUT, ACCEPTED), State.FAILED, State.DROPPED),
    ],
)
def test_reports_say_the_same_before_the_answer_of_the_submit_and_after_it(
    outbox: Outbox,
    sender: Sender,
    reaper: Reaper,
    provider: Provider,
    post: Post,
    clock: Clock,
    early: bool,
    reports: tuple[Receipt, ...],
    ends: State,
    next_one: State,
) -> None:
    """The first end counts, and whoever opted out gets no other reminder (reliability F17)."""

    def report(message: Message) -> None:
        for receipt in reports:
            outbox.reports.apply(receipt._replace(provider_id=f"id-{message.ref}"))

    def answers(message: Message) -> Outcome:
        if early:
            report(message)
        return provider.takes(message)

    provider.answers = answers
    for already in range(2):
        clock.moves(seconds=1)
        post(Kind.REMINDER, purpose="reminder")
        drain(sender, reaper)
        if not early and len(provider.taken) > already:
            report(provider.taken[-1])
    assert [found for found, _why in stands(outbox)] == [ends, next_one]
    assert len(provider.taken) == (1 if next_one is State.DROPPED else 2)


def test_a_status_only_rises(outbox: Outbox, sender: Sender, reaper: Reaper, post: Post, clock: Clock) -> None:
    post()
    drain(sender, reaper)
    [ref] = [message.ref for message in sender.carriers["synthetic"].taken]  # type: ignore[attr-defined]
    assert outbox.reports.apply(Receipt("synthetic", Status.DELIVERED, provider_id=f"id-{ref}"))
    for status in (Status.ACCEPTED, Status.FAILED, Status.DELIVERED):
        assert not outbox.reports.apply(Receipt("synthetic", status, ref=ref))
    clock.moves(seconds=NO_REPORT_SECONDS + 1)
    reaper.sweep()
    assert state(outbox) == State.DELIVERED


def test_no_report_in_three_days_is_unknown_not_failed(
    outbox: Outbox, sender: Sender, reaper: Reaper, post: Post, clock: Clock
) -> None:
    post()
    drain(sender, reaper)
    clock.moves(seconds=NO_REPORT_SECONDS + 1)
    reaper.sweep()
    assert stands(outbox) == [("unknown", "no report")]


def test_threads_carry_everything_once(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, post: Post
) -> None:
    for number in range(300):
        post(Kind.NOTICE, f"+85620{number:08}")
    first, second = Rounds(sender, reaper), Rounds(sender, reaper)
    for rounds in (first, second):
        rounds.start()
    deadline = threading.Event()
    for _tick in range(300):
        if len(provider.taken) >= 300:
            break
        deadline.wait(0.1)
    for rounds in (first, second):
        rounds.stop(10)
    assert sorted(m.ref for m in provider.taken) == sorted({m.ref for m in provider.taken})
    assert len(provider.taken) == 300


def test_an_offer_nobody_took_is_made_again(outbox: Outbox, post: Post, clock: Clock) -> None:
    post()
    assert outbox.offer("synthetic", False, 10)
    assert not outbox.offer("synthetic", False, 10)
    clock.moves(seconds=timedelta(seconds=31).total_seconds())
    assert outbox.offer("synthetic", False, 10)


def test_a_message_that_is_due_later_is_not_delivered_now(outbox: Outbox, sender: Sender, post: Post) -> None:
    post(due_at=outbox.now() + 60)
    assert sender.deliver("f" * 32) is Ended.NOTHING
    assert not outbox.offer("synthetic", False, 10)


def test_no_more_is_offered_than_was_asked_for_though_a_campaign_came_at_once(outbox: Outbox) -> None:
    """PostgreSQL keeps its plan, and believes that the table is small, until it looks again."""
    engine = create_engine(outbox.hot.url)
    offered: list[str] = []
    for count in (200, 3_000):
        for _time in range(12):  # by then the plan is kept
            offered += outbox.offer("synthetic", True, 1)
        rows = [outbox.row(Draft(Kind.REMINDER, PHONE, "due")) for _one in range(count)]
        with engine.begin() as connection:
            connection.execute(table.insert(), rows)
    engine.dispose()
    while refs := outbox.offer("synthetic", True, 200):
        assert len(refs) <= 200
        offered += refs
    assert len(set(offered)) == len(offered) == 3_200
