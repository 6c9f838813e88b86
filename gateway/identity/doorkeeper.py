"""The `Identity` of the port: bindings, PINs, codes and cases as one, on the gateway's own database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from typing import Final

from gateway.identity import cases as case
from gateway.identity.bindings import DAY_SECONDS, ENDING, Bindings, is_awake, is_shared, named, narrowed
from gateway.identity.cases import HOLD_SECONDS, Cases
from gateway.identity.codes import Codes
from gateway.identity.pins import Pins
from gateway.identity.port import Alerts, Look, Opening, Privacy, Sending, Verdict
from gateway.outbox.port import LAO_MOBILE, Draft, Kind
from gateway.registry.port import Firms, Registry
from gateway.storage.audit import Trail
from gateway.storage.keys import Keys
from gateway.storage.store import Bound
from gateway.storage.tallies import Tallies

BIRTH_DATES_A_DAY: Final = (
    5  # wrong ones of one caller: a birth date has 25,000 values, a guesser may know the year
)
EMPLOYER_CODES_A_DAY: Final = 5  # wrong ones of one caller; a code has seven digits (proposal)
LOOKS: Final = 5  # of the last ones, on the phone; all of them at an office


class Doorkeeper:
    """Who is calling, and how sure we are. Holds nothing between two calls."""

    def __init__(
        self,
        keys: Keys,
        clock: Callable[[], datetime],
        timezone: tzinfo,
        registry: Registry,
        firms: Firms,
        bindings: Bindings,
        pins: Pins,
        codes: Codes,
        cases: Cases,
        tallies: Tallies,
        trail: Trail,
        post: Callable[[Draft], bool] | None,
        chooses_pin: bool = False,
    ) -> None:
        self.chooses_pin = chooses_pin
        self._keys, self._clock, self._timezone = keys, clock, timezone
        self._registry, self._firms = registry, firms
        self._bindings, self._pins, self._codes, self._cases = bindings, pins, codes, cases
        self._tallies, self._trail, self._post = tallies, trail, post

    def recognise(self, known: Sequence[Bound]) -> str | None:
        if len(known) != 1:
            return None
        [bound] = known
        alone = is_awake(bound, self._now()) and not (bound.asks_pin or bound.shared)
        return bound.member if alone else None

    def open(self, caller: str, known: Sequence[Bound], number: str, secret: str | date, event: str) -> Opening:
        if isinstance(secret, date):
            return self._open_by_birth_date(caller, known, number, secret)
        bound = named(known, number, self._keys)
        member = bound.member if bound and is_awake(bound, self._now()) else None
        verdict = self._pins.check(self._caller(caller), member, secret, event)
        return Opening(verdict, member or "", by_pin=True) if verdict is Verdict.OPENED else Opening(verdict)

    def _open_by_birth_date(self, msisdn: str, known: Sequence[Bound], number: str, born: date) -> Opening:
        """Bind or wake this phone if it is hers by the register; a wrong one is charged before it is tried."""
        caller, now, refused = self._caller(msisdn), self._now(), Opening(Verdict.REFUSED)
        day = now // DAY_SECONDS
        slip, *older = (f"birth date:{one}" for one in self._callers(msisdn))
        if len(number) <= ENDING or not self._tallies.charge(slip, day, BIRTH_DATES_A_DAY, older):
            return refused
        found = self._registry.find(number, born)
        if found is None:
            return refused
        hashes = self._keys.numbers("number", number), self._keys.numbers("ending", number[-ENDING:])
        bound = next((one for one in known if one.member == found.member), None)
        asks_pin = False
        if bound and (bound.asks_pin or is_shared(known)):  # her family knows her birth date: only her PIN opens
            asks_pin = self.has_pin(found.member)
            if asks_pin and is_awake(bound, now):
                return refused
            if not asks_pin and self._pins.ran_out(found.member):  # who guessed it away gets no other by a code
                self._cases.open(case.Kind.PIN, caller, found.member, msisdn, *hashes, now)
                return refused
        if found.msisdn != msisdn and not self._moved_here(msisdn, found.member, now):
            self._cases.open(case.Kind.BINDING, caller, found.member, msisdn, *hashes, now)
            return refused
        if not self._bindings.bind(caller, found.member, msisdn, *hashes, now):
            self._cases.open(case.Kind.BINDING, caller, found.member, msisdn, *hashes, now)
            return refused
        self._tallies.refund(slip, day)
        return Opening(Verdict.OPENED, found.member, asks_pin=asks_pin)

    def _moved_here(self, msisdn: str, member: str, now: int) -> bool:
        """Whether she announced this number from her old one, and nobody objected in time."""
        move = self._cases.under_way(case.Kind.NUMBER, member)
        if move is None or move[0] not in self._callers(msisdn) or now < move[1]:
            return False
        return self._cases.close(case.Kind.NUMBER, move[0], member, "done", now)

    def check_pin(self, caller: str, member: str, pin: str, event: str) -> Verdict:
        return self._pins.check(self._caller(caller), member, pin, event)

    def has_pin(self, member: str) -> bool:
        return self._pins.has(member)

    def assign_pin(self, caller: str, member: str) -> str | None:
        return self._pins.assign(self._caller(caller), member)

    def choose_pin(self, caller: str, known: Sequence[Bound], member: str, pin: str) -> Verdict:
        return self._pins.choose(self._caller(caller), member, pin, own=(caller, *self._registry.own(member)))

    def confirm_pin(self, caller: str, member: str, typed: str, event: str) -> Verdict:
        here, *older = self._callers(caller)
        return self._pins.confirm(here, member, typed, event, older)

    def send_code(self, caller: str, purpose: str, wording: str) -> Sending:
        return self._codes.send(caller, self._caller(caller), purpose, wording)

    def check_code(self, caller: str, purpose: str, typed: str) -> bool:
        here, *older = self._callers(caller)
        return self._codes.check(here, purpose, typed, older)

    def speaks_for(self, caller: str, code: str, by_text: bool) -> bool:
        """A wrong code is charged before it is tried; a forged text uses up none of her calls' tries."""
        slip, *older = (f"employer code{' by text' * by_text}:{one}" for one in self._callers(caller))
        day = self._now() // DAY_SECONDS
        if not self._tallies.charge(slip, day, EMPLOYER_CODES_A_DAY, older):
            return False
        if not self._firms.speaks_for(caller, code):
            return False
        self._tallies.refund(slip, day)
        return True

    def tell(self, caller: str, member: str, wording: str, event: str) -> bool:
        if self._post is None or not LAO_MOBILE.fullmatch(caller):
            return False
        self._post(Draft(Kind.NOTICE, caller, wording, once=event, member=member))
        return True

    def since(self, known: Sequence[Bound], member: str) -> int:
        now = self._now()
        hers = (bound.since for bound in known if bound.member == member and is_awake(bound, now))
        return next(hers, now)  # bound or woken in this very hop

    def privacy(self, known: Sequence[Bound], member: str) -> Privacy:
        hers = next((bound for bound in known if bound.member == member), None)
        asks_pin, alerts = (hers.asks_pin, Alerts(hers.alerts)) if hers else (False, Alerts.OFF)
        return narrowed(Privacy(asks_pin, any(bound.shared for bound in known), alerts), known)

    def choose_privacy(self, caller: str, known: Sequence[Bound], member: str, privacy: Privacy) -> Privacy:
        counts = narrowed(privacy, known)
        self._bindings.choose(self._caller(caller), member, counts)
        return counts

    def looks(self, caller: str, member: str) -> Sequence[Look]:
        here = self._callers(caller)

        def by(actor: str, looker: str) -> str:
            if actor != "member":
                return "office"
            return "you" if looker in here else "other"

        return [
            Look(datetime.fromtimestamp(look.at, self._timezone), by(look.actor, look.caller))
            for look in self._trail.looks(member, LOOKS)
        ]

    def ask_office(self, caller: str, known: Sequence[Bound], member: str, kind: str) -> None:
        self._open_case(case.Kind(kind), caller, member, known)

    def move_day(self) -> date:
        return self._day(self._now() + HOLD_SECONDS)

    def move(self, known: Sequence[Bound], member: str, to: str) -> None:
        self._open_case(case.Kind.NUMBER, to, member, known, hold=HOLD_SECONDS)

    def moving(self, member: str) -> date | None:
        move = self._cases.under_way(case.Kind.NUMBER, member)
        return self._day(move[1]) if move else None

    def stop_moving(self, member: str) -> None:
        move = self._cases.under_way(case.Kind.NUMBER, member)
        if move:
            self._cases.close(case.Kind.NUMBER, move[0], member, "refused", self._now(), "member")

    def _open_case(self, kind: case.Kind, msisdn: str, member: str, known: Sequence[Bound], hold: int = 0) -> None:
        """A case of a member who is bound to the phone she calls from; `msisdn` is the one it is about."""
        for bound in known:
            if bound.member == member:
                hashes = bound.number, bound.ending
                self._cases.open(kind, self._caller(msisdn), member, msisdn, *hashes, self._now(), hold)

    def _day(self, seconds: int) -> date:
        return datetime.fromtimestamp(seconds, self._timezone).date()

    def _caller(self, msisdn: str) -> str:
        return self._keys.hasher("caller", msisdn)

    def _callers(self, msisdn: str) -> Sequence[str]:
        """The same, then what older keys call her: what was begun before a rotation is found by them."""
        return self._keys.hashes("caller", msisdn)

    def _now(self) -> int:
        return int(self._clock().timestamp())
