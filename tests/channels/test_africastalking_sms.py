"""Africa's Talking SMS: its callbacks as it posts them, and a peer that answers as it was recorded, and worse."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from time import monotonic, sleep
from urllib.parse import urlencode

import pytest
from africastalking.SMS import SMSService

from gateway.channels.africastalking import UssdChannel, africastalking
from gateway.channels.africastalking_sms import SmsCarrier, SmsChannel, parse_opt_out, parse_report
from gateway.channels.forms import MAX_BODY, MAX_FIELDS
from gateway.channels.port import Left, NoNumber, Texted, Unreadable
from gateway.outbox.port import (
    WIRE_SECONDS,
    Kind,
    Message,
    OptedOut,
    Outcome,
    Receipt,
    Refused,
    Retry,
    Sent,
    Status,
    Unknown,
)
from gateway.outbox.wire import SECONDS
from gateway.text.alphabet import USSD
from gateway.text.typed import Typed
from tests.asked import posted
from tests.channels.peers.peer import BROKEN, LATE, Answer, Peer, peer
from tests.faults import refused_port

NOY = "+8562020000001"
REF = "0e9c3c8e-5a55-4c5f-9f0e-3f6a2b1c7d10"
USERNAME, KEY = "synthetic-user", "synthetic Key #1"
LAO = "LSSO: ເດືອນ 10/2026 ຖອກແລ້ວ. 1.250.000 ກີບ & +ອື່ນໆ"
MESSAGE = Message(REF, Kind.REMINDER, NOY, LAO, expires_at=0)
SLACK = 3.0  # seconds a loaded machine may add; a peer that trickles would cost eight

INCOMING = {  # as it posts it (providers 1.3)
    "date": "2026-11-23 05:00:00",
    "from": NOY,
    "id": "9f7f9c6c-0000-4000-8000-000000000001",
    "linkId": "SampleLinkId123",
    "text": "PAID? ຖອກ 1+1 & 2",
    "to": "1508",
    "cost": "None",
    "networkCode": "99999",
}
REPORT = {
    "id": "ATXid_00000001",
    "status": "Success",
    "phoneNumber": NOY,
    "networkCode": "99999",
    "retryCount": "0",
}


def body(form: dict[str, str], **changes: str | None) -> bytes:
    merged = {**form, **changes}
    return urlencode({name: value for name, value in merged.items() if value is not None}).encode()


def text(**changes: str | None) -> bytes:
    """A text as it comes in, some of it changed; `sender` is its field `from`."""
    sender = changes.pop("sender", NOY)
    return body({**INCOMING, "from": sender or ""}, **changes)


READ = {
    "a text": (text(), Texted(INCOMING["id"], NOY, Typed(INCOMING["text"]))),
    "no linkId": (text(linkId=None), Texted(INCOMING["id"], NOY, Typed(INCOMING["text"]))),
    "nothing written": (text(text=""), Texted(INCOMING["id"], NOY, Typed(""))),
    "a number as people write it": (
        text(sender="020 2000 0001"),
        Texted(INCOMING["id"], NOY, Typed(INCOMING["text"])),
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str) -> None:
    sent, event = READ[name]
    assert SmsChannel().parse(posted(sent)) == event


@pytest.mark.parametrize(
    "sent",
    [
        text(id=None),
        text(id=""),
        text(text=None),
        body({"id": "1", "text": "x"}),
        b"",
        b"x" * (MAX_BODY + 1),
        b"&x=1" * (MAX_FIELDS + 1),
    ],
)
def test_what_is_no_text(sent: bytes) -> None:
    with pytest.raises(Unreadable):
        SmsChannel().parse(posted(sent))


@pytest.mark.parametrize("sender", ["", "Unitel", "1508", "None"])
def test_whom_no_record_can_be_bound_to(sender: str) -> None:
    with pytest.raises(NoNumber):
        SmsChannel().parse(posted(text(sender=sender)))


REPORTS = {
    "Sent": Status.ACCEPTED,
    "Submitted": Status.ACCEPTED,
    "Buffered": Status.ACCEPTED,
    "Success": Status.DELIVERED,
    "Failed": Status.FAILED,
    "Rejected": Status.FAILED,
    "AbsentSubscriber": Status.FAILED,
    "Expired": Status.FAILED,
    "Of tomorrow": None,
}


@pytest.mark.parametrize("said", REPORTS)
def test_a_report_says_what_became_of_their_id(said: str) -> None:
    found = parse_report(posted(body(REPORT, status=said)))
    assert (found and found.status) == REPORTS[said]
    assert found is None or (found.carrier, found.provider_id, found.ref) == ("africastalking", REPORT["id"], "")


@pytest.mark.parametrize(
    ("reason", "why", "out"),
    [
        ("UserInBlackList", "opted out", True),
        ("NotNetworkSubcriber", "not of this network", False),
        ("NotNetworkSubscriber", "not of this network", False),
        ("UserDoesNotExist", "unknown phone", False),
        ("InsufficientCredit", "no credit", False),
        ("OfTomorrow", "not delivered", False),
        (None, "not delivered", False),
    ],
)
def test_why_it_failed(reason: str | None, why: str, out: bool) -> None:
    for status in ("Failed", "Rejected"):
        found = parse_report(posted(body(REPORT, status=status, failureReason=reason)))
        assert found == Receipt("africastalking", Status.FAILED, "", REPORT["id"], why, out)


@pytest.mark.parametrize("missing", ["id", "status"])
def test_what_is_no_report(missing: str) -> None:
    with pytest.raises(Unreadable):
        parse_report(posted(body(REPORT, **{missing: None})))


def test_who_opted_out_stays_away() -> None:
    assert parse_opt_out(posted(body({"senderId": "LSSO", "phoneNumber": NOY}))) == Left(NOY)
    for nobody in ({"senderId": "LSSO"}, {"phoneNumber": "Unitel"}):
        with pytest.raises(NoNumber):
            parse_opt_out(posted(body(nobody)))


@pytest.fixture
def provider() -> Iterator[Peer]:
    with peer() as server:
        yield server


def carrier(provider: Peer, seconds: float = 5.0, sender: str = "LSSO") -> SmsCarrier:
    return SmsCarrier(provider.url, USERNAME, KEY, sender, seconds)


def answer(code: int, name: str = "ATXid_00000001", message: str = "Sent to 1/1 Total Cost: LAK 150") -> Answer:
    recipient = {"statusCode": code, "number": NOY, "cost": "LAK 150", "status": "Any", "messageId": name}
    return Answer(201, json.dumps({"SMSMessageData": {"Message": message, "Recipients": [recipient]}}))


def nobody(message: str) -> Answer:
    return Answer(201, json.dumps({"SMSMessageData": {"Message": message, "Recipients": []}}))


ILL = {"provider_is_ill": True}
SAID: dict[str, tuple[Answer, Outcome]] = {
    "processed": (answer(100), Sent("ATXid_00000001")),
    "sent": (answer(101), Sent("ATXid_00000001")),
    "queued": (answer(102), Sent("ATXid_00000001")),
    "taken, and no id": (answer(101, "None"), Sent("")),
    "held": (answer(401, "None"), Refused("held as a risk")),
    "our name is not registered": (answer(402, "None"), Retry("sender not registered", **ILL)),
    "no number": (answer(403, "None"), Refused("no phone number")),
    "a landline": (answer(404, "None"), Refused("kind of number")),
    "no money": (answer(405, "None"), Retry("no credit", **ILL)),
    "on the black list": (answer(406, "None"), OptedOut()),
    "no route": (answer(407, "None"), Refused("no route")),
    "do not disturb": (answer(409, "None"), Refused("kept away by the network")),
    "its own error": (answer(500, "None"), Retry("internal error", **ILL)),
    "the gateway's": (answer(501, "None"), Retry("gateway error", **ILL)),
    "refused by the gateway": (answer(502, "None"), Refused("refused by the gateway")),
    "a code of tomorrow": (answer(777, "None"), Refused("error 777")),
    "an error in a 201": (nobody("InvalidSenderId"), Retry("sender not registered", **ILL)),
    "another in a 201": (nobody("OfTomorrow"), Refused("no recipient")),
    "a wrong key": (Answer(401, "The supplied authentication is invalid"), Retry("answered 401", **ILL)),
    "a wrong address": (Answer(404, "<html>"), Retry("answered 404", **ILL)),
    "a redirect": (Answer(302, "", {"Location": "http://127.0.0.1:1/"}), Retry("answered 302", **ILL)),
    "a bad request": (Answer(400, "Required parameter is missing"), Refused("answered 400")),
    "too fast": (Answer(429, "", {"Retry-After": "7"}), Retry("answered 429", 7.0, **ILL)),
    "too fast, not saying how long": (Answer(429, ""), Retry("answered 429", None, **ILL)),
    "closed for the day": (Answer(503, "", {"Retry-After": "999999999"}), Retry("answered 503", 86_400.0, **ILL)),
    "closed until long ago": (
        Answer(503, "", {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
        Retry("answered 503", 0.0, **ILL),
    ),
    "closed until nobody knows": (Answer(503, "", {"Retry-After": "soon"}), Retry("answered 503", None, **ILL)),
    "its server broke": (Answer(500, answer(101).body), Unknown("answered 500")),
    "a proxy broke": (Answer(502, "<html>"), Unknown("answered 502")),
    "a page of HTML": (Answer(200, "<html>"), Unknown("not understood")),
    "JSON of something else": (Answer(201, "[1, 2]"), Unknown("not understood")),
    "two recipients": (
        Answer(201, json.dumps({"SMSMessageData": {"Message": "", "Recipients": [{}, {}]}})),
        Unknown("not understood"),
    ),
    "a recipient without a code": (
        Answer(201, json.dumps({"SMSMessageData": {"Message": "", "Recipients": [{"messageId": "x"}]}})),
        Unknown("not understood"),
    ),
    "half an answer": (Answer(201, answer(101).body[:40]), Unknown("not understood")),
}


@pytest.mark.parametrize("name", SAID)
def test_what_an_answer_means(provider: Peer, name: str) -> None:
    said, outcome = SAID[name]
    provider.answers = [said]
    assert carrier(provider).send(MESSAGE) == outcome
    assert len(provider.got) == 1


@pytest.mark.parametrize("sender", ["", "LSSO"])
def test_the_request_is_the_one_their_own_sdk_makes(provider: Peer, sender: str) -> None:
    provider.answers = [answer(101)]
    carrier(provider, sender=sender).send(MESSAGE)
    theirs = SMSService(USERNAME, KEY)
    theirs._baseUrl = provider.url + "/version1"
    theirs.send(LAO, [NOY], sender or None)
    [our, their] = provider.got
    assert (our.path, our.form) == (their.path, their.form)
    for header in ("apiKey", "Accept", "Content-Type"):
        assert our.headers[header] == their.headers[header]
    assert our.form["message"] == LAO


@pytest.mark.parametrize("manner", BROKEN)
def test_what_broke_after_it_left_is_unknown_and_is_tried_once(provider: Peer, manner: str) -> None:
    provider.manner = manner
    assert carrier(provider).send(MESSAGE) == Unknown("no answer")
    assert len(provider.got) == 1


@pytest.mark.parametrize("manner", LATE)
def test_a_slow_peer_costs_the_time_agreed_and_no_thread(provider: Peer, manner: str) -> None:
    provider.manner = manner
    began = monotonic()
    assert carrier(provider, seconds=0.7).send(MESSAGE) == Unknown("no answer")
    assert 0.7 <= monotonic() - began < 0.7 + SLACK
    until = monotonic() + SLACK
    while any(thread.name == "provider" for thread in threading.enumerate()) and monotonic() < until:
        sleep(0.01)
    assert not any(thread.name == "provider" for thread in threading.enumerate())


def test_what_was_never_connected_has_not_left() -> None:
    closed = SmsCarrier(f"http://127.0.0.1:{refused_port()}", USERNAME, KEY)
    assert closed.send(MESSAGE) == Retry("not reached", provider_is_ill=True)


def test_an_attempt_is_shorter_than_a_lease_allows() -> None:
    assert 0 < SECONDS < WIRE_SECONDS
    assert SmsCarrier("http://127.0.0.1", USERNAME, KEY).seconds == SECONDS


def test_it_has_nothing_to_ask(provider: Peer) -> None:
    assert carrier(provider).finds is False
    assert isinstance(carrier(provider).find(REF), Unknown)
    assert provider.got == []


def test_nothing_of_it_is_said(provider: Peer, caplog: pytest.LogCaptureFixture) -> None:
    one = carrier(provider)
    said = [repr(one)]
    for reply, _ in SAID.values():
        provider.answers = [reply]
        said.append(repr(one.send(MESSAGE)))
    for secret in (NOY, NOY[4:], LAO, KEY):
        assert secret not in "\n".join([*said, caplog.text])


def test_texts_are_taken_only_where_they_can_be_answered(provider: Peer) -> None:
    ussd = UssdChannel(USSD)
    bare, whole = africastalking(ussd), africastalking(ussd, carrier(provider))
    assert (set(bare.texts), set(bare.receipts), set(bare.leavings), list(bare.carriers)) == (
        set(),
        set(),
        set(),
        [],
    )
    assert (set(whole.texts), set(whole.receipts), set(whole.leavings)) == ({"sms"}, {"delivery"}, {"opt-out"})
    assert [one.name for one in whole.carriers] == [whole.texts["sms"].carrier]
    assert set(whole.calls) == set(bare.calls) == {"ussd"}
