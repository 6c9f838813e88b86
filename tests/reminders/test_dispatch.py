"""From the plan to the wire: once, in its hours, and not after money came."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from gateway.outbox.desk import Desk
from gateway.outbox.ledger import Ledger
from gateway.outbox.outbox import Outbox
from gateway.outbox.pace import ANSWERING, CAPACITY, HOPS, PACE
from gateway.outbox.port import Kind, Retry
from gateway.outbox.reaper import Reaper
from gateway.outbox.rounds import drain
from gateway.outbox.sender import A_MONTH, Sender
from gateway.outbox.states import State
from gateway.registry.firms import BOUNCES, Firm, Stop
from gateway.registry.scheme import load_scheme
from gateway.reminders.dispatch import dispatch, judge, take_back
from gateway.reminders.ladder import load_ladder
from gateway.reminders.plan import PURPOSE, Planner, Why
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys, rotate
from gateway.storage.tables import outbox as outbox_table
from gateway.text.values import Month
from tests.conftest import Clock
from tests.outbox.carrier import Provider
from tests.reminders.conftest import PHONE, blank, contact, owing

OCTOBER = Month(2026, 10)
OTHER = "+8562021000002"
LAOS = ZoneInfo("Asia/Vientiane")
NAMES = {True: "before", False: "after"}


def planner(outbox: Outbox, month: Month = OCTOBER, again: bool = False) -> Planner:
    due, ledger = load_scheme().due_on(month), Ledger.read(outbox, PURPOSE)
    assert due
    return Planner(
        month,
        "enterprise",
        due,
        outbox.clock(),
        load_ladder(),
        LAOS,
        "1508",
        lambda _language, words: words,
        ledger,
        outbox.words,
        again,
    )


def run(outbox: Outbox, *firms: Firm, month: Month = OCTOBER, again: bool = False) -> tuple[int, int]:
    """One run of the scheduler; how many texts it posted, and how many it took back."""
    plan = planner(outbox, month, again)
    taken_back = take_back(plan.ledger, [judge(plan, firms)], outbox)
    return dispatch(plan, firms, outbox, pace=10**6), taken_back


def why(outbox: Outbox, firm: Firm) -> Why:
    [entry] = planner(outbox).plan([firm])
    return entry.why


def many(count: int) -> list[Firm]:
    return [owing(f"{n:05d}-01", contact(f"+8562021{n:06d}")) for n in range(1, count + 1)]


@pytest.fixture(autouse=True)
def in_the_step_before(clock: Clock) -> None:
    clock.now = datetime(2026, 11, 26, 5, tzinfo=UTC)


def test_the_second_run_changes_nothing(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    assert run(outbox, *many(3)) == (3, 0)
    assert why(outbox, many(3)[0]) is Why.WAITING
    assert run(outbox, *many(3)) == (0, 0)
    drain(sender, reaper)
    assert why(outbox, many(3)[0]) is Why.TOLD
    assert run(outbox, *many(3)) == (0, 0)
    assert len(provider.taken) == 3


def test_another_phone_of_the_firm_is_no_second_text(outbox: Outbox, sender: Sender, reaper: Reaper) -> None:
    assert run(outbox, owing()) == (1, 0)
    drain(sender, reaper)
    assert run(outbox, owing("00001-01", contact(OTHER))) == (0, 0)


def test_nor_is_a_new_key(hot: Hot, clock: Clock, tmp_path: Path) -> None:
    outbox = Outbox(hot, Keys(tmp_path / "keys"), clock, "synthetic")
    assert run(outbox, owing()) == (1, 0)
    before = planner(outbox)
    rotate(tmp_path / "keys", "index")
    renewed = Outbox(hot, Keys(tmp_path / "keys"), clock, "synthetic")
    assert run(renewed, owing()) == (0, 0)
    stale = replace(before, ledger=blank())  # planned before the other's text was there
    assert dispatch(stale, [owing()], renewed) == 0
    assert run(renewed, owing()._replace(came=1)) == (0, 1)


@pytest.mark.parametrize(
    "now_so",
    [
        owing()._replace(came=12),
        owing()._replace(stops=((Stop.CLOSED, None),)),
        owing()._replace(stops=((Stop.PLAN, None),)),
        owing()._replace(posted_lately=False),
        owing("00001-01", contact(agreed=False)),
        owing("00001-01", contact(bounces=BOUNCES)),
        owing()._replace(contacts=()),
    ],
)
def test_what_has_not_left_is_taken_back_as_soon_as_it_would_not_be_sent(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, now_so: Firm
) -> None:
    run(outbox, owing())
    assert run(outbox, now_so) == (0, 1)
    drain(sender, reaper)
    assert provider.taken == []


def test_who_resumes_in_the_same_step_is_texted_after_all(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    run(outbox, owing())
    run(outbox, owing()._replace(stops=((Stop.CLOSED, None),)))
    assert run(outbox, owing()) == (1, 0)
    drain(sender, reaper)
    assert len(provider.taken) == 1


@pytest.mark.parametrize("by_text", [True, False])
def test_another_contact_takes_the_place_of_one_who_wants_no_more(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, by_text: bool
) -> None:
    run(outbox, owing("00001-01", contact(), contact(OTHER)))
    if by_text:
        outbox.reports.leave(outbox.keys.hasher("caller", PHONE), PHONE)
    both = owing("00001-01", contact(agreed=by_text), contact(OTHER))
    assert run(outbox, both) == (1, 0 if by_text else 1)
    drain(sender, reaper)
    assert [message.msisdn for message in provider.taken] == [OTHER]


def test_a_text_that_waits_is_replaced_where_another_would_be_said_by_now(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    assert run(outbox, owing()) == (1, 0)
    assert run(outbox, owing()) == (0, 0)
    assert run(outbox, owing()._replace(due=777_000)) == (1, 1)
    drain(sender, reaper)
    [message] = provider.taken
    assert "777,000" in message.text


def test_a_text_that_somebody_holds_is_neither_taken_back_nor_doubled(outbox: Outbox) -> None:
    run(outbox, owing())
    plan = planner(outbox)  # what it knows is old by the next line
    [ref] = outbox.offer("synthetic", True, 10)
    assert outbox.take(ref)
    assert take_back(plan.ledger, [judge(plan, [owing()._replace(came=1)])], outbox) == 0
    assert dispatch(replace(plan, ledger=blank()), [owing()], outbox) == 0


def test_who_is_held_out_is_never_texted_and_what_waits_is_taken_back(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    run(outbox, *many(2))
    plan = replace(planner(outbox), held_out={"00001-01"})
    judged = judge(plan, many(2))
    assert judged.eligible == {"00001-01": 12}  # the other has its text, and is counted already
    assert take_back(plan.ledger, [judged], outbox) == 1
    assert dispatch(plan, many(3), outbox) == 1
    drain(sender, reaper)
    assert sorted(message.msisdn for message in provider.taken) == [f.contacts[0].msisdn for f in many(3)[1:]]


def test_what_died_is_sent_again_only_when_asked_and_still_owed(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider, clock: Clock
) -> None:
    provider.answers = lambda _message: Retry("the provider is busy", after=1)
    run(outbox, owing())
    for _try in range(5):
        drain(sender, reaper)
        clock.moves(seconds=2)
    assert why(outbox, owing()) is Why.DIED
    [dead] = Desk(outbox).lines(State.DEAD, 10)
    assert not Desk(outbox).retry(dead.ref, Kind.REMINDER)
    assert run(outbox, owing()) == (0, 0)
    assert run(outbox, owing()._replace(came=1), again=True) == (0, 0)
    provider.answers = provider.takes
    assert run(outbox, owing(), again=True) == (1, 1)
    drain(sender, reaper)
    assert len(provider.taken) == 1


def test_a_phone_that_speaks_for_many_firms_has_its_month_and_the_rest_is_told(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    firms = [owing(f"{n:05d}-01") for n in range(1, A_MONTH + 3)]
    run(outbox, *firms)
    drain(sender, reaper)
    assert len(provider.taken) == A_MONTH
    assert [why(outbox, firm) for firm in firms].count(Why.LOST) == 2
    assert run(outbox, *firms) == (0, 0)


def test_three_schedulers_at_once_send_each_once(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    posted: list[int] = []

    def schedule() -> None:
        try:
            posted.append(run(outbox, *many(100))[0])
        finally:
            outbox.hot.close()

    threads = [threading.Thread(target=schedule) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(sender, reaper)
    assert sum(posted) == 100
    assert sorted(message.msisdn for message in provider.taken) == [f.contacts[0].msisdn for f in many(100)]


def test_texts_are_due_at_a_pace_that_their_answers_cannot_outrun(outbox: Outbox, clock: Clock) -> None:
    plan = planner(outbox)
    assert dispatch(plan, many(50), outbox) == 50
    rows = outbox.hot.rows(
        outbox.hot.statement(select(outbox_table.c.due_at, func.count()).group_by("due_at")), {}, 1
    )
    now = int(clock.now.timestamp())
    assert sorted(rows) == [(now, 20), (now + 1, 20), (now + 2, 10)]
    assert PACE * ANSWERING * HOPS <= CAPACITY / 2
