"""The statements of the outbox, written once in SQLAlchemy Core for both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    exists,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.outbox.states import State
from gateway.storage.tables import outbox, refusals

o = outbox.c
CLAIM = (o.ref, o.kind, o.caller, o.phone, o.text, o.expires_at, o.attempt, o.carrier, o.bulk, o.strikes)


def value(name: str, kind: Any = Text) -> Any:
    return bindparam(name, type_=kind)


def among(column: ColumnElement[Any], *values: Any) -> ColumnElement[bool]:
    """`IN` of a few, as `Hot` compiles it: a list would be expanded at every execution."""
    return or_(*(column == one for one in values))


def may_have_left() -> ColumnElement[bool]:
    """Whether her phone may show it."""
    return among(o.state, State.CLAIMED, State.IN_DOUBT, State.ACCEPTED, State.DELIVERED, State.UNKNOWN)


def asked() -> Any:
    """What a phone was asked, newest first, in texts whose last lease ends after then: a lease after they left."""
    return (
        select(o.ref, o.about)
        .where(
            o.caller == value("caller"),
            o.lease_until >= value("since", BigInteger),
            o.about.is_not(None),
            may_have_left(),
        )
        .order_by(o.lease_until.desc(), o.ref.desc())
        .limit(value("most", Integer))
    )


def post(is_sqlite: bool) -> Any:
    """A message; no row when one of the same `once` is there."""
    dialect = sqlite if is_sqlite else postgresql
    row: dict[str, Any] = {column.name: bindparam(column.name) for column in outbox.c}
    return dialect.insert(outbox).values(row).on_conflict_do_nothing().returning(o.ref)


def offer() -> Any:
    """What is due in one pool and was not offered just now; whoever gets it may take it.

    A common table expression, which PostgreSQL runs once. A subquery it may run for every row, and then more is
    locked and offered than `most`, and slowly: it does so when many came at once and it has not counted them yet.
    """
    some = (
        select(o.ref)
        .where(
            o.state == State.DUE,
            o.carrier == value("carrier"),
            o.bulk == value("bulk", Boolean),
            o.due_at <= value("now", BigInteger),
            o.offered_until <= value("now", BigInteger),
        )
        .order_by(o.due_at)
        .limit(value("most", Integer))
        .with_for_update(skip_locked=True)
        .cte("some")
    )
    return (
        update(outbox)
        .where(o.ref.in_(select(some.c.ref)))
        .values(offered_until=value("until", BigInteger))
        .returning(o.due_at, o.ref)
    )


def phone() -> Any:
    """The sealed number of a message."""
    return select(o.phone).where(o.ref == value("ref"))


def is_refused(names: int) -> ColumnElement[bool]:
    """Whether she does not want it. What she asked for has no purpose and is never kept from her.

    Besides the message's own name of her there are so many that other keys give her, `name_0` and so on.
    """
    said_by = among(refusals.c.caller, o.caller, *(value(f"name_{number}") for number in range(names)))
    return and_(o.purpose != "", exists().where(said_by, among(refusals.c.purpose, "*", o.purpose)))


def take(names: int) -> Any:
    """Claim one message, if it is still due and wanted, and commit that before anything goes on the wire."""
    return (
        update(outbox)
        .where(
            o.ref == value("ref"),
            o.state == State.DUE,
            o.due_at <= value("now", BigInteger),
            o.expires_at > value("now", BigInteger),
            or_(o.bulk.is_(False), value("bulk_now", Boolean)),
            ~is_refused(names),
        )
        .values(
            state=State.CLAIMED,
            token=value("token"),
            attempt=o.attempt + 1,
            lease_until=value("lease_until", BigInteger),
            moved_at=value("now", BigInteger),
        )
        .returning(*CLAIM)
    )


def drop(names: int) -> Any:
    """What is due and too late, or not wanted any more."""
    too_late = o.expires_at <= value("now", BigInteger)
    return (
        update(outbox)
        .where(o.ref == value("ref"), o.state == State.DUE, or_(too_late, is_refused(names)))
        .values(
            state=State.DROPPED,
            why=case((too_late, "too late"), else_="not wanted"),
            moved_at=value("now", BigInteger),
        )
        .returning(o.ref)
    )


def record(*states: State) -> Any:
    """What became of an attempt, if the message is still ours and in one of these states."""
    return (
        update(outbox)
        .where(o.ref == value("ref"), o.token == value("token"), among(o.state, *states))
        .values(
            state=value("state"),
            why=value("why"),
            attempt=o.attempt - value("refund", Integer),
            strikes=o.strikes + value("strike", Integer),
            doubts=o.doubts + case((and_(o.state == State.CLAIMED, value("state") == State.IN_DOUBT), 1), else_=0),
            due_at=value("due_at", BigInteger),
            offered_until=0,
            moved_at=value("now", BigInteger),
        )
        .returning(o.ref)
    )


def accept() -> Any:
    """The provider has it: a report may have been faster, and then only its id is new."""
    rises = case((among(o.state, State.CLAIMED, State.IN_DOUBT), str(State.ACCEPTED)), else_=o.state)
    return (
        update(outbox)
        .where(o.ref == value("ref"), o.token == value("token"))
        .values(state=rises, provider_id=value("provider_id"), why="", moved_at=value("now", BigInteger))
        .returning(o.ref)
    )


RISES = {  # by what is reported, from where a message may rise
    State.ACCEPTED: (State.IN_DOUBT, State.UNKNOWN),
    State.DELIVERED: (State.DUE, State.CLAIMED, State.IN_DOUBT, State.UNKNOWN, State.ACCEPTED),
    State.FAILED: (State.CLAIMED, State.IN_DOUBT, State.UNKNOWN, State.ACCEPTED),
}


def rise(to: State, by: Any) -> Any:
    """What a provider reports of a message, found by our reference or by the provider's id."""
    return (
        update(outbox)
        .where(by, o.carrier == value("carrier"), among(o.state, *RISES[to]))
        .values(state=to, why=value("why"), moved_at=value("now", BigInteger))
        .returning(o.ref, o.caller, o.phone)
    )


def lapse() -> Any:
    """Claims whose lease ended: whoever held them may have sent them or not."""
    return (
        update(outbox)
        .where(o.state == State.CLAIMED, o.lease_until < value("now", BigInteger))
        .values(
            state=State.IN_DOUBT,
            why="the sender went away",
            doubts=o.doubts + 1,
            moved_at=value("now", BigInteger),
        )
        .returning(o.ref)
    )


def doubtful() -> Any:
    """Messages in doubt, those that have waited longest first, after a given one."""
    return (
        select(o.ref, o.token, o.kind, o.carrier, o.strikes, o.doubts, o.lease_until, o.moved_at)
        .where(o.state == State.IN_DOUBT, o.ref > value("after"))
        .order_by(o.ref)
        .limit(value("most", Integer))
    )


def expire() -> Any:
    """What is due and too late, pool by pool or not."""
    return (
        update(outbox)
        .where(o.state == State.DUE, o.expires_at <= value("now", BigInteger))
        .values(state=State.DROPPED, why="too late", moved_at=value("now", BigInteger))
        .returning(o.ref)
    )


def give_up() -> Any:
    """What a provider took and never reported."""
    return (
        update(outbox)
        .where(o.state == State.ACCEPTED, o.moved_at < value("before", BigInteger))
        .values(state=State.UNKNOWN, why="no report", moved_at=value("now", BigInteger))
        .returning(o.ref)
    )


def requeue() -> Any:
    """Send again what ended without arriving; its life begins anew."""
    return (
        update(outbox)
        .where(o.ref == value("ref"), among(o.state, State.DEAD, State.FAILED, State.UNKNOWN, State.IN_DOUBT))
        .values(
            state=State.DUE,
            why="sent again by hand",
            attempt=0,
            strikes=0,
            doubts=0,
            due_at=value("now", BigInteger),
            expires_at=value("expires_at", BigInteger),
            offered_until=0,
            moved_at=value("now", BigInteger),
        )
        .returning(o.ref)
    )


def refuse(is_sqlite: bool) -> Any:
    """What she does not want from now on; returns since when she does not."""
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(refusals)
    row: dict[str, Any] = {column.name: bindparam(column.name) for column in refusals.c}
    return (
        upsert.values(row)
        .on_conflict_do_update(index_elements=[refusals.c.caller, refusals.c.purpose], set_={"at": refusals.c.at})
        .returning(refusals.c.at)
    )


def _name_given_back() -> ColumnElement[Any]:
    """Of what never left; what was tried before and put back keeps its name, should a provider have erred."""
    return case((or_(o.attempt == 0, o.state == State.DEAD), null()), else_=o.once)


def withdraw() -> Any:
    """What was on its way to whoever just said stop. It may yet be said to somebody else."""
    wanted = value("purpose")
    return (
        update(outbox)
        .where(
            o.caller == value("caller"),
            o.state == State.DUE,
            o.purpose != "",
            or_(wanted == "*", o.purpose == wanted),
        )
        .values(state=State.DROPPED, once=_name_given_back(), why="not wanted", moved_at=value("at", BigInteger))
        .returning(o.ref)
    )


def known() -> Any:
    return select(o.ref).where(o.once == value("once"))


def held() -> Any:
    """Every message of a purpose that has a name, made since then."""
    return select(o.once, o.ref, o.state, o.caller, o.parts, o.made_at).where(
        o.purpose == value("purpose"), o.once.is_not(None), o.made_at >= value("since", BigInteger)
    )


def words() -> Any:
    """The sealed text of a message that waits."""
    return select(o.text).where(o.ref == value("ref"), o.state == State.DUE)


def refusing() -> Any:
    """Who does not want what is sent for a purpose."""
    return select(refusals.c.caller).where(among(refusals.c.purpose, "*", value("purpose")))


def cancel() -> Any:
    """What never left and is not to be said any more. Who has claimed it may be sending it."""
    return (
        update(outbox)
        .where(o.ref == value("ref"), among(o.state, State.DUE, State.DEAD))
        .values(state=State.DROPPED, once=_name_given_back(), why=value("why"), moved_at=value("now", BigInteger))
        .returning(o.ref)
    )
