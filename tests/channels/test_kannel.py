"""Kannel's requests as its smsbox 1.4.5 sends them, and an smsbox that answers as it does, and worse."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic, sleep
from urllib.parse import quote_plus

import pytest

from gateway.channels.africastalking import UssdChannel
from gateway.channels.connections import connected
from gateway.channels.forms import MAX_BODY, MAX_FIELDS
from gateway.channels.kannel import SmsCarrier, SmsChannel, kannel, parse_report
from gateway.channels.kannel_ussd import DIALECTS
from gateway.channels.kannel_ussd import UssdChannel as KannelUssd
from gateway.channels.port import NoNumber, Reply, Texted, Unreadable
from gateway.outbox.port import (
    WIRE_SECONDS,
    Kind,
    Message,
    Outcome,
    Receipt,
    Refused,
    Retry,
    Sent,
    Status,
    Unknown,
)
from gateway.outbox.wire import SECONDS
from gateway.settings import read_settings
from gateway.text.alphabet import USSD
from gateway.text.typed import Typed
from tests.asked import got, posted
from tests.channels.peers.peer import BROKEN, LATE, Answer, Peer, peer
from tests.conftest import TOKEN
from tests.faults import refused_port

NOY = "+8562020000001"
ID = "b7f1c3d2-0000-4000-8000-000000000001"
REF = "0e9c3c8e-5a55-4c5f-9f0e-3f6a2b1c7d10"
USERNAME, PASSWORD = "synthetic-user", "synthetic Password #1"
PATH = "/cgi-bin/sendsms"
REPORTS_TO = f"http://127.0.0.1:8000/in/kannel/{TOKEN}/delivery"
LAO = "ລະຫັດຂອງທ່ານ: 000123. ໃຊ້ໄດ້ 5 ນາທີ. ຫ້າມບອກຜູ້ໃດ."
LATIN = "Your code: 000123. Good for 5 minutes. @£ {€} [~] \\ ^|"
NOW = 1_795_410_000
MESSAGE = Message(REF, Kind.CODE, NOY, LAO, expires_at=0)
SLACK = 1.0  # seconds a loaded machine may add

LAO_HEADERS = {
    "Content-Type": 'text/plain; charset="UTF-16BE"',
    "X-Kannel-From": NOY,
    "X-Kannel-Coding": "2",
    "X-Kannel-Service": "default",
}
LATIN_HEADERS = {"Content-Type": "text/plain; charset=UTF-8", "X-Kannel-From": NOY, "X-Kannel-Coding": "0"}
GREETING = bytes.fromhex("0eaa0eb00e9a0eb20e8d0e940eb500200031")  # as smsbox posted it (providers 3.2)
HELLO = "ສະບາຍດີ 1"


def query(text: bytes, charset: str = "UTF-8", coding: str = "0", sender: str = NOY, name: str = ID) -> str:
    """What `get-url = ".../sms?id=%I&from=%q&text=%b&charset=%C&coding=%c"` becomes."""
    fields: dict[str, str | bytes] = {
        "id": name,
        "from": sender,
        "text": text,
        "charset": charset,
        "coding": coding,
    }
    return "&".join(f"{field}={quote_plus(value)}" for field, value in fields.items())


POSTED = {
    "Lao": (LAO_HEADERS, GREETING, Typed(HELLO)),
    "Latin": (LATIN_HEADERS, b"GETME hello world #1*2*3", Typed("GETME hello world #1*2*3")),
    "letters of GSM-7": (LATIN_HEADERS, "Ω€{é".encode(), Typed("Ω€{é")),
    "nothing written": (LATIN_HEADERS, b"", Typed("")),
    "an emoji": (LAO_HEADERS, "😀".encode("utf-16-be"), Typed("😀")),
    "half a letter": (LAO_HEADERS, GREETING[:3], Typed("ສ\ufffd")),
    "broken UTF-8": (LATIN_HEADERS, b"\xff", Typed("\ufffd")),
    "recoded by mo-recode": (
        {**LATIN_HEADERS, "Content-Type": 'text/plain; charset="ISO-8859-1"'},
        b"\xe9",
        Typed("é"),
    ),
    "no charset said": ({**LATIN_HEADERS, "Content-Type": "text/plain"}, b"x", Typed("x")),
}


@pytest.mark.parametrize("name", POSTED)
def test_a_text_that_is_posted(name: str) -> None:
    headers, body, text = POSTED[name]
    assert SmsChannel().parse(posted(body, headers, query=f"id={ID}")) == Texted(ID, NOY, text)


GOT = {
    "Lao": (query(GREETING, "UTF-16BE", "2"), Texted(ID, NOY, Typed(HELLO))),
    "Latin, with every space": (query(b"hello   world"), Texted(ID, NOY, Typed("hello   world"))),
    "a plus and a percent": (query(b"1+1=2 & 100%"), Texted(ID, NOY, Typed("1+1=2 & 100%"))),
    "a number without its plus": (query(b"x", sender="8562020000001"), Texted(ID, NOY, Typed("x"))),
    "a number as people write it": (query(b"x", sender="02020000001"), Texted(ID, NOY, Typed("x"))),
    "nothing said of the alphabet": (f"id={ID}&from=%2B8562020000001&text=x", Texted(ID, NOY, Typed("x"))),
    "8-bit data": (query(b"\x00\x01", coding="1"), None),
}


@pytest.mark.parametrize("name", GOT)
def test_a_text_that_is_got(name: str) -> None:
    sent, text = GOT[name]
    assert SmsChannel().parse(got(sent)) == text


@pytest.mark.parametrize(
    "sent",
    [
        "",
        query(b"x", name=""),
        f"id={ID}&from=%2B8562020000001",
        query(b"x", charset="EBCDIC"),
        query(b"x", charset="../x"),
        "&x=1" * (MAX_FIELDS + 1),
        query(b"x" * MAX_BODY),
    ],
)
def test_what_is_no_text(sent: str) -> None:
    with pytest.raises(Unreadable):
        SmsChannel().parse(got(sent))


def test_what_is_no_posted_text() -> None:
    for name, body in (("", b"x"), (f"id={ID}", b"x" * (MAX_BODY + 1))):
        with pytest.raises(Unreadable):
            SmsChannel().parse(posted(body, LATIN_HEADERS, query=name))


@pytest.mark.parametrize("sender", ["", "Unitel", "1508", "anonymous"])
def test_whom_no_record_can_be_bound_to(sender: str) -> None:
    with pytest.raises(NoNumber):
        SmsChannel().parse(got(query(b"x", sender=sender)))


def test_kannel_has_nothing_to_send_on() -> None:
    assert SmsChannel().taken() == Reply("")


REPORTS = {
    "1": Receipt("kannel", Status.DELIVERED, REF),
    "2": Receipt("kannel", Status.FAILED, REF, why="not delivered"),
    "4": Receipt("kannel", Status.ACCEPTED, REF),
    "8": Receipt("kannel", Status.ACCEPTED, REF),
    "16": Receipt("kannel", Status.FAILED, REF, why="refused by the operator"),
    "32": None,
    "%d": None,
    "໑": None,
}


@pytest.mark.parametrize("status", REPORTS)
def test_a_report_says_what_became_of_our_reference(status: str) -> None:
    assert parse_report(got(f"ref={REF}&status={quote_plus(status)}")) == REPORTS[status]


@pytest.mark.parametrize("sent", ["", "status=1", f"ref={REF}", "ref=&status=1"])
def test_what_is_no_report(sent: str) -> None:
    with pytest.raises(Unreadable):
        parse_report(got(sent))


@pytest.fixture
def smsbox() -> Iterator[Peer]:
    with peer() as server:
        server.answers = [TAKEN]
        yield server


TAKEN = Answer(202, "0: Accepted for delivery")


def carrier(smsbox: Peer, seconds: float = 5.0) -> SmsCarrier:
    return SmsCarrier(smsbox.url + PATH, USERNAME, PASSWORD, REPORTS_TO, seconds, lambda: NOW)


@pytest.mark.parametrize(("text", "coding"), [(LAO, "2"), (LATIN, "0"), ("ê", "2"), ("line\nline", "0")])
def test_a_text_leaves_byte_for_byte_and_nothing_of_it_in_the_address(
    smsbox: Peer, text: str, coding: str
) -> None:
    assert carrier(smsbox).send(MESSAGE._replace(text=text)) == Sent()
    [request] = smsbox.got
    assert (request.path, request.body) == (PATH, text.encode())
    assert request.headers["Content-Type"] == "text/plain; charset=UTF-8"
    theirs = {name: value for name, value in request.headers.items() if name.startswith("X-Kannel-")}
    assert theirs == {
        "X-Kannel-Username": USERNAME,
        "X-Kannel-Password": PASSWORD,
        "X-Kannel-To": NOY,
        "X-Kannel-Coding": coding,
        "X-Kannel-DLR-Mask": "27",
        "X-Kannel-DLR-Url": f"{REPORTS_TO}?ref={REF}&status=%d",
    }


def test_its_own_report_is_one_we_read(smsbox: Peer) -> None:
    carrier(smsbox).send(MESSAGE)
    _, _, sent = smsbox.got[0].headers["X-Kannel-DLR-Url"].partition("?")
    assert parse_report(got(sent.replace("%d", "1"))) == REPORTS["1"]


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(300, "5"), (359, "5"), (59, "1"), (1, "1"), (-60, "1"), (86_400, "1440")]
)
def test_the_operator_is_told_how_long_a_text_is_good(smsbox: Peer, seconds: int, minutes: str) -> None:
    carrier(smsbox).send(MESSAGE._replace(expires_at=NOW + seconds))
    assert smsbox.got[0].headers["X-Kannel-Validity"] == minutes


ILL = {"provider_is_ill": True}
SAID: dict[str, tuple[Answer, Outcome]] = {
    "taken": (TAKEN, Sent()),
    "no operator is up: it keeps it": (Answer(202, "3: Queued for later delivery"), Sent()),
    "taken, by an older one": (Answer(200, "0: Accepted for delivery"), Sent()),
    "on a list": (
        Answer(400, "Number(s) has/have been denied by white- and/or black-lists."),
        Refused("denied by a list of numbers"),
    ),
    "no sender": (
        Answer(400, "Sender missing and no global set, rejected"),
        Retry("no global-sender", **ILL),
    ),
    "no text/plain": (Answer(400, "Unsupported content-type, rejected"), Retry("another smsbox", **ILL)),
    "no number": (Answer(400, "Missing receiver number, rejected"), Refused("answered 400")),
    "a wrong password": (Answer(403, "Authorization failed for sendsms"), Retry("answered 403", **ILL)),
    "a wrong address": (Answer(404, "Unknown request."), Retry("answered 404", **ILL)),
    "a redirect": (Answer(302, "0: Accepted", {"Location": "http://127.0.0.1:1/"}), Retry("answered 302", **ILL)),
    "no room": (Answer(503, "Temporal failure, try again later."), Retry("answered 503", None, **ILL)),
    "it broke": (Answer(500, "0: Accepted for delivery"), Unknown("answered 500")),
    "it says nothing": (Answer(202, ""), Unknown("not understood")),
    "it says something else": (Answer(202, "10: Accepted, or not"), Unknown("not understood")),
    "another server": (Answer(200, "<html>"), Unknown("not understood")),
}


@pytest.mark.parametrize("name", SAID)
def test_what_an_answer_means_and_that_it_is_asked_once(smsbox: Peer, name: str) -> None:
    said, outcome = SAID[name]
    smsbox.answers = [said]
    assert carrier(smsbox).send(MESSAGE) == outcome
    assert len(smsbox.got) == 1


@pytest.mark.parametrize("manner", BROKEN)
def test_what_broke_after_it_left_is_unknown_and_is_tried_once(smsbox: Peer, manner: str) -> None:
    smsbox.manner = manner
    assert carrier(smsbox).send(MESSAGE) == Unknown("no answer")
    assert len(smsbox.got) == 1


@pytest.mark.parametrize("manner", LATE)
def test_a_slow_smsbox_costs_the_time_agreed_and_no_thread(smsbox: Peer, manner: str) -> None:
    smsbox.manner = manner
    began = monotonic()
    assert carrier(smsbox, seconds=0.7).send(MESSAGE) == Unknown("no answer")
    assert 0.7 <= monotonic() - began < 0.7 + SLACK
    until = monotonic() + SLACK
    while any(thread.name == "provider" for thread in threading.enumerate()) and monotonic() < until:
        sleep(0.01)
    assert not any(thread.name == "provider" for thread in threading.enumerate())


def test_what_was_never_connected_has_not_left() -> None:
    closed = SmsCarrier(f"http://127.0.0.1:{refused_port()}{PATH}", USERNAME, PASSWORD, REPORTS_TO)
    assert closed.send(MESSAGE) == Retry("not reached", provider_is_ill=True)


def test_an_attempt_is_shorter_than_a_lease_allows(smsbox: Peer) -> None:
    assert SmsCarrier("http://127.0.0.1", "", "", "").seconds == SECONDS < WIRE_SECONDS


def test_it_has_nothing_to_ask(smsbox: Peer) -> None:
    assert carrier(smsbox).finds is False
    assert isinstance(carrier(smsbox).find(REF), Unknown)
    assert smsbox.got == []


def test_nothing_of_it_is_said(smsbox: Peer, caplog: pytest.LogCaptureFixture) -> None:
    one = carrier(smsbox)
    said = [repr(one)]
    for reply, _ in SAID.values():
        smsbox.answers = [reply]
        said.append(repr(one.send(MESSAGE)))
    for secret in (NOY, NOY[4:], "000123", LAO, PASSWORD, TOKEN):
        assert secret not in "\n".join([*said, caplog.text])


def test_it_is_one_provider_whose_texts_its_own_carrier_answers(smsbox: Peer) -> None:
    provider = kannel(carrier(smsbox), KannelUssd(USSD, "*1508#", DIALECTS["smpp"]))
    assert (provider.name, set(provider.texts), set(provider.receipts)) == ("kannel", {"sms"}, {"delivery"})
    assert set(provider.calls) == {"ussd"}
    assert provider.methods == {"GET", "POST"}
    assert [one.name for one in provider.carriers] == [provider.texts["sms"].carrier]


def test_it_is_connected_where_its_address_is_set_and_reports_where_it_reaches_us(smsbox: Peer) -> None:
    settings = {
        "kannel_sendsms_url": smsbox.url + PATH,
        "kannel_username": USERNAME,
        "kannel_password": PASSWORD,
        "kannel_dlr_url": "http://10.0.0.7:8000",
    }
    ussd = UssdChannel(USSD)
    assert "kannel" not in {provider.name for provider in connected(read_settings(), ussd, TOKEN)}
    [provider] = [one for one in connected(read_settings(settings), ussd, TOKEN) if one.name == "kannel"]
    [sms] = provider.carriers
    assert sms.send(MESSAGE) == Sent()
    assert (
        smsbox.got[0].headers["X-Kannel-DLR-Url"].startswith(f"http://10.0.0.7:8000/in/kannel/{TOKEN}/delivery?")
    )
