"""The engine: where a caller is, what she typed, and so what she reads next.

Pure. It holds nothing between two calls, has no clock and does no I/O of its own; a `Do` state's work may
ask the ports that came with the call. Nobody comes to a state that asks for more assurance than she has: she
is led to sign in first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from gateway.conversation.assurance import Assurance
from gateway.conversation.fields import Field, Once
from gateway.conversation.graph import RESUME, WANTED, Ask, Atlas, Do, End, Place
from gateway.conversation.screens import BACK, CHANGED, HOME, INVALID, MORE, MORE_WORDING, Choice, Gone, show
from gateway.conversation.talk import Call, Session, Talk, Turn
from gateway.text.catalogue import Catalogues
from gateway.text.lao import ascii_digits
from gateway.text.paging import paginate

MAX_HISTORY = 20  # screens remembered for `0`; a phone in hand goes back two or three
MAX_WORK = 10  # work states in a row; the check refuses circles, this bounds a long chain
MAX_WANTED = 3  # places that wait for a proof, one because of the other: amounts, for which a PIN is set first
MAX_SHORTCUT = 10  # keys of a shortcut dial that are walked; deeper than any menu here
MAX_KEY = 2  # characters of a key that chooses; what is longer is an answer, and may be a secret
MAX_INPUT = 182  # characters; no USSD string is longer (3GPP TS 23.038: 182 septets)


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
            choices = takewhile(lambda key: len(key) <= MAX_KEY, keys[:MAX_SHORTCUT])
            return walk.open(self.atlas.welcome, pending=tuple(choices), cut=None)  # stored: no answer is
        if cut is not None and cut.place == self.atlas.resume:
            cut = Session.from_json(cut.cut) if cut.cut else None  # dropped at the offer itself
        if cut is None or keys or cut.place == self.atlas.home:
            return walk.open(self.atlas.home, pending=tuple(keys[:MAX_SHORTCUT]), cut=None)
        return walk.open(self.atlas.resume, pending=(), cut=cut.to_json())

    def hear(self, call: Call[Any], session: Session, typed: str) -> Turn:
        """One answer, read against the screen the caller saw."""
        return _Walk(self, call, session).hear(typed)

    def hashes(self, session: Session) -> bool:
        """Whether an answer to what she was asked last will be hashed."""
        place = self.atlas.get(session.place)
        return place is not None and isinstance(place.state, Ask) and place.state.hashed

    def read(self, call: Call[Any], session: Session | None, typed: str) -> Turn:
        """One text: an answer to the screen she was sent last, else words that say where she wants to go.

        A word that is surely meant for us wins over any screen, so that STOP always does.
        """
        typed = ascii_digits(typed[:MAX_INPUT].strip())
        if session is not None and not self.atlas.is_word(typed):
            place = self.atlas.get(session.place)
            if typed in {*session.choices, BACK, HOME, MORE} or (place and isinstance(place.state, Ask)):
                return self.hear(call, session, typed)
        walk = _Walk(self, call, Session(self.atlas.home, puzzled=session.puzzled if session else 0))
        walk.talk.proof = session.proof if session else None
        return walk.told(typed)


class _Walk:
    """One hop through the atlas. Lives for one call of the engine, so nothing is shared between callers."""

    def __init__(self, engine: Engine, call: Call[Any], session: Session) -> None:
        self.engine, self.atlas, self.call = engine, engine.atlas, call
        self.session = session
        self.talk: Talk[Any] = Talk(call, session, engine.catalogues, engine.fact_values)
        self.history = list(session.history)
        self.wanted = list(session.wanted)
        self.notice = ""  # one sentence above the next screen
        self.failed: Exception | None = None

    def open(self, name: str, pending: tuple[str, ...], cut: Mapping[str, Any] | None) -> Turn:
        self.session = self.session._replace(pending=pending, cut=cut)
        self.talk.data = {}
        self.talk.proof = None
        return self._go(name)

    def told(self, words: str) -> Turn:
        """Words instead of a key; an atlas that takes texts has a place that understands them."""
        if self.atlas.texts is None:
            raise LookupError("nothing here understands texts")
        self.talk.data["words"] = words
        return self._go(self.atlas.texts)

    def hear(self, typed: str) -> Turn:
        seen = self.session
        place = self.atlas.get(seen.place)
        if place is None:
            return self._nearest()
        typed = ascii_digits(typed[:MAX_INPUT].strip())
        leaves = typed == HOME or (typed == BACK and seen.page == 0 and self.history)
        if place.assurance > self.talk.sure(place.flow) and not leaves:  # she took too long: prove it again
            return self._go(place.name)
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
            self.notice, self.talk.puzzled = self._say(INVALID), True
            return self._rest(place.name)
        target, item = seen.choices[typed]
        if item:
            self.talk.data.update(item)
        if target == RESUME:
            return self._resume()
        self.history.append(place.name)
        return self._go(target)

    def _read(self, place: Place, state: Ask, typed: str) -> Turn:
        self.talk.enter(place.flow, self.engine.fields[place.flow.name])
        try:
            value = state.reads(typed)
        except ValueError:
            self.notice, self.talk.puzzled = self._say(state.sorry), True
            return self._rest(place.name)
        self.talk[state.into] = value
        if state.secret:
            self.talk.secrets.add(state.into)
        self.history.append(place.name)
        return self._go(place.target(state.to))

    def _go(self, name: str) -> Turn:
        """Follow an edge: prove who calls and do the work on the way, rest at the next screen."""
        for _step in range(MAX_WORK):
            if name == WANTED:
                name = self._led_to()
            if name == RESUME:
                return self._resume()
            place = self.atlas.get(name)
            if place is None:
                return self._nearest()
            if place.assurance > self.talk.sure(place.flow):
                name = self._sign_in(name, place) if place.assurance <= self.call.ceiling else self.atlas.elsewhere
                continue
            if not isinstance(place.state, Do):
                return self._rest(name)
            self.talk.enter(place.flow, self.engine.fields[place.flow.name])
            self.talk.needs, self.talk.wanted = self._needed(), bool(self.wanted)
            before = dict(self.talk.data)  # what the work takes is there again when it is tried again
            try:
                way = place.flow.works[place.state.name](self.talk)
            except (TimeoutError, ConnectionError) as problem:
                self.failed = problem
                self.talk.data = before
                return self._try_later(place, lost=not self.talk.secrets.isdisjoint(before))
            name = place.target(place.state.ways[way])
        raise RecursionError(f"{name}: more than {MAX_WORK} work states in a row")

    def _sign_in(self, wanted: str, place: Place) -> str:
        """Remember where she wants to go, to `place` in the end, and name the state that asks who she is."""
        sign_in = self.atlas.asks(place.flow)
        if sign_in is None:
            raise LookupError(f"{wanted} asks for a proof, and nothing here can take one")
        self.wanted = [*self.wanted, (wanted, len(self.history))][-MAX_WANTED:]
        return sign_in

    def _led_to(self) -> str:
        """Where she wanted to go before she had to prove who she is; the questions are no way back."""
        if not self.wanted:
            return self.atlas.home
        name, depth = self.wanted.pop()
        del self.history[depth:]
        return name

    def _needed(self) -> Assurance:
        """What the place she wants to go to asks for."""
        if not self.wanted:
            return Assurance.ANYONE
        name = self.wanted[-1][0]
        cut = self.session.cut
        place = self.atlas.get(str(cut["place"]) if name == RESUME and cut else name)
        return place.assurance if place else Assurance.ANYONE

    def _rest(self, name: str) -> Turn:
        """Show a screen and wait there."""
        place = self.atlas.get(name)
        if place is None or isinstance(place.state, Do):
            return self._nearest()
        if place.assurance > self.talk.sure(place.flow):
            return self._go(name)
        if name == self.atlas.home:  # whoever takes the phone next finds nothing of who was shown
            self.history.clear()
            self.talk.data, self.talk.proof = {}, None
        if not place.flow.proves:  # she went elsewhere instead of proving anything
            self.wanted.clear()
        try:
            pages, choices = self._pages(place)
        except Gone:
            return self._nearest()
        if isinstance(place.state, End):
            return self._finish(pages[0], None)
        rests = self._kept(name)._replace(pages=pages if len(pages) > 1 else (), choices=choices)
        if name == self.atlas.home:
            return self._shortcut(pages[0], rests, self.session.pending)
        if name == self.atlas.resume or self.wanted:
            rests = rests._replace(cut=self.session.cut)
        if self.session.pending:
            rests = rests._replace(pending=self.session.pending)
        return self._finish(pages[0], rests)

    def _kept(self, name: str) -> Session:
        """What lasts until the next hop: no secret that was typed, and none that was shown once."""
        fields = self.engine.fields[self.atlas.places[name].flow.name]
        data = {
            key: value
            for key, value in self.talk.data.items()
            if key not in self.talk.secrets and not isinstance(fields.get(key), Once)
        }
        history = tuple(self.history[-MAX_HISTORY:])
        return Session(name, history, data, proof=self.talk.proof, wanted=tuple(self.wanted))

    def _shortcut(self, home: str, session: Session, keys: Sequence[str]) -> Turn:
        """From the main menu, press the keys one by one, as the caller would; none of them answers a question."""
        turn = self._finish(home, session)
        effects, posted = list(turn.effects), list(turn.posted)
        for key in keys:
            place = self.atlas.get(session.place)
            if place and isinstance(place.state, Ask):
                break
            turn = self.engine.hear(self.call._replace(language=turn.language), session, key)
            effects += turn.effects
            posted += turn.posted
            if turn.ends or turn.session is None:
                break
            session = turn.session
        return turn._replace(effects=tuple(effects), posted=tuple(posted))

    def _resume(self) -> Turn:
        """Go on where the last call was cut. A proof belongs to its call: what asked for one asks again."""
        cut = Session.from_json(self.session.cut) if self.session.cut else None
        place = self.atlas.get(cut.place) if cut else None
        if cut is None or place is None:
            return self._nearest()
        if place.flow.proves and cut.wanted:  # cut while she proved who she is: from the first question
            return self._go(cut.wanted[0][0] if cut.wanted[0][0] != RESUME else self.atlas.home)
        if place.assurance > self.talk.sure(place.flow):
            return self._go(self._sign_in(RESUME, place))
        proof = self.talk.proof
        if cut.proof and not cut.proof.is_of(proof):  # not hers to go on with
            return self._rest(self.atlas.home)
        self.history, self.talk.data, self.wanted = list(cut.history), dict(cut.data), list(cut.wanted)
        self.session = cut._replace(pending=(), proof=proof)
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

    def _try_later(self, place: Place, lost: bool) -> Turn:
        """A port failed: the caller's place is the work that could not be done, so redialling tries again.

        When the answer it works on was a secret and is `lost`, her place is the question.
        """
        pages, _choices = self._pages(self.atlas.places[self.atlas.down])
        if lost:
            place = self.atlas.places[self.history.pop()]
        return self._finish(pages[0], self._kept(place.name), ends=True)

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
        puzzled = self.session.puzzled + 1 if self.talk.puzzled else 0
        if session is not None and session.puzzled != puzzled:
            session = session._replace(puzzled=puzzled)
        return Turn(
            reply,
            session is None if ends is None else ends,
            session,
            self.talk.language,
            tuple(self.talk.effects),
            self.failed,
            tuple(self.talk.posted),
            self.talk.whose,
            self.talk.confirms,
        )
