"""What is typed, and by whom, is nowhere: not in a log, a table, an answer, a traceback, an error report.

Every caller types a number of her own at each step while each part of the gateway fails in its turn, with an
error that quotes it (threats T05, T15, T22; findings 1 and 6 of the threat model).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
import structlog
from flask import Flask, Response, request
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from gateway import logs
from gateway.channels import africastalking
from gateway.channels.africastalking import UssdChannel
from gateway.channels.pipeline import Pipeline
from gateway.conversation import engine
from gateway.conversation.engine import Engine
from gateway.identity.hashing import PinHasher
from gateway.logs import forget
from gateway.registry.sql import SqlRegistry
from gateway.storage.keys import Hasher
from gateway.storage.links import PostgresLink, SqliteLink
from gateway.storage.store import Store
from gateway.text.alphabet import USSD
from gateway.web import webhooks
from tests.asked import posted
from tests.channels.conftest import ALL_PAID, SHARED, Line, open_app, peopled  # noqa: F401 (fixtures)
from tests.conftest import TOKEN
from tests.sealed import Local, lines, locals_of, locals_of_stack, sealed  # noqa: F401 (fixture)

SESSIONS = 500
PATH = f"/in/africastalking/{TOKEN}"
HASHED = re.compile(r"\b[0-9a-f]{32}\b|\"(?:id|call)\":\"[0-9a-f]{8}\"")  # may hold six decimals by chance


class Quoting:
    """Raises what quotes the caller of the moment, as a library quotes its parameters."""

    number = canary = ""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind = kind

    def __call__(self, *_arguments: object, **_named: object) -> Any:
        raise self.kind(f"parameters: {self.canary!r}, {self.number!r}, 1*{self.canary}, {TOKEN}")


STAGES: dict[str, tuple[Any, str, type[Exception]] | None] = {
    "nothing": None,
    "verify": (Pipeline, "verify", RuntimeError),
    "body": (webhooks, "body", RuntimeError),
    "parse": (africastalking, "read_form", ValueError),
    "number": (africastalking, "read_msisdn", RuntimeError),
    "hash": (Hasher, "__call__", RuntimeError),
    "load": (Store, "load", TimeoutError),
    "step": (Engine, "hear", KeyError),
    "dial": (Engine, "dial", KeyError),
    "port": (SqlRegistry, "record", ConnectionError),
    "port, unforeseen": (SqlRegistry, "record", ZeroDivisionError),
    "birth date": (SqlRegistry, "find", ConnectionError),
    "pin": (PinHasher, "waste", RuntimeError),
    "page": (engine, "paginate", IndexError),
    "commit": (Store, "commit", RuntimeError),
    "driver": (SqliteLink, "run", MemoryError),
    "driver of the server": (PostgresLink, "run", MemoryError),
    "frame": (UssdChannel, "frame", RuntimeError),
    "apology": (Pipeline, "last_words", RuntimeError),
    "end": (UssdChannel, "parse_ending", RuntimeError),
    "flask": (Flask, "full_dispatch_request", RuntimeError),
    "flask's own way out": (Flask, "handle_exception", RuntimeError),
}


OF_ANOTHER, BIRTH_DATE = "9900000003", "05111990"  # fit a member, whose phone is another


def spellings(number: str) -> tuple[str, ...]:
    """+85620..., 85620..., 020..., 20..., and with spaces."""
    local = number.removeprefix("+856")
    return number, number[1:], f"0{local}", local, f"{local[:2]} {local[2:6]} {local[6:]}"


def call(app: Flask, session: str, number: str, canary: str) -> str:
    """One caller from her first dial to the provider's end event; every body that came back."""
    client = app.test_client()
    said = []
    path = ""
    for key in (
        "",
        "2",
        canary,
        *("1", OF_ANOTHER, canary, "00"),
        *("1", OF_ANOTHER, BIRTH_DATE, "00"),
        f"2*{canary}",
    ):
        path = f"{path}*{key}".lstrip("*")
        form = {"sessionId": session, "phoneNumber": number, "serviceCode": "*1508#", "text": path}
        said.append(client.post(f"{PATH}/ussd", data=form).text)
    form |= {"sessionId": f"{session}x", "text": f"1*{canary}"}
    said.append(client.post(f"{PATH}/ussd", data=form).text)  # dialled anew, with a shortcut
    ending = {"sessionId": session, "phoneNumber": number, "input": path, "lastAppResponse": said[-1]}
    said.append(client.post(f"{PATH}/ussd-end", data={**ending, "status": "Failed", "errorMessage": path}).text)
    said.append(client.post(f"{PATH}/{canary}", data=form).text)
    return "\n".join(said)


def everything(url: str) -> str:
    """All tables of the gateway itself, as text; the register beside them knows numbers by right."""
    database = create_engine(url, poolclass=NullPool)
    tables = [name for name in inspect(database).get_table_names() if name not in OF_THE_REGISTER]
    with database.connect() as connection:
        found = [str(tuple(row)) for name in tables for row in connection.execute(text(f'SELECT * FROM "{name}"'))]
    return "\n".join(found)


OF_THE_REGISTER = {"members", "employers", "employments", "contributions", "contacts", "stops"}


def found_in(where: str, secrets: set[str]) -> set[str]:
    """Which of these stand in a text; all numbers of six digits are found in one pass."""
    plain = HASHED.sub("", where)
    runs = {run[at : at + 6] for run in re.findall(r"[0-9]{6,}", plain) for at in range(len(run) - 5)}
    return {one for one in secrets if (one in runs if len(one) == 6 else one in plain)}


@pytest.mark.usefixtures("sealed")
def test_canaries_of_five_hundred_callers_are_nowhere(
    capfd: pytest.CaptureFixture[str],
    peopled: str,  # noqa: F811
    open_app: Callable[..., Flask],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_app(peopled)
    logged, said, secrets = "", "", {TOKEN}
    for at in range(SESSIONS):
        number, canary = f"+8562055{600_000 + at * 7}", f"{314_159 + at * 1_009}"
        Quoting.number, Quoting.canary = number, canary
        secrets |= {canary, *spellings(number)}
        stage = list(STAGES.values())[at % len(STAGES)]
        with monkeypatch.context() as patch:
            if stage:
                owner, name, kind = stage
                patch.setattr(owner, name, Quoting(kind))
            said += call(app, f"session{at}", number, canary)
        out, err = capfd.readouterr()
        logged += out + err
    said += call(app, "quiet", SHARED, Quoting.canary)
    events = {line["event"] for line in lines(logged)}
    assert events == {"hop failed", "register not reached", "webhook failed", "request failed", "call ended"}
    stored = everything(peopled)
    assert stored.count("\n") > SESSIONS  # so that there was something to look at
    assert found_in(logged, secrets) == set()
    assert found_in(said, secrets) == set()
    assert found_in(stored, secrets) == set()
    assert "<" not in said
    assert "Traceback" not in said + logged


BROKEN = {
    "a table that went away": ("ALTER TABLE inbound RENAME TO gone", "ALTER TABLE inbound RENAME TO gone"),
    "a row that is refused": (
        "CREATE TRIGGER no BEFORE INSERT ON inbound BEGIN SELECT RAISE(ABORT, 'refused'); END",
        "ALTER TABLE inbound ADD CONSTRAINT no CHECK (length(key) < 0) NOT VALID",  # its error quotes the row
    ),
}


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("broken", BROKEN)
def test_a_database_that_fails_quotes_nobody(
    capfd: pytest.CaptureFixture[str],
    peopled: str,  # noqa: F811
    open_app: Callable[..., Flask],  # noqa: F811
    broken: str,
) -> None:
    app = open_app(peopled)
    Line(app, SHARED).in_english()
    capfd.readouterr()
    with create_engine(peopled, poolclass=NullPool).begin() as connection:
        connection.execute(text(BROKEN[broken][0 if peopled.startswith("sqlite") else 1]))
    said = call(app, "s1", SHARED, "864209")
    logged = "".join(capfd.readouterr())
    failures = [line for line in lines(logged) if line["event"] == "hop failed"]
    assert len(failures) == 13
    assert found_in(said + logged, {"864209", TOKEN, *spellings(SHARED)}) == set()


FURTHER_IN = {
    "flows/record.py",
    "gateway/conversation/engine.py",
    "gateway/registry/sql.py",
    "gateway/storage/hot.py",
    "gateway/storage/links.py",
    "gateway/text/reading.py",
}
REPORTED = ("register", "step", "port, unforeseen", "page", "commit", "driver", "number", "load", "hash")


def fails(app: Flask, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """She is at a screen and types a canary; then she asks for her record."""
    line = Line(app, ALL_PAID).in_english()
    line.hop("s1", "1")
    Quoting.canary, Quoting.number = "", ""
    if stage == "register":  # inside its driver, with the number among the parameters
        url = app.extensions["pakan"].settings.register_url
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("ALTER TABLE contributions RENAME TO gone"))
    else:
        owner, name, kind = STAGES[stage] or pytest.fail(stage)
        monkeypatch.setattr(owner, name, Quoting(kind))
    line.hop("s1", "1*864209")
    line.hop("s2", "1*864209")
    line.hop("s3", "2")


def shows(seen: list[Local]) -> list[Local]:
    secrets = {"864209", *spellings(ALL_PAID)}
    return [one for one in seen if any(secret in HASHED.sub("", one.shown) for secret in secrets)]


@pytest.mark.parametrize("stage", REPORTED)
def test_an_error_reporter_that_listens_to_the_log_finds_no_value(
    client_app: Flask, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The locals of every frame the error went through, and of the gateway's frames that still run."""
    seen: list[Local] = []

    class Listening:
        def error(self, *_words: object, **_fields: object) -> None:
            problem = sys.exc_info()[1]
            assert problem is not None
            seen.extend(locals_of(problem) + locals_of_stack(sys._getframe()))

    monkeypatch.setattr(structlog, "get_logger", lambda *_names: Listening())
    fails(client_app, stage, monkeypatch)
    assert seen
    assert shows(seen) == []


@pytest.mark.parametrize("stage", REPORTED)
def test_a_debugger_at_the_error_finds_nothing_in_the_frames_of_the_edge(
    client_app: Flask, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Before the frames are emptied: what the engine reads and the register is asked stands further in."""
    seen: list[Local] = []

    def seeing(problem: BaseException) -> None:
        seen.extend(locals_of(problem) + locals_of_stack(sys._getframe()))
        forget(problem)

    monkeypatch.setattr(logs, "forget", seeing)
    fails(client_app, stage, monkeypatch)
    assert seen
    assert {one.file for one in shows(seen)} <= FURTHER_IN


@pytest.fixture
def client_app(client: Any) -> Flask:
    app: Flask = client.application
    return app


def test_nobody_finds_the_body_after_it_was_read(client_app: Flask) -> None:
    held: list[object] = []

    @client_app.after_request
    def look(response: Response) -> Response:
        held.append((dict(request.form), dict(request.values), request.get_data()))
        return response

    form = {"sessionId": "s1", "phoneNumber": SHARED, "text": "1*864209", "input": "864209"}
    for hook in ("ussd", "ussd-end"):
        assert client_app.test_client().post(f"{PATH}/{hook}", data=form).status_code == 200
    assert held == [({}, {}, b"")] * 2


@given(typed=st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_answered_with_a_frame(typed: str) -> None:
    """Any text of Unicode, lone surrogates too (threat T30)."""
    body = f"sessionId=s&phoneNumber=%2B8562055500001&text={quote_plus(typed, errors='surrogatepass')}"
    event = UssdChannel(USSD).parse(posted(body.encode()))
    assert event.text.reveal() == typed.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def test_answers_are_kept_by_no_cache(client_app: Flask) -> None:
    client = client_app.test_client()
    form = {"sessionId": "s1", "phoneNumber": SHARED, "text": ""}
    for path in (f"{PATH}/ussd", f"{PATH}/ussd-end", "/nowhere", "/healthz"):
        headers = client.post(path, data=form).headers
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
