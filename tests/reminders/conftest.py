"""An outbox on each database, and the terms of one month's plan."""

from __future__ import annotations

from gateway.outbox.ledger import Ledger
from gateway.registry.firms import Contact, Firm
from tests.emptied import one_database, postgres_url  # noqa: F401 (fixtures)
from tests.outbox.conftest import (  # noqa: F401 (fixtures)
    hot,
    keys,
    outbox,
    provider,
    reaper,
    sender,
)

PHONE = "+8562021000001"


def blank(*refusing: str) -> Ledger:
    """A ledger in which nothing was sent, and only some refuse."""
    return Ledger((lambda _of, value: value,), frozenset(refusing), {})


def contact(msisdn: str = PHONE, language: str = "en", agreed: bool = True, bounces: int = 0) -> Contact:
    return Contact(msisdn, language, "synthetic", agreed, bounces)


def owing(code: str = "00001-01", *contacts: Contact) -> Firm:
    """A firm for which nothing came, that paid before and has somebody to tell."""
    return Firm(code, 1_250_000, 12, 0, posted_lately=True, contacts=contacts or (contact(),), stops=())
