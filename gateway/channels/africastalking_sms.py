"""Africa's Talking SMS, by its pages "Delivery reports" and "Notifications" and the answers it gave on record.

Sending takes no SDK: theirs keeps only the words of a refusal, not its status or Retry-After, hands on a page of
HTML as if it were an answer, and limits each read alone. The tests hold our request to the one that it makes.
No reference of ours comes back, by look-up or by report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.channels.forms import read_form, read_msisdn
from gateway.channels.port import Asked, Left, Reply, Texted, Unreadable
from gateway.outbox.port import Message, OptedOut, Outcome, Receipt, Refused, Retry, Sent, Status, Unknown
from gateway.outbox.wire import SECONDS, Failed, post
from gateway.text.alphabet import SMS, Budget
from gateway.text.typed import Typed

NAME: Final = "africastalking"
TEXT: Final = frozenset({"id", "from", "text"})
REPORT: Final = frozenset({"id", "status", "failureReason"})
OPT_OUT: Final = frozenset({"phoneNumber"})
PATH: Final = "/version1/messaging"
NO_ID: Final = "None"  # literally, in the place of a messageId

STATUSES: Final[Mapping[str, Status]] = {  # of a delivery report; one of tomorrow says nothing
    "Sent": Status.ACCEPTED,
    "Submitted": Status.ACCEPTED,
    "Buffered": Status.ACCEPTED,
    "Success": Status.DELIVERED,
    "Failed": Status.FAILED,
    "Rejected": Status.FAILED,
    "AbsentSubscriber": Status.FAILED,
    "Expired": Status.FAILED,
}

REASONS: Final[Mapping[str, Outcome]] = {  # failureReason of a delivery report
    "InsufficientCredit": Refused("no credit"),
    "UserIsInactive": Refused("phone not in use"),
    "UserInBlackList": OptedOut(),
    "UserAccountSuspended": Refused("suspended"),
    "NotNetworkSubcriber": Refused("not of this network"),  # as they spell it
    "NotNetworkSubscriber": Refused("not of this network"),
    "UserDoesNotExist": Refused("unknown phone"),
    "DeliveryFailure": Refused("not delivered"),
    "DoNotDisturbRejection": Refused("kept away by the network"),
}

TAKEN: Final = {100, 101, 102}  # statusCode of a recipient: processed, sent, queued
CODES: Final[Mapping[int, Outcome]] = {
    401: Refused("held as a risk"),
    402: Retry("sender not registered", provider_is_ill=True),
    403: Refused("no phone number"),
    404: Refused("kind of number"),
    405: Retry("no credit", provider_is_ill=True),
    406: OptedOut(),
    407: Refused("no route"),
    409: Refused("kept away by the network"),
    500: Retry("internal error", provider_is_ill=True),
    501: Retry("gateway error", provider_is_ill=True),
    502: Refused("refused by the gateway"),
}
MESSAGES: Final[Mapping[str, Outcome]] = {  # the whole answer, when it lists no recipient
    "InvalidSenderId": Retry("sender not registered", provider_is_ill=True),
}


@dataclass(frozen=True, slots=True)
class SmsChannel:
    """Texts to our short code or number."""

    name: str = "africastalking-sms"
    carrier: str = NAME
    budget: Budget = SMS

    def parse(self, asked: Asked) -> Texted:
        form = read_form(asked.body, TEXT)
        del asked  # whatever fails from here on, no frame holds what was written
        if len(form) < len(TEXT) or not (name := form["id"].reveal()):
            raise Unreadable("id, from and text are needed")
        return Texted(name, read_msisdn(form["from"]), form["text"])

    def taken(self) -> Reply:
        """Without this 200 it is brought every minute for twelve hours."""
        return Reply("")


def parse_report(asked: Asked) -> Receipt | None:
    """Read a delivery report, which knows a message by their id alone; None for a status that says nothing."""
    form = {name: value.reveal() for name, value in read_form(asked.body, REPORT).items()}
    if not (form.get("id") and form.get("status")):
        raise Unreadable("id and status are needed")
    status = STATUSES.get(form["status"])
    if status is None:
        return None
    receipt = Receipt(NAME, status, provider_id=form["id"])
    if status is not Status.FAILED:
        return receipt
    match REASONS.get(form.get("failureReason", ""), Refused("not delivered")):
        case Refused(why):
            return receipt._replace(why=why)
        case _:
            return receipt._replace(why="opted out", opted_out=True)


def parse_opt_out(asked: Asked) -> Left:
    """Read the opt-out callback: she has written the word that they add to a first text."""
    form = read_form(asked.body, OPT_OUT)
    return Left(read_msisdn(form.get("phoneNumber", Typed(""))))


@dataclass(frozen=True, slots=True)
class SmsCarrier:
    """SMS by one account. `sender`: a short code or name that was registered; empty: theirs."""

    url: str
    username: str
    key: str = field(repr=False)
    sender: str = ""
    seconds: float = SECONDS
    name: str = NAME
    finds: bool = False

    def send(self, message: Message) -> Outcome:
        form = {"username": self.username, "to": message.msisdn, "message": message.text, "bulkSMSMode": "1"}
        if self.sender:
            form["from"] = self.sender
        try:
            answered = post(
                self.url + PATH, form, {"apiKey": self.key, "Accept": "application/json"}, self.seconds
            )
        except Failed as failed:
            return failed.outcome
        if not answered.took:
            return Refused(f"answered {answered.status}")
        try:
            return _outcome(json.loads(answered.text)["SMSMessageData"])
        except (ValueError, LookupError, TypeError):
            return Unknown("not understood")

    def find(self, ref: str) -> Unknown:
        return Unknown("cannot be asked")


def _outcome(said: Mapping[str, Any]) -> Outcome:
    """What a 201 really says: of our one recipient, or that there is none."""
    if not said["Recipients"]:
        return MESSAGES.get(said["Message"], Refused("no recipient"))
    [recipient] = said["Recipients"]
    code = int(recipient["statusCode"])
    if code not in TAKEN:
        return CODES.get(code, Refused(f"error {code}"))
    name = str(recipient["messageId"])
    return Sent("" if name == NO_ID else name)
