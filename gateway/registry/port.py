"""What the conversations need to know of the register, and nothing else.

Flows import only this module of the registry: plain values and one protocol, no SQL. An adapter for
another scheme implements `Registry`; it raises `TimeoutError` when the register is too slow and
`ConnectionError` when it cannot be reached, and never answers with half a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.text.values import Month


class Posting(StrEnum):
    """What the register knows of one month's contribution; names follow the register, not the screen."""

    ASSESSED = "assessed"  # a return or an employment says it is due; no money has been matched to it
    RECEIVED = "received"  # money arrived, the office is still posting it
    UNMATCHED = "unmatched"  # money arrived under a name or number that fits nobody
    POSTED = "posted"  # money is on the member's record, in full or in part (see `full`)


class Contribution(NamedTuple):
    """One month from one employer, as posted. Amounts stay in the register until the caller may see them."""

    month: Month
    posting: Posting
    full: bool  # posted, and nothing of what was due is missing
    regime: str | None = None  # the employer's, which says when it was due; None: not known


class Found(NamedTuple):
    """Who a number and a birth date belong to, and the phone that is registered for her."""

    member: str  # as in `Record`
    msisdn: str | None  # E.164


class Amount(NamedTuple):
    """What one employer paid for one month. Only for callers who typed their PIN."""

    month: Month
    employer: tuple[str, str]  # in Lao and in Latin letters; either may be empty
    due: int  # kip
    paid: int  # kip, as posted


class Record(NamedTuple):
    """One member and her contributions, oldest first, from the month that was asked for onwards."""

    member: str  # the register's own opaque reference: never a name, never the social-security number
    contributions: tuple[Contribution, ...]


class Dues(NamedTuple):
    """One month of one employer, all its members together: never one of them."""

    month: Month
    due: int  # kip; 0 where no return says how much
    posted: int  # kip
    workers: int  # on the return
    came: int  # of them: for whom money arrived, posted or not yet
    regime: str | None = None  # which says when it is due; None: not known


class Firms(Protocol):
    """Employers as whoever speaks for them may see them, read only; `code` is that of form 2-01, `12345-01`."""

    def speaks_for(self, msisdn: str, code: str) -> bool:
        """Whether this phone is a registered contact of this employer; False for an employer that is not there."""

    def dues(self, code: str, since: Month) -> Sequence[Dues]:
        """The months from `since` on of which the register knows something, newest first."""


class Registry(Protocol):
    """The register, read only."""

    def find(self, number: str, born: date) -> Found | None:
        """The member with this social-security number, if she was born on this day."""

    def own(self, member: str) -> Sequence[str]:
        """What others may know of her and she must not choose as a PIN: her number, her birth date (ISO)."""

    def record(self, member: str, since: Month) -> Record | None:
        """One member with her contributions from `since` on; None when the register no longer has her."""

    def amounts(self, member: str, since: Month) -> Sequence[Amount]:
        """What was paid for one member from `since` on, newest first."""

    def history(self, member: str) -> Sequence[Contribution]:
        """Every contribution of one member, oldest first."""

    def employed(self, member: str, since: Month) -> Sequence[Month]:
        """Months from `since` on in which some employer had reported this member as employed, oldest first."""


class Claim(StrEnum):
    """What an employer answers to a reminder: its word, until an officer has looked."""

    PAID = "paid"
    PLAN = "plan"  # it wants to pay by a plan
    CLOSED = "closed"
    WRONG = "wrong"  # this phone does not speak for it


class Asked(NamedTuple):
    """What a reminder asked about, and in which language."""

    code: str
    month: Month
    language: str

    def __str__(self) -> str:
        return f"{self.code} {self.month} {self.language}"

    @classmethod
    def parse(cls, text: str) -> Asked:
        """The inverse of `str`."""
        code, month, language = text.split(" ")
        return cls(code, Month.parse(month), language)


class Claims(Protocol):
    """Where claims go."""

    def make(self, claim: Claim, code: str, month: Month, msisdn: str) -> None:
        """Stop what the claim stops, and tell an officer. May be repeated."""
