"""Many hops at the same moment: one effect for one event, and to each caller her own screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from time import sleep

import pytest
from flask import Flask

from gateway.channels.pipeline import Pipeline
from gateway.channels.port import Inbound
from gateway.installation import Installation
from gateway.registry.port import Amount, Contribution, Found, Posting, Record, Registry
from gateway.storage.schema import upgrade
from gateway.storage.store import Answer
from gateway.text.typed import Typed
from gateway.text.values import Month
from tests.channels.conftest import ALL_PAID, NOTHING_PAID, Line, Open, looks, rows
from tests.faults import at_once, hang_up
from tests.register import Register

ROUNDS = 40
LAST = Month(2026, 10)
DIALS = 60


def answering(app: Flask, event: Inbound) -> Answer:
    """One hop on a thread of its own, which closes its connections as a worker does in the end."""
    gateway: Installation = app.extensions["pakan"]
    try:
        return gateway.pipeline.answer(gateway.ussd, event)
    finally:
        hang_up(app)


@pytest.mark.parametrize("copies", [2, 8])
def test_copies_of_one_hop_at_once_have_one_effect_and_one_answer(both: Flask, peopled: str, copies: int) -> None:
    Line(both).in_english()
    for number in range(ROUNDS if copies == 2 else ROUNDS // 4):
        event = Inbound(f"race-{copies}-{number}", ALL_PAID, Typed("1*3"))
        answers = at_once([lambda event=event: answering(both, event)] * copies)  # type: ignore[misc]
        assert len(set(answers)) == 1
        assert answers[0].text.startswith("You have the right to treatment")
        assert looks(peopled) == number + 1
    versions = rows(peopled, "SELECT version FROM conversations")
    assert versions == [(2 + number + 1,)]


def test_copies_of_a_strangers_first_hop_at_once(both: Flask, peopled: str) -> None:
    Line(both, "+8562055599999").hop(
        "before", ""
    )  # this thread stays connected: SQLite tidies up when the last one leaves
    for number in range(ROUNDS // 4):
        event = Inbound("first", f"+85620555{number:05d}", Typed(""))
        answers = at_once([lambda event=event: answering(both, event)] * 4)  # type: ignore[misc]
        assert set(answers) == {Answer("1 Lao ABC\n2 English\n3 ລາວ", ends=False)}
    assert set(rows(peopled, "SELECT version FROM conversations")) == {(1,)}
    assert len(rows(peopled, "SELECT key FROM inbound")) == 1 + ROUNDS // 4


def test_different_hops_of_one_caller_at_once_are_one_after_the_other(both: Flask, peopled: str) -> None:
    """Two events race for one conversation: both are answered, both are written, nothing is lost."""
    line = Line(both).in_english()
    for number in range(ROUNDS // 4):
        line.hop(f"call-{number}", "")
        events = [Inbound(f"call-{number}", ALL_PAID, Typed(typed)) for typed in ("1", "2")]
        answers = at_once([lambda event=event: answering(both, event) for event in events])  # type: ignore[misc]
        assert all(not answer.ends for answer in answers)
        for event, answer in zip(events, answers, strict=True):
            assert answering(both, event) == answer
    assert len(rows(peopled, "SELECT key FROM inbound")) == 2 + 3 * (ROUNDS // 4)


class Slow:
    """A register that takes a moment, so that hops overlap; every member has as many paid months as her name."""

    def find(self, number: str, born: date) -> Found | None:
        return None

    def amounts(self, member: str, since: Month) -> Sequence[Amount]:
        return ()

    def own(self, member: str) -> Sequence[str]:
        return ()

    def record(self, member: str, since: Month) -> Record | None:
        sleep(0.002)
        paid = [Contribution(LAST + -back, Posting.POSTED, full=True) for back in range(int(member))]
        sleep(0.002)
        return Record(member, tuple(reversed(paid)))

    def history(self, member: str) -> Sequence[Contribution]:
        sleep(0.002)
        return [Contribution(LAST + -back, Posting.POSTED, full=True) for back in range(int(member))]

    def employed(self, member: str, since: Month) -> Sequence[Month]:
        sleep(0.002)
        return [since + ahead for ahead in range(12)]


def test_callers_at_once_never_see_each_others_screen(tmp_path: Path, open_app: Open) -> None:
    url = f"sqlite:///{tmp_path / 'crowd.db'}"
    upgrade(url, {"store", "register"})
    slow: Registry = Slow()
    app = open_app(url, registry=slow)
    gateway: Installation = app.extensions["pakan"]
    pipeline: Pipeline = gateway.pipeline

    def caller(months: int) -> int:
        number, seen = f"+856205550{months:04d}", 0
        random = Random(months)
        try:
            for typed in ("", "2"):
                pipeline.answer(gateway.ussd, Inbound("language", number, Typed(typed)))
            for dial in range(DIALS):
                session = f"shared-{dial}"  # all callers use the same session ids and the same paths
                first = pipeline.answer(gateway.ussd, Inbound(session, number, Typed("1")))
                assert first.text.startswith(f"{months} of the last 12 months are paid."), first.text
                years = pipeline.answer(gateway.ussd, Inbound(session, number, Typed("1*2")))
                assert f"2026: {min(months, 10)}/12" in years.text
                gaps = pipeline.answer(gateway.ussd, Inbound(session, number, Typed("1*2*0*1")))
                assert gaps.text.startswith("Invalid choice.")
                if random.random() < 0.3:
                    again = pipeline.answer(gateway.ussd, Inbound(session, number, Typed("1")))
                    assert again == first
                seen += 1
        finally:
            hang_up(app)
        return seen

    people = (3, 5, 7, 11)
    register = Register(url, tmp_path / "keys")
    for months in people:
        register.bind(f"+856205550{months:04d}", months)
    register.close()
    assert at_once([lambda months=months: caller(months) for months in people]) == [DIALS] * 4  # type: ignore[misc]
    by_member = rows(url, "SELECT subject, count(DISTINCT caller), count(*) FROM audit GROUP BY subject")
    assert sorted(by_member) == sorted((str(months), 1, DIALS) for months in people)


def test_two_callers_alternate_on_one_thread(both: Flask) -> None:
    one, other = Line(both, ALL_PAID).in_english(), Line(both, NOTHING_PAID).in_english()
    for dial in range(ROUNDS):
        assert one.hop(f"s{dial}", "1").startswith("CON 12 of the last 12 months are paid.")
        assert other.hop(f"s{dial}", "1").startswith("CON None of the last 12 months is paid.")
