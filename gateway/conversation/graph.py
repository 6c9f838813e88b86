"""The vocabulary of a conversation: states are values, every edge is named in the graph.

Five kinds of state, named for what the caller meets:

- `Menu`: choose by number, from a few fixed choices or from a list (`Each`);
- `Ask`: type an answer;
- `Tell`: read, then go back or to the main menu;
- `Do`: nothing to see; a plain function works and names the edge to follow;
- `End`: the last words of the call.

Wording stands in English beside the state, marked with `_` for Babel. `flow.state` names a state from
another flow; a bare name is one of the same flow. A flow or a state says how sure it wants to be of who is
calling (`assurance`); whoever proved less signs in first and is then led to where she wanted to go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.conversation.assurance import Assurance
from gateway.conversation.fields import Field, Reader

Function = TypeVar("Function", bound=Callable[[Any], str])

RESUME = "(resume)"  # a choice that leads back to where the last call was cut
WANTED = "(wanted)"  # where she wanted to go before she had to prove who she is
MARKS = (RESUME, WANTED)  # targets that the engine knows


def _(wording: str) -> str:
    """Mark a wording for the catalogues; it is translated when it is shown."""
    return wording


@dataclass(frozen=True, slots=True)
class Each:
    """One line per item of the list `of`; in a menu, choosing a line takes its values along to `to`.

    `most` bounds the list, as the register or the flow does; the check counts on it.
    """

    of: str
    wording: str
    most: int
    to: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What every state has: a name within its flow, and perhaps an assurance above that of its flow."""

    name: str
    assurance: Assurance | None = field(default=None, kw_only=True)

    @property
    def edges(self) -> tuple[str, ...]:
        """Targets as written, in the order a reader meets them."""
        return ()

    @property
    def wordings(self) -> tuple[str, ...]:
        """Everything this state itself says, in English."""
        return ()


@dataclass(frozen=True, slots=True)
class Menu(State):
    """A screen to choose from: `choices` maps each label to where it leads."""

    wording: str
    choices: Mapping[str, str] = field(default_factory=dict)
    each: Each | None = None

    @property
    def edges(self) -> tuple[str, ...]:
        listed = (self.each.to,) if self.each and self.each.to else ()
        return (*listed, *self.choices.values())

    @property
    def wordings(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.wording, self.each.wording if self.each else "", *self.choices)))


@dataclass(frozen=True, slots=True)
class Ask(State):
    """A question: `reads` turns what was typed into the value of `into`, or raises ValueError.

    No answer is taken from a shortcut dial; a `secret` one never outlives its hop; a `hashed` one is dear:
    too many at once are turned away. `sorry` is said when the answer is not understood.
    """

    wording: str
    into: str
    reads: Reader
    to: str
    sorry: str
    secret: bool = False
    hashed: bool = False

    @property
    def edges(self) -> tuple[str, ...]:
        return (self.to,)

    @property
    def wordings(self) -> tuple[str, ...]:
        return (self.wording, self.sorry)


@dataclass(frozen=True, slots=True)
class Tell(State):
    """A screen to read; `each` adds one line per item."""

    wording: str
    each: Each | None = None

    @property
    def wordings(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.wording, self.each.wording if self.each else "")))


@dataclass(frozen=True, slots=True)
class End(State):
    """The last words of a call: one page, for nothing can be answered."""

    wording: str

    @property
    def wordings(self) -> tuple[str, ...]:
        return (self.wording,)


@dataclass(frozen=True, slots=True, init=False)
class Do(State):
    """Work: the flow's function of this name returns one of `ways`, each of which names its target."""

    ways: Mapping[str, str]

    def __init__(self, name: str, *, assurance: Assurance | None = None, **ways: str) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "assurance", assurance)
        object.__setattr__(self, "ways", ways)

    @property
    def edges(self) -> tuple[str, ...]:
        return tuple(self.ways.values())


class Flow:
    """One conversation: its states by name, the fields its wording may show, and the work it does.

    `proves`: its work may say who is calling (`Talk.prove`), and it may lead to `WANTED`. `sign_in` is where this
    flow asks who calls, if not where its atlas does (its full name); a proof counts only in flows that ask for it
    there. `texts` are wordings that its work sends by SMS (`Talk.say`, `Talk.text`).
    """

    def __init__(
        self,
        name: str,
        *,
        assurance: Assurance = Assurance.ANYONE,
        proves: bool = False,
        sign_in: str | None = None,
        texts: Sequence[str] = (),
        **fields: Field,
    ) -> None:
        self.name = name
        self.assurance = assurance
        self.proves = proves
        self.sign_in = sign_in
        self.texts = texts
        self.fields: Mapping[str, Field] = fields
        self.by_name: dict[str, State] = {}
        self.works: dict[str, Callable[[Any], str]] = {}

    def states(self, *states: State) -> None:
        """Draw the graph. Two states of one name are a mistake that no later check could see."""
        for state in states:
            if state.name in self.by_name:
                raise ValueError(f"{self.name}.{state.name}: two states have this name")
            self.by_name[state.name] = state

    def work(self, function: Function) -> Function:
        """Decorate the function that does the work of the `Do` state of its name."""
        if not isinstance(self.by_name.get(function.__name__), Do):
            raise ValueError(f"{self.name}.{function.__name__}: no Do state has this name")
        self.works[function.__name__] = function
        return function


@dataclass(frozen=True, slots=True)
class Place:
    """A state where it stands: its full name, its flow, and the placeholders of each wording."""

    name: str
    flow: Flow
    state: State

    def target(self, edge: str) -> str:
        """The full name of what an edge leads to."""
        return edge if "." in edge or edge in MARKS else f"{self.flow.name}.{edge}"

    @property
    def assurance(self) -> Assurance:
        """How sure we have to be of who is calling before she is here."""
        own = self.state.assurance
        return self.flow.assurance if own is None else own

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.target(edge) for edge in self.state.edges)


class Atlas:
    """All flows of an installation, and the places the engine itself has to find.

    `sign_in` is where whoever proved too little is asked for more; an atlas that shows nothing personal needs
    none. `texts` is where the words of a text are understood, `elsewhere` what is said of what no text may show,
    and `is_word` whether a text is surely a command, whatever was asked before.
    """

    def __init__(
        self,
        *flows: Flow,
        home: str,
        welcome: str,
        resume: str,
        down: str,
        sign_in: str | None = None,
        texts: str | None = None,
        elsewhere: str | None = None,
        is_word: Callable[[str], bool] = lambda _typed: False,
    ) -> None:
        self.flows = flows
        self.home, self.welcome, self.resume, self.down, self.sign_in = home, welcome, resume, down, sign_in
        self.texts, self.elsewhere, self.is_word = texts, elsewhere or home, is_word
        self.places: dict[str, Place] = {
            f"{flow.name}.{state.name}": Place(f"{flow.name}.{state.name}", flow, state)
            for flow in flows
            for state in flow.by_name.values()
        }
        if len(self.places) < sum(len(flow.by_name) for flow in flows):
            raise ValueError("two flows have one name: " + ", ".join(flow.name for flow in flows))

    @property
    def doors(self) -> tuple[str, ...]:
        """Where a call can come in without following an edge."""
        doors = (self.home, self.welcome, self.resume, self.down, self.sign_in, self.texts, self.elsewhere)
        return tuple(filter(None, (*doors, *(flow.sign_in for flow in self.flows))))

    def asks(self, flow: Flow) -> str | None:
        """The place where this flow asks who is calling."""
        return flow.sign_in or self.sign_in

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places.values())

    def get(self, name: str) -> Place | None:
        return self.places.get(name)
