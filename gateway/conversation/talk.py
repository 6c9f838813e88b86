"""What a hop is made of: the call that comes in, the session that lasts, the turn that goes out.

`Session` is everything that lasts between two hops, as plain JSON. `Talk` is what a flow's work gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from gateway.conversation.assurance import PROOF_SECONDS, Assurance
from gateway.conversation.fields import Field
from gateway.conversation.graph import Flow
from gateway.conversation.screens import Choice, fill
from gateway.text.alphabet import Budget
from gateway.text.catalogue import Catalogues

Ports = TypeVar("Ports")


class Effect(NamedTuple):
    """Something to be done besides answering, in the same transaction as the step: here, an audit row."""

    action: str
    subject: str


class Posted(NamedTuple):
    """A message of this step, to be sent by the outbox; what kind it is decides what becomes of it."""

    kind: str
    text: str
    member: str = ""  # whom it is for; empty: nobody in particular

    def __repr__(self) -> str:
        return f"Posted({self.kind!r})"


class Proof(NamedTuple):
    """Who a caller proved to be, how surely, and when; `by` is the sign-in of a flow that has one of its own."""

    assurance: int
    member: str
    at: int
    by: str | None = None

    def is_of(self, other: Proof | None) -> bool:
        """Whether both say the same of who is calling, however surely."""
        return other is not None and (self.member, self.by) == (other.member, other.by)


class Session(NamedTuple):
    """Where a call stands. `choices` are what the caller saw: an answer is read against them. `pages` are kept
    of a screen that has several."""

    place: str
    history: tuple[str, ...] = ()
    data: Mapping[str, Any] = {}
    pages: tuple[str, ...] = ()
    page: int = 0
    choices: Mapping[str, Choice] = {}
    pending: tuple[str, ...] = ()  # keys of a shortcut dial that wait until the language is known
    cut: Mapping[str, Any] | None = None  # the call that was cut, offered for resuming
    proof: Proof | None = None
    wanted: tuple[tuple[str, int], ...] = ()  # places that wait for a proof, each with its depth of history
    puzzled: int = 0  # answers in a row that were not understood

    def __repr__(self) -> str:
        return f"Session({self.place!r})"  # its data may hold what was typed

    def to_json(self) -> dict[str, Any]:
        """What differs from an empty session; `from_json` fills the rest in."""
        stored: dict[str, Any] = {name: value for name, value in zip(self._fields, self, strict=True) if value}
        if self.proof:
            stored["proof"] = tuple(self.proof)
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Session | None:
        """The session as stored, or None when an older release wrote another shape."""
        try:
            session = cls(**stored)
            return session._replace(proof=Proof(*session.proof)) if session.proof else session
        except TypeError:
            return None


class Call(NamedTuple, Generic[Ports]):
    """What comes from outside with every hop."""

    caller: str  # opaque to the flows: what the ports know her by
    ask: Ports
    today: date  # in the scheme's own time zone
    budget: Budget
    language: str | None = None  # None: not yet chosen
    known: Sequence[Any] = ()  # what is stored of this number; opaque to the engine
    now: int = 0  # seconds since 1970 UTC
    event: str = ""  # this very event's name, the same when it is repeated
    ceiling: Assurance = Assurance.FRESH  # the most that can be proved here: a text's sender is easily forged

    def __repr__(self) -> str:
        return f"Call(language={self.language!r})"  # her number stays out of tracebacks and reports


class Turn(NamedTuple):
    """The outcome of one hop. `session` None: nothing is left to go back to."""

    reply: str
    ends: bool
    session: Session | None
    language: str | None
    effects: tuple[Effect, ...]
    failed: Exception | None = None  # what a port raised when the caller was told to try later
    posted: tuple[Posted, ...] = ()
    member: str = ""  # whom the reply is for; empty: nobody in particular
    confirms: str = ""  # a change that this reply confirms: one reply for one name

    def __repr__(self) -> str:
        return f"Turn(ends={self.ends}, session={self.session})"  # what was shown stays out, too


class Talk(Generic[Ports]):
    """What a flow's function gets: the caller's values, the ports, and today's date."""

    def __init__(
        self, call: Call[Ports], session: Session, catalogues: Catalogues, facts: Mapping[str, Any]
    ) -> None:
        self.caller, self.ask, self.today = call.caller, call.ask, call.today
        self.known, self.now, self.event = call.known, call.now, call.event
        self.language, self.ceiling = call.language, call.ceiling
        self.languages = catalogues.within(call.budget)  # those this channel can carry
        self.needs = Assurance.ANYONE  # what the place she wants to go to asks for
        self.wanted = False  # whether there is such a place
        self.proof = session.proof
        self.data = dict(session.data)
        self.secrets: set[str] = set()  # answers that must not outlive this hop
        self.effects: list[Effect] = []
        self.posted: list[Posted] = []
        self.puzzled = False  # what she typed was not understood
        self.confirms = ""  # the change that is confirmed by what she reads now, by its own name
        self.fields: Mapping[str, Field] = {}
        self._flow: Flow | None = None
        self._catalogues, self._facts = catalogues, facts

    def enter(self, flow: Flow, fields: Mapping[str, Field]) -> None:
        """The engine has come to a state of this flow."""
        self._flow, self.fields = flow, fields

    @property
    def assurance(self) -> Assurance:
        """How sure the flow she is in may be of who is calling."""
        return self.sure(self._flow) if self._flow else Assurance.ANYONE

    def sure(self, flow: Flow) -> Assurance:
        """How sure a flow may be of who is calling: a proof is good for a few minutes, where it was asked for."""
        proof = self.proof
        if proof is None or proof.by != flow.sign_in or not 0 <= self.now - proof.at <= PROOF_SECONDS:
            return Assurance.ANYONE
        return Assurance(proof.assurance)

    @property
    def member(self) -> str:
        """Whom she proved to be: a member, or who else the flow's own sign-in asks for.

        The engine lets nobody come where this is asked without a proof.
        """
        if self.proof is None or not self.assurance:
            raise LookupError("nobody has proved who she is")
        return self.proof.member

    @property
    def whose(self) -> str:
        """The member whom what is said now may be about; empty: nobody has proved to be one."""
        return self.proof.member if self.proof and self.proof.by is None else ""

    def prove(self, assurance: Assurance, member: str) -> None:
        """Say who is calling. What was shown to somebody else before is forgotten.

        Raises PermissionError in a flow that is not marked `proves`, or above the channel's ceiling.
        """
        if self._flow is None or not self._flow.proves:
            raise PermissionError("this flow does not prove who is calling")
        if assurance > self.ceiling:
            raise PermissionError("this much cannot be proved on this channel")
        proof = Proof(int(assurance), member, self.now, self._flow.sign_in)
        if self.proof and not self.proof.is_of(proof):
            self.data.clear()
        self.proof = proof

    def say(self, wording: str) -> str:
        """A wording in her language, for what is sent instead of shown."""
        return self._catalogues.say(self.language, wording)

    def text(self, wording: str) -> str:
        """The same with its placeholders filled in."""
        data = {**self._facts, **self.data}
        return fill(wording, self.fields, data, self.language or self._catalogues.default, self.say)

    def __setitem__(self, name: str, value: Any) -> None:
        self.data[name] = self._store(name, value)

    def __getitem__(self, name: str) -> Any:
        stored = self.data[name]
        return self.fields[name].load(stored) if name in self.fields else stored

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def list(self, name: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Set the items of an `Each`: typed values in, stored values kept."""
        self.data[name] = [{key: self._store(key, value) for key, value in item.items()} for item in items]

    def take(self, name: str) -> Any:
        """Read a value and forget it: for answers that must not outlive their use."""
        value = self[name]
        del self.data[name]
        return value

    def note(self, action: str, subject: str) -> None:
        """Put a row into the audit trail, in the same transaction as this step."""
        self.effects.append(Effect(action, subject))

    def send(self, kind: str, text: str) -> None:
        """Send her a text, in the same transaction as this step; `kind` is one of the outbox."""
        self.posted.append(Posted(kind, text, self.whose))

    def _store(self, name: str, value: Any) -> Any:
        return self.fields[name].store(value) if name in self.fields else value
