"""The phone in the browser, as a provider of its own: one JSON object an event. Never in production.

    ussd       {"session": "…", "phone": "+85620…", "text": "2*1"}
    answered   {"text": "…", "ends": false, "alphabet": "GSM-7", "units": 73, "limit": 160}
    sms, chat  {"id": "…", "phone": "+85620…", "text": "BAL"}

`text` of a call is the whole key path since it began, joined by `*`, as most USSD providers keep it. Texts are
answered by the outbox, into an inbox each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from gateway.channels.forms import MAX_BODY, read_msisdn
from gateway.channels.inbox import Inbox
from gateway.channels.port import Asked, Inbound, Provider, Reply, Texted, Unreadable
from gateway.channels.twilio import WHATSAPP
from gateway.storage.store import Answer
from gateway.text.alphabet import SMS, Budget, is_gsm7, units
from gateway.text.typed import Typed

NAME: Final = "simulator"
CHAT: Final = "chat"  # the name of the carrier of its chat
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class UssdChannel:
    """USSD sessions of the phone in the browser, cut to the budget of the real ones."""

    budget: Budget
    name: str = "simulator-ussd"

    def parse(self, asked: Asked) -> Inbound:
        """Read one hop; raises `Unreadable` for what is no hop, `NoNumber` for an impossible number."""
        sent = read_object(asked.body)
        del asked
        if not {"session", "phone", "text"} <= sent.keys() or not (session := sent["session"].reveal()):
            raise Unreadable("session, phone and text are needed")
        return Inbound(session, read_msisdn(sent["phone"]), sent["text"])

    def frame(self, answer: Answer, event: Inbound | None) -> Reply:
        """The screen, and what a handset would count of it."""
        text = answer.text
        said = {
            "text": text,
            "ends": answer.ends,
            "alphabet": "GSM-7" if is_gsm7(text) else "UCS-2",
            "units": units(text),
            "limit": self.budget.limit(text),
        }
        return Reply(orjson.dumps(said).decode(), content_type=JSON)


@dataclass(frozen=True, slots=True)
class TextChannel:
    """Texts of the phone in the browser."""

    name: str
    carrier: str
    budget: Budget

    def parse(self, asked: Asked) -> Texted:
        """Read one text; raises as a hop does."""
        sent = read_object(asked.body)
        del asked
        if not {"id", "phone", "text"} <= sent.keys() or not (name := sent["id"].reveal()):
            raise Unreadable("id, phone and text are needed")
        return Texted(name, read_msisdn(sent["phone"]), sent["text"])

    def taken(self) -> Reply:
        return Reply("")


def simulator(ussd: Budget, sms: Inbox, chat: Inbox) -> Provider:
    """What the phone in the browser may send us, and where its texts arrive."""
    return Provider(
        NAME,
        calls={"ussd": UssdChannel(ussd)},
        texts={
            "sms": TextChannel("simulator-sms", sms.name, SMS),
            "chat": TextChannel("simulator-chat", chat.name, WHATSAPP),
        },
        carriers=(sms, chat),
    )


def read_object(body: bytes) -> dict[str, Typed]:
    """The text values of a JSON object; raises `Unreadable` for anything else."""
    if len(body) > MAX_BODY:
        raise Unreadable("the object is too long")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("this is no JSON") from None  # its words quote what was typed
    if not isinstance(found, dict):
        raise Unreadable("a JSON object is needed")
    return {name: Typed(value) for name, value in found.items() if isinstance(value, str)}
