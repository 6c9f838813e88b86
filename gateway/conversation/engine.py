"""The engine: where a caller is, what she typed, and so what she reads next.

Pure. It holds nothing between two calls, has no clock and does no I/O of its own; a `Do` state's work may
ask the ports that came with the call. `Session` is everything that lasts between two hops, as plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from gateway.conversation.fields import Field
from gateway.conversation.graph import RESUME, Ask, Atlas, Do, End, Place
from gateway.conversation.screens import BACK, CHANGED, HOME, INVALID, MORE, MORE_WORDING, Choice, Gone, show
from gateway.text.alphabet import Budget
from gateway.text.catalogue import Catalogues
from gateway.text.lao import ascii_digits
from gateway.text.paging import paginate

MAX_HISTORY = 20  # screens remembered for `0`; a phone in hand goes back two or three
MAX_WORK = 10  # work states in a row; the check refuses circles, this bounds a long chain
MAX_SHORTCUT = 10  # keys of a shortcut dial that are walked; deeper than any menu here
MAX_INPUT = 182  # characters; no USSD string is longer (3GPP TS 23.038: 182 septets)

Ports = TypeVar("Ports")


class Effect(NamedTuple):
    """Something to be done besides answering, in the same transaction as the step: here, an audit row."""

    action: str
    subject: str


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

    def to_json(self) -> dict[str, Any]:
        """What differs from an empty session; `from_json` fills the rest in."""
        return {name: value for name, value in zip(self._fields, self, strict=True) if value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Session | None:
        """The session as stored, or None when an older release wrote another shape."""
        try:
            return cls(**stored)
        except TypeError:
            return None


class Call(NamedTuple, Generic[Ports]):
    """What comes from outside with every hop."""

    caller: str  # opaque to the flows: what the ports know her by
    ask: Ports
    today: date  # in the scheme's own time zone
    budget: Budget
    language: str | None = None  # None: not yet chosen


class Turn(NamedTuple):
    """The outcome of one hop. `session` None: nothing is left to go back to."""

    reply: str
    ends: bool
    session: Session | None
    language: str | None
    effects: tuple[Effect, ...]
    failed: Exception | None = None  # what a port raised when the caller was told to try later


class Talk(Generic[Ports]):
    """What a flow's function gets: the caller's values, the ports, and today's date."""

    def __init__(self, call: Call[Ports], languages: Sequence[str], data: Mapping[str, Any]) -> None:
        self.caller, self.ask, self.today = call.caller, call.ask, call.today
        self.language = call.language
        self.languages = languages  # those this channel can carry
        self.data = dict(data)
        self.fields: Mapping[str, Field] = {}
        self.effects: list[Effect] = []

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

    def _store(self, name: str, value: Any) -> Any:
        return self.fields[name].store(value) if name in self.fields else value


class Engine:
    """An atlas of flows and the catalogues they speak from."""

    def __init__(self, atlas: Atlas, catalogues: Catalogues, facts: Mapping[str, Field]) -> None:
        """`facts` are placeholders every screen may show, such as the hotline."""
        self.atlas = atlas
        self.catalogues = catalogues
        self.fact_values = dict.fromkeys(facts)
        self.fields = {flow.name: {**facts, **flow.fields} for flow in atlas.flows}

    def dial(self, call: Call[Any], keys: Sequence[str] = (), cut: Session | None = None) -> Turn:
        """A new call. `keys`: what was dialled behind the service code; `cut`: a call broken off lately."""
        walk = _Walk(self, call, Session(self.atlas.home))
        if call.language is None:
            return walk.open(self.atlas.welcome, pending=tuple(keys[:MAX_SHORTCUT]), cut=None)
        if cut is not None and cut.place == self.atlas.resume:
            cut = Session.from_json(cut.cut) if cut.cut else None  # dropped at the offer itself
        if cut is None or keys or cut.place == self.atlas.home:
            return walk.open(self.atlas.home, pending=tuple(keys[:MAX_SHORTCUT]), cut=None)
        return walk.open(self.atlas.resume, pending=(), cut=cut.to_json())

    def hear(self, call: Call[Any], session: Session, typed: str) -> Turn:
        """One answer, read against the screen the caller saw."""
        return _Walk(self, call, session).hear(typed)


class _Walk:
    """One hop through the atlas. Lives for one call of the engine, so nothing is shared between callers."""

    def __init__(self, engine: Engine, call: Call[Any], session: Session) -> None:
        self.engine, self.atlas, self.call = engine, engine.atlas, call
        self.session = session
        self.talk: Talk[Any] = Talk(call, engine.catalogues.within(call.budget), session.data)
        self.history = list(session.history)
        self.notice = ""  # one sentence above the next screen
        self.failed: Exception | None = None

    def open(self, name: str, pending: tuple[str, ...], cut: Mapping[str, Any] | None) -> Turn:
        self.session = self.session._replace(pending=pending, cut=cut)
        self.talk.data = {}
        return self._go(name)

    def hear(self, typed: str) -> Turn:
        seen = self.session
        place = self.atlas.get(seen.place)
        if place is None:
            return self._nearest()
        typed = ascii_digits(typed[:MAX_INPUT].strip())
        if typed == MORE and seen.page + 1 < len(seen.pages):
            return self._turn(seen.page + 1)
        if typed == BACK and seen.page > 0:
            return self._turn(seen.page - 1)
        if typed == BACK and self.history:
            return self._rest(self.history.pop())
        if typed == HOME:
            return self._go(self.atlas.home)
        if isinstance(place.state, Do):  # the register was down when she was here: try again
            return self._go(place.name)
        if isinstance(place.state, Ask):
            return self._read(place, place.state, typed)
        if typed not in seen.choices:
            self.notice = self._say(INVALID)
            return self._rest(place.name)
        target, item = seen.choices[typed]
        if item:
            self.talk.data.update(item)
        if target == RESUME:
            return self._resume()
        self.history.append(place.name)
        return self._go(target)

    def _read(self, place: Place, state: Ask, typed: str) -> Turn:
        self.talk.fields = self.engine.fields[place.flow.name]
        try:
            value = state.reads(typed)
        except ValueError:
            self.notice = self._say(state.sorry)
            return self._rest(place.name)
        self.talk[state.into] = value
        self.history.append(place.name)
        return self._go(place.target(state.to))

    def _go(self, name: str) -> Turn:
        """Follow an edge: do the work on the way, rest at the next screen."""
        for _step in range(MAX_WORK):
            place = self.atlas.get(name)
            if place is None:
                return self._nearest()
            if not isinstance(place.state, Do):
                return self._rest(name)
            self.talk.fields = self.engine.fields[place.flow.name]
            before = dict(self.talk.data)  # what the work takes is there again when it is tried again
            try:
                way = place.flow.works[place.state.name](self.talk)
            except (TimeoutError, ConnectionError) as problem:
                self.failed = problem
                self.talk.data = before
                return self._try_later(place)
            name = place.target(place.state.ways[way])
        raise RecursionError(f"{name}: more than {MAX_WORK} work states in a row")

    def _rest(self, name: str) -> Turn:
        """Show a screen and wait there."""
        place = self.atlas.get(name)
        if place is None or isinstance(place.state, Do):
            return self._nearest()
        if name == self.atlas.home:
            self.history.clear()
            self.talk.data = {}
        try:
            pages, choices = self._pages(place)
        except Gone:
            return self._nearest()
        if isinstance(place.state, End):
            return self._finish(pages[0], None)
        several = pages if len(pages) > 1 else ()
        rests = Session(name, tuple(self.history[-MAX_HISTORY:]), self.talk.data, several, 0, choices)
        if name == self.atlas.home:
            return self._shortcut(pages[0], rests, self.session.pending)
        if name == self.atlas.resume:
            rests = rests._replace(cut=self.session.cut)
        if self.session.pending:
            rests = rests._replace(pending=self.session.pending)
        return self._finish(pages[0], rests)

    def _shortcut(self, home: str, session: Session, keys: Sequence[str]) -> Turn:
        """From the main menu, press the keys one by one as the caller would; a secret is never taken so."""
        turn = self._finish(home, session)
        effects = list(turn.effects)
        for key in keys:
            place = self.atlas.get(session.place)
            if place and isinstance(place.state, Ask) and place.state.secret:
                break
            turn = self.engine.hear(self.call._replace(language=turn.language), session, key)
            effects += turn.effects
            if turn.ends or turn.session is None:
                break
            session = turn.session
        return turn._replace(effects=tuple(effects))

    def _resume(self) -> Turn:
        cut = Session.from_json(self.session.cut) if self.session.cut else None
        place = self.atlas.get(cut.place) if cut else None
        if cut is None or place is None:
            return self._nearest()
        self.history, self.talk.data = list(cut.history), dict(cut.data)
        self.session = cut._replace(pending=())
        if isinstance(place.state, Do):
            return self._go(place.name)
        return self._turn(cut.page) if cut.pages else self._rest(place.name)

    def _turn(self, page: int) -> Turn:
        """The same screen, another page: nothing is computed again."""
        seen = self.session._replace(page=page)
        return self._finish(seen.pages[page], seen)

    def _nearest(self) -> Turn:
        """The state went away with a new release: land on the last screen that still stands, and say so."""
        self.notice = self._say(CHANGED)
        while self.history:
            place = self.atlas.get(self.history.pop())
            if place and not isinstance(place.state, Do | End):
                with_data = self._try_rest(place)
                if with_data is not None:
                    return with_data
        return self._rest(self.atlas.home)

    def _try_rest(self, place: Place) -> Turn | None:
        try:
            self._pages(place)
        except Gone:
            return None
        return self._rest(place.name)

    def _try_later(self, place: Place) -> Turn:
        """A port failed: the caller's place is the work that could not be done, so redialling tries again."""
        pages, _choices = self._pages(self.atlas.places[self.atlas.down])
        kept = Session(place.name, tuple(self.history[-MAX_HISTORY:]), self.talk.data)
        return self._finish(pages[0], kept, ends=True)

    def _pages(self, place: Place) -> tuple[tuple[str, ...], Mapping[str, Choice]]:
        locale = self.talk.language or self.engine.catalogues.default
        fields = self.engine.fields[place.flow.name]
        data = {**self.engine.fact_values, **self.talk.data}
        screen = show(place, fields, data, locale, self._say, back=bool(self.history))
        body = f"{self.notice}\n{screen.body}".strip() if self.notice else screen.body
        more = self._say(MORE_WORDING)
        return tuple(paginate(body, screen.lines, screen.foot, more, self.call.budget)), screen.choices

    def _say(self, wording: str) -> str:
        return self.engine.catalogues.say(self.talk.language, wording)

    def _finish(self, reply: str, session: Session | None, ends: bool | None = None) -> Turn:
        return Turn(
            reply,
            session is None if ends is None else ends,
            session,
            self.talk.language,
            tuple(self.talk.effects),
            self.failed,
        )
