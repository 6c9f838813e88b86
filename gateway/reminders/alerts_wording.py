"""What a member's monthly text says: how her month stands, until when she has the right to treatment, the way out.

Whole sentences, one after the other. No name, no amount, no employer. The worst case of each text is held to
`wording.PARTS` by the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.conversation import _
from gateway.registry.standing import Right, Why
from gateway.text.showing import show_date, show_month
from gateway.text.values import Month

_UNPAID: Final = _(
    "LSSO: contributions for %(month)s are not paid yet. Ask your employer, dial %(code)s or call %(hotline)s."
)

STANDINGS: Final = MappingProxyType(
    {
        Why.PAID: _("LSSO: your contributions for %(month)s are paid."),
        Why.LATE: _UNPAID,
        Why.UNPAID: _UNPAID,
        Why.POSTING: _("LSSO: contributions for %(month)s arrived and are being posted."),
        Why.PARTIAL: _(
            "LSSO: contributions for %(month)s are paid only in part. "
            "Ask your employer, dial %(code)s or call %(hotline)s."
        ),
        Why.UNMATCHED: _("LSSO: the name or number on the money for %(month)s does not fit. Show LSSO your card."),
        Why.NOBODY: _("LSSO: no employer reported you for %(month)s. If you worked, call %(hotline)s."),
    }
)
RIGHTS: Final = MappingProxyType(
    {True: _("Right to treatment until %(until)s."), False: _("Right to treatment ended on %(until)s.")}
)
NOTICE: Final = _("LSSO: you have a notice. To read it dial %(code)s.")
WAY_OUT: Final = _("No more: STOP")
ALERT_WORDINGS: Final = (*dict.fromkeys(STANDINGS.values()), *RIGHTS.values(), NOTICE, WAY_OUT)


class Alert(NamedTuple):
    """Everything one text tells. `right` is None where no rule is known."""

    why: Why
    month: Month
    right: Right | None
    code: str  # to dial
    hotline: str


def render(alert: Alert, language: str, say: Callable[[str, str], str], in_full: bool) -> str:
    """The text in this language, or only that there is one; `say(language, wording)` is the catalogues' own."""
    wordings = [STANDINGS[alert.why] if in_full else NOTICE]
    until = alert.right.until if alert.right else None
    if in_full and alert.right and until:
        wordings.append(RIGHTS[alert.right.live])
    values = {
        "month": show_month(alert.month, language),
        "until": show_date(until, language) if until else "",
        "code": alert.code,
        "hotline": alert.hotline,
    }
    return " ".join(say(language, wording) % values for wording in (*wordings, WAY_OUT))
