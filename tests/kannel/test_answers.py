"""Answers 1 to 4, each to a reminder of its own: the operator's phones, real Kannel, the gateway, and back."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from gateway.reminders.plan import Why
from tests.conftest import Clock
from tests.flows.test_answers import BEFORE, CLOSED, LEFT, PAID, PLAN, Employers
from tests.kannel.boxes import Kannel
from tests.kannel.test_journey import LAO, Phone, arriving, served  # noqa: F401 (fixture)

CODES = ("00001-01", "00002-01", "00003-01", "00004-01")


def test_each_answer_leads_where_it_should(
    served: tuple[Flask, Kannel],  # noqa: F811
    tmp_path: Path,
    clock: Clock,
) -> None:
    app, running = served
    clock.now = BEFORE
    owing = Employers(app, f"sqlite:///{tmp_path / 'pakan.db'}", LAO, *CODES)
    phones = {
        code: Phone(running, app.extensions["pakan"], f"+856209000000{number}")
        for number, code in enumerate(CODES, start=1)
    }
    for employer, phone in enumerate(phones.values(), start=1):
        owing.add(employer, phone.number)

    assert owing.remind() == 4
    reminded = arriving(running.operator, 4)
    for code, phone in phones.items():
        assert code in reminded[phone.number]
        assert "1 ຖອກແລ້ວ" in reminded[phone.number]

    paid, plan, closed, wrong = phones.values()
    assert paid.says(PAID, code=CODES[0], month="10/2026") in paid.writes("1")
    assert plan.says(PLAN, code=CODES[1], month="10/2026", hotline="1508") in plan.writes("໒")
    assert plan.says("Has the employer %(code)s closed?", code=CODES[2]) in closed.writes("3")
    assert closed.says(CLOSED, code=CODES[2]) in closed.writes("1")
    assert wrong.says("Does this number speak for the employer %(code)s?", code=CODES[3]) in wrong.writes("4")
    assert wrong.says(LEFT, code=CODES[3]) in wrong.writes("໑")

    assert list(owing.whys().values()) == [Why.ANSWERED, Why.ANSWERED, Why.ANSWERED, Why.UNKNOWN]
    assert owing.cases() == [
        (kind, f"{code} 2026-10") for kind, code in zip(("paid", "plan", "closed", "wrong"), CODES, strict=True)
    ]
    assert owing.remind() == 0
