"""Who is reminded, and why the others are not."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.registry.firms import BOUNCES, Firm, Stop
from gateway.reminders.ladder import load_ladder
from gateway.reminders.plan import Entry, Planner, Why
from gateway.text.values import Month
from tests.reminders.conftest import PHONE, blank, contact, owing

OPEN = datetime(2026, 11, 26, 5, tzinfo=UTC)
OTHER = "+8562021000002"


def planner(now: datetime = OPEN, refusing: str = "", held_out: Container[str] = ()) -> Planner:
    return Planner(
        month=Month(2026, 10),
        regime="enterprise",
        due=date(2026, 11, 30),
        now=now,
        ladder=load_ladder(),
        timezone=ZoneInfo("Asia/Vientiane"),
        hotline="1508",
        say=lambda _language, wording: wording,
        ledger=blank(refusing),
        words=lambda _ref: None,
        held_out=held_out,
    )


def entry(firm: Firm, **terms: object) -> Entry:
    [found] = planner(**terms).plan([firm])  # type: ignore[arg-type]
    return found


def test_who_owes_is_told_what_is_due_and_by_when() -> None:
    found = entry(owing())
    assert (found.why, found.step and found.step.name) == (Why.SEND, "before")
    assert found.text
    assert found.text.words == (
        "LSSO 00001-01: 10/2026, 1,250,000 kip due by 30/11/2026 for workers' care. "
        "Reply 1 paid 2 need a plan 3 closed 4 wrong number. Tel 1508. End: STOP"
    )
    assert found.text.parts == 1


def test_an_amount_that_is_not_known_is_not_invented() -> None:
    found = entry(owing()._replace(due=0, workers=0))
    assert found.text
    assert "kip" not in found.text.words


@pytest.mark.parametrize(
    ("firm", "why"),
    [
        (owing()._replace(came=1), Why.PAID),
        (owing()._replace(due=0), Why.NOTHING),
        (owing()._replace(posted_lately=False), Why.IDLE),
        (owing()._replace(contacts=()), Why.UNKNOWN),
        (owing("1", contact(agreed=False)), Why.UNKNOWN),
        (owing("1", contact(bounces=BOUNCES)), Why.BOUNCED),
        (owing()._replace(stops=((Stop.CLOSED, None),)), Why.CLOSED),
        (owing()._replace(stops=((Stop.PLAN, date(2026, 11, 26)),)), Why.PLANNED),
        (owing()._replace(stops=((Stop.PLAN, date(2026, 11, 25)),)), Why.SEND),  # over since yesterday
    ],
)
def test_why(firm: Firm, why: Why) -> None:
    found = entry(firm)
    assert found.why is why
    assert (found.text is None) == (why is not Why.SEND)


def test_a_phone_that_said_stop_is_left_alone_and_another_takes_its_place() -> None:
    assert entry(owing(), refusing=PHONE).why is Why.SILENCED
    found = entry(owing("1", contact(), contact(OTHER)), refusing=PHONE)
    assert found.text
    assert found.text.contact.msisdn == OTHER


def test_one_text_an_employer_to_the_phone_that_answers() -> None:
    found = entry(owing("1", contact(bounces=1), contact(OTHER)))
    assert found.text
    assert found.text.contact.msisdn == OTHER


def test_after_two_texts_a_person() -> None:
    assert entry(owing(), now=datetime(2026, 12, 9, 10, tzinfo=UTC)).why is Why.OVER


@pytest.mark.parametrize(
    ("firm", "why"),
    [
        (owing(), Why.HELD_OUT),
        (owing("00002-01"), Why.SEND),  # somebody else
        (owing()._replace(came=1), Why.PAID),
        (owing()._replace(posted_lately=False), Why.IDLE),
        (owing("00001-01", contact(agreed=False)), Why.UNKNOWN),
        (owing("00001-01", contact(bounces=BOUNCES)), Why.BOUNCED),
        (owing()._replace(stops=((Stop.PLAN, None),)), Why.PLANNED),
    ],
)
def test_only_who_would_be_reminded_is_held_out(firm: Firm, why: Why) -> None:
    found = entry(firm, held_out={"00001-01"})
    assert found.why is why
    assert (found.text is None) == (why is not Why.SEND)


def test_who_is_held_out_is_no_case_for_it_once_both_texts_are_over() -> None:
    found = entry(owing(), now=datetime(2026, 12, 9, 10, tzinfo=UTC), held_out={"00001-01"})
    assert found.why is Why.OVER
