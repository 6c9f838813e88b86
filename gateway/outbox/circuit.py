"""A circuit a provider: ill so many times in a row, it is left alone for a while, then tried with one message."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

ILL: Final = 5  # outcomes in a row that say the provider is ill, rather than the message
REST_SECONDS: Final = 30.0  # a time-out of a load balancer; doubles while the provider stays ill
REST_MAX_SECONDS: Final = 300.0


class Circuit:
    """Of one provider, in one process: each process finds out for itself, which costs a few attempts."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._ill, self._rest, self._open_until = 0, REST_SECONDS, 0.0

    def closed_in(self) -> float:
        """Seconds until a message may be tried; 0 for now. Whoever is let in while it is open is alone."""
        with self._lock:
            wait = self._open_until - self._now()
            if self._ill < ILL or wait > 0:
                return max(0.0, wait)
            self._open_until = self._now() + self._rest  # until this one comes back, nobody else
            return 0.0

    def told(self, is_ill: bool) -> None:
        with self._lock:
            if not is_ill:
                self._ill, self._rest, self._open_until = 0, REST_SECONDS, 0.0
                return
            self._ill += 1
            if self._ill >= ILL:
                self._open_until = self._now() + self._rest
                self._rest = min(REST_MAX_SECONDS, self._rest * 2)
