"""The gateway's own tables: one row a caller, one row an event, one row a look at somebody's record.

No phone number, name or amount is stored here: callers, sessions and key paths are keyed hashes (see `keys`).
`conversations.place` holds the screen the caller is reading, and what she typed only where it still has to be
used: keys dialled ahead of the language question, an answer whose look-up failed and will be tried again.
Times are whole seconds since 1970 UTC: integers cost nothing to read on the hop.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text

store = MetaData()

conversations = Table(
    "conversations",
    store,
    Column("caller", Text, primary_key=True),  # keyed hash of the E.164 number
    Column("language", Text),  # a catalogue's name; null until she chose
    Column("event", Text, nullable=False),  # the key of her last event: its session, and the key path so far
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

audit = Table(
    "audit",
    store,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("caller", Text, nullable=False),  # keyed hash, as in conversations
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the register's opaque reference of the member
)
