"""Africa's Talking: its USSD, by its pages "Handle sessions" and "End of session" (read in September 2026).

Each hop is a form POST with the whole key path so far in `text`, joined by `*`; the answer is plain text that
starts with `CON ` or `END `. Nothing is signed: the secret token in the address proves the sender.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.channels.africastalking_sms import SmsCarrier, SmsChannel, parse_opt_out, parse_report
from gateway.channels.forms import harmless, read_form, read_msisdn
from gateway.channels.port import Asked, Ending, Inbound, Provider, Reply, Unreadable
from gateway.storage.store import Answer
from gateway.text.alphabet import Budget

HOP = frozenset({"sessionId", "phoneNumber", "text"})
CODE = "serviceCode"
END = frozenset({"sessionId", "status", "hopsCount", "durationInMillis"})

ENDINGS = {  # status of the end event: what it means to us
    "Success": "ended",  # we said END, or the caller hung up at a screen that asked nothing
    "Incomplete": "cut",  # the caller or the network left while we waited
    "Failed": "failed",  # our answer was late, missing or ill-formed
}


@dataclass(frozen=True, slots=True)
class UssdChannel:
    """USSD sessions by Africa's Talking's form, cut to the operator's budget."""

    budget: Budget
    name: str = "africastalking-ussd"

    def parse(self, asked: Asked) -> Inbound:
        """Read one hop; raises `Unreadable` for what is no hop, `NoNumber` for a hidden or impossible number."""
        form = read_form(asked.body, HOP | {CODE})
        del asked  # whatever fails from here on, no frame holds what was typed
        if not form.keys() >= HOP or not (session := form["sessionId"].reveal()):
            raise Unreadable("sessionId, phoneNumber and text are needed")
        if CODE in form:  # a call belongs to the code that was dialled: by another it is another call (threat T19)
            session = f"{session} {form[CODE].reveal()}"
        return Inbound(session, read_msisdn(form["phoneNumber"]), form["text"])

    def parse_ending(self, asked: Asked) -> Ending:
        """Read the end event. Its `input` and `lastAppResponse` are let go as the form is taken apart."""
        form = {name: value.reveal() for name, value in read_form(asked.body, END).items()}
        del asked
        if not form.get("sessionId"):
            raise Unreadable("sessionId is needed")
        return Ending(
            session=form["sessionId"],
            outcome=ENDINGS.get(form.get("status", ""), "unknown"),
            hops=_number(form.get("hopsCount")),
            milliseconds=_number(form.get("durationInMillis")),
        )

    def frame(self, answer: Answer, event: Inbound | None) -> Reply:
        """`CON ` or `END `, then the screen."""
        return Reply(("END " if answer.ends else "CON ") + harmless(answer.text))


def africastalking(ussd: UssdChannel, sms: SmsCarrier | None = None) -> Provider:
    """What Africa's Talking may send us; texts only where there is an account to answer them by."""
    provider = Provider("africastalking", calls={"ussd": ussd}, endings={"ussd-end": ussd.parse_ending})
    if sms is None:
        return provider
    return replace(
        provider,
        texts={"sms": SmsChannel()},
        receipts={"delivery": parse_report},
        leavings={"opt-out": parse_opt_out},
        carriers=(sms,),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 else None
