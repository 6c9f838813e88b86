"""Twilio, what it sends us: texts by SMS and WhatsApp, and reports of what became of ours.

By its pages "Incoming message webhook request", "Validating requests" and "Track outbound message status" (2026).
Every request is signed over the public address and the whole form. The answer is an empty TwiML document: replies
leave by the outbox, where they are kept until they are known to have left, and not by this one chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlparse

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator
from werkzeug.datastructures import MultiDict

from gateway.channels.forms import MAX_BODY, MAX_FIELDS, read_form, read_msisdn
from gateway.channels.port import Asked, Left, NoNumber, Provider, Reply, TextChannel, Texted, Unreadable
from gateway.outbox.port import Carrier, OptedOut, Outcome, Receipt, Refused, Retry, Status
from gateway.text.alphabet import SMS, Budget
from gateway.text.typed import Typed

SMS_NAME, WHATSAPP_NAME = "twilio", "whatsapp"  # our names of the two carriers
WHATSAPP_PREFIX: Final = "whatsapp:"  # before the number, in every address on that channel
# Body holds 1,600 characters (OpenAPI of the Messages resource). What reaches further is a page, never a list to
# pick from: those are templates made beforehand, so menus stay the numbered lines they are on every phone.
WHATSAPP: Final = Budget(gsm7=1_600, ucs2=1_600)

TEXT: Final = frozenset({"MessageSid", "From", "Body", "ButtonPayload", "ListId", "OptOutType"})
REPORT: Final = frozenset({"MessageSid", "MessageStatus", "ErrorCode", "From"})
SIGNATURE: Final = "X-Twilio-Signature"
TAKEN: Final = Reply('<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml; charset=utf-8")

OPT_OUTS: Final = {"STOP": True, "START": False}  # OptOutType: whether she stays away; HELP is only answered

STATUSES: Final[Mapping[str, Status]] = {  # MessageStatus, of what we sent; what comes in has others
    "accepted": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "queued": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.ACCEPTED,
    "partially_delivered": Status.ACCEPTED,  # some parts of it: the rest may follow
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}

OUTSIDE_WINDOW: Final = 63016
# ErrorCode, of a request to send as of a report: what becomes of the message (twilio.com/docs/api/errors). Twilio
# divides codes over time; one that is not here is refused, with its number as the reason.
CODES: Final[Mapping[int, Outcome]] = {
    20429: Retry("too many requests", provider_is_ill=True),
    21211: Refused("no phone number"),
    21408: Refused("country not enabled"),
    21610: OptedOut(),
    21611: Retry("queue full", provider_is_ill=True),
    21614: Refused("not a mobile"),
    21617: Refused("too long"),
    21635: Refused("landline"),
    30001: Retry("queue full", provider_is_ill=True),
    30003: Retry("phone not reachable"),
    30004: Refused("blocked"),
    30005: Refused("unknown phone"),
    30006: Refused("landline or no such network"),
    30007: Refused("filtered as spam"),
    30008: Retry("network did not say why"),
    30036: Refused("too late"),
    OUTSIDE_WINDOW: Refused("outside the WhatsApp window"),
    63017: Retry("too many requests", provider_is_ill=True),
    63018: Retry("too many requests", provider_is_ill=True),
}


@dataclass(frozen=True, slots=True)
class TwilioChannel:
    """Texts to one kind of sender of ours."""

    name: str
    carrier: str
    budget: Budget

    def parse(self, asked: Asked) -> Texted | Left | None:
        """Read one text; a word of opting out that Twilio has answered itself is `Left`, or None for HELP.

        A pick from buttons or a list counts by the developer's id, not by the label she saw.
        """
        form = read_form(asked.body, TEXT)
        del asked  # whatever fails from here on, no frame holds what was written
        if not ("From" in form and "Body" in form and _said(form, "MessageSid")):
            raise Unreadable("MessageSid, From and Body are needed")
        kind, _, number = _said(form, "From").rpartition(":")
        if (by := CHANNELS.get(kind)) is None:
            raise NoNumber  # messenger: and others name an account, not a phone
        msisdn = read_msisdn(Typed(number))
        if answered := _said(form, "OptOutType").upper():
            return Left(msisdn, OPT_OUTS[answered]) if answered in OPT_OUTS else None
        picked = _said(form, "ListId") or _said(form, "ButtonPayload")
        return Texted(_said(form, "MessageSid"), msisdn, Typed(picked) if picked else form["Body"], by)

    def taken(self) -> Reply:
        return TAKEN


SMS_CHANNEL: Final[TextChannel] = TwilioChannel("twilio-sms", SMS_NAME, SMS)
WHATSAPP_CHANNEL: Final[TextChannel] = TwilioChannel("twilio-whatsapp", WHATSAPP_NAME, WHATSAPP)
CHANNELS: Final = {"": SMS_CHANNEL, "whatsapp": WHATSAPP_CHANNEL}  # by what stands before the number


def parse_report(asked: Asked) -> Receipt | None:
    """Read a status callback, which carries our reference in its address; None for a status that says nothing."""
    form = {name: value.reveal() for name, value in read_form(asked.body, REPORT).items()}
    if not (form.get("MessageSid") and form.get("MessageStatus")):
        raise Unreadable("MessageSid and MessageStatus are needed")
    status = STATUSES.get(form["MessageStatus"])
    if status is None:
        return None
    [ref] = parse_qs(asked.query).get("ref", [""])[:1]
    receipt = Receipt(
        carrier=WHATSAPP_NAME if form.get("From", "").startswith(WHATSAPP_PREFIX) else SMS_NAME,
        status=status,
        ref=ref,
        provider_id="" if ref else form["MessageSid"],
    )
    return receipt if status is not Status.FAILED else _failed(receipt, outcome_of(form.get("ErrorCode", "")))


def outcome_of(code: str) -> Outcome:
    """What an error code means for the message."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) <= 6 else 0
    return CODES.get(number, Refused(f"error {number}" if number else "not delivered"))


def signed_by(secret: str, public_url: str, sha256: bool) -> Callable[[Asked], bool]:
    """Whether a request carries Twilio's signature, by the algorithm that was agreed and no other.

    The address is the one that Twilio was given: what a proxy tells us of it could be told by anybody.
    """
    validator = RequestValidator(secret)
    algorithm = HMAC_SHA256 if sha256 else HMAC_SHA1

    def is_genuine(asked: Asked) -> bool:
        if len(asked.body) > MAX_BODY:
            return False
        url = public_url + asked.path + (f"?{asked.query}" if asked.query else "")
        try:
            if urlparse(url).geturl() != url:  # the validator would check what is left without a tab or a last #
                return False
            pairs = parse_qsl(
                asked.body.decode("utf-8"),
                keep_blank_values=True,
                strict_parsing=bool(asked.body),
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
            return validator.validate(url, MultiDict(pairs), asked.headers.get(SIGNATURE, ""), algorithm) is True
        except Exception:  # what cannot be checked is not genuine
            return False

    return is_genuine


def twilio(is_genuine: Callable[[Asked], bool], carriers: Sequence[Carrier] = ()) -> Provider:
    """What Twilio may send us, and what carries texts by it. One address takes SMS and WhatsApp."""
    return Provider(
        "twilio",
        is_genuine=is_genuine,
        texts={"message": SMS_CHANNEL},
        receipts={"status": parse_report},
        carriers=carriers,
    )


def _said(form: Mapping[str, Typed], name: str) -> str:
    return form[name].reveal() if name in form else ""


def _failed(receipt: Receipt, outcome: Outcome) -> Receipt:
    """A report of failure, with what the code says. It is an end, whatever the code: Twilio had the message."""
    if isinstance(outcome, OptedOut):
        return receipt._replace(why="opted out", opted_out=True)
    return receipt._replace(why=outcome.why if isinstance(outcome, Refused | Retry) else "")
