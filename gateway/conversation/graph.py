"""The vocabulary of a conversation: states are values, every edge is named in the graph.

Five kinds of state, named for what the caller meets:

- `Menu`: choose by number, from a few fixed choices or from a list (`Each`);
- `Ask`: type an answer;
- `Tell`: read, then go back or to the main menu;
- `Do`: nothing to see; a plain function works and names the edge to follow;
- `End`: the last words of the call.

Wording stands in English beside the state, marked with `_` for Babel. `flow.state` names a state from
another flow; a bare name is one of the same flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.conversation.fields import Field, Reader

Function = TypeVar("Function", bound=Callable[[Any], str])

RESUME = "(resume)"  # a choice that leads back to where the last call was cut


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
    """What every state has: a name within its flow."""

    name: str

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

    A `secret` answer is never taken from a shortcut dial; `sorry` is said when the answer is not understood.
    """

    wording: str
    into: str
    reads: Reader
    to: str
    sorry: str
    secret: bool = False

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

    def __init__(self, name: str, **ways: str) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "ways", ways)

    @property
    def edges(self) -> tuple[str, ...]:
        return tuple(self.ways.values())


class Flow:
    """One conversation: its states by name, the fields its wording may show, and the work it does."""

    def __init__(self, name: str, **fields: Field) -> None:
        self.name = name
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
        return edge if "." in edge or edge == RESUME else f"{self.flow.name}.{edge}"

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.target(edge) for edge in self.state.edges)


class Atlas:
    """All flows of an installation, and the four places the engine itself has to find."""

    def __init__(self, *flows: Flow, home: str, welcome: str, resume: str, down: str) -> None:
        self.flows = flows
        self.home, self.welcome, self.resume, self.down = home, welcome, resume, down
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
        return (self.home, self.welcome, self.resume, self.down)

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places.values())

    def get(self, name: str) -> Place | None:
        return self.places.get(name)
