"""The register fails, our code fails, the log fails: the caller reads a sentence of hers and keeps her place."""

from __future__ import annotations

import errno
import io
import sqlite3
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from gateway.channels.pipeline import RESUME_SECONDS
from gateway.logs import configure_logs
from gateway.registry.port import Amount, Contribution, Found, Record, Registry
from gateway.text.alphabet import USSD
from gateway.text.catalogue import LANGUAGES
from gateway.text.values import Month
from tests.channels.conftest import ALL_PAID, DOWN, SUMMARY, Line, Open, fill, looks, sorry, state
from tests.conftest import TOKEN, Clock
from tests.register import Register, paid

UNBOUND = "+8562055500005"  # registered, and not bound yet
WELCOME_BACK = "CON Welcome back.\n1 Continue\n2 Main menu"


class Faulty:
    """The real register, until it is told what to raise."""

    def __init__(self, real: Registry) -> None:
        self.real = real
        self.problem: Exception | None = None

    def fails(self) -> None:
        if self.problem is not None:
            raise self.problem

    def find(self, number: str, born: date) -> Found | None:
        self.fails()
        return self.real.find(number, born)

    def own(self, member: str) -> Sequence[str]:
        self.fails()
        return self.real.own(member)

    def record(self, member: str, since: Month) -> Record | None:
        self.fails()
        return self.real.record(member, since)

    def amounts(self, member: str, since: Month) -> Sequence[Amount]:
        self.fails()
        return self.real.amounts(member, since)

    def history(self, member: str) -> Sequence[Contribution]:
        self.fails()
        return self.real.history(member)

    def employed(self, member: str, since: Month) -> Sequence[Month]:
        self.fails()
        return self.real.employed(member, since)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return fill(f"sqlite:///{tmp_path}/faulty.db", tmp_path / "keys")


@pytest.fixture
def app(url: str, open_app: Open) -> Flask:
    return open_app(url, registry=Faulty(open_app(url).extensions["pakan"].pipeline.ask.registry))


@pytest.fixture
def register_of(app: Flask) -> Faulty:
    faulty: Faulty = app.extensions["pakan"].pipeline.ask.registry
    return faulty


@pytest.mark.parametrize("problem", [TimeoutError("slow"), ConnectionError("gone"), ConnectionResetError()])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_register_that_is_down_keeps_her_place(
    app: Flask, register_of: Faulty, clock: Clock, problem: Exception, number: int
) -> None:
    language = LANGUAGES[number - 1]
    line = Line(app)
    line.call("l", "", str(number))
    clock.moves(seconds=RESUME_SECONDS + 1)
    line.hop("s1", "")
    register_of.problem = problem
    said = line.hop("s1", "1")
    assert said.startswith("END ")
    assert "1508" in said
    assert USSD.fits(said.removeprefix("END "))
    assert (said == DOWN) is (language == "en")
    line.hop("s2", "")
    assert line.hop("s2", "1").startswith("END ")  # still down, and still kept
    register_of.problem = None
    line.hop("s3", "")
    reached = line.hop("s3", "1")
    assert "12" in reached
    assert "10/2026" in reached


@pytest.mark.parametrize(
    ("path", "number", "back"),
    [
        (["1"], ALL_PAID, SUMMARY),
        (["2"], ALL_PAID, "CON You have the right"),
        (["1", "1*2"], ALL_PAID, "CON Months paid each year:"),
        (["1", "1*2", "1*2*1"], ALL_PAID, "CON Year 2026"),
    ],
)
def test_redialling_tries_again_what_could_not_be_done(
    app: Flask, register_of: Faulty, clock: Clock, url: str, path: list[str], number: str, back: str
) -> None:
    line = Line(app, number).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    line.call("s1", "", *path[:-1])
    before = looks(url)
    register_of.problem = TimeoutError()
    assert line.hop("s1", path[-1]) == DOWN
    assert looks(url) == before
    register_of.problem = None
    assert line.hop("s2", "") == WELCOME_BACK
    assert line.hop("s2", "1").startswith(back)


def test_a_birth_date_that_could_not_be_looked_up_is_not_kept_for_later(
    app: Flask, register_of: Faulty, clock: Clock, url: str, tmp_path: Path
) -> None:
    register = Register(url, tmp_path / "keys")
    register.member(5, UNBOUND, paid(Month(2026, 4), Month(2026, 5)), bound=False)
    register.close()
    line = Line(app, UNBOUND).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    line.call("s1", "", "1", "1*9900000005")
    register_of.problem = TimeoutError()
    assert line.hop("s1", "1*9900000005*05111990") == DOWN
    register_of.problem = None
    assert line.hop("s2", "") == WELCOME_BACK
    assert line.hop("s2", "1").startswith("CON Type your social security number:")
    assert line.hop("s2", "1*9900000005").startswith("CON Type your PIN")
    assert line.hop("s2", "1*9900000005*05111990").startswith("CON 2 of the last 12 months are paid.")


@pytest.mark.parametrize(
    "problem", [ValueError("1234 typed"), KeyError("x"), RuntimeError("+8562055500001"), OSError()]
)
def test_a_mistake_of_ours_is_an_apology_with_one_line_in_the_log(
    capsys: pytest.CaptureFixture[str],
    app: Flask,
    register_of: Faulty,
    clock: Clock,
    url: str,
    problem: Exception,
) -> None:
    configure_logs()
    line = Line(app).in_english()
    clock.moves(seconds=RESUME_SECONDS + 1)
    line.call("s1", "", "1")
    before = state(url)
    register_of.problem = problem
    assert line.hop("s1", "1*2") == sorry(app, "en")
    assert state(url) == before  # the caller stands where she stood
    logged = capsys.readouterr().err.strip()
    assert logged.count("\n") == 0
    assert '"hop failed"' in logged
    assert type(problem).__name__ in logged
    for secret in ("1234", "+856", ALL_PAID[4:], TOKEN, "Traceback"):
        assert secret not in logged
    register_of.problem = None
    assert line.hop("s2", "") == WELCOME_BACK
    assert line.hop("s2", "1").startswith(SUMMARY)
    assert line.hop("s2", "1*2").startswith("CON Months paid each year:")


def test_a_retry_while_we_apologised_is_taken_as_new_and_counted_once(
    app: Flask, register_of: Faulty, url: str
) -> None:
    line = Line(app).in_english()
    register_of.problem = RuntimeError()
    assert line.hop("s1", "1") == sorry(app, "en")
    register_of.problem = None
    assert line.hop("s1", "1").startswith(SUMMARY)
    assert line.hop("s1", "1").startswith(SUMMARY)
    assert looks(url) == 1


class NoRoom(io.StringIO):
    """A log on a full disk."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_does_not_cost_the_caller_her_answer(
    app: Flask, register_of: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(app).in_english()
    line.hop("s1", "")
    monkeypatch.setattr(sys, "stderr", NoRoom())
    configure_logs()
    register_of.problem = TimeoutError()
    try:
        assert line.hop("s1", "1") == DOWN
        assert line.hop("s1", "divergent").startswith("CON ")
    finally:
        monkeypatch.undo()
        configure_logs()


def test_a_language_that_a_release_took_away_is_asked_for_again(app: Flask, url: str) -> None:
    line = Line(app).in_english()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
        other.execute("UPDATE conversations SET language = 'km'")
    other.close()
    assert line.hop("s1", "") == "CON 1 Lao ABC\n2 English\n3 ລາວ"
