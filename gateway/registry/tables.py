"""The register's tables: members, employers and who speaks for them, who worked where, and every contribution.

Sized for 350,000 members and 24 months, 8.4 million contributions: narrow integers, one primary key, and
rows of one member side by side. Amounts are whole kip, a month is `Month.index`, a status is a number of
`CODES`. A look-up starts from a phone, so only members of one phone are ever compared by digits.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from gateway.registry.port import Posting
from gateway.registry.scheme import ENTERPRISE, REGIME_MAX

NUMBER_MAX: Final = 20  # characters of a social-security number; its format is unknown, so leave room
NAME_MAX: Final = 120  # characters of a name; the longest Lao names need about a third of it
PHONE_MAX: Final = 16  # E.164: a plus and at most 15 digits
DIGEST_SIZE: Final = 64  # characters of SHA-256, hexadecimal
LANGUAGE_MAX: Final = 8  # characters of a catalogue's name, and of a short word of ours
CODE_MAX: Final = 8  # LSSO form 2-01 prints 5 boxes, a dash and 2 boxes
KIP_MAX: Final = 2_147_483_647  # four bytes; the highest contribution known is 517,500 kip a month

CODES: Final = MappingProxyType(
    {Posting.ASSESSED: 0, Posting.RECEIVED: 1, Posting.UNMATCHED: 2, Posting.POSTED: 3}
)
POSTINGS: Final = MappingProxyType({code: posting for posting, code in CODES.items()})

register = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

members = Table(
    "members",
    register,
    Column("id", Integer, Identity(), primary_key=True),
    Column("number", String(NUMBER_MAX), nullable=False),
    Column("name_lo", String(NAME_MAX), nullable=False),
    Column("name_latin", String(NAME_MAX), nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("msisdn", String(PHONE_MAX)),  # E.164; nothing when no phone is registered
    UniqueConstraint("number"),
    CheckConstraint("name_lo <> '' OR name_latin <> ''", name="named"),
    CheckConstraint("msisdn LIKE '+%'", name="e164"),
)
Index(None, members.c.msisdn)

employers = Table(
    "employers",
    register,
    Column("id", Integer, Identity(), primary_key=True),
    Column("code", String(CODE_MAX), nullable=False),
    Column("name_lo", String(NAME_MAX), nullable=False),
    Column("name_latin", String(NAME_MAX), nullable=False),
    Column("regime", String(REGIME_MAX), nullable=False, server_default=ENTERPRISE),  # of the scheme's
    UniqueConstraint("code"),
)

employments = Table(
    "employments",
    register,
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Column("employer_id", ForeignKey("employers.id"), primary_key=True),
    Column("started_on", Date, primary_key=True),
    Column("ended_on", Date),  # the last day; nothing while she works there
    CheckConstraint("ended_on >= started_on", name="order"),
    sqlite_with_rowid=False,
)

contacts = Table(
    "contacts",
    register,
    Column("employer_id", ForeignKey("employers.id"), primary_key=True),
    Column("msisdn", String(PHONE_MAX), primary_key=True),  # E.164; somebody may speak for several employers
    Column("language", String(LANGUAGE_MAX), nullable=False),  # a catalogue's name
    Column("role", String(NAME_MAX), nullable=False),
    Column("agreed_on", Date),  # to be reminded by text; nothing: not asked, or no
    Column("bounces", SmallInteger, nullable=False),  # texts in a row that did not arrive, when it was retired
    Column("checked_at", BigInteger, nullable=False, default=0),  # the office gave the number: seconds since 1970
    Column(
        "disputed_on", Date
    ),  # when it answered that it is a wrong number, until an officer refuses to believe it
    CheckConstraint("msisdn LIKE '+%'", name="e164"),
    sqlite_with_rowid=False,
)

stops = Table(
    "stops",
    register,
    Column("employer_id", ForeignKey("employers.id"), primary_key=True),
    Column("why", String(LANGUAGE_MAX), primary_key=True),  # firms.Stop
    Column("until", Date),  # the last day it holds; nothing: until further notice
    sqlite_with_rowid=False,
)

# an employer's arm is drawn once, when it would first be reminded, and never again: it may grow meanwhile
arms = Table(
    "arms",
    register,
    Column("employer_id", ForeignKey("employers.id"), primary_key=True),
    Column("arm", String(LANGUAGE_MAX), nullable=False),  # reminders.arms.Arm
    Column("stratum", String(LANGUAGE_MAX), nullable=False),  # its size then
    Column("percent", SmallInteger, nullable=False),  # how many of a hundred were held out then
    Column("drawn_on", Date, nullable=False),
    sqlite_with_rowid=False,
)

# months whose first text an employer would have got, in whichever arm; noted when that text was sent
trials = Table(
    "trials",
    register,
    Column("employer_id", ForeignKey("arms.employer_id"), primary_key=True),
    Column("month", SmallInteger, primary_key=True),
    Column("eligible_at", BigInteger, nullable=False),  # seconds since 1970 UTC
    sqlite_with_rowid=False,
)

imports = Table(
    "imports",
    register,
    Column("digest", String(DIGEST_SIZE), primary_key=True),  # of the file, byte by byte; its name is not kept
    Column("imported_at", BigInteger, nullable=False),  # seconds since 1970 UTC
    sqlite_with_rowid=False,
)

# wide columns first: PostgreSQL pads each column to its own size
contributions = Table(
    "contributions",
    register,
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("employer_id", ForeignKey("employers.id"), nullable=False),
    Column("insured_earnings", Integer, nullable=False),
    Column("due", Integer, nullable=False),  # employer's and member's share together
    Column("paid", Integer, nullable=False),  # what is on her record: nothing until it is posted
    Column("posted_on", Date),
    Column("month", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    PrimaryKeyConstraint("member_id", "month", "employer_id"),  # a look-up reads one member's latest months
    CheckConstraint("insured_earnings >= 0 AND due >= 0 AND paid >= 0", name="amounts"),
    CheckConstraint("status BETWEEN 0 AND 3", name="status"),
    CheckConstraint("paid = 0 OR status = 3", name="paid"),
    sqlite_with_rowid=False,
)
# what an employer's totals are made of, so that they are added up without a look at any row
Index(
    None,
    contributions.c.employer_id,
    contributions.c.month,
    contributions.c.status,
    contributions.c.due,
    contributions.c.paid,
)
