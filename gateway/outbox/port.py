"""What is sent, who carries it, and what became of it: plain values, no SQL, no wire.

The row of the outbox is the truth; a carrier only says what it saw of one attempt, and never decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, Protocol

from gateway.text.typed import SHOWN

WIRE_SECONDS: Final = 10.0  # longest attempt, all told: less than half a lease (reliability F11, F21)

# Mobile numbers by libphonenumber 9.0.43 for region LA. It counts +856 30 among them, but the number plan calls
# those lines wireless fixed and no source says that all of them receive SMS: they get none.
LAO_MOBILE: Final = re.compile(r"\+85620(?:[23579][0-9]{7}|8[78][0-9]{6})")


class Kind(StrEnum):
    """What a message is; so what becomes of it when nobody knows whether it left (reliability 3.5)."""

    CODE = "code"  # a one-time code: never sent again, she asks for another
    REPLY = "reply"  # the answer to a text or to "send it to me": she asked, so it is never kept from her
    NOTICE = "notice"  # security: sent again once, it must arrive
    REMINDER = "reminder"
    CAMPAIGN = "campaign"


class Draft(NamedTuple):
    """A message to be written into the outbox, with the step that caused it."""

    kind: Kind
    msisdn: str  # E.164
    text: str  # as it is sent
    purpose: str = ""  # what a phone may opt out of; empty: of nothing
    carrier: str = ""  # empty: the installation's first for SMS
    due_at: int = 0  # seconds since 1970 UTC; 0: now
    expires_at: int = 0  # later than this it helps nobody; 0: by its kind
    once: str = ""  # a second draft with the same name is the same message
    about: str = ""  # what an answer to it is about; empty: none is expected
    member: str = ""  # the register's reference of whom it is for; empty: nobody in particular

    def __repr__(self) -> str:
        return f"Draft({self.kind})"


class Letter(NamedTuple):
    """What was sent to a member, for herself. `at`: seconds since 1970 UTC; `state`: of `states.State`."""

    at: int
    text: str
    state: str

    def __repr__(self) -> str:
        return SHOWN


class Mail(Protocol):
    """What conversations may ask of the outbox. `caller` is her E.164 number; everything may be repeated."""

    def may_write(self, caller: str) -> bool:
        """Whether one more SMS that she asked for may go to her; it is counted."""

    def stop(self, caller: str) -> int:
        """She wants no text that she did not ask for; what is on its way is withdrawn in the same commit.

        Since when she wants none, in seconds since 1970 UTC.
        """

    def start(self, caller: str) -> bool:
        """She wants them again; whether she had wanted none."""

    def last(self, caller: str, member: str, since: int, most: int) -> Sequence[Letter]:
        """The last texts for this member, to this phone and made since then, newest first; nobody else's."""

    def asked(self, caller: str, since: int) -> Sequence[str]:
        """What her answer may be about: `Draft.about` of texts that left since then, newest first, each once."""

    def missed(self, gist: str) -> None:
        """Count words that were not understood; never with whoever wrote them."""


class Message(NamedTuple):
    """One attempt, as a carrier gets it. `ref` is ours, a UUID, and was committed before the wire."""

    ref: str
    kind: Kind
    msisdn: str
    text: str
    expires_at: int
    attempt: int = 1

    def __repr__(self) -> str:
        return SHOWN


class Sent(NamedTuple):
    """The provider has it. `provider_id`: its own name for it, empty when it gives none."""

    provider_id: str = ""


class Retry(NamedTuple):
    """It has not left, and may be tried again. `after` seconds: what the provider asked us to wait."""

    why: str
    after: float | None = None
    provider_is_ill: bool = False  # rather than this message: counts for the circuit


class Refused(NamedTuple):
    """It has not left and never will."""

    why: str


class OptedOut(NamedTuple):
    """The provider keeps texts from this number until she asks for them again."""


class Unknown(NamedTuple):
    """Nobody knows whether it left: the answer was late, cut off or not understood."""

    why: str


Outcome = Sent | Retry | Refused | OptedOut | Unknown


class NotThere(NamedTuple):
    """The provider was asked and has never seen the reference."""


class Status(IntEnum):
    """What a provider says of a message; it only rises. The last two are ends, and exclude each other."""

    ACCEPTED = 1
    DELIVERED = 2
    FAILED = 3


class Receipt(NamedTuple):
    """A delivery report, by our reference or by the provider's id; the other is empty."""

    carrier: str
    status: Status
    ref: str = ""
    provider_id: str = ""
    why: str = ""
    opted_out: bool = False


class Carrier(Protocol):
    """Hands texts to one provider. Holds no state that a restart would miss."""

    @property
    def name(self) -> str: ...

    @property
    def finds(self) -> bool:
        """Whether the provider can be asked for a message by our reference."""

    def send(self, message: Message) -> Outcome:
        """One attempt, back within `WIRE_SECONDS`; raises nothing. A `why` is in our own words."""

    def find(self, ref: str) -> Sent | NotThere | Unknown:
        """Whether the provider has it. Only where `finds`."""
