"""What reminders say, each in one text: who writes, which month, by when, how much, what it buys, what may be
answered (`flows/answers.py`), and the way out.

No link, no threat, nothing secret is asked for. The worst case of each is held to `PARTS` by the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.conversation import _
from gateway.reminders.alerts_wording import ALERT_WORDINGS
from gateway.text.showing import show_date, show_kip, show_month
from gateway.text.values import Kip, Month

PARTS: Final = MappingProxyType({"en": 1, "lo_Latn": 1, "lo": 2})  # SMS: Lao script takes twice the space

WORDINGS: Final = MappingProxyType(
    {
        ("due", True): _(
            "LSSO %(code)s: %(month)s, %(amount)s due by %(date)s for workers' care. "
            "Reply 1 paid 2 need a plan 3 closed 4 wrong number. Tel %(hotline)s. End: STOP"
        ),
        ("due", False): _(
            "LSSO %(code)s: contributions of %(month)s are due by %(date)s for workers' care. "
            "Reply 1 paid 2 need a plan 3 closed 4 wrong number. Tel %(hotline)s. End: STOP"
        ),
        ("late", True): _(
            "LSSO %(code)s: nothing came for %(month)s, %(amount)s due by %(date)s. "
            "Reply 1 paid 2 need a plan 3 closed 4 wrong number. Tel %(hotline)s. End: STOP"
        ),
        ("late", False): _(
            "LSSO %(code)s: nothing came for %(month)s, due by %(date)s. "
            "Reply 1 paid 2 need a plan 3 closed 4 wrong number. Tel %(hotline)s. End: STOP"
        ),
    }
)

SAYS: Final = frozenset(says for says, _is_known in WORDINGS)  # what a step of the ladder can say
SAID: Final = MappingProxyType(  # for the checks and the review
    {"reminders": tuple(WORDINGS.values()), "alerts": ALERT_WORDINGS}
)


class Reminder(NamedTuple):
    """Everything one text tells. `amount` is None where the register does not know what is due."""

    says: str
    code: str
    month: Month
    due: date
    amount: Kip | None
    hotline: str


def render(reminder: Reminder, language: str, say: Callable[[str, str], str]) -> str:
    """The text in this language; `say(language, wording)` is the catalogues' own."""
    wording = WORDINGS[reminder.says, reminder.amount is not None]
    return say(language, wording) % {
        "code": reminder.code,
        "month": show_month(reminder.month, language),
        "date": show_date(reminder.due, language),
        "amount": "" if reminder.amount is None else show_kip(reminder.amount, language),
        "hotline": reminder.hotline,
    }
