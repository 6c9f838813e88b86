"""Who asked for a text a month, on which phone, and how much it may say there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from gateway.identity.bindings import is_awake, narrowed
from gateway.identity.port import Alerts, Privacy
from gateway.storage.engines import open_engine
from gateway.storage.keys import Keys, Unsealable
from gateway.storage.renewal import phone_of_binding
from gateway.storage.store import Bound
from gateway.storage.tables import bindings, conversations

BATCH: Final = 2_000  # rows fetched at a time
ASKED: Final = (str(Alerts.NOTICE), str(Alerts.FULL))


class Subscriber(NamedTuple):
    """A member who asked, and her phone. `member` is the register's opaque reference."""

    member: str
    msisdn: str  # E.164; empty when no key here opens it
    language: str | None  # what its screens speak; None where none is remembered
    alerts: Alerts  # never `OFF`
    awake: bool  # whether this number still speaks for her

    def __repr__(self) -> str:
        return f"Subscriber({self.alerts})"  # neither she nor her number stands in a traceback


def subscribers(url: str, keys: Keys, now: int) -> Iterator[Subscriber]:
    """Whoever asked, of the gateway's tables at `url`, number by number; raises what the database raises.

    Everybody who is bound to such a number is read with her, for it is they who make a phone a shared one.
    """
    b, asking = bindings.c, bindings.alias()
    numbers = select(asking.c.caller).where(asking.c.alerts.in_(ASKED))  # few of many, and there is an index
    found = select(bindings).where(b.caller.in_(numbers)).order_by(b.caller, b.member)
    with (
        open_engine(url).connect() as connection,
        connection.execute(found, execution_options={"yield_per": BATCH}) as rows,
    ):
        for _caller, of_one in groupby(rows, attrgetter("caller")):
            yield from _of_phone(list(of_one), connection, keys, now)


def _of_phone(rows: Sequence[Any], connection: Connection, keys: Keys, now: int) -> Iterator[Subscriber]:
    """The members of one number who asked."""
    known = [Bound(*(getattr(row, name) for name in Bound._fields)) for row in rows]
    for row, bound in zip(rows, known, strict=True):
        if bound.alerts not in ASKED:
            continue
        chosen = narrowed(Privacy(bound.asks_pin, bound.shared, Alerts(bound.alerts)), known)
        try:
            msisdn = keys.sealer.open(row.phone, phone_of_binding(row.caller, row.member))
        except Unsealable:
            msisdn = ""
        yield Subscriber(
            row.member, msisdn, _language(connection, keys, msisdn), chosen.alerts, is_awake(bound, now)
        )


def _language(connection: Connection, keys: Keys, msisdn: str) -> str | None:
    """The one her calls go on in; until she calls again, an older key may name them."""
    for hasher in keys.hashers:
        hers = select(conversations.c.language).where(conversations.c.caller == hasher("caller", msisdn))
        if language := connection.scalar(hers):
            return str(language)
    return None
