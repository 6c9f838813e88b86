"""The edge of the house: every answer is plain text, and whatever fails is told to nobody but the log."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final

from flask import Flask, Response

from gateway.channels.port import PLAIN
from gateway.logs import report

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NOT_FOUND: Final = "Not found\n"
FAILED: Final = "Failed\n"
# Addresses hold a token and screens hold figures: no cache keeps them, no page tells where it came from (T05).
UNKEPT: Final = (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"))


class Edge(Flask):
    """A Flask application that never lets an error out, neither to the server nor to Flask's own log.

    granian prints the traceback of what a WSGI application raises, and Flask logs the path, with its token.
    """

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return super().wsgi_app(environ, start_response)
        except (KeyboardInterrupt, SystemExit):
            raise  # the process is asked to stop
        except BaseException as problem:  # extension modules panic outside of Exception
            report("request failed", problem)
            return failed()(environ, start_response)

    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        if exc_info[1] is not None:
            report("request failed", exc_info[1])


def plain(text: str, status: int = 200) -> Response:
    answer = Response(text, status, content_type=PLAIN)
    for name, value in UNKEPT:
        answer.headers.add(name, value)  # half the cost of giving them to the constructor
    return answer


def not_found(_problem: object = None) -> Response:
    """The one answer to everything that is not ours, from unknown paths to wrong tokens."""
    return plain(NOT_FOUND, 404)


def failed(_problem: object = None) -> Response:
    """No page of HTML, not even for a fault of ours."""
    return plain(FAILED, 500)
