"""Twilio's forms, byte by byte: what is read, what is reported, and 10,000 forgeries of which none is taken."""

from __future__ import annotations

import base64
import hmac
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import pytest

from gateway.channels.forms import MAX_BODY, MAX_FIELDS
from gateway.channels.port import Left, NoNumber, Texted, Unreadable
from gateway.channels.twilio import (
    SIGNATURE,
    SMS_CHANNEL,
    WHATSAPP_CHANNEL,
    parse_report,
    signed_by,
    twilio,
)
from gateway.outbox.port import Receipt, Status
from gateway.text.typed import Typed
from tests.asked import posted

NOY = "+8562020000001"
SID = "SM" + "a1" * 16
REF = "0e9c3c8e-5a55-4c5f-9f0e-3f6a2b1c7d10"
PUBLIC = "https://pakan.example"
SECRET = "synthetic-auth-token-of-nobody-1"
SEED = 1508
FORGERIES = 5_000  # of each algorithm (reliability T02)

SMS_FORM = {  # as Twilio posts it (providers 2.1)
    "ToCountry": "LA",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "SmsSid": SID,
    "SmsStatus": "received",
    "Body": "ປະກັນ 9900000001 & 1+1=2",
    "FromCountry": "LA",
    "To": "+14155550100",
    "MessagingServiceSid": "MG" + "0" * 32,
    "NumSegments": "1",
    "MessageSid": SID,
    "AccountSid": "AC" + "0" * 32,
    "From": NOY,
    "ApiVersion": "2010-04-01",
}
WHATSAPP_FORM = {
    **SMS_FORM,
    "From": f"whatsapp:{NOY}",
    "To": "whatsapp:+14155550100",
    "ProfileName": "Noy 🌾",
    "WaId": NOY[1:],
    "MessageType": "text",
    "ChannelMetadata": '{"type":"whatsapp","data":{"context":{}}}',
}


def body(form: Mapping[str, str], **changes: str | None) -> bytes:
    merged = {**form, **changes}
    return urlencode({name: value for name, value in merged.items() if value is not None}).encode()


SAID = Typed(SMS_FORM["Body"])
READ = {
    "an SMS": (body(SMS_FORM), Texted(SID, NOY, SAID, SMS_CHANNEL)),
    "a WhatsApp message": (body(WHATSAPP_FORM), Texted(SID, NOY, SAID, WHATSAPP_CHANNEL)),
    "the longest WhatsApp message": (
        body(WHATSAPP_FORM, Body="ລ" * 4_096),
        Texted(SID, NOY, Typed("ລ" * 4_096), WHATSAPP_CHANNEL),
    ),
    "a parameter of tomorrow": (body(SMS_FORM, Tomorrow="1"), Texted(SID, NOY, SAID, SMS_CHANNEL)),
    "a picture without a word": (
        body(WHATSAPP_FORM, Body="", NumMedia="1", MediaUrl0="https://api.twilio.com/x"),
        Texted(SID, NOY, Typed(""), WHATSAPP_CHANNEL),
    ),
    "a button counts by its id": (
        body(WHATSAPP_FORM, Body="My contributions", ButtonText="My contributions", ButtonPayload="1"),
        Texted(SID, NOY, Typed("1"), WHATSAPP_CHANNEL),
    ),
    "so does an item of a list": (
        body(WHATSAPP_FORM, Body="Help", ListId="3"),
        Texted(SID, NOY, Typed("3"), WHATSAPP_CHANNEL),
    ),
    "STOP that Twilio does not handle": (
        body(SMS_FORM, Body="STOP"),
        Texted(SID, NOY, Typed("STOP"), SMS_CHANNEL),
    ),
    "STOP that it has answered": (body(SMS_FORM, Body="Stop", OptOutType="STOP"), Left(NOY)),
    "START that it has answered": (body(SMS_FORM, Body="start", OptOutType="START"), Left(NOY, stays_away=False)),
    "HELP that it has answered": (body(SMS_FORM, Body="help", OptOutType="HELP"), None),
    "a kind of tomorrow that it has answered": (body(SMS_FORM, OptOutType="PAUSE"), None),
    "a number as people write it": (body(SMS_FORM, From="020 2000 0001"), Texted(SID, NOY, SAID, SMS_CHANNEL)),
    "broken UTF-8": (body(SMS_FORM, Body=None) + b"&Body=%FF", Texted(SID, NOY, Typed("\ufffd"), SMS_CHANNEL)),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str) -> None:
    sent, event = READ[name]
    assert SMS_CHANNEL.parse(posted(sent)) == event


@pytest.mark.parametrize("missing", ["MessageSid", "From", "Body"])
def test_what_is_needed(missing: str) -> None:
    with pytest.raises(Unreadable):
        SMS_CHANNEL.parse(posted(body(SMS_FORM, **{missing: None})))


@pytest.mark.parametrize("sent", [b"", b"{}", b"x" * (MAX_BODY + 1), b"&x=1" * (MAX_FIELDS + 1)])
def test_what_is_no_text(sent: bytes) -> None:
    with pytest.raises(Unreadable):
        SMS_CHANNEL.parse(posted(sent))


@pytest.mark.parametrize("sender", ["", "Unitel", "1508", "messenger:12345678", "whatsapp:", "whatsapp:Unitel"])
def test_whom_no_record_can_be_bound_to(sender: str) -> None:
    with pytest.raises(NoNumber):
        SMS_CHANNEL.parse(posted(body(SMS_FORM, From=sender)))


def test_each_kind_is_answered_by_its_own_carrier_and_in_its_own_room() -> None:
    assert (SMS_CHANNEL.carrier, WHATSAPP_CHANNEL.carrier) == ("twilio", "whatsapp")
    assert not SMS_CHANNEL.budget.fits("ກ" * 202)
    assert SMS_CHANNEL.budget.fits("ກ" * 201)
    assert WHATSAPP_CHANNEL.budget.fits("ກ" * 1_600)
    assert not WHATSAPP_CHANNEL.budget.fits("ກ" * 1_601)


def test_what_it_gets_back_says_nothing_to_anybody() -> None:
    reply = SMS_CHANNEL.taken()
    root = ET.fromstring(reply.body.encode())
    assert (root.tag, len(root), root.text) == ("Response", 0, None)
    assert (reply.status, reply.content_type.partition(";")[0]) == (200, "text/xml")


REPORT = {  # as Twilio posts it (providers 2.4)
    "SmsSid": SID,
    "SmsStatus": "sent",
    "MessageStatus": "sent",
    "To": NOY,
    "MessageSid": SID,
    "AccountSid": "AC" + "0" * 32,
    "From": "+14155550100",
    "ApiVersion": "2010-04-01",
}

REPORTED = {
    "accepted": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "queued": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.ACCEPTED,
    "partially_delivered": Status.ACCEPTED,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
    "receiving": None,
    "received": None,
    "of tomorrow": None,
}


@pytest.mark.parametrize("said", REPORTED)
def test_a_report_says_what_became_of_our_reference(said: str) -> None:
    found = parse_report(posted(body(REPORT, MessageStatus=said), query=f"ref={REF}"))
    assert (found and found.status) == REPORTED[said]
    assert found is None or found[:1] + found[2:4] == ("twilio", REF, "")


def test_a_report_without_our_reference_is_known_by_theirs() -> None:
    assert parse_report(posted(body(REPORT))) == Receipt("twilio", Status.ACCEPTED, provider_id=SID)
    ours = body(REPORT, From="whatsapp:+14155550100", MessageStatus="read")
    assert parse_report(posted(ours, query=f"ref={REF}")) == Receipt("whatsapp", Status.DELIVERED, ref=REF)


FAILURES = {
    "21610": Receipt("twilio", Status.FAILED, REF, why="opted out", opted_out=True),
    "30003": Receipt("twilio", Status.FAILED, REF, why="phone not reachable"),
    "30005": Receipt("twilio", Status.FAILED, REF, why="unknown phone"),
    "30006": Receipt("twilio", Status.FAILED, REF, why="landline or no such network"),
    "63016": Receipt("twilio", Status.FAILED, REF, why="outside the WhatsApp window"),
    "99999": Receipt("twilio", Status.FAILED, REF, why="error 99999"),
    "": Receipt("twilio", Status.FAILED, REF, why="not delivered"),
    "²1610": Receipt("twilio", Status.FAILED, REF, why="not delivered"),
    "+8562020000001": Receipt("twilio", Status.FAILED, REF, why="not delivered"),
}


@pytest.mark.parametrize("code", FAILURES)
def test_why_it_failed(code: str) -> None:
    sent = body(REPORT, MessageStatus="undelivered", ErrorCode=code)
    assert parse_report(posted(sent, query=f"ref={REF}")) == FAILURES[code]


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
def test_what_is_no_report(missing: str) -> None:
    with pytest.raises(Unreadable):
        parse_report(posted(body(REPORT, **{missing: None})))


class Post(NamedTuple):
    """A request as an adversary has it in hand, with all that was signed."""

    path: str
    query: str
    body: bytes
    signature: str

    def taken_by(self, is_genuine: Callable[..., bool]) -> bool:
        return is_genuine(posted(self.body, {SIGNATURE: self.signature}, self.path, self.query))


def sign(form: bytes, url: str, sha256: bool, secret: str = SECRET) -> str:
    """What Twilio would sign with, after its page "Validating requests": not by the library that is tested."""
    pairs = sorted(parse_qsl(form.decode(), keep_blank_values=True))
    text = url + "".join(name + value for name, value in pairs)
    digest = hmac.digest(secret.encode(), text.encode(), "sha256" if sha256 else "sha1")
    return base64.b64encode(digest).decode()


def genuine(sha256: bool) -> Post:
    path, query, form = "/in/twilio/a-token-of-nobody-012345/status", f"ref={REF}&x=%E0%BA%81", body(WHATSAPP_FORM)
    return Post(path, query, form, sign(form, f"{PUBLIC}{path}?{query}", sha256))


def meaning(form: bytes) -> object:
    """What a form says; two that say the same are one to the signature too."""
    try:
        pairs = parse_qsl(form.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return form
    return {name: {value for key, value in pairs if key == name} for name, _ in pairs}


def spoiled(chance: random.Random, text: bytes) -> bytes:
    """One byte changed, added or taken away, or a piece cut off."""
    at = chance.randrange(len(text))
    byte = bytes([chance.randrange(256)])
    return chance.choice(
        [text[:at] + byte + text[at + 1 :], text[:at] + byte + text[at:], text[:at] + text[at + 1 :], text[:at]]
    )


def forged(chance: random.Random, post: Post, sha256: bool) -> Post:
    """The same request with one thing changed that was signed, or signed by somebody else."""
    other = sign(post.body, f"{PUBLIC}{post.path}?{post.query}", sha256, spoiled(chance, SECRET.encode()).hex())
    signature = spoiled(chance, post.signature.encode()).decode("latin-1").translate({10: None, 13: None})
    path = spoiled(chance, post.path.encode()).decode("latin-1")
    query = spoiled(chance, post.query.encode()).decode("latin-1")
    return chance.choice(
        [
            post._replace(signature=signature),
            post._replace(signature=other),
            post._replace(path=path),
            post._replace(query=query),
            *2 * [post._replace(body=spoiled(chance, post.body))],
        ]
    )


@pytest.mark.parametrize("sha256", [False, True], ids=["SHA-1", "SHA-256"])
def test_of_5000_forgeries_none_is_taken(sha256: bool) -> None:
    is_genuine = signed_by(SECRET, PUBLIC, sha256)
    chance, post = random.Random(SEED), genuine(sha256)
    assert post.taken_by(is_genuine)
    said = meaning(post.body)
    tried = 0
    while tried < FORGERIES:
        forgery = forged(chance, post, sha256)
        if (forgery._replace(body=b""), meaning(forgery.body)) != (post._replace(body=b""), said):
            assert not forgery.taken_by(is_genuine), forgery
            tried += 1


@pytest.mark.parametrize("sha256", [False, True], ids=["SHA-1", "SHA-256"])
def test_only_the_algorithm_agreed_the_public_address_and_the_secret_will_do(sha256: bool) -> None:
    post = genuine(sha256)
    assert post.taken_by(signed_by(SECRET, PUBLIC, sha256))
    assert not post.taken_by(signed_by(SECRET, PUBLIC, not sha256))
    assert not post.taken_by(signed_by("", PUBLIC, sha256))
    assert not post.taken_by(signed_by(SECRET, PUBLIC.replace("https", "http"), sha256))
    assert not post.taken_by(signed_by(SECRET, "https://pakan.example.evil", sha256))
    assert not post._replace(signature="").taken_by(signed_by(SECRET, PUBLIC, sha256))


def test_what_no_header_says_changes_the_algorithm_or_the_address() -> None:
    post = genuine(sha256=True)
    lying = {
        SIGNATURE: post.signature,
        "X-Twilio-Webhooks-Signature-Settings": "key=any,algorithm=HMAC_SHA256",
        "Host": "evil.example",
        "X-Forwarded-Host": "pakan.example",
        "X-Forwarded-Proto": "https",
    }
    asked = posted(post.body, lying, post.path, post.query)
    assert not signed_by(SECRET, PUBLIC, sha256=False)(asked)
    assert not signed_by(SECRET, "https://evil.example", sha256=True)(asked)
    assert signed_by(SECRET, PUBLIC, sha256=True)(asked)


@pytest.mark.parametrize(
    "sent", [b"", b"x" * (MAX_BODY + 1), b"\xff", b"Body", b"a=1&" * 200, b'{"Body": "1"}'], ids=repr
)
def test_a_request_that_cannot_be_checked_is_refused_without_an_error(sent: bytes) -> None:
    is_genuine = signed_by(SECRET, PUBLIC, sha256=False)
    assert is_genuine(posted(sent, path="/in")) is False
    assert is_genuine(posted(sent, {SIGNATURE: "ກ" * 28}, "/in", "bodySHA256=00")) is False


def test_the_example_of_twilios_own_page() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    asked = posted(body(form), {SIGNATURE: "L/OH5YylLD5NRKLltdqwSvS0BnU="}, "/myapp.php", "foo=1&bar=2")
    assert signed_by("12345", "https://example.com", sha256=False)(asked)
    assert not signed_by("12346", "https://example.com", sha256=False)(asked)


def test_the_provider_takes_texts_and_reports_at_their_addresses_and_by_post_alone() -> None:
    provider = twilio(signed_by(SECRET, PUBLIC, sha256=False))
    assert (provider.name, set(provider.texts), set(provider.receipts)) == ("twilio", {"message"}, {"status"})
    assert provider.methods == {"POST"}
    assert not genuine(sha256=True).taken_by(provider.is_genuine)
    assert genuine(sha256=False).taken_by(provider.is_genuine)
