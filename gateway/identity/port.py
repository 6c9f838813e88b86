"""What the conversations may ask about who is calling, and nothing else: plain values, no SQL, no keys.

`caller` is the E.164 number that the operator says is calling; `known` is what is stored of it and comes with
every call. Nothing here says why a secret did not open. Raises `TimeoutError` and `ConnectionError` as the
register does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


class Verdict(StrEnum):
    """What became of a secret that was typed. Why it did not open is told to nobody."""

    OPENED = "opened"
    REFUSED = "refused"  # wrong, locked, asleep or nobody's: all alike
    BUSY = "busy"  # not looked at and not counted: too many are being checked just now


class Sending(StrEnum):
    """What became of a request for a one-time code."""

    SENT = "sent"
    WAIT = "wait"  # the last was too short a while ago, or there were too many: the last one may still be good
    OFF = "off"  # codes cannot go to this number, or not today


class Opening(NamedTuple):
    """What a number and a secret opened."""

    verdict: Verdict
    member: str = ""
    by_pin: bool = False  # it was her PIN; else her birth date
    asks_pin: bool = False  # her birth date fits, and she wants her PIN asked all the same


class Alerts(StrEnum):
    """What a monthly text to her phone may say."""

    OFF = "off"  # there is none
    NOTICE = "notice"  # that there is a notice, and no more
    FULL = "full"  # how her month stands, and her right to treatment


class Privacy(NamedTuple):
    """What a member chose for one phone."""

    asks_pin: bool
    shared: bool
    alerts: Alerts = Alerts.OFF


class Look(NamedTuple):
    """Somebody looked at a record."""

    at: datetime  # in the scheme's time zone
    by: str  # "you" from this phone, "other" from another one, "office"


class Identity(Protocol):
    """Who is calling, and how sure we are."""

    chooses_pin: bool  # whether members may choose a PIN of their own

    def recognise(self, known: Sequence[Any]) -> str | None:
        """The one member who may be known by her phone alone; None when there is anything more to ask."""

    def open(self, caller: str, known: Sequence[Any], number: str, secret: str | date, event: str) -> Opening:
        """Try a social-security number (or its last digits) with a PIN, or with a birth date.

        A birth date binds this phone, or wakes it, if the register has it for her; else the office gets a case.
        """

    def check_pin(self, caller: str, member: str, pin: str, event: str) -> Verdict: ...

    def has_pin(self, member: str) -> bool: ...

    def assign_pin(self, caller: str, member: str) -> str | None:
        """A new PIN that is good once it is typed back; None when too many are being made just now."""

    def choose_pin(self, caller: str, known: Sequence[Any], member: str, pin: str) -> Verdict:
        """The same with a PIN of her own; refused when it is easily guessed."""

    def confirm_pin(self, caller: str, member: str, typed: str, event: str) -> Verdict:
        """The PIN typed back: now it is hers. One try."""

    def send_code(self, caller: str, purpose: str, wording: str) -> Sending:
        """Send a one-time code by SMS; `wording` shows %(code)s and %(minutes)s."""

    def check_code(self, caller: str, purpose: str, typed: str) -> bool: ...

    def speaks_for(self, caller: str, code: str, by_text: bool) -> bool:
        """Whether this phone is a registered contact of this employer; False after too many wrong codes, too."""

    def tell(self, caller: str, member: str, wording: str, event: str) -> bool:
        """Send her a security notice by SMS, once an event; whether texts can go to this number at all."""

    def since(self, known: Sequence[Any], member: str) -> int:
        """Since when this phone has been hers, seconds since 1970: what was sent to it before may be another's."""

    def privacy(self, known: Sequence[Any], member: str) -> Privacy: ...

    def choose_privacy(self, caller: str, known: Sequence[Any], member: str, privacy: Privacy) -> Privacy:
        """What counts from now on: `FULL` only where her phone alone shows her months, else `NOTICE`."""

    def looks(self, caller: str, member: str) -> Sequence[Look]:
        """The last looks at her record, newest first."""

    def ask_office(self, caller: str, known: Sequence[Any], member: str, kind: str) -> None:
        """Open a case for an officer; a second one while the first is open is the same case."""

    def move_day(self) -> date:
        """When a change of number that is announced now takes effect."""

    def move(self, known: Sequence[Any], member: str, to: str) -> None:
        """Begin the change to another number (E.164). The old one has been told."""

    def moving(self, member: str) -> date | None:
        """The day on which a change of number takes effect, if one is under way."""

    def stop_moving(self, member: str) -> None: ...
