"""The outbox: the row is the truth of what is sent, and to whom, and what became of it.

A message is claimed and committed before the wire, with our reference and a token that fences off whoever held
it before; what became of it is recorded after. A crash in between leaves a claim whose lease ends: the `reaper`
asks the provider, or goes by what kind of message it is. Numbers and texts are sealed, each for its own row.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any, Final, NamedTuple

from gateway.outbox import statements
from gateway.outbox.port import (
    Draft,
    Kind,
    Message,
    OptedOut,
    Outcome,
    Refused,
    Retry,
    Sent,
    Unknown,
)
from gateway.outbox.reports import Reports
from gateway.outbox.states import BULK, LIFE_SECONDS, MAX_ATTEMPTS, State
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys, Unsealable
from gateway.storage.links import Compiled, Values
from gateway.storage.renewal import about_of_message, member_of_message, phone_of_message, text_of_message
from gateway.text.alphabet import segments, sendable

SQL_SECONDS: Final = 0.5  # share of a hop, as every other write of the store
OFFER_SECONDS: Final = 30  # an offer that nobody took is made again
LEASE_SECONDS: Final = 30  # of a claim; an attempt on the wire takes less than half of it (reliability F11)
BACKOFF_SECONDS: Final = 5.0  # before the second attempt, doubling; a random part of it is waited (full jitter)
BACKOFF_MAX_SECONDS: Final = 900.0
DOUBLINGS: Final = 8  # by then it is longer than that; a message may wait out any number of tries
AFTER_MAX_SECONDS: Final = 3_600.0  # of what a provider asks us to wait
WHY_MAX: Final = 120  # characters


class Claim(NamedTuple):
    """A message that is ours to send until the lease ends."""

    ref: str
    kind: Kind
    caller: str
    message: Message
    carrier: str
    bulk: bool
    token: str
    strikes: int

    def __repr__(self) -> str:
        return f"Claim({self.ref})"


class Outbox:
    """All messages of an installation. Everything here raises what `Hot` raises; then nothing was changed."""

    def __init__(
        self,
        hot: Hot,
        keys: Keys,
        clock: Callable[[], datetime],
        first: str,
        random: Random | None = None,
        lease_seconds: int = LEASE_SECONDS,
    ) -> None:
        """`first`: the carrier of what names none."""
        self.hot, self.keys, self.clock, self.first = hot, keys, clock, first
        self.lease_seconds = lease_seconds
        self.reports = Reports(hot, keys, clock)
        self._random = random or Random(secrets.randbits(64))  # noqa: S311 (spreads load, keeps no secret)
        self.insert = hot.statement(statements.post(hot.is_sqlite))
        self._offer = hot.statement(statements.offer())
        self._phone = hot.statement(statements.phone())
        self._claims: dict[int, tuple[Compiled, Compiled]] = {}  # by how many names a refusal may stand under
        self._claiming(0)
        self._record = hot.statement(statements.record(State.CLAIMED, State.IN_DOUBT))
        self._accept = hot.statement(statements.accept())
        self._known = hot.statement(statements.known())
        self._cancel = hot.statement(statements.cancel())
        self._words = hot.statement(statements.words())

    def now(self) -> int:
        return int(self.clock().timestamp())

    def row(self, draft: Draft, now: int | None = None) -> Values:
        """The row of a message, to be inserted with the step that caused it."""
        now = self.now() if now is None else now
        ref, caller = self._ref(), self.keys.hasher("caller", draft.msisdn)
        text, seal, due_at = sendable(draft.text), self.keys.sealer.seal, draft.due_at or now
        return {
            "ref": ref,
            "once": self.keys.hasher("once", draft.once) if draft.once else None,
            "kind": str(draft.kind),
            "purpose": draft.purpose,
            "carrier": draft.carrier or self.first,
            "bulk": draft.kind in BULK,
            "caller": caller,
            "phone": seal(draft.msisdn, phone_of_message(ref)),
            "text": seal(text, text_of_message(ref)),
            "about": seal(draft.about, about_of_message(ref)) if draft.about else None,
            "parts": segments(text).parts,
            "state": str(State.DUE),
            "why": "",
            "attempt": 0,
            "token": "",
            "provider_id": "",
            "made_at": now,
            "due_at": due_at,
            "expires_at": draft.expires_at or due_at + LIFE_SECONDS[draft.kind],
            "offered_until": 0,
            "lease_until": 0,
            "moved_at": now,
            "member": seal(draft.member, member_of_message(ref)) if draft.member else None,
            "strikes": 0,
            "doubts": 0,
        }

    def _ref(self) -> str:
        """32 hexadecimal digits: a time in milliseconds, so that what was posted first goes first, and 80 bits."""
        return f"{int(self.clock().timestamp() * 1000):012x}{secrets.token_hex(10)}"

    def step(self, draft: Draft) -> tuple[Compiled, Values]:
        """The same as one step of a transaction for `Hot.write`."""
        return self.insert, self.row(draft)

    def post(self, draft: Draft) -> bool:
        """Write a message of its own; False when one of the same `once` is there, under an older key too."""
        older = self.keys.hashers[1:] if draft.once else ()
        if any(self.hot.rows(self._known, {"once": hasher("once", draft.once)}, SQL_SECONDS) for hasher in older):
            return False
        return bool(self.hot.rows(self.insert, self.row(draft), SQL_SECONDS))

    def cancel(self, ref: str, why: str) -> bool:
        """Take back a message that never left; False when somebody holds it, or it may have left."""
        return bool(self.hot.rows(self._cancel, {"ref": ref, "why": why, "now": self.now()}, SQL_SECONDS))

    def words(self, ref: str) -> str | None:
        """What a message says that waits; None when it does not, or no key here opens it."""
        for (text,) in self.hot.rows(self._words, {"ref": ref}, SQL_SECONDS):
            with suppress(Unsealable):
                return self.keys.sealer.open(text, text_of_message(ref))
        return None

    def offer(self, carrier: str, bulk: bool, most: int, seconds: int = OFFER_SECONDS) -> Sequence[str]:
        """References of what is due in this pool, oldest first; offered to nobody else for so many seconds."""
        now = self.now()
        values = {"carrier": carrier, "bulk": bulk, "most": most, "now": now, "until": now + seconds}
        return [ref for _due_at, ref in sorted(self.hot.rows(self._offer, values, SQL_SECONDS))]

    def take(self, ref: str, bulk_now: bool = True) -> Claim | None:
        """Claim a message; None when it is not due any more, not wanted, or somebody else's."""
        now, token = self.now(), secrets.token_hex(16)
        names = self._names(ref)
        take, drop = self._claiming(len(names))
        lease = {"token": token, "lease_until": now + self.lease_seconds, "bulk_now": bulk_now}
        rows = self.hot.rows(take, {"ref": ref, "now": now, **names, **lease}, SQL_SECONDS)
        if not rows:
            self.hot.rows(drop, {"ref": ref, "now": now, **names}, SQL_SECONDS)
            return None
        [(ref, kind, caller, phone, text, expires_at, attempt, carrier, bulk, strikes)] = rows
        opened = self.keys.sealer.open
        try:
            number, words = opened(phone, phone_of_message(ref)), opened(text, text_of_message(ref))
        except Unsealable:
            self.move(ref, token, State.DEAD, "no key here opens it")
            return None
        message = Message(ref, Kind(kind), number, words, expires_at, attempt)
        return Claim(ref, Kind(kind), caller, message, carrier, bool(bulk), token, strikes)

    def _claiming(self, names: int) -> tuple[Compiled, Compiled]:
        if names not in self._claims:
            both = statements.take(names), statements.drop(names)
            self._claims[names] = self.hot.statement(both[0]), self.hot.statement(both[1])
        return self._claims[names]

    def _names(self, ref: str) -> dict[str, str]:
        """While an index key is rotated: by what she may have said stop, before it or to a newer process."""
        self.keys.look_again()
        if len(self.keys.hashers) == 1:
            return {}
        for (phone,) in self.hot.rows(self._phone, {"ref": ref}, SQL_SECONDS):
            with suppress(Unsealable):
                msisdn = self.keys.sealer.open(phone, phone_of_message(ref))
                return {f"name_{n}": name for n, name in enumerate(self.keys.hashes("caller", msisdn))}
        return {}

    def record(self, claim: Claim, outcome: Outcome) -> State | None:
        """What became of an attempt; None when the claim is no longer ours."""
        match outcome:
            case Sent(provider_id):
                return self.accept(claim.ref, claim.token, claim.carrier, provider_id)
            case Retry(why, after, provider_is_ill):
                strike = not provider_is_ill  # an ill provider has not judged it: it waits as long as it helps
                if strike and claim.strikes + 1 >= MAX_ATTEMPTS:
                    return self._moved(claim, State.DEAD, why, strike=strike)
                return self._moved(claim, State.DUE, why, self._pause(claim.message.attempt, after), strike=strike)
            case Refused():
                return self._moved(claim, State.FAILED, outcome.why)
            case OptedOut():
                self.reports.leave(claim.caller, claim.message.msisdn)
                return self._moved(claim, State.FAILED, "the provider says she opted out")
            case Unknown():
                return self._moved(claim, State.IN_DOUBT, outcome.why)

    def accept(self, ref: str, token: str, carrier: str, provider_id: str) -> State | None:
        """The provider has it; a report that came before we knew the provider's id is taken up."""
        values = {"ref": ref, "token": token, "provider_id": provider_id, "now": self.now()}
        if not self.hot.rows(self._accept, values, SQL_SECONDS):
            return None
        if provider_id:
            self.reports.take_up(carrier, provider_id, ref)
        return State.ACCEPTED

    def put_back(self, claim: Claim, seconds: float, why: str) -> None:
        """It was not tried after all, and is due again in so many seconds."""
        self._moved(claim, State.DUE, why, seconds, refund=1)

    def drop(self, claim: Claim, why: str) -> None:
        """It is not sent, by a rule of ours."""
        self._moved(claim, State.DROPPED, why)

    def _moved(self, claim: Claim, state: State, why: str, seconds: float = 0, **more: int) -> State | None:
        return self.move(claim.ref, claim.token, state, why, seconds, **more)

    def move(
        self,
        ref: str,
        token: str,
        state: State,
        why: str,
        seconds: float = 0,
        refund: int = 0,
        strike: int = 0,
    ) -> State | None:
        """Move a message that is claimed or in doubt, if `token` still holds it.

        `refund`: 1 when it was claimed and not tried; `strike`: 1 when the try counts against it.
        """
        now = self.now()
        values: dict[str, Any] = {"ref": ref, "token": token, "state": str(state), "why": why[:WHY_MAX]}
        values |= {"refund": refund, "strike": int(strike), "due_at": now + round(seconds), "now": now}
        return state if self.hot.rows(self._record, values, SQL_SECONDS) else None

    def _pause(self, attempt: int, after: float | None) -> float:
        """What the provider asked for, else exponential back-off with full jitter."""
        if after is not None:
            return min(after, AFTER_MAX_SECONDS)
        doubled = BACKOFF_SECONDS * 2 ** min(attempt, DOUBLINGS)
        return self._random.uniform(1, min(BACKOFF_MAX_SECONDS, doubled))
