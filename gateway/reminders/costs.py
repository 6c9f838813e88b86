"""What texts cost: SMS by operator, and kip where the price is set. No price of an SMS in Laos is public."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import phonenumbers

OTHER = "other"  # an operator that libphonenumber does not name, and the price of all that are not named


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
