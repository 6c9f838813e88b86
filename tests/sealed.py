"""A process that is sealed for one test, and what an error reporter could read."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import NamedTuple

import orjson
import pytest

from app import LOCALES
from gateway.logs import FIELDS, MAX_LINE, configure_logs, seal_process

ROOT = LOCALES.parent
ALWAYS = {"timestamp", "dropped"}  # what a line has beside the fields of the list


@pytest.fixture
def sealed() -> Iterator[None]:
    """`seal_process()` onto this test's standard error; afterwards the process is pytest's again."""
    loggers = [logging.root, *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    before = [(one, list(one.handlers), one.level, one.propagate) for one in loggers]
    hooks = (warnings.showwarning, sys.excepthook, threading.excepthook, sys.unraisablehook)
    configure_logs()
    seal_process()
    yield
    warnings.showwarning, sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.raiseExceptions = True
    for one, handlers, level, propagate in before:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)


def lines(logged: str) -> list[dict[str, object]]:
    """Every line, checked: JSON, ASCII, short enough, and of the named fields only."""
    found = []
    for line in logged.split("\n")[:-1] if logged else []:
        assert line.isascii()
        assert line.isprintable()
        assert len(line) <= MAX_LINE
        fields = orjson.loads(line)
        assert fields.keys() <= FIELDS.keys() | ALWAYS
        found.append(fields)
    assert not logged or logged.endswith("\n")
    return found


class Local(NamedTuple):
    """One local variable as an error reporter shows it."""

    file: str
    function: str
    name: str
    shown: str


def locals_of(problem: BaseException) -> list[Local]:
    """Every local of every frame that this error and its causes went through, those of tests left out."""
    found: list[Local] = []
    one: BaseException | None = problem
    while one is not None:
        trace = one.__traceback__
        while trace is not None:
            found += _locals(trace.tb_frame)
            trace = trace.tb_next
        one = one.__cause__ or one.__context__
    return found


def locals_of_stack(frame: FrameType | None) -> list[Local]:
    """Every local of the gateway's own frames that are running now, from this one outwards."""
    found: list[Local] = []
    while frame is not None:
        found += _locals(frame)
        frame = frame.f_back
    return [one for one in found if one.file.startswith("gateway/")]


def _locals(frame: FrameType) -> list[Local]:
    code = frame.f_code
    path = code.co_filename.removeprefix(f"{ROOT}/")
    if path.startswith("tests/"):
        return []
    return [Local(path, code.co_name, name, repr(value)) for name, value in dict(frame.f_locals).items()]
