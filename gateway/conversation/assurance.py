"""How sure we are of who is calling: declared on flows and states, enforced by the engine."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

PROOF_SECONDS: Final = 180  # a proof is good for one sitting (reliability T10: 180 s, whatever she does meanwhile)


class Assurance(IntEnum):
    """Least to most."""

    ANYONE = 0
    PHONE = 1  # she calls from a number that is bound to the member
    PIN = 2  # and has typed her PIN
    FRESH = 3  # and has given a second, independent proof
