"""Every inbound event takes this road, top to bottom: verify, parse, replay, step, page, commit, answer.

A call is answered at once; a text is taken at once, and its answer is a message of the outbox.

Nothing is locked and nothing is held between two hops: a step is written only if nobody moved the caller
since she was read; if somebody did, it is read and taken again, and by then the repeat finds its answer.
Whatever happens, the caller gets a sentence she can read, in time.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from gateway.channels.hops import Hops, Outcome
from gateway.channels.port import Asked, CallChannel, Inbound, Left, NoNumber, Refused, Reply, TextChannel, Texted
from gateway.conversation.assurance import Assurance
from gateway.conversation.engine import Engine
from gateway.conversation.screens import BUSY, NO_NUMBER, SORRY
from gateway.conversation.talk import Call, Session, Turn
from gateway.identity.hashing import BURST, HASHES_A_SECOND, Bucket
from gateway.identity.pins import PIN_DIGITS
from gateway.logs import report
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Draft, Kind, Receipt
from gateway.outbox.replies import Replies
from gateway.storage.hot import hop_within
from gateway.storage.keys import Hasher, Keys
from gateway.storage.renewal import phone_of_binding
from gateway.storage.store import WORDS_GONE, Answer, Bound, Conversation, Step, Store
from gateway.text.reading import read_digits
from gateway.text.typed import SHOWN, Typed

HOP_SECONDS = 3.5  # of the 4.0 s promised: the rest is for the road back (reliability target R10)
RESUME_SECONDS = 600  # a call cut off is offered again for ten minutes
TEXT_SECONDS = 86_400  # an answer to the last text counts for a day: a phone may be off
PINS_A_SECOND = 2 * HASHES_A_SECOND  # of a process; more would hear "busy" anyway, after a whole hop (T32)
PINS_AT_ONCE = 2 * BURST
MAX_RACES = 3  # times a step is taken again because another hop of the same caller was faster


class Found(NamedTuple):
    """What the store has of a caller and her event, and the key she was found by."""

    known: Conversation | None
    before: Answer | None
    bound: Sequence[Bound]
    found_by: Hasher


class Names(NamedTuple):
    """By what the store knows an event: its own key, and the seat, where the conversation it belongs to stands."""

    channel: str
    msisdn: str
    key: Callable[[Hasher], str]
    seat: Callable[[Hasher], str]

    def __repr__(self) -> str:
        return SHOWN


class Taken(NamedTuple):
    """A step that was taken and is not yet written."""

    key: str
    path_length: int
    turn: Turn
    posts: Sequence[Draft]
    goes_on: str = ""  # what the next hop is known to go on from; empty: the key
    outcome: Outcome = Outcome.ANSWERED


TakeStep = Callable[[str, Conversation | None, Sequence[Bound], datetime, str | None], Taken]


@dataclass(slots=True)
class Settled:
    """What is known of an event so far, for the words of whatever goes wrong."""

    language: str | None = None
    answer: Answer | None = None


class Crowded(Exception):
    """Too many PINs at once: this one was neither looked at nor charged."""


class NotTaken(Exception):
    """An event could not be kept; whoever brought it has to bring it again."""


class Pipeline:
    """The wired gateway: from a provider's bytes to the bytes it gets back."""

    def __init__(
        self,
        engine: Engine,
        ask: Any,
        store: Store,
        outbox: Outbox,
        replies: Replies,
        keys: Keys,
        tokens: Sequence[str],
        clock: Callable[[], datetime],
        timezone: tzinfo,
        hops: Hops,
    ) -> None:
        self.engine, self.ask, self.store, self.keys = engine, ask, store, keys
        self.outbox, self.replies = outbox, replies
        self.tokens = [token.encode() for token in tokens]
        self.clock, self.timezone, self.hops = clock, timezone, hops
        self.pins = Bucket(PINS_A_SECOND, PINS_AT_ONCE)

    @property
    def hasher(self) -> Hasher:
        """What callers and events are known by from now on."""
        return self.keys.hasher

    def verify(self, token: str) -> None:
        """Raise `Refused` unless the token of the path is one of ours; takes as long for every wrong one."""
        typed = token.encode("utf-8", "surrogatepass")
        if not sum(hmac.compare_digest(typed, ours) for ours in self.tokens):
            raise Refused

    def receive(self, channel: CallChannel, asked: Asked) -> Reply:
        """Answer one hop of a call; raises `Unreadable`."""
        try:
            event = channel.parse(asked)
        except NoNumber:
            return channel.frame(self.last_words(None, NO_NUMBER), None)
        if isinstance(event, Reply):
            return event
        return channel.frame(self.answer(channel, event), event)

    def answer(self, channel: CallChannel, event: Inbound) -> Answer:
        """One event, one effect: a repeat gets the same words back and changes nothing."""
        names = Names(
            channel.name,
            event.msisdn,
            key=lambda hasher: self._key(hasher, channel, event, *event.name()),
            seat=lambda hasher: hasher("caller", event.msisdn),
        )
        settled = Settled()
        try:
            self._settle_in_time(channel, names, settled, partial(self._call, channel, event))
        except Exception as problem:  # whatever it is, the caller needs words and the log needs one line
            report("hop failed", problem)
        return settled.answer or self.last_words(settled.language, SORRY)

    def take(self, channel: TextChannel, asked: Asked) -> Reply:
        """Keep one text and its answer, which the outbox carries; raises `Unreadable` or `NotTaken`."""
        try:
            event = channel.parse(asked)
        except NoNumber:  # nobody to answer, and it would be the same if it came again
            return channel.taken()
        if isinstance(event, Left):
            self.leave(event)
        elif event is not None:
            self._read(event.by or channel, event)
        return channel.taken()

    def leave(self, left: Left) -> None:
        """She told the provider to stop, or to begin again; raises `NotTaken`."""
        try:
            with hop_within(HOP_SECONDS):
                (self.ask.mail.stop if left.stays_away else self.ask.mail.start)(left.msisdn)
        except Exception as problem:
            report("text not taken", problem)
            raise NotTaken from None

    def report(self, receipt: Receipt) -> None:
        """What a provider says of a message it took; raises `NotTaken`."""
        try:
            with hop_within(HOP_SECONDS):
                self.outbox.reports.apply(receipt)
        except Exception as problem:
            report("report not taken", problem)
            raise NotTaken from None

    def _read(self, channel: TextChannel, event: Texted) -> None:
        """Step by one text. Its answer is a message, and goes only to the number that the text says it is from."""
        names = Names(
            channel.name,
            event.msisdn,
            key=lambda hasher: hasher("event", channel.name, event.id, event.msisdn),
            seat=lambda hasher: seat_of_texts(hasher, channel, event.msisdn),
        )
        try:
            self._settle_in_time(channel, names, Settled(), partial(self._text, channel, event))
        except Exception as problem:  # the provider brings it again
            report("text not taken", problem)
            raise NotTaken from None

    def _settle_in_time(
        self, channel: CallChannel | TextChannel, names: Names, settled: Settled, take_step: TakeStep
    ) -> None:
        began, outcome = monotonic(), Outcome.FAILED
        try:
            with hop_within(HOP_SECONDS):
                outcome = self._settle(channel, names, settled, take_step)
        finally:
            self.hops.tell(channel.name, outcome, monotonic() - began)

    def _settle(
        self, channel: CallChannel | TextChannel, names: Names, settled: Settled, take_step: TakeStep
    ) -> Outcome:
        """Find, step, commit; from the start again when another event of hers was faster."""
        for _race in range(MAX_RACES):
            known, before, bound, found_by = self._find(names)
            settled.language = self._readable(known, channel)
            if before is not None:
                settled.answer = before if before != WORDS_GONE else None
                return Outcome.REPEATED
            now, hasher = self.clock(), self.hasher
            try:
                taken = take_step(names.key(hasher), known, bound, now, settled.language)
            except Crowded:  # nothing is written: she dials again and is where she was
                settled.answer = self.last_words(settled.language, BUSY)
                return Outcome.BUSY
            key, path_length, turn, posts, goes_on, outcome = taken
            if turn.failed is not None:
                report("register not reached", turn.failed)
            hasher = self.hasher
            step = Step(
                key=key,
                caller=hasher("caller", names.msisdn),
                seen=known.version if known else 0,
                language=turn.language,
                path_length=path_length,
                place=turn.session.to_json() if turn.session else None,
                at=int(now.timestamp()),
                answer=Answer(turn.reply, turn.ends),
                channel=channel.name,
                effects=[(effect.action, effect.subject) for effect in turn.effects],
                older=names.seat(found_by) if found_by.version != hasher.version else None,
                seat=names.seat(hasher),
                posts=[self.outbox.step(draft) for draft in posts],
                event=goes_on,
            )
            if self.store.commit(step):
                settled.answer = step.answer
                return Outcome.NO_REGISTER if turn.failed is not None else outcome
        raise TimeoutError("other hops of this caller were faster each time")

    def _find(self, names: Names) -> Found:
        """Where she is and what this event was answered: by the newest key, else by older ones.

        Whoever is not found, or is bound to nobody, is new, or was moved to a key that came since this process
        read them.
        """
        known, found_by = None, self.hasher
        bound: Sequence[Bound] = ()
        for hasher in (hashers := self.keys.hashers):
            caller, seat = hasher("caller", names.msisdn), names.seat(hasher)
            here, before, bound_here = self.store.load(caller, names.key(hasher), "" if seat == caller else seat)
            if here and not known:
                known, found_by = here, hasher if here.version else hashers[0]
            if bound_here and not bound:
                bound = bound_here
                if hasher is not hashers[0]:
                    self._rekey(caller, names.msisdn, bound)
            if before is not None:
                return Found(known, before, bound, found_by)
        if known is None or not bound:
            self.keys.look_again()
            if self.keys.hashers is not hashers:  # a newer key came, read just now by this thread or another
                return self._find(names)
        if not bound and len(hashers) > 1:  # a copy of this hop may have moved them between two of our looks
            bound = self.store.load(hashers[0]("caller", names.msisdn), "").bound
        return Found(known, None, bound, found_by if known else hashers[0])

    def _rekey(self, older: str, msisdn: str, bound: Sequence[Bound]) -> None:
        """What this hop asks of her bindings, it asks by the newest key."""
        caller, seal = self.hasher("caller", msisdn), self.keys.sealer.seal
        phones = {one.member: seal(msisdn, phone_of_binding(caller, one.member)) for one in bound}
        self.store.rekey(older, caller, phones)

    def _call(
        self,
        channel: CallChannel,
        event: Inbound,
        key: str,
        known: Conversation | None,
        bound: Sequence[Bound],
        now: datetime,
        language: str | None,
    ) -> Taken:
        """One hop of a call; what it sends besides is a message to the caller."""
        today, seconds = now.astimezone(self.timezone).date(), int(now.timestamp())
        call = Call(event.msisdn, self.ask, today, channel.budget, language, bound, seconds, key)
        turn = self._hop(channel, event, known, call)
        posts = [Draft(Kind(kind), event.msisdn, text, member=member) for kind, text, member in turn.posted]
        goes_on = self._key(self.hasher, channel, event, event.path()) if event.hop else ""
        return Taken(key, len(event.path()), turn, posts, goes_on)

    def _hop(self, channel: CallChannel, event: Inbound, known: Conversation | None, call: Call[Any]) -> Turn:
        place = Session.from_json(known.place) if known and known.place else None
        typed = self._new_input(channel, event, known) if known else None
        if place and typed and self.engine.hashes(place) and may_be_pin(typed) and not self.pins.spend():
            raise Crowded
        if typed is not None:  # the call goes on; with nothing to go on from, from the main menu
            return self.engine.hear(call, place, typed.reveal()) if place else self.engine.dial(call)
        if len(call.known) > 1 or any(one.shared for one in call.known):  # nothing of who called before
            return self.engine.dial(call._replace(language=None), event.dialled())
        fresh = known is not None and call.now - known.moved_at <= RESUME_SECONDS
        return self.engine.dial(call, event.dialled(), place if fresh else None)

    def _text(
        self,
        channel: TextChannel,
        event: Texted,
        key: str,
        known: Conversation | None,
        bound: Sequence[Bound],
        now: datetime,
        language: str | None,
    ) -> Taken:
        """One text. A text's sender is easily forged: it proves no more than whom its answer may go to.

        Where the answer is held back, she stays at the screen she saw last.
        """
        today, seconds = now.astimezone(self.timezone).date(), int(now.timestamp())
        call = Call(event.msisdn, self.ask, today, channel.budget, language, bound, seconds, key, Assurance.PHONE)
        fresh = known is not None and seconds - known.moved_at <= TEXT_SECONDS
        by_sms = channel.carrier == self.outbox.first
        if known and by_sms and self.ask.mail.asked(event.msisdn, known.moved_at + 1):
            fresh = False  # she was asked something since, and answers that
        place = Session.from_json(known.place) if known and known.place and fresh else None
        turn = self.engine.read(call, place, event.text.reveal())
        posts = [Draft(Kind(kind), event.msisdn, text, member=member) for kind, text, member in turn.posted]
        puzzled = turn.session.puzzled if turn.session else 0
        if not self.replies.may_go(event.msisdn, channel.carrier, puzzled, confirms=bool(turn.confirms)):
            return Taken(key, 0, turn._replace(session=place), posts, outcome=Outcome.HELD)
        once = f"{turn.confirms} {event.msisdn}" if turn.confirms else ""
        answer = Draft(
            Kind.REPLY, event.msisdn, turn.reply, carrier=channel.carrier, once=once, member=turn.member
        )
        return Taken(key, 0, turn, [answer, *posts])

    def _key(self, hasher: Hasher, channel: CallChannel, event: Inbound, *name: str) -> str:
        """A hop by its name or path: a repeat has the same, and so has the hop that an answer goes on from."""
        return hasher("event", channel.name, event.session, event.msisdn, *name)

    def _new_input(self, channel: CallChannel, event: Inbound, known: Conversation) -> Typed | None:
        """What was typed since the last hop: literally what follows the consumed path, `*` included.

        None when this event does not go on from the last: another call, or a path on which the provider and
        we disagree. Either is taken as dialled anew, and never walks through a secret.
        """
        consumed = known.path_length
        for hasher in self.keys.hashers:
            if self._key(hasher, channel, event, event.path()[:consumed]) == known.event:
                break
        else:
            return None
        return event.after(consumed)

    def _readable(self, known: Conversation | None, channel: CallChannel | TextChannel) -> str | None:
        """The language she chose; None when this channel cannot carry it, or this release no longer speaks it."""
        chosen = known.language if known else None
        return chosen if chosen in self.engine.catalogues.within(channel.budget) else None

    def last_words(self, language: str | None, wording: str) -> Answer:
        """An END in her language; where it is not known, in the two that every handset can show."""
        say = self.engine.catalogues.say
        if language:
            return Answer(say(language, wording), ends=True)
        return Answer(f"{say('lo_Latn', wording)} / {say('en', wording)}", ends=True)


def seat_of_texts(hasher: Hasher, channel: TextChannel, msisdn: str) -> str:
    """Where a caller's conversation by texts is kept, apart from her calls and from other channels."""
    return hasher("texts", channel.name, msisdn)


def may_be_pin(typed: Typed) -> bool:
    """Whether it can be read as a PIN; what cannot is not hashed."""
    if len(typed.reveal()) < PIN_DIGITS:
        return False
    try:
        return bool(read_digits(typed.reveal(), PIN_DIGITS))
    except ValueError:
        return False
