"""What every provider's file is made of: how its requests are read, in neutral terms, and how it is answered.

One provider, one file, one order of parts: what it calls things, what its words mean to us (as data), how its
requests are read, how answers are framed, how a text is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from gateway.outbox.port import Carrier, Receipt
from gateway.storage.store import Answer
from gateway.text.alphabet import Budget
from gateway.text.typed import SHOWN, Typed

PLAIN: Final = "text/plain; charset=utf-8"


class Headers(Protocol):
    """The headers of a request; their names in any case."""

    def get(self, key: str, default: str, /) -> str: ...


class Asked(NamedTuple):
    """One HTTP request, as it came: the path and query with their encoding, the body once and for all."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        return SHOWN


class Reply(NamedTuple):
    """What a provider gets back. The body holds what a caller reads, so it is shown nowhere else."""

    body: str
    status: int = 200
    content_type: str = PLAIN
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Reply(status={self.status})"


class Inbound(NamedTuple):
    """One hop of a call, in neutral terms. `text` is the whole key path since the call began.

    Of a provider that sends only what was typed last, `text` is that, and `hop` names it; of the hop that begins
    the call it is what was dialled behind the service code.
    """

    session: str
    msisdn: str  # E.164
    text: Typed
    echo: tuple[tuple[str, str], ...] = ()  # what the frame of the answer has to repeat
    hop: str = ""  # the provider's id of this hop, the same when it is repeated; empty: the path names it
    begins: bool = False  # with `hop`: it begins a call

    def name(self) -> tuple[str, ...]:
        """What tells this hop from all others of its session and number; one id never stands for two texts."""
        return (self.hop, self.text.reveal()) if self.hop else (self.text.reveal(),)

    def path(self) -> str:
        """What the next hop of this session starts with."""
        return "" if self.hop else self.text.reveal()

    def dialled(self) -> list[str]:
        """The path as keys, for a call dialled with a shortcut; none of an answer to a call we do not know."""
        path = self.text.reveal()
        return path.split("*") if path and (self.begins or not self.hop) else []

    def after(self, consumed: int) -> Typed | None:
        """What follows so many characters of the path, literally; None when a call begins or no `*` parts them."""
        if self.begins:
            return None
        path = self.text.reveal()
        if consumed == 0:
            return self.text
        return Typed(path[consumed + 1 :]) if path[consumed : consumed + 1] == "*" else None

    def __repr__(self) -> str:
        return SHOWN


class Texted(NamedTuple):
    """One text message from a phone, by SMS or chat. A repeat of it has the same `id`."""

    id: str
    msisdn: str  # E.164
    text: Typed
    by: TextChannel | None = None  # where one address serves several: the channel it came by

    def __repr__(self) -> str:
        return SHOWN


class Left(NamedTuple):
    """A phone has told the provider that it wants no more texts, or wants them again."""

    msisdn: str  # E.164
    stays_away: bool = True

    def __repr__(self) -> str:
        return SHOWN


@dataclass(frozen=True, slots=True)
class Ending:
    """What we keep of the end of a call: of its other fields nothing, for they hold what was typed and shown."""

    session: str
    outcome: str
    hops: int | None
    milliseconds: int | None


class Unreadable(ValueError):
    """The request is not of the provider's form; nobody can be answered."""


class NoNumber(ValueError):
    """The request is well formed, but says no number that a record could be bound to."""


class Refused(PermissionError):
    """The sender did not prove itself; refusals look alike and have no effect."""


class CallChannel(Protocol):
    """Calls: USSD, where every hop is answered at once. Raises `Unreadable` or `NoNumber`."""

    @property
    def name(self) -> str: ...
    @property
    def budget(self) -> Budget: ...

    def parse(self, asked: Asked) -> Inbound | Reply:
        """One hop; or at once the reply to what asks for no screen, such as that she hung up."""

    def frame(self, answer: Answer, event: Inbound | None) -> Reply:
        """The answer in the provider's form; `event` is None when it could not be read."""


class TextChannel(Protocol):
    """Texts: taken at once, and answered by the outbox. Raises `Unreadable` or `NoNumber`."""

    @property
    def name(self) -> str: ...
    @property
    def budget(self) -> Budget:
        """The room of one answer."""

    @property
    def carrier(self) -> str:
        """The name of the carrier that takes the answer back."""

    def parse(self, asked: Asked) -> Texted | Left | None:
        """`Left` for a text by which she left or came back and which the provider has answered itself.

        None for any other that needs no answer.
        """

    def taken(self) -> Reply:
        """What tells the provider that we have it."""


def _is_genuine(_asked: Asked) -> bool:
    return True  # this provider signs nothing: the token in the address has to do


@dataclass(frozen=True, slots=True)
class Provider:
    """Everything one provider may send us, by the last part of the address, and what it carries for us.

    `/in/<name>/<token>/<last part>`. Handlers get a request whose token was right and that `is_genuine`.
    """

    name: str
    is_genuine: Callable[[Asked], bool] = _is_genuine
    calls: Mapping[str, CallChannel] = field(default_factory=dict)
    endings: Mapping[str, Callable[[Asked], Ending]] = field(default_factory=dict)
    texts: Mapping[str, TextChannel] = field(default_factory=dict)
    receipts: Mapping[str, Callable[[Asked], Receipt | None]] = field(default_factory=dict)
    leavings: Mapping[str, Callable[[Asked], Left]] = field(default_factory=dict)
    carriers: Sequence[Carrier] = ()
    methods: frozenset[str] = frozenset({"POST"})
