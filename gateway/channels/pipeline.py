"""Every inbound event takes this road, top to bottom: verify, parse, replay, step, page, commit, answer.

Nothing is locked and nothing is held between two hops: a step is written only if nobody moved the caller
since she was read; if somebody did, it is read and taken again, and by then the repeat finds its answer.
Whatever happens, the caller gets a sentence she can read, in time.
"""

from __future__ import annotations

import hmac
import secrets
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import structlog

from gateway.conversation.engine import Call, Engine, Session, Turn
from gateway.conversation.screens import NO_NUMBER, SORRY
from gateway.storage.hot import hop_within
from gateway.storage.keys import Hasher
from gateway.storage.store import Answer, Conversation, Step, Store
from gateway.text.alphabet import Budget

HOP_SECONDS = 3.5  # of the 4.0 s promised: the rest is for the road back (reliability target R10)
RESUME_SECONDS = 600  # a call cut off is offered again for ten minutes
MAX_RACES = 3  # times a step is taken again because another hop of the same caller was faster

log = structlog.get_logger("pakan.pipeline")


class Inbound(NamedTuple):
    """One event from a provider, in neutral terms. `text` is the whole key path since the call began."""

    session: str
    msisdn: str  # E.164
    text: str


class Unreadable(ValueError):
    """The event is not of the provider's form; nobody can be answered."""


class NoNumber(ValueError):
    """The event is well formed, but says no number that a record could be bound to."""


class Channel(Protocol):
    """One provider: how its events are read, and how an answer is framed for it."""

    @property
    def name(self) -> str: ...
    @property
    def budget(self) -> Budget: ...

    def parse(self, body: bytes) -> Inbound: ...
    def frame(self, answer: Answer) -> str: ...


class Refused(PermissionError):
    """The sender did not prove itself; refusals look alike and have no effect."""


class Pipeline:
    """The wired gateway: from a provider's bytes to the bytes it gets back."""

    def __init__(
        self,
        engine: Engine,
        ask: Any,
        store: Store,
        hasher: Hasher,
        tokens: Sequence[str],
        clock: Callable[[], datetime],
        timezone: tzinfo,
    ) -> None:
        self.engine, self.ask, self.store, self.hasher = engine, ask, store, hasher
        self.tokens = [token.encode() for token in tokens]
        self.clock, self.timezone = clock, timezone

    def verify(self, token: str) -> None:
        """Raise `Refused` unless the token of the path is one of ours; takes as long for every wrong one."""
        typed = token.encode("utf-8", "surrogatepass")
        if not sum(hmac.compare_digest(typed, ours) for ours in self.tokens):
            raise Refused

    def receive(self, channel: Channel, token: str, body: Callable[[], bytes]) -> str:
        """Answer one event; raises `Refused` or `Unreadable`. Nobody's body is read before the token is right."""
        self.verify(token)
        try:
            event = channel.parse(body())
        except NoNumber:
            return channel.frame(self.last_words(None, NO_NUMBER))
        return channel.frame(self.answer(channel, event))

    def answer(self, channel: Channel, event: Inbound) -> Answer:
        """One event, one effect: a repeat gets the same words back and changes nothing."""
        language: str | None = None
        try:
            with hop_within(HOP_SECONDS):
                caller = self.hasher("caller", event.msisdn)
                key = self._key(channel, event, event.text)
                for _race in range(MAX_RACES):
                    known, before = self.store.load(caller, key)
                    if before is not None:
                        return before
                    language = self._readable(known, channel)
                    now = self.clock()
                    turn = self._step(channel, event, known, now, language)
                    if turn.failed is not None:
                        report("register not reached", turn.failed)
                    step = Step(
                        key=key,
                        caller=caller,
                        seen=known.version if known else 0,
                        language=turn.language,
                        path_length=len(event.text),
                        place=turn.session.to_json() if turn.session else None,
                        at=int(now.timestamp()),
                        answer=Answer(turn.reply, turn.ends),
                        channel=channel.name,
                        effects=[(effect.action, effect.subject) for effect in turn.effects],
                    )
                    if self.store.commit(step):
                        return step.answer
                raise TimeoutError("other hops of this caller were faster each time")
        except Exception as problem:  # whatever it is, the caller needs words and the log needs one line
            report("hop failed", problem)
            return self.last_words(language, SORRY)

    def _step(
        self, channel: Channel, event: Inbound, known: Conversation | None, now: datetime, language: str | None
    ) -> Turn:
        today = now.astimezone(self.timezone).date()
        call = Call(event.msisdn, self.ask, today, channel.budget, language)
        place = Session.from_json(known.place) if known and known.place else None
        typed = self._new_input(channel, event, known) if known else None
        if typed is not None:  # the call goes on; with nothing to go on from, from the main menu
            return self.engine.hear(call, place, typed) if place else self.engine.dial(call)
        keys = event.text.split("*") if event.text else []
        fresh = known is not None and now.timestamp() - known.moved_at <= RESUME_SECONDS
        return self.engine.dial(call, keys, place if fresh else None)

    def _key(self, channel: Channel, event: Inbound, path: str) -> str:
        """One event's name: a repeat has the same, and so has the event that an answer goes on from."""
        return self.hasher("event", channel.name, event.session, event.msisdn, path)

    def _new_input(self, channel: Channel, event: Inbound, known: Conversation) -> str | None:
        """What was typed since the last hop: literally what follows the consumed path, `*` included.

        None when this event does not go on from the last: another call, or a path on which the provider and
        we disagree. Either is taken as dialled anew, and never walks through a secret.
        """
        consumed, text = known.path_length, event.text
        if self._key(channel, event, text[:consumed]) != known.event:
            return None
        if consumed == 0:
            return text
        return text[consumed + 1 :] if text[consumed : consumed + 1] == "*" else None

    def _readable(self, known: Conversation | None, channel: Channel) -> str | None:
        """The language she chose; None when this channel cannot carry it, or this release no longer speaks it."""
        chosen = known.language if known else None
        return chosen if chosen in self.engine.catalogues.within(channel.budget) else None

    def last_words(self, language: str | None, wording: str) -> Answer:
        """An END in her language; where it is not known, in the two that every handset can show."""
        say = self.engine.catalogues.say
        if language:
            return Answer(say(language, wording), ends=True)
        return Answer(f"{say('lo_Latn', wording)} / {say('en', wording)}", ends=True)


def report(event: str, problem: BaseException) -> None:
    """One line with an id, the kinds of error and where: never their words, which may quote what was typed."""
    kinds = []
    cause: BaseException | None = problem
    while cause is not None:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    log.error(event, id=secrets.token_hex(4), kinds=kinds, place=place)
