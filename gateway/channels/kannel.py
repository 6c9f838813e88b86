"""SMS by Kannel's smsbox, which speaks SMPP with the operators of Laos (its user guide 1.4.5, chapters 6 and 10).

Texts come as `post-url` or `get-url` send them, in the alphabet of the phone. Ours go as the body of a POST with
the rest in X-Kannel headers: neither number, text nor password stands in an address, where every proxy would log
it. Kannel gives no name to a message and knows none by ours, but our reference is in the address of its reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from time import time
from typing import Final, NamedTuple

from gateway.channels.forms import MAX_BODY, read_form, read_msisdn
from gateway.channels.port import Asked, CallChannel, Provider, Reply, Texted, Unreadable
from gateway.outbox.port import Message, Outcome, Receipt, Refused, Retry, Sent, Status, Unknown
from gateway.outbox.wire import SECONDS, Failed, post
from gateway.text.alphabet import SMS, Budget, is_gsm7
from gateway.text.typed import SHOWN, Typed

NAME: Final = "kannel"
HEARD: Final = frozenset({"id", "from", "text", "charset", "coding"})  # get-url: %I %q %b %C %c
REPORT: Final = frozenset({"ref", "status"})
GSM7, EIGHT_BIT, UCS2 = "0", "1", "2"  # X-Kannel-Coding; without it Lao arrives as question marks

CHARSETS: Final[Mapping[str, str]] = {  # what Kannel calls the alphabets it hands texts on in: what Python does
    "UTF-8": "utf-8",  # of a text that was in GSM-7 on the air
    "UTF-16BE": "utf-16-be",
    "ISO-8859-1": "latin-1",  # mo-recode = true
    "WINDOWS-1252": "cp1252",
}

STATUSES: Final[Mapping[str, tuple[Status, str]]] = {  # %d of a report: its meaning, and why it failed
    "1": (Status.DELIVERED, ""),
    "2": (Status.FAILED, "not delivered"),
    "4": (Status.ACCEPTED, ""),  # it waits in Kannel, until the operator takes it
    "8": (Status.ACCEPTED, ""),  # the operator has it
    "16": (Status.FAILED, "refused by the operator"),
}
REPORTS: Final = "27"  # dlr-mask: all of them but 4, which every message would cost us and which settles nothing

TAKEN: Final = ("0:", "3:")  # accepted for delivery; queued until an operator's link is up (guide, table 7-16)
REFUSALS: Final[Mapping[str, Outcome]] = {  # how the words of a 400 begin; any other is of this message
    "Number(s) has/have been denied": Refused("denied by a list of numbers"),
    "Sender missing and no global set": Retry("no global-sender", provider_is_ill=True),
    "Unsupported content-type": Retry("another smsbox", provider_is_ill=True),
}


class Heard(NamedTuple):
    """What a phone sent, as smsbox hands it on."""

    id: str  # Kannel's own, the same when it asks again
    sender: Typed
    coding: str
    charset: str
    content: Typed  # its bytes, as Latin-1

    def __repr__(self) -> str:
        return SHOWN

    def text(self) -> Typed:
        """In the alphabet that Kannel names; what is broken is replaced. Raises `Unreadable`."""
        codec = CHARSETS.get(self.charset.upper())
        if codec is None:
            raise Unreadable("a charset that is not known")
        return Typed(self.content.reveal().encode("latin-1", "replace").decode(codec, "replace"))


def read_heard(asked: Asked) -> Heard:
    """By `post-url`, which is better, for then no address holds what was typed; or by `get-url`."""
    query = read_form(asked.query.encode(), HEARD, "latin-1")
    if asked.method == "POST":
        kind, said = EmailMessage(), asked.headers
        kind["Content-Type"] = said.get("Content-Type", "")
        charset, coding = kind.get_content_charset("UTF-8"), said.get("X-Kannel-Coding", GSM7)
        query |= {"from": Typed(said.get("X-Kannel-From", "")), "text": Typed(asked.body.decode("latin-1"))}
    else:
        charset, coding = _said(query, "charset") or "UTF-8", _said(query, "coding") or GSM7
    if "text" not in query or not (name := _said(query, "id")) or len(asked.body) > MAX_BODY:
        raise Unreadable("id and text are needed")
    return Heard(name, query.get("from", Typed("")), coding, charset, query["text"])


@dataclass(frozen=True, slots=True)
class SmsChannel:
    """Texts to our short code."""

    name: str = "kannel-sms"
    carrier: str = NAME
    budget: Budget = SMS

    def parse(self, asked: Asked) -> Texted | None:
        """None for what is no text, such as settings or a picture sent as 8-bit data."""
        heard = read_heard(asked)
        del asked  # whatever fails from here on, no frame holds what was written
        if heard.coding == EIGHT_BIT:
            return None
        return Texted(heard.id, read_msisdn(heard.sender), heard.text())

    def taken(self) -> Reply:
        """Nothing to be sent on (`omit-empty`): the answer leaves by the outbox."""
        return Reply("")


def parse_report(asked: Asked) -> Receipt | None:
    """Read a delivery report at the address we gave; None for a status that says nothing."""
    form = read_form(asked.query.encode(), REPORT)
    if not ((ref := _said(form, "ref")) and (code := _said(form, "status"))):
        raise Unreadable("ref and status are needed")
    if code not in STATUSES:
        return None
    status, why = STATUSES[code]
    return Receipt(NAME, status, ref=ref, why=why)


@dataclass(frozen=True, slots=True)
class SmsCarrier:
    """One smsbox. `reports_to`: an address of ours without its query."""

    url: str
    username: str
    password: str = field(repr=False)
    reports_to: str = field(repr=False)
    seconds: float = SECONDS
    clock: Callable[[], float] = time
    name: str = NAME
    finds: bool = False

    def send(self, message: Message) -> Outcome:
        """One attempt; the operator gives up when the message helps nobody any more."""
        headers = {
            "X-Kannel-Username": self.username,
            "X-Kannel-Password": self.password,
            "X-Kannel-To": message.msisdn,
            "X-Kannel-Coding": GSM7 if is_gsm7(message.text) else UCS2,
            "X-Kannel-DLR-Mask": REPORTS,
            "X-Kannel-DLR-Url": f"{self.reports_to}?ref={message.ref}&status=%d",
        }
        if message.expires_at:
            minutes = int(message.expires_at - self.clock()) // 60
            headers["X-Kannel-Validity"] = str(max(minutes, 1))
        try:
            answered = post(self.url, message.text, headers, self.seconds)
        except Failed as failed:
            return failed.outcome
        if answered.took:
            return Sent() if answered.text.startswith(TAKEN) else Unknown("not understood")
        told = (outcome for words, outcome in REFUSALS.items() if answered.text.startswith(words))
        return next(told, Refused(f"answered {answered.status}"))

    def find(self, ref: str) -> Unknown:
        return Unknown("cannot be asked")


def kannel(sms: SmsCarrier, ussd: CallChannel) -> Provider:
    """What Kannel may send us, by GET as by POST."""
    return Provider(
        NAME,
        calls={"ussd": ussd},
        texts={"sms": SmsChannel()},
        receipts={"delivery": parse_report},
        carriers=(sms,),
        methods=frozenset({"GET", "POST"}),
    )


def _said(form: Mapping[str, Typed], name: str) -> str:
    return form[name].reveal() if name in form else ""
