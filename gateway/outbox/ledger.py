"""What the outbox knows that a plan has to: who refuses a purpose, and what stands under a name, at one moment.

Read once and whole: a plan asks it about thousands of employers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from operator import attrgetter
from typing import Final, NamedTuple

from gateway.outbox import statements
from gateway.outbox.outbox import Outbox
from gateway.outbox.states import State

SQL_SECONDS: Final = 10.0  # an officer waits, hops do not
DAY_SECONDS: Final = 86_400
ARRIVED: Final = frozenset({State.ACCEPTED, State.DELIVERED})  # as far as is known: not every operator reports


class Held(NamedTuple):
    """A message that carries a name; `caller` is the keyed hash of the number it goes to, `parts` are its SMS."""

    ref: str
    state: State
    caller: str
    parts: int = 0
    made_at: int = 0  # seconds since 1970 UTC


@dataclass(frozen=True)
class Ledger:
    """Numbers and names stand in it as keyed hashes, under any key of `hashers`."""

    hashers: Sequence[Callable[[str, str], str]]
    refused: frozenset[str]
    by_once: Mapping[str, Held]

    @classmethod
    def read(cls, outbox: Outbox, purpose: str, since: int = 0) -> Ledger:
        """As it stands now, of messages made since then (seconds since 1970 UTC); raises what `Hot` raises."""
        refused, held = (
            outbox.hot.rows(outbox.hot.statement(statement), {"purpose": purpose, "since": since}, SQL_SECONDS)
            for statement in (statements.refusing(), statements.held())
        )
        by_once = {once: Held(ref, State(state), *more) for once, ref, state, *more in held}
        return cls(outbox.keys.hashers, frozenset(caller for (caller,) in refused), by_once)

    @cached_property
    def ended(self) -> Mapping[str, Sequence[Held]]:
        """What has arrived or failed, by its caller, newest first."""
        found: defaultdict[str, list[Held]] = defaultdict(list)
        for held in sorted(
            self.by_once.values(), key=attrgetter("ref"), reverse=True
        ):  # a ref begins with its time
            if held.state in ARRIVED or held.state is State.FAILED:
                found[held.caller].append(held)
        return found

    def lost(self, msisdn: str, since: int) -> int:
        """On how many days the last texts to a number, made since then, all failed: a bad morning counts once."""
        of_hers = (held for hasher in self.hashers for held in self.ended.get(hasher("caller", msisdn), ()))
        newest = (held for held in of_hers if held.made_at >= since)
        return len(
            {held.made_at // DAY_SECONDS for held in takewhile(lambda held: held.state is State.FAILED, newest)}
        )

    def refuses(self, msisdn: str) -> bool:
        return any(hasher("caller", msisdn) in self.refused for hasher in self.hashers)

    def held(self, once: str) -> Held | None:
        """The message of this `once`, whatever became of it; None when there is none, or it gave its name back."""
        found = (self.by_once.get(hasher("once", once)) for hasher in self.hashers)
        return next((held for held in found if held), None)

    def waiting(self) -> Iterator[str]:
        """References of what has a name and has not left."""
        return (held.ref for held in self.by_once.values() if held.state is State.DUE)

    def goes_to(self, held: Held, msisdn: str) -> bool:
        return any(hasher("caller", msisdn) == held.caller for hasher in self.hashers)
