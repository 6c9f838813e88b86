"""Twilio, what we send by it: SMS and WhatsApp by the Messages resource (OpenAPI of 2026-04) and Twilio's own SDK.

The SDK writes the request and reads the answer; the wire under it is ours, for its own one may wait for ever and
says neither whether anything left nor how long to wait. Nothing can be looked up by our reference: messages are
listed by number and day. But it is in the address of the status callback, so a report settles what is unknown.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from time import time
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client

from gateway.channels.twilio import CODES, OUTSIDE_WINDOW, SMS_NAME, WHATSAPP_NAME, WHATSAPP_PREFIX, outcome_of
from gateway.outbox.port import Kind, Message, Outcome, Sent, Unknown
from gateway.outbox.wire import SECONDS, Failed, post

MAX_VALIDITY: Final = 36_000  # seconds Twilio keeps trying (OpenAPI: ValidityPeriod)
SERVICE: Final = "MG"  # the identifier of a Messaging Service, which picks the sender itself, begins so


class Account(NamedTuple):
    """Whose messages they are, and where reports of them go: an address of ours without its query."""

    sid: str
    token: str
    url: str
    reports_to: str

    def __repr__(self) -> str:
        return f"Account({self.sid})"


class SmsCarrier:
    """SMS from one number, one alphanumeric name or one Messaging Service."""

    name: Final = SMS_NAME
    finds: Final = False

    def __init__(self, account: Account, sender: str, clock: Callable[[], float] = time) -> None:
        self._messages = _Messages(account, SECONDS)
        self._from = {"messaging_service_sid" if sender.startswith(SERVICE) else "from_": sender}
        self._clock = clock

    def send(self, message: Message) -> Outcome:
        """One attempt; the operator gives up when the message helps nobody any more."""
        validity = {}
        if message.expires_at:
            validity["validity_period"] = min(max(int(message.expires_at - self._clock()), 1), MAX_VALIDITY)
        return self._messages.create(message.ref, to=message.msisdn, body=message.text, **self._from, **validity)

    def find(self, ref: str) -> Unknown:
        return Unknown("cannot be asked")


class WhatsAppCarrier:
    """WhatsApp from one sender. Free words only answer what she wrote in the last 24 hours.

    Everything else is an approved template, whose variable 1 is the whole text; without one it is refused here,
    for Twilio would take it and fail it later.
    """

    name: Final = WHATSAPP_NAME
    finds: Final = False

    def __init__(self, account: Account, sender: str, template: str = "") -> None:
        self._messages = _Messages(account, SECONDS / 2)  # an attempt may take two requests
        self._from, self._template = WHATSAPP_PREFIX + sender, template

    def send(self, message: Message) -> Outcome:
        """One attempt; a reply that comes too late for free words goes as the template at once."""
        outside = CODES[OUTSIDE_WINDOW]
        outcome = self._create(message, body=message.text) if message.kind is Kind.REPLY else outside
        if outcome == outside and self._template:
            line = " ".join(message.text.split())  # a variable holds no line ends
            variables = json.dumps({"1": line}, ensure_ascii=False)
            return self._create(message, content_sid=self._template, content_variables=variables)
        return outcome

    def find(self, ref: str) -> Unknown:
        return Unknown("cannot be asked")

    def _create(self, message: Message, **words: str) -> Outcome:
        return self._messages.create(message.ref, to=WHATSAPP_PREFIX + message.msisdn, from_=self._from, **words)


class _Messages:
    """The Messages resource of one account."""

    def __init__(self, account: Account, seconds: float) -> None:
        wire = _Wire(account.url, seconds)
        self._messages = Client(account.sid, account.token, http_client=wire).messages
        self._reports_to = account.reports_to

    def create(self, ref: str, **fields: Any) -> Outcome:
        try:
            created = self._messages.create(status_callback=f"{self._reports_to}?ref={ref}", **fields)
        except Failed as failed:
            return failed.outcome
        except (TwilioRestException, TwilioServiceException) as said:
            return outcome_of(str(said.code))
        except Exception:  # an answer that is not of Twilio's form
            return Unknown("not understood")
        return Sent(created.sid) if isinstance(created.sid, str) and created.sid else Unknown("not understood")


class _Wire:
    """What the SDK calls an HTTP client; `url` replaces the host it would ask."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._seconds = url, seconds

    def request(
        self,
        _method: str,
        uri: str,
        data: dict[str, object],
        headers: dict[str, str],
        auth: tuple[str, str],
        **_: Any,
    ) -> Response:
        basic = b64encode(":".join(auth).encode()).decode()
        answered = post(
            self._url + urlsplit(uri).path, data, {**headers, "Authorization": f"Basic {basic}"}, self._seconds
        )
        return Response(answered.status, answered.text)
