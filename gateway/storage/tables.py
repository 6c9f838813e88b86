"""The gateway's own tables: who calls, where they are, who they proved to be, and every look at a record.

Nothing personal stands here in the clear. Callers, sessions and key paths are keyed hashes; screens, answers,
phone numbers and PIN hashes are sealed with a key that lies outside the database (see `keys`). `member` and
`subject` are the register's opaque references. Times are whole seconds since 1970 UTC: integers cost nothing
to read on the hop.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
)

store = MetaData()

conversations = Table(
    "conversations",
    store,
    Column("caller", Text, primary_key=True),  # keyed hash of the E.164 number
    Column("language", Text),  # a catalogue's name; null until she chose
    Column(
        "event", Text, nullable=False
    ),  # the key of her last event: its session, and the key path so far, if any
    Column("path_length", Integer, nullable=False),  # length of that path in characters
    Column("place", Text),  # JSON of the engine's Session; null after an END
    Column("version", Integer, nullable=False),  # rises by one a step: the optimistic lock
    Column("moved_at", BigInteger, nullable=False),
)

inbound = Table(
    "inbound",
    store,
    Column("key", Text, primary_key=True),  # keyed hash of channel, session, caller and text
    Column("answer", Text, nullable=False),  # what a repeat of this event is answered with
    Column("ends", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False),  # no index: only the daily prune asks, a hop would pay
    sqlite_with_rowid=False,  # small, and written once: one tree instead of two
)

bindings = Table(
    "bindings",
    store,
    Column("caller", Text, primary_key=True),  # keyed hash, as in conversations
    Column("member", Text, primary_key=True),
    Column("phone", Text, nullable=False),  # sealed E.164
    Column("number", Text, nullable=False),  # keyed hash of her social-security number
    Column("ending", Text, nullable=False),  # keyed hash of its last digits, which tell sharers of a phone apart
    Column("proved_at", BigInteger, nullable=False),  # her last proof; long ago, the binding sleeps
    Column("asleep", Boolean, nullable=False),  # put to sleep: a swap signal, too many wrong PINs, another phone
    Column("asks_pin", Boolean, nullable=False),  # she chose "always ask my PIN"
    Column("shared", Boolean, nullable=False),  # she chose "others use this phone"
    Column("fails", Integer, nullable=False),  # wrong PINs in a row
    Column("locked_until", BigInteger, nullable=False),
    Column("tried_at", BigInteger, nullable=False),
    Column("last_try", Text, nullable=False),  # the event that was charged last: a repeat is not charged again
    Column("alerts", Text, nullable=False, server_default="off"),  # identity.port.Alerts: a text a month
    # when this phone became hers, or hers again after a sleep: what was sent to it before may be another's
    Column("since", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
Index("ix_bindings_member", bindings.c.member)
Index("ix_bindings_alerts", bindings.c.alerts)

pins = Table(
    "pins",
    store,
    Column("member", Text, primary_key=True),
    Column("hash", Text),  # sealed argon2id over a keyed pre-hash; null until the first PIN is confirmed
    Column("pending", Text),  # the same of a PIN that was shown and not yet typed back
    Column("pending_by", Text),  # the caller it was shown to; once typed back, the event that did
    Column("changed_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

codes = Table(
    "codes",
    store,
    Column("caller", Text, primary_key=True),  # keyed hash of the number the code was sent to
    Column("hash", Text),  # keyed hash of the code; null once used
    Column("purpose", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("checks", Integer, nullable=False),  # checks left
    Column("sent", Text, nullable=False),  # times of the last sends, by comma: also the optimistic lock
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    store,
    Column("name", Text, primary_key=True),  # what is counted, such as PINs tried on the whole platform
    Column("slot", BigInteger, primary_key=True),  # the number of the period since 1970
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

cases = Table(
    "cases",
    store,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("phone", Text, nullable=False),  # sealed E.164 of who asked
    Column("number", Text, nullable=False),  # as in bindings, for the one that a decision makes
    Column("ending", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # a change of number takes effect then, if nobody objects
    Column("state", Text, nullable=False),  # open, done or refused
    Column("decided_at", BigInteger),
    Column("decided_by", Text),
    UniqueConstraint("kind", "caller", "member", "opened_at", name="uq_cases_asked"),
)
Index("ix_cases_state", cases.c.state, cases.c.kind)

audit = Table(
    "audit",
    store,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("chain", Text, nullable=False),  # one writer's rows: see `audit`
    Column("seq", BigInteger, nullable=False),  # from 1, without gaps
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # member, system or officer:<account>
    Column("channel", Text, nullable=False),
    Column("caller", Text, nullable=False),  # keyed hash, as in conversations
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the register's opaque reference of the member
    Column("hash", Text, nullable=False),  # of this row and the hash before it in its chain
    UniqueConstraint("chain", "seq", name="uq_audit_chain"),
)
Index("ix_audit_subject", audit.c.subject, audit.c.id)

anchors = Table(
    "anchors",
    store,
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("at", BigInteger, nullable=False),
    Column("heads", Text, nullable=False),  # JSON: [chain, seq, hash] of the chains that grew since the one before
    Column("hash", Text, nullable=False),  # of this anchor and the hash of the one before it
    Column("signature", Text, nullable=False),  # Ed25519 of that hash, both in hexadecimal digits
)

outbox = Table(
    "outbox",
    store,
    Column("ref", Text, primary_key=True),  # ours, committed before the wire: a provider may be asked for it
    Column("once", Text, unique=True),  # keyed hash of what must not be sent twice; null: nothing to compare
    Column("kind", Text, nullable=False),  # outbox.port.Kind
    Column("purpose", Text, nullable=False),  # what a phone may opt out of; empty: of nothing
    Column("carrier", Text, nullable=False),
    Column("bulk", Boolean, nullable=False),  # its pool: what is not bulk never queues behind what is
    Column("caller", Text, nullable=False),  # keyed hash of the number, as in conversations
    Column("phone", Text, nullable=False),  # sealed E.164
    Column("text", Text, nullable=False),  # sealed
    Column("about", Text),  # sealed: what an answer to it is about; null: none is expected
    Column("parts", Integer, nullable=False),  # SMS it counts for
    Column("state", Text, nullable=False),  # outbox.states.State
    Column("why", Text, nullable=False),  # our own words for the last outcome
    Column("attempt", Integer, nullable=False),  # times it was claimed
    Column("token", Text, nullable=False),  # the fence: who claimed it last
    Column("provider_id", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("offered_until", BigInteger, nullable=False),  # until then somebody was told to send it
    Column("lease_until", BigInteger, nullable=False),  # until then whoever claimed it may be sending it
    Column("moved_at", BigInteger, nullable=False),
    Column("member", Text),  # sealed: for whom it is; null: for nobody in particular
    Column("strikes", Integer, nullable=False, server_default="0"),  # tries that failed, its provider being well
    Column("doubts", Integer, nullable=False, server_default="0"),  # tries of which nobody knew whether it left
    sqlite_with_rowid=False,
)
Index("ix_outbox_due", outbox.c.state, outbox.c.carrier, outbox.c.bulk, outbox.c.due_at)
Index("ix_outbox_provider", outbox.c.provider_id)
Index("ix_outbox_caller", outbox.c.caller, outbox.c.made_at)

receipts = Table(
    "receipts",
    store,
    Column("name", Text, primary_key=True),  # carrier and its id of a message: came before we knew the id
    Column("status", Integer, nullable=False),  # outbox.port.Status
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("opted_out", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)

refusals = Table(
    "refusals",
    store,
    Column("caller", Text, primary_key=True),  # keyed hash, as in conversations
    Column("purpose", Text, primary_key=True),  # what she does not want; "*": anything she did not ask for
    Column("phone", Text, nullable=False),  # sealed E.164
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

batches = Table(
    "batches",
    store,
    Column("month", Text, primary_key=True),  # of which employers are reminded, such as 2026-10
    Column("regime", Text, primary_key=True),  # of these employers
    Column("step", Text, primary_key=True),  # of the ladder
    Column("texts", Integer, nullable=False),  # so many were asked for, or are approved
    Column("asked_by", Text, nullable=False),  # an officer's account; empty: nobody asked
    Column("approved_by", Text, nullable=False),  # another officer's; empty: not approved
    Column("hold", Text, nullable=False),  # reminders.batches.Hold; empty: it goes on
    Column("moved_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

missed = Table(
    "missed",
    store,
    Column("name", Text, primary_key=True),  # keyed hash of the words of a text that was not understood
    Column("gist", Text, nullable=False),  # the words, sealed: they may be a name; never with whoever wrote them
    Column("count", Integer, nullable=False),
    Column("last_day", BigInteger, nullable=False),  # days since 1970
    sqlite_with_rowid=False,
)

ONLY_GROWS: Final = """
CREATE OR REPLACE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of this table are neither changed nor deleted'; END $$
"""
PROTECTED: Final = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %(table)s
FOR EACH STATEMENT EXECUTE FUNCTION only_grows()
"""
NO_UPDATE: Final = """
CREATE TRIGGER %(table)s_no_update BEFORE UPDATE ON %(table)s
BEGIN SELECT RAISE(ABORT, 'rows of this table are neither changed nor deleted'); END
"""
NO_DELETE: Final = NO_UPDATE.replace("UPDATE", "DELETE").replace("update", "delete")
for _table in (audit, anchors):
    for _dialect, _text in (
        ("postgresql", ONLY_GROWS),
        ("postgresql", PROTECTED),
        ("sqlite", NO_UPDATE),
        ("sqlite", NO_DELETE),
    ):
        _trigger: Any = DDL(_text.strip())  # type: ignore[no-untyped-call]
        event.listen(_table, "after_create", _trigger.execute_if(dialect=_dialect))
