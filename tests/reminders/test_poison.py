"""Rows that no key opens, at the head of a campaign: they end as dead, are listed, and hold up nobody."""

from __future__ import annotations

from sqlalchemy import create_engine, insert

from gateway.outbox.desk import Desk
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind
from gateway.outbox.reaper import Reaper
from gateway.outbox.rounds import drain
from gateway.outbox.sender import Sender
from gateway.outbox.states import State
from gateway.reminders.plan import PURPOSE
from gateway.storage.tables import outbox as table
from tests.outbox.carrier import Provider

MANY, POISON = 10_000, 10


def test_ten_poison_rows_among_ten_thousand_delay_nobody(
    outbox: Outbox, sender: Sender, reaper: Reaper, provider: Provider
) -> None:
    rows = [
        dict(outbox.row(Draft(Kind.REMINDER, f"+8562021{n:06d}", f"synthetic {n}", purpose=PURPOSE)))
        for n in range(MANY)
    ]
    for row in rows[:POISON]:
        row["text"] = row["phone"]  # sealed for another place
    engine = create_engine(outbox.hot.url)
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
    engine.dispose()
    drain(sender, reaper)
    assert sorted(message.msisdn for message in provider.taken) == [
        f"+8562021{n:06d}" for n in range(POISON, MANY)
    ]
    dead = Desk(outbox).lines(State.DEAD, MANY)
    assert {line.why for line in dead} == {"no key here opens it"}
    assert {line.ref for line in dead} == {row["ref"] for row in rows[:POISON]}
