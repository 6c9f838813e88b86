"""What the outbox knows that a plan has to: who refuses a purpose, and what stands under a name, at one moment.

Read once and whole: a plan asks it about thousands of employers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.outbox import statements
from gateway.outbox.outbox import Outbox
from gateway.outbox.states import State

SQL_SECONDS: Final = 10.0  # an officer waits, hops do not


class Held(NamedTuple):
    """A message that carries a name; `caller` is the keyed hash of the number it goes to."""

    ref: str
    state: State
    caller: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Numbers and names stand in it as keyed hashes, under any key of `hashers`."""

    hashers: Sequence[Callable[[str, str], str]]
    refused: frozenset[str]
    by_once: Mapping[str, Held]

    @classmethod
    def read(cls, outbox: Outbox, purpose: str) -> Ledger:
        """As it stands now; raises what `Hot` raises."""
        refused, held = (
            outbox.hot.rows(outbox.hot.statement(statement), {"purpose": purpose}, SQL_SECONDS)
            for statement in (statements.refusing(), statements.held())
        )
        by_once = {once: Held(ref, State(state), caller) for once, ref, state, caller in held}
        return cls(outbox.keys.hashers, frozenset(caller for (caller,) in refused), by_once)

    def refuses(self, msisdn: str) -> bool:
        return any(hasher("caller", msisdn) in self.refused for hasher in self.hashers)

    def held(self, once: str) -> Held | None:
        """The message of this `once`, whatever became of it; None when there is none, or it gave its name back."""
        found = (self.by_once.get(hasher("once", once)) for hasher in self.hashers)
        return next((held for held in found if held), None)

    def goes_to(self, held: Held, msisdn: str) -> bool:
        return any(hasher("caller", msisdn) == held.caller for hasher in self.hashers)
