"""How a PIN is kept: argon2id over a peppered hash, sealed; and how much hashing one process may do.

Six digits are 10^6 values: argon2id alone would hold for 11 core-hours a member, so it is the pepper and the
seal, whose keys lie outside the database, that protect a stolen dump (reliability finding, section 5.3).
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from gateway.storage.keys import Sealer, Unsealable

MEMORY_KIB: Final = 19_456  # OWASP Password Storage and ASVS 5.0: argon2id with m=19 MiB, t=2, p=1 at least
PASSES: Final = 2
LANES: Final = 1
SALT_BYTES: Final = 16  # RFC 9106, section 3.1
HASH_BYTES: Final = 32

HASHES_A_SECOND: Final = 12.0  # of the 24 to 45 a core can do: 40 % of it (reliability target R8)
BURST: Final = 24
AT_ONCE: Final = 1  # the gateway runs one process a core, and a core hashes one PIN at a time
GATE_SECONDS: Final = 0.4  # share of the hop's 4.0 s (reliability target)


class PinHasher:
    """Hashes PINs and compares them; counts the comparisons with a member's own hash."""

    def __init__(self, peppers: Mapping[int, bytes], sealer: Sealer, memory_kib: int = MEMORY_KIB) -> None:
        self._peppers, self._sealer = peppers, sealer
        self._argon2 = PasswordHasher(PASSES, memory_kib, LANES, HASH_BYTES, SALT_BYTES)
        self._counting = threading.Lock()
        self._nobody = self.hash("", secrets.token_hex())
        self.evaluated = 0

    def hash(self, member: str, pin: str) -> str:
        """The hash as it is stored, by the newest pepper; it opens only in this member's row."""
        version = max(self._peppers)
        encoded = self._argon2.hash(self._peppered(version, member, pin))
        return self._sealer.seal(f"{version}:{encoded}", _where(member))

    def matches(self, member: str, pin: str, sealed: str) -> bool:
        """Whether this is the PIN; raises `Unsealable` when the hash is not hers or its keys are gone."""
        with self._counting:
            self.evaluated += 1
        return self._matches(member, pin, sealed)

    def waste(self, pin: str) -> None:
        """Work as long as `matches` does, for nobody."""
        self._matches("", pin, self._nobody)

    def is_stale(self, member: str, sealed: str) -> bool:
        """Whether an older pepper or less work than today's made this hash."""
        version, encoded = self._opened(member, sealed)
        made, now = extract_parameters(encoded), self._argon2
        rose = made.memory_cost < now.memory_cost or made.time_cost < now.time_cost
        return rose or version != max(self._peppers)

    def _matches(self, member: str, pin: str, sealed: str) -> bool:
        version, encoded = self._opened(member, sealed)
        try:
            return self._argon2.verify(encoded, self._peppered(version, member, pin))
        except VerifyMismatchError:
            return False

    def _opened(self, member: str, sealed: str) -> tuple[int, str]:
        version, _colon, encoded = self._sealer.open(sealed, _where(member)).partition(":")
        if int(version) not in self._peppers:
            raise Unsealable("pin")
        return int(version), encoded

    def _peppered(self, version: int, member: str, pin: str) -> bytes:
        message = f"{len(member)}:{member}{pin}".encode(
            "utf-8", "surrogatepass"
        )  # with its length: two parts stay two
        return hmac.digest(self._peppers[version], message, "sha256")


class Bucket:
    """A token bucket: `rate` a second on average, `burst` at once; full at first. Threads may share it."""

    def __init__(self, rate: float, burst: float, ticks: Callable[[], float] = monotonic) -> None:
        self._rate, self._burst, self._ticks = rate, burst, ticks
        self._counting = threading.Lock()
        self._tokens, self._filled_at = float(burst), ticks()

    def spend(self) -> bool:
        """Take a token; False when none is left. Nobody waits."""
        with self._counting:
            now = self._ticks()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class Gate:
    """Lets a process hash so often that menus never wait for PINs; whoever is not let in is told so.

    A token first, so a flood waits for nothing. Then a place: with one thread it is always free, and with several
    a thread waits at most `wait` seconds for those that hash just now.
    """

    def __init__(
        self,
        rate: float = HASHES_A_SECOND,
        burst: int = BURST,
        at_once: int = AT_ONCE,
        wait: float = GATE_SECONDS,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._bucket, self._wait = Bucket(rate, burst, ticks), wait
        self._places = threading.BoundedSemaphore(at_once)

    @contextmanager
    def hashing(self) -> Iterator[bool]:
        """Whether the body may hash, once: `with gate.hashing() as admitted`."""
        admitted = self._bucket.spend() and self._places.acquire(timeout=self._wait)
        try:
            yield admitted
        finally:
            if admitted:
                self._places.release()


def _where(member: str) -> str:
    return f"pin:{member}"
