"""Every order of hops that a network can make of honest and dishonest calls, against a model of a few lines.

The model knows nothing of screens. It holds what each event was answered first, and what must hold of all
answers: a valid frame within the budget, the same bytes for the same event, an audit row for every look at a
record and for nothing else, and never a month of somebody else's.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Integer, bindparam, func, select

from app import create_app
from gateway.installation import Installation
from gateway.registry.port import Amount, Contribution, Found, Record, Registry
from gateway.storage.hot import Hot
from gateway.storage.schema import upgrade
from gateway.storage.tables import audit, inbound
from gateway.text.values import Month
from tests.conftest import NOON, TOKEN, Clock
from tests.faults import hang_up
from tests.register import Register, paid

# Each caller's months are hers alone, so a month on a screen says whose record it came from.
PEOPLE = {
    "+8562055500011": {(2025, 11), (2025, 12), (2026, 1)},
    "+8562055500012": {(2026, 2), (2026, 3), (2026, 4)},
    "+8562055500013": {(2026, 5), (2026, 6), (2026, 7)},
}
KEYS = st.sampled_from(["0", "00", "1", "1", "2", "2", "3", "4", "9", "13", "", "*", "໑", "abc", "1*2", "0001"])
NUMBERS = st.sampled_from(sorted(PEOPLE))
SESSIONS = st.sampled_from(["s1", "s2", "s3", "s4"])


class Watching:
    """The real register, and a count of what it was asked."""

    def __init__(self, real: Registry) -> None:
        self.real = real
        self.single = self.histories = 0

    def find(self, number: str, born: date) -> Found | None:
        return self.real.find(number, born)

    def own(self, member: str) -> Sequence[str]:
        return self.real.own(member)

    def record(self, member: str, since: Month) -> Record | None:
        found = self.real.record(member, since)
        self.single += found is not None
        return found

    def amounts(self, member: str, since: Month) -> Sequence[Amount]:
        return self.real.amounts(member, since)

    def history(self, member: str) -> Sequence[Contribution]:
        self.histories += 1
        return self.real.history(member)

    def employed(self, member: str, since: Month) -> Sequence[Month]:
        return self.real.employed(member, since)


class Calls(RuleBasedStateMachine):
    """Honest callers, repeats, late and torn paths, foreign sessions, and end events, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="pakan-model-")
        self.url = f"sqlite:///{self.folder.name}/model.db"
        upgrade(self.url, {"store", "register"})
        register = Register(self.url, Path(self.folder.name))
        for member, (number, months) in enumerate(PEOPLE.items(), 1):
            first, *_rest, last = sorted(Month(*month) for month in months)
            register.member(member, number, paid(first, last))
        register.close()
        self.clock = Clock()
        config = {"database_url": self.url, "keys_dir": Path(self.folder.name), "webhook_tokens": (TOKEN,)}
        self.plain = create_app(config, clock=self.clock).extensions["pakan"].pipeline.ask
        self.watching = Watching(self.plain.registry)
        self.app = create_app(config, clock=self.clock, registry=self.watching)
        self.gateway: Installation = self.app.extensions["pakan"]
        self.client = self.app.test_client()
        self.answers: dict[tuple[str, str, str], str] = {}  # what each event was answered first
        self.paths: dict[tuple[str, str], str] = {}  # where the provider stands in each call
        self.last_noted = 0
        self.hot: Hot = self.gateway.pipeline.store._hot
        self.audited = self.hot.statement(
            select(audit.c.id, audit.c.subject).where(audit.c.id > bindparam("last", type_=Integer))
        )
        self.received = self.hot.statement(select(func.count()).select_from(inbound))

    def teardown(self) -> None:
        hang_up(self.app)
        self.plain.registry._hot.close()
        self.folder.cleanup()

    @initialize()
    def everybody_reads_english(self) -> None:
        for number in PEOPLE:
            self.post(number, "language", "")
            self.post(number, "language", "2")
        self.clock.moves(hours=1)

    @rule(number=NUMBERS, session=SESSIONS, key=KEYS)
    def next(self, number: str, session: str, key: str) -> None:
        path = self.paths.get((number, session))
        self.post(number, session, "" if path is None else f"{path}*{key}" if path else key)

    @rule(number=NUMBERS, session=SESSIONS, keys=st.lists(st.sampled_from("1234"), max_size=4))
    def dial_with_keys(self, number: str, session: str, keys: list[str]) -> None:
        self.post(number, f"{session}-short", "*".join(keys))

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.post(*data.draw(st.sampled_from(sorted(self.answers))))

    @rule(number=NUMBERS, session=SESSIONS, cut=st.integers(1, 6))
    def rewind(self, number: str, session: str, cut: int) -> None:
        self.post(number, session, self.paths.get((number, session), "")[:-cut])

    @rule(number=NUMBERS, session=SESSIONS, keys=st.lists(KEYS, min_size=2, max_size=4))
    def jump(self, number: str, session: str, keys: list[str]) -> None:
        self.post(number, session, "*".join([self.paths.get((number, session), ""), *keys]))

    @rule(number=NUMBERS, other=NUMBERS, session=SESSIONS)
    def other_phone(self, number: str, other: str, session: str) -> None:
        """Somebody else's session and path, from one's own phone."""
        self.post(other, session, self.paths.get((number, session), "1"))

    @rule(session=SESSIONS)
    def new_session(self, session: str) -> None:
        for number in PEOPLE:
            self.paths.pop((number, session), None)

    @rule(number=NUMBERS, session=SESSIONS, status=st.sampled_from(["Success", "Incomplete", "Failed", "?"]))
    def end_event(self, number: str, session: str, status: str) -> None:
        form = {"sessionId": session, "phoneNumber": number, "status": status, "input": "1*1", "hopsCount": "3"}
        answer = self.client.post(f"/in/africastalking/{TOKEN}/ussd-end", data=form)
        assert (answer.status_code, answer.data) == (200, b"")

    @rule(minutes=st.sampled_from([0, 1, 9, 11, 60 * 30]))
    def time_passes(self, minutes: int) -> None:
        if self.clock.now < NOON + timedelta(days=4):  # the twelve months shown stay the same
            self.clock.now += timedelta(minutes=minutes)

    def post(self, number: str, session: str, text: str) -> None:
        event = (number, session, text)
        self.watching.single = self.watching.histories = 0
        answer = self.client.post(
            f"/in/africastalking/{TOKEN}/ussd",
            data={"sessionId": session, "phoneNumber": number, "text": text},
        )
        assert answer.status_code == 200
        assert answer.text[:4] in {"CON ", "END "}
        assert self.gateway.ussd.budget.fits(answer.text[4:])
        assert "Sorry" not in answer.text
        noted = self.noted()
        if event in self.answers:
            assert answer.text == self.answers[event]
            assert noted == []
            assert self.watching.single == self.watching.histories == 0
            return
        self.answers[event] = answer.text
        self.paths[(number, session)] = text
        self.every_look_is_noted(answer.text, len(noted))
        member = str(sorted(PEOPLE).index(number) + 1)
        assert {subject for _id, subject in noted} <= {member}
        shows_only(PEOPLE[number], answer.text)

    def noted(self) -> list[Any]:
        """Audit rows since the last time this was asked."""
        rows: list[Any] = self.hot.rows(self.audited, {"last": self.last_noted}, 1.0)
        self.last_noted = max([self.last_noted, *(number for number, _subject in rows)])
        return rows

    def every_look_is_noted(self, screen: str, noted: int) -> None:
        """A record opened is one look; a history read is one when it is shown month by month, not year by year."""
        single, histories = self.watching.single, self.watching.histories
        if single + histories <= 1:
            assert noted == single + (histories and "Year " in screen)
        else:  # a path that was walked like a shortcut: the screens between are not seen here
            assert single <= noted <= single + histories

    @invariant()
    def every_event_is_kept_once(self) -> None:
        [(kept,)] = self.hot.rows(self.received, {}, 1.0)
        assert kept == len(self.answers)


def shows_only(months: set[tuple[int, int]], screen: str) -> None:
    """Whatever months an English screen calls paid are hers, and the day a right ends follows from them."""
    if found := re.search(r"(\d+) of the last 12 months are paid. Last paid: (\d\d)/(\d{4})", screen):
        assert int(found[1]) == len(months)
        assert (int(found[3]), int(found[2])) == max(months)
    if found := re.search(r"Year (\d{4})\n(?:.*\n)*?paid: ([\d -]+)", screen):
        spans = [span.split("-") for span in found[2].split()]
        shown = {number for span in spans for number in range(int(span[0]), int(span[-1]) + 1)}
        assert shown == {month for year, month in months if year == int(found[1])}
    if found := re.search(r"ended on \d\d/(\d\d)/(\d{4})|until \d\d/(\d\d)/(\d{4})", screen):
        month, year = (int(part) for part in found.groups() if part)
        last = Month(*max(months)) + 3
        assert (year, month) == (last.year, last.number)


def test_the_model_would_see_somebody_elses_months() -> None:
    """A test of the test: each kind of screen it reads is one it can refuse."""
    hers = PEOPLE["+8562055500011"]
    shows_only(hers, "CON 3 of the last 12 months are paid. Last paid: 01/2026.\n1 x")
    shows_only(hers, "CON Year 2025\nnot paid: 01-10\npaid: 11-12\n0 Back")
    shows_only(hers, "CON Your right to treatment ended on 30/04/2026. Paid")
    for screen in (
        "CON 3 of the last 12 months are paid. Last paid: 04/2026.",
        "CON 2 of the last 12 months are paid. Last paid: 01/2026.",
        "CON Year 2026\npaid: 01-04\n0 Back",
        "CON You have the right to treatment until 31/07/2026.",
    ):
        with pytest.raises(AssertionError):
            shows_only(hers, screen)


TestCalls = Calls.TestCase
TestCalls.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
