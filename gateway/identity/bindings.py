"""Which members a number is bound to, and whether it still speaks for them.

A binding is made by a proof: the social-security number and birth date of a member for whom the register has
this very phone, or an officer's decision. It sleeps after 45 days without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Text, and_, bindparam, case, func, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.identity.port import Alerts, Privacy
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys, Sealer
from gateway.storage.renewal import phone_of_binding
from gateway.storage.store import Bound
from gateway.storage.tables import bindings

BINDING_DAYS: Final = 45  # a number given up may be another's after so long (reliability T08; FCC: 45 days)
MEMBERS_MAX: Final = 5  # members of one number (reliability T09)
ENDING: Final = 4  # digits of a social-security number that tell members of one phone apart
FAILS_MAX: Final = 10  # wrong PINs until a new proof (reliability R11)
DAY_SECONDS: Final = 86_400
BIND_SECONDS: Final = 0.5  # share of the 4.0 s of a hop


def is_awake(bound: Bound, now: int) -> bool:
    return not bound.asleep and now - bound.proved_at < BINDING_DAYS * DAY_SECONDS


def is_shared(known: Sequence[Bound]) -> bool:
    """Whether several people use this phone: by what they said, or because several are bound to it."""
    return len(known) > 1 or any(bound.shared for bound in known)


def named(known: Sequence[Bound], typed: str, keys: Keys) -> Bound | None:
    """The one member of this phone with this number, or with a number that ends so."""
    if len(typed) > ENDING:
        found = [bound for bound in known if keys.is_number(bound.number, "number", typed)]
    else:
        found = [bound for bound in known if keys.is_number(bound.ending, "ending", typed)]
    return found[0] if len(found) == 1 else None


def narrowed(privacy: Privacy, known: Sequence[Bound]) -> Privacy:
    """The same, but a monthly text tells nothing that her phone alone would not show."""
    hidden = privacy.asks_pin or privacy.shared or is_shared(known)
    return privacy._replace(alerts=Alerts.NOTICE) if hidden and privacy.alerts is Alerts.FULL else privacy


class Bindings:
    """The table of bindings, on the short road."""

    def __init__(self, hot: Hot, sealer: Sealer) -> None:
        self._hot, self._sealer = hot, sealer
        self._bind = hot.statement(_bind(hot.is_sqlite))
        of_caller, of_member = bindings.c.caller == bindparam("caller"), bindings.c.member == bindparam("member")
        elsewhere = and_(of_member, bindings.c.caller != bindparam("caller"))
        touched = literal(1)
        self._any = hot.statement(select(touched).where(of_caller).limit(1))
        self._sleep = hot.statement(update(bindings).where(of_caller).values(asleep=true()).returning(touched))
        self._sleep_elsewhere = hot.statement(
            update(bindings).where(elsewhere).values(asleep=true()).returning(touched)
        )
        hers = update(bindings).where(of_caller, of_member)
        self._hers = hot.statement(
            hers.values(asks_pin=bindparam("asks_pin"), alerts=bindparam("alerts")).returning(touched)
        )
        self._shared = hot.statement(
            update(bindings).where(of_caller).values(shared=bindparam("shared")).returning(touched)
        )

    def bind(self, caller: str, member: str, phone: str, number: str, ending: str, now: int) -> bool:
        """Bind or wake, and put the member's other numbers to sleep; False when five others share this one.

        `phone` is E.164, the other texts are keyed hashes. Wrong PINs stay counted, unless there were so many
        that the PIN is void: a birth date must not buy another round of guesses.
        """
        values = {
            "caller": caller,
            "member": member,
            "phone": self._sealer.seal(phone, phone_of_binding(caller, member)),
            "number": number,
            "ending": ending,
            "now": now,
        }
        return bool(self._hot.write([(self._bind, values), (self._sleep_elsewhere, values)], BIND_SECONDS))

    def kept_as(self, callers: Sequence[str]) -> str:
        """By which of these, newest first, a number's bindings are kept: by the newest once she has called."""
        kept = (one for one in callers if self._hot.rows(self._any, {"caller": one}, BIND_SECONDS))
        return next(kept, callers[0])

    def sleep(self, caller: str) -> int:
        """A swapped card or a recycled number: nobody is known by it until she proves herself again."""
        return len(self._hot.rows(self._sleep, {"caller": caller}, BIND_SECONDS))

    def choose(self, caller: str, member: str, privacy: Privacy) -> None:
        hers = {"caller": caller, "member": member, "asks_pin": privacy.asks_pin, "alerts": str(privacy.alerts)}
        steps = [(self._hers, hers), (self._shared, {"caller": caller, "shared": privacy.shared})]
        self._hot.write(steps, BIND_SECONDS)


def _bind(is_sqlite: bool) -> Any:
    others = (
        select(func.count())
        .select_from(bindings)
        .where(bindings.c.caller == bindparam("caller"), bindings.c.member != bindparam("member"))
        .scalar_subquery()
    )
    texts = ("caller", "member", "phone", "number", "ending")
    now: Any = bindparam("now", type_=bindings.c.proved_at.type)
    fresh = {
        **{name: bindparam(name, type_=Text) for name in texts},
        "proved_at": now,
        **{name: literal(False) for name in ("asleep", "asks_pin", "shared")},
        **{name: literal(0) for name in ("fails", "locked_until", "tried_at")},
        "last_try": literal(""),
        "since": now,
    }
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(bindings).from_select(
        list(fresh), select(*fresh.values()).where(others < MEMBERS_MAX)
    )
    is_void = bindings.c.fails >= FAILS_MAX
    slept = or_(bindings.c.asleep, bindings.c.proved_at <= now - BINDING_DAYS * DAY_SECONDS)
    return upsert.on_conflict_do_update(
        index_elements=[bindings.c.caller, bindings.c.member],
        set_={
            **{name: upsert.excluded[name] for name in ("phone", "number", "ending", "proved_at", "asleep")},
            "fails": case((is_void, 0), else_=bindings.c.fails),
            "locked_until": case((is_void, 0), else_=bindings.c.locked_until),
            "since": case((slept, now), else_=bindings.c.since),
        },
    ).returning(bindings.c.member)
