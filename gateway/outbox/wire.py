"""One form or text posted to a provider: over in time, and sure whether anything of it may have left.

A connection of its own each time, for when a kept one is reset nobody knows whether the request was read. No
proxy, no redirect, no second attempt. `requests`, and so the providers' SDKs, limit each read alone: a peer that
trickles stretches that without end (reliability F21).
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from gateway.outbox.port import WIRE_SECONDS, Outcome, Retry, Unknown

SECONDS: Final = WIRE_SECONDS - 1.0  # what is left is for the machine
MAX_ANSWER: Final = 65_536  # bytes; an answer is below 2 kB
LONGEST_WAIT: Final = 86_400.0  # seconds; whoever asks us to wait longer is not meant
WORDS_COUNT: Final = {400, 422}  # the request was read and not taken: the answer says why
BUSY: Final = {429, 503}  # nothing was taken (RFC 6585, 4; RFC 9110, 15.6.4)

FORM: Final = "application/x-www-form-urlencoded"
TEXT: Final = "text/plain; charset=UTF-8"

NOT_REACHED: Final = Retry("not reached", provider_is_ill=True)


class Failed(Exception):
    """There is no answer whose words count; `outcome` is what that means for the message."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Answered(NamedTuple):
    """An answer in the provider's own words: that it took the message, or what is wrong with it."""

    status: int
    text: str

    @property
    def took(self) -> bool:
        return self.status < 300


def post(
    url: str, content: Mapping[str, object] | str, headers: Mapping[str, str], seconds: float = SECONDS
) -> Answered:
    """Post a form, or a plain text, and read the answer within so many seconds, all told. Raises `Failed`."""
    kind, body = (TEXT, content) if isinstance(content, str) else (FORM, urlencode(content))
    exchange = _Exchange(url, body.encode("utf-8", "replace"), {**headers, "Content-Type": kind}, seconds)
    try:
        exchange.start()
    except RuntimeError:  # no more threads
        raise Failed(Retry("busy")) from None
    exchange.join(seconds)
    if exchange.is_alive() or exchange.status == 0:
        raise Failed(Unknown("no answer") if exchange.leave() else NOT_REACHED)
    if exchange.status < 300 or exchange.status in WORDS_COUNT:
        return Answered(exchange.status, exchange.body.decode("utf-8", "replace"))
    why = f"answered {exchange.status}"
    if exchange.status in BUSY:
        raise Failed(Retry(why, _seconds(exchange.wait), provider_is_ill=True))
    if exchange.status >= 500:
        raise Failed(Unknown(why))
    raise Failed(Retry(why, provider_is_ill=True))  # our address or account is wrong, for every message


class _Exchange(threading.Thread):
    """The request on a thread of its own, which its caller can leave in time: also while a name is looked up."""

    def __init__(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> None:
        super().__init__(name="provider", daemon=True)
        parts = urlsplit(url)
        host, self._path, self._body = parts.hostname or "", parts.path or "/", body
        self._headers = {**headers, "Connection": "close"}
        self._connection = (
            HTTPSConnection(host, parts.port, timeout=seconds, context=_tls())
            if parts.scheme == "https"
            else HTTPConnection(host, parts.port, timeout=seconds)
        )
        self._lock, self._left, self._until = threading.Lock(), False, monotonic() + seconds
        self._wire: socket.socket | None = None
        self.sending = False
        self.status, self.wait, self.body = 0, "", b""

    def run(self) -> None:
        with suppress(Exception):  # whatever it is, there is no status then
            self._connection.connect()
            self._wire = self._connection.sock
            if self._may_send():
                self._connection.request("POST", self._path, self._body, self._headers)
                with self._connection.getresponse() as response:
                    self.wait = response.headers.get("Retry-After", "")
                    self.body = response.read(MAX_ANSWER)
                    self.status = response.status
        self._connection.close()

    def leave(self) -> bool:
        """Nobody waits any more: end it, however slowly the peer goes on. False: nothing was sent, nor will be."""
        with self._lock:
            self._left = True
        if self._wire is not None:  # else it is connecting, which has a limit of its own
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)
        return self.sending

    def _may_send(self) -> bool:
        """Not when nobody waits any more, nor when it is too late: a process that slept may wake here first."""
        with self._lock:
            self.sending = not self._left and monotonic() < self._until
            return self.sending


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # reads a few hundred certificates


def _seconds(said: str) -> float | None:
    """Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    try:
        wait = float(said) if said.isdigit() else (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT)
