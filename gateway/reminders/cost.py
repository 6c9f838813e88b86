"""What reminders cost, in SMS, and in kip where the price is set: no price of an SMS in Laos is public."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import phonenumbers

from gateway.outbox.ledger import Ledger
from gateway.outbox.states import State
from gateway.reminders.ladder import Ladder
from gateway.reminders.outcomes import Outcome
from gateway.reminders.plan import once

NOT_LEFT: Final = frozenset({State.DUE, State.CLAIMED, State.DEAD, State.DROPPED})  # nobody charges for these
OTHER: Final = "other"  # an operator that libphonenumber does not name, and the price of all that are not named


def sms(ledger: Ledger, ladder: Ladder, outcomes: Iterable[Outcome]) -> int:
    """How many left for these employers and months, in every step, as long as the outbox remembers them."""
    names = (once(step, outcome.code, outcome.month) for outcome in outcomes for step in ladder)
    return sum(held.parts for held in map(ledger.held, names) if held and held.state not in NOT_LEFT)


def operator_of(msisdn: str) -> str:
    """Whose range a number is of, as libphonenumber has it: an estimate, for bills go by the link."""
    from phonenumbers import carrier

    return carrier.name_for_number(phonenumbers.parse(msisdn), "en") or OTHER


def cost_of(parts: Counter[str], prices: Mapping[str, int]) -> int | None:
    """Kip of so many SMS by operator; None where a price is not known. `prices`: kip an SMS, by operator."""
    found = [prices.get(operator, prices.get(OTHER)) for operator in parts]
    if None in found:
        return None
    return sum(count * price for count, price in zip(parts.values(), found, strict=True) if price is not None)
