"""USSD over SMPP through Kannel: SMPP 3.4, 5.3.2.43 and 5.3.2.44, and what vendors made of it.

A hop is one short message with two TLVs, which Kannel hands on as the bytes they are: what it asks for, and whose
call it is of. Only what was typed last comes in; Kannel's own id names the hop. The screen goes back as the answer
to the same request, its TLVs in a header. Nothing but the link tells an operator's USSD from its SMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote_plus

from gateway.channels.forms import harmless, read_form, read_msisdn, shortcut
from gateway.channels.kannel import GSM7, UCS2, read_heard
from gateway.channels.port import Asked, Inbound, Reply, Unreadable
from gateway.storage.store import Answer
from gateway.text.alphabet import Budget, is_gsm7
from gateway.text.typed import Typed

OPERATION, ITS, REFERENCE = "ussd_service_op", "its_session_info", "user_message_reference"
NOTHING: Final = Reply("")  # smsbox sends nothing on (`omit-empty`)
END_BIT: Final = 1  # of its_session_info, in its last octet


class Dialect(NamedTuple):
    """How one kind of USSD centre uses the TLVs."""

    session: str  # the TLV whose octets name the call
    mask: int  # the bits of them that stay the same during a call
    begins: int  # ussd_service_op: a call begins
    answers: int  # she typed something
    asks: int  # ours: a screen that waits
    closes: int  # ours: the last screen
    ends_by_bit: bool  # END_BIT says, both ways, that the call is over


# 1 PSSR indication, 2 USSR request, 17 PSSR response, 18 USSR confirm. The vendors are as praekelt's vumi spoke
# with them: both close with 0x17 where SMPP has 17.
DIALECTS: Final[Mapping[str, Dialect]] = {
    "smpp": Dialect(ITS, 0xFF00, begins=1, answers=18, asks=2, closes=17, ends_by_bit=True),
    "sixdee": Dialect(ITS, 0xFFFE, begins=1, answers=18, asks=2, closes=0x17, ends_by_bit=True),
    "mica": Dialect(REFERENCE, 0xFFFF, begins=1, answers=18, asks=2, closes=0x17, ends_by_bit=False),
}


@dataclass(frozen=True, slots=True)
class UssdChannel:
    """USSD by one dialect, cut to the operator's budget. `code`: what is dialled, such as `*1508#`."""

    budget: Budget
    code: str
    dialect: Dialect
    name: str = "kannel-ussd"

    def parse(self, asked: Asked) -> Inbound | Reply:
        """Read one hop; nothing is answered where she hung up, or to an operation that asks for no screen."""
        heard, dialect = read_heard(asked), self.dialect
        tlvs = read_form(asked.query.encode(), {OPERATION, dialect.session}, "latin-1")
        del asked  # whatever fails from here on, no frame holds what was typed
        operation, session = (_octets(tlvs.get(name)) for name in (OPERATION, dialect.session))
        if operation is None or session is None:
            raise Unreadable(f"{OPERATION} and {dialect.session} are needed")
        if operation not in {dialect.begins, dialect.answers} or (dialect.ends_by_bit and session & END_BIT):
            return NOTHING
        begins = operation == dialect.begins
        return Inbound(
            session=str(session & dialect.mask),
            msisdn=read_msisdn(heard.sender),
            text=shortcut(heard.text(), self.code) if begins else heard.text(),
            echo=((dialect.session, str(session)),),
            hop=heard.id,
            begins=begins,
        )

    def frame(self, answer: Answer, event: Inbound | None) -> Reply:
        """The screen, with the TLVs in Kannel's own header."""
        dialect = self.dialect
        tlvs = f"?smpp?{OPERATION}={dialect.closes if answer.ends else dialect.asks}"
        for name, value in event.echo if event else ():
            session = int(value) | END_BIT if answer.ends and dialect.ends_by_bit else int(value)
            tlvs += f"&{name}={quote_plus(session.to_bytes(2, 'big')) if name == ITS else session}"
        text = harmless(answer.text)
        coding = GSM7 if is_gsm7(text) else UCS2
        return Reply(text, headers=(("X-Kannel-Coding", coding), ("X-Kannel-Meta-Data", tlvs)))


def _octets(value: Typed | None) -> int | None:
    """A TLV of one or two octets as a number; None where there is none."""
    octets = value.reveal().encode("latin-1", "replace") if value else b""
    return int.from_bytes(octets, "big") if 1 <= len(octets) <= 2 else None
