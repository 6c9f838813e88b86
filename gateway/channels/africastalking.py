"""Africa's Talking USSD, by its pages "Handle sessions" and "End of session" (read in September 2026).

Each hop is a form POST with the whole key path so far in `text`, joined by `*`; the answer is plain text that
starts with `CON ` or `END `. Nothing is signed: the secret token in the address proves the sender.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

import phonenumbers

from gateway.channels.pipeline import Inbound, NoNumber, Unreadable
from gateway.storage.store import Answer
from gateway.text.alphabet import Budget

MAX_BODY = 65_536  # bytes; the longest honest form is below 2 kB
MAX_FIELDS = 40  # the end event, the longest form, has 14
REGION = "LA"

ENDINGS = {  # status of the end event: what it means to us
    "Success": "ended",  # we said END, or the caller hung up at a screen that asked nothing
    "Incomplete": "cut",  # the caller or the network left while we waited
    "Failed": "failed",  # our answer was late, missing or ill-formed
}

E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Ending:
    """What we keep of an end event. Its `input` and `lastAppResponse` are never read: they hold what was
    typed and shown."""

    session: str
    outcome: str
    hops: int | None
    milliseconds: int | None


@dataclass(frozen=True, slots=True)
class UssdChannel:
    """USSD sessions by Africa's Talking's form, cut to the operator's budget."""

    budget: Budget
    name: str = "africastalking-ussd"

    def parse(self, body: bytes) -> Inbound:
        """Read one hop; raises `Unreadable` for what is no hop, `NoNumber` for a hidden or impossible number."""
        form = _form(body)
        session, text = form.get("sessionId", ""), form.get("text")
        if not session or text is None or "phoneNumber" not in form:
            raise Unreadable("sessionId, phoneNumber and text are needed")
        return Inbound(session=session, msisdn=_msisdn(form["phoneNumber"]), text=text)

    def parse_ending(self, body: bytes) -> Ending:
        form = _form(body)
        if not form.get("sessionId"):
            raise Unreadable("sessionId is needed")
        return Ending(
            session=form["sessionId"],
            outcome=ENDINGS.get(form.get("status", ""), "unknown"),
            hops=_number(form.get("hopsCount")),
            milliseconds=_number(form.get("durationInMillis")),
        )

    def frame(self, answer: Answer) -> str:
        """`CON ` or `END `, then text in which no control character can pose as anything else."""
        text = answer.text
        if not text.replace("\n", "").isprintable():
            text = CONTROL.sub("", text)
        return ("END " if answer.ends else "CON ") + text


def _form(body: bytes) -> dict[str, str]:
    """The form's fields, the first of each name; broken UTF-8 becomes a replacement character, never an error."""
    if len(body) > MAX_BODY:
        raise Unreadable("the form is too long")
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as problem:
        raise Unreadable("the form has too many fields") from problem
    return dict(reversed(pairs))


def _msisdn(number: str) -> str:
    """The number as E.164. Providers send it so; anything else is read the way Lao people write numbers."""
    if E164.fullmatch(number):
        return number
    try:
        parsed = phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException as problem:
        raise NoNumber from problem
    if not phonenumbers.is_possible_number(parsed):
        raise NoNumber
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 else None
