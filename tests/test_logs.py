"""Whatever is logged, by us or by a library, is one safe line; what is not named is not written."""

from __future__ import annotations

import ast
import copy
import http
import logging
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import LOCALES
from gateway.channels.port import Inbound
from gateway.conversation.talk import Call, Session, Turn
from gateway.logs import FIELDS, MAX_LINE, configure_logs, render, safe, trace_of
from gateway.outbox.states import State
from gateway.storage.keys import Hasher
from gateway.storage.store import Answer, Conversation, Step
from gateway.text.alphabet import USSD
from gateway.text.typed import SHOWN, Typed
from tests.sealed import lines, sealed  # noqa: F401 (fixture)

CANARY = "864209"
NUMBER = "+8562055500001"
SPELLINGS = (NUMBER, NUMBER[1:], "02055500001", "2055500001", "020 555 00001", "020 5550 0001", "856-20-55500001")
NASTY: tuple[Any, ...] = (
    "a\r\nb", "\x1b[2J", "\u2028", "\u2029", "\u0085", "\ud800", "\x00", "a" * 1_000_000, "\u202e", "{", '"',
    {"deep": [{"er": CANARY}]}, b"bytes", object(), float("nan"), float("inf"), 2**80, -1, True, [],
    ["a"] * 100_000, ["a\nb", CANARY], ("RuntimeError", NUMBER), Typed(CANARY), int(CANARY), datetime(2026, 1, 1),
    Exception(CANARY), http.HTTPStatus.OK, type("Name", (str,), {"__str__": lambda _self: CANARY})("hop failed"),
    *SPELLINGS,
)  # fmt: skip

anything = st.one_of(
    st.sampled_from(NASTY),
    st.text(),
    st.from_regex(r"[a-z]{1,8} ?\+?[0-9]{6,12}[a-z]?", fullmatch=True),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(),
    st.lists(st.text(max_size=20)),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
names = st.one_of(st.sampled_from([*FIELDS, "exc_info", "stack_info", "timestamp", "dropped", "text"]), st.text())


@given(st.dictionaries(names, anything, max_size=30))
@settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_mapping_is_one_short_line_of_named_fields(fields: dict[str, Any]) -> None:
    [line] = lines(render(None, "info", safe(None, "info", dict(fields))) + "\n")
    text = orjson.dumps({name: value for name, value in line.items() if name not in {"timestamp", "id", "call"}})
    for secret in (CANARY, *SPELLINGS):
        assert secret.encode() not in text
    unlisted = fields.keys() - FIELDS.keys() - {"exc_info"}
    assert line.get("dropped", 0) >= sum(fields[name] is not None for name in unlisted)  # type: ignore[operator]


def test_the_longest_line_that_the_list_allows_is_short_enough() -> None:
    longest: dict[str, object] = {
        "event": "a" * 64, "level": "a" * 8, "logger": "a" * 64, "id": "f" * 8, "call": "f" * 8,
        "kinds": ["a" * 64] * 100, "place": f"{'a' * 64}:99999", "outcome": "a" * 16, "hops": 9_999,
        "seconds": 99_999, "message": "f" * 32, "carrier": "a" * 32, "state": "a" * 16, "why": "a" * 64 + " 99999",
        "hour": "2099-12-31T23:00:00+00:00", **dict.fromkeys(("minutes", "cap", "sent", "entered"), 99_999),
        **dict.fromkeys(("in_doubt", "accepted", "due", "unknown", "dead", "dropped"), 99_999),
    }  # fmt: skip
    assert longest.keys() == FIELDS.keys()
    line = render(None, "info", safe(None, "info", {**longest, **{f"x{at}": 1 for at in range(1_000)}}))
    assert line.count("a" * 64) == 12  # nothing of it was refused
    assert 500 < len(line) < MAX_LINE


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("field", FIELDS)
def test_a_value_of_another_kind_is_left_out_and_counted(
    capsys: pytest.CaptureFixture[str], field: str, value: object
) -> None:
    configure_logs()
    call: dict[str, Any] = {"event": "hop failed", field: value}
    structlog.get_logger("x").info(**call)
    err = capsys.readouterr().err
    [line] = lines(err)
    assert CANARY not in err
    assert line.get("dropped") or line[field] in ([], ["RuntimeError"], ["a"] * 8, "hop failed", "info")


@pytest.mark.parametrize("name", ["text", "msisdn", "phone", "pin", "body", "input", "lastAppResponse", "token"])
def test_a_field_that_is_not_named_is_dropped(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure_logs()
    structlog.get_logger("x").bind(**{name: CANARY}).warning("hop failed", hops=3)
    err = capsys.readouterr().err
    [line] = lines(err)
    assert (line["event"], line["hops"], line["dropped"]) == ("hop failed", 3, 1)
    assert name not in line


@pytest.mark.parametrize("name", [CANARY, f"typed {CANARY}", f"typed {NUMBER}", "a\nb", "%s", "", "a" * 65])
def test_an_event_is_named_in_plain_words(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure_logs()
    structlog.get_logger("x").info(name)
    [line] = lines(capsys.readouterr().err)
    assert (line["event"], line["dropped"]) == ("unnamed", 1)


@pytest.mark.parametrize("number", SPELLINGS[1:3])
def test_a_number_in_a_name_is_masked(number: str) -> None:
    named = {"kinds": [f"Error{number}"], "place": f"x{number}.py:7", "logger": f"x.{number}"}
    line = safe(None, "info", dict(named))
    assert (line["kinds"], line["place"], line["logger"]) == (["Error#"], "x#.py:7", "x.#")


def test_a_reference_of_digits_alone_is_no_number() -> None:
    assert safe(None, "info", {"id": "12345678", "call": "8562055f"}).items() >= {
        ("id", "12345678"),
        ("call", "8562055f"),
    }


# What the fields of our own calls look like. A call with another field has to name it here, and in `FIELDS`.
LIKE: dict[str, object] = {
    "call": "8562055f", "outcome": "ended", "hops": 7, "seconds": 41, "message": "0" * 32, "carrier": "kannel",
    "why": "answered 403", "state": State.DUE, "minutes": 10, "cap": 2_000, "hour": "2026-11-23T05:00:00+00:00",
    "sent": 60, "entered": 3, "id": "0a1b2c3d",
}  # fmt: skip
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
CODE = [
    (path, node)
    for path in (*sorted((LOCALES.parent / "gateway").rglob("*.py")), LOCALES.parent / "app.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.Call)
]


def says(call: ast.Call) -> str | None:
    """The literal event of a call that writes a line; None of any other call."""
    func, first = call.func, call.args[0] if call.args else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return None
    if isinstance(func, ast.Name):
        return first.value if func.id in {"report", "_lost"} else None
    if not (isinstance(func, ast.Attribute) and func.attr in LEVELS):
        return None
    of = func.value
    made_here = isinstance(of, ast.Call) and "get_logger" in ast.unparse(of.func)
    return first.value if made_here or (isinstance(of, ast.Name) and of.id == "log") else None


OURS = [(f"{path.name}:{call.lineno}", event, call) for path, call in CODE if (event := says(call)) is not None]


@pytest.mark.parametrize(("event", "call"), [one[1:] for one in OURS], ids=[one[0] for one in OURS])
def test_every_line_of_ours_is_written_whole(
    capsys: pytest.CaptureFixture[str], event: str, call: ast.Call
) -> None:
    configure_logs()
    fields = {word.arg: LIKE[word.arg] for word in call.keywords if word.arg}
    structlog.get_logger("x").warning(event, **fields)
    [line] = lines(capsys.readouterr().err)
    assert {name: line.get(name) for name in ("event", *fields)} == {"event": event, **fields}
    assert "dropped" not in line


def test_those_lines_are_all_found() -> None:
    """As many as `grep` finds of what our loggers and reporters are called."""
    assert len(OURS) >= 25
    assert {"message not sent", "few codes are entered", "call ended", "hop failed"} <= {one[1] for one in OURS}


def whys(node: ast.AST) -> Iterator[str]:
    """What an expression may say, every number in it being one of five digits."""
    match node:
        case ast.Constant(str(said)):
            yield said
        case ast.JoinedStr(parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "30123" for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*whys(body), *whys(orelse))


WHYS = {
    why
    for _path, call in CODE
    if isinstance(call.func, ast.Name) and call.func.id in {"Retry", "Refused", "Unknown"} and call.args
    for why in whys(call.args[0])
}


@pytest.mark.parametrize("why", sorted(WHYS | {"answered 403", "opted out"}))
def test_the_log_tells_why_a_message_was_not_sent(why: str) -> None:
    assert len(WHYS) >= 30
    assert safe(None, "warning", {"why": why}).get("why") == why


@pytest.mark.parametrize("why", [f"error {CANARY}", f"answered {NUMBER}", "answered 403 5550 0001", "403", ""])
def test_a_why_holds_no_more_than_a_status(why: str) -> None:
    assert safe(None, "warning", {"why": why}).get("dropped") == 1


def failing() -> None:
    try:
        raise KeyError(CANARY)
    except KeyError as problem:
        raise ValueError(NUMBER) from problem


def test_an_exception_is_its_kinds_and_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    try:
        failing()
    except ValueError:
        structlog.get_logger("x").exception("hop failed")
    [line] = lines(capsys.readouterr().err)
    assert line["kinds"] == ["ValueError", "KeyError"]
    assert str(line["place"]).startswith("test_logs.py:")
    assert trace_of(RuntimeError()) == {"kinds": ["RuntimeError"]}  # never raised


def test_causes_in_a_circle_are_told_to_an_end() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert trace_of(one)["kinds"] == ["ValueError", "KeyError"] * 4


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    "name", ["werkzeug", "sqlalchemy.engine", "alembic", "urllib3", "_granian", "pakan", "x\ny"]
)
@pytest.mark.parametrize("level", [30, 35, 40, 50, 99])
def test_a_library_says_who_and_where_and_never_what(
    capsys: pytest.CaptureFixture[str], name: str, level: int
) -> None:
    logger = logging.getLogger(name)
    logger.log(level, "parameters: %s %s", CANARY, NUMBER)
    logger.log(level, CANARY, extra={"hops": CANARY}, stack_info=True)
    logger.log(level, "%d of %s", "wrong arguments", CANARY, "more")
    try:
        failing()
    except ValueError:
        logger.exception("words %s", CANARY)
    out, err = capsys.readouterr()
    assert out == ""
    told = lines(err)
    assert [line["event"] for line in told] == ["logged"] * 4
    assert told[-1]["kinds"] == ["ValueError", "KeyError"]
    assert told[0].get("logger") == (name if "\n" not in name else None)
    assert CANARY not in err
    assert NUMBER not in err


@pytest.mark.usefixtures("sealed")
def test_a_library_below_warning_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("sqlalchemy.engine").info("INSERT %s", CANARY)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("sealed")
def test_warnings_threads_and_the_lost_take_the_same_road(capsys: pytest.CaptureFixture[str]) -> None:
    ours = warnings.showwarning
    with warnings.catch_warnings():  # puts Python's own back
        warnings.simplefilter("always")
        warnings.showwarning = ours
        warnings.warn(f"typed {CANARY}", stacklevel=1)

    class Lost:
        def __del__(self) -> None:
            raise RuntimeError(CANARY)

    thread = threading.Thread(target=failing, name=CANARY)
    thread.start()
    thread.join()
    Lost()
    sys.excepthook(RuntimeError, RuntimeError(CANARY), None)
    err = capsys.readouterr().err
    assert [line["event"] for line in lines(err)] == [
        "warned",
        "thread failed",
        "error not raised",
        "process failed",
    ]
    assert CANARY not in err
    assert "Lost" not in err


def test_a_process_that_dies_says_kinds_and_place() -> None:
    code = f"from gateway.logs import configure_logs, seal_process\nseal_process()\nint('{CANARY}x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=LOCALES.parent)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = lines(done.stderr)
    assert (line["event"], line["kinds"], line["place"]) == ("process failed", ["ValueError"], "<string>:3")


def test_a_command_keeps_its_own_words_and_tracebacks(app: Flask) -> None:
    hooks = (sys.excepthook, logging.root.handlers[:])
    assert app.test_cli_runner().invoke(args=["flows", "check"]).output.endswith("no faults\n")
    assert (sys.excepthook, logging.root.handlers) == hooks


def test_what_was_typed_is_shown_by_nothing() -> None:
    typed = Typed(CANARY)
    shown = [
        repr(typed), str(typed), f"{typed}", f"{typed!r:>99}", "%s" % typed, format(typed, "d"), repr([typed]),  # noqa: UP031
        str(copy.deepcopy(typed)), str(pickle.loads(pickle.dumps(typed))), repr({"typed": typed}),
        repr(typed.__getstate__()), repr(typed.__reduce_ex__(4)), repr(Inbound("s", NUMBER, typed)),
        str(Inbound("s", NUMBER, typed)), "{}".format(Inbound("s", NUMBER, typed)),
    ]  # fmt: skip
    assert all(SHOWN in one for one in shown)
    assert not any(secret in one for one in shown for secret in (CANARY, NUMBER[1:]))
    assert not hasattr(typed, "__dict__")


def test_values_that_may_hold_what_was_typed_or_shown_are_reprs_without_it() -> None:
    session = Session("record.digits", data={"digits": CANARY}, pages=(CANARY,), pending=(CANARY,))
    place, answer = session.to_json(), Answer(CANARY, ends=False)
    for value in (
        session,
        answer,
        Call(NUMBER, None, date(2026, 11, 23), USSD),
        Turn(CANARY, False, session, "en", ()),
        Conversation("en", "event", 0, place, 1, 0),
        Step("key", "caller", 0, "en", 0, place, 0, answer, "channel", ()),
    ):
        shown = f"{value} {value!r} {[value]}"
        assert type(value).__name__ in shown
        assert CANARY not in shown
        assert NUMBER not in shown


def test_what_was_typed_cannot_be_hashed_by_mistake() -> None:
    with pytest.raises(TypeError):
        Hasher(bytes(32))("event", Typed(CANARY))  # type: ignore[arg-type]


def test_typed_is_compared_by_what_it_holds() -> None:
    assert Typed("1") == Typed("1") != Typed("2")
    assert Typed("1") != "1"
    assert len({Typed("1"), Typed("1"), Typed("2")}) == 2


def test_several_processes_write_whole_lines_into_one_file(tmp_path: Path) -> None:
    """Unbuffered, as in many containers: a line and its end are one write."""
    says = (
        "import structlog; from gateway.logs import configure_logs; configure_logs()\n"
        "for number in range(300): structlog.get_logger().info('call ended', hops=number)"
    )
    with (tmp_path / "log").open("ab") as file:
        writers = [subprocess.Popen([sys.executable, "-u", "-c", says], stderr=file) for _ in range(4)]
        assert [writer.wait(60) for writer in writers] == [0] * 4
    assert len(lines((tmp_path / "log").read_text())) == 4 * 300
