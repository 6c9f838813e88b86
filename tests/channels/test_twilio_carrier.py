"""What Twilio takes from us, by a double that knows its own OpenAPI, and what each of its answers means."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from gateway.channels import twilio_carrier
from gateway.channels.twilio import CODES
from gateway.channels.twilio_carrier import MAX_VALIDITY, Account, SmsCarrier, WhatsAppCarrier
from gateway.outbox import wire
from gateway.outbox.port import Kind, Message, OptedOut, Outcome, Refused, Retry, Sent, Unknown
from tests.channels.peers.peer import BROKEN, LATE, Answer, Peer, peer
from tests.faults import refused_port

PEERS = Path(__file__).parent / "peers"
NOY = "+8562020000001"
REF = "0e9c3c8e-5a55-4c5f-9f0e-3f6a2b1c7d10"
SID, TOKEN = "AC" + "0" * 32, "synthetic-auth-token-of-nobody-1"
OURS, SERVICE, TEMPLATE = "+14155550100", "MG" + "0" * 32, "HX" + "0" * 32
REPORTS_TO = "https://pakan.example/in/twilio/a-token-of-nobody-012345/status"
LAO = "LSSO: ເດືອນ 10/2026 ຖອກແລ້ວ.\n1 1.250.000 ກີບ & +ອື່ນໆ"
NOW = 1_795_410_000
MESSAGE = Message(REF, Kind.REPLY, NOY, LAO, expires_at=0)
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
SLACK = 3.0  # seconds a loaded machine may add; a peer that trickles would cost eight
READY_SECONDS = 60  # Prism's first start on a loaded machine


def account(url: str) -> Account:
    return Account(SID, TOKEN, url, REPORTS_TO)


def sms(url: str, sender: str = OURS) -> SmsCarrier:
    return SmsCarrier(account(url), sender, lambda: NOW)


@pytest.fixture
def provider() -> Iterator[Peer]:
    with peer() as server:
        server.answers = [TAKEN]
        yield server


TAKEN = Answer(201, json.dumps({"sid": "SM" + "a" * 32, "status": "queued", "error_code": None}))


def error(status: int, code: int, **headers: str) -> Answer:
    told = {"code": code, "message": f"about {NOY}", "more_info": "", "status": status}
    return Answer(status, json.dumps(told), headers)


ILL = {"provider_is_ill": True}
SAID: dict[str, tuple[Answer, Outcome]] = {
    "taken": (TAKEN, Sent("SM" + "a" * 32)),
    "opted out": (error(400, 21610), OptedOut()),
    "no number": (error(400, 21211), Refused("no phone number")),
    "no mobile": (error(400, 21614), Refused("not a mobile")),
    "a landline": (error(400, 21635), Refused("landline")),
    "another country": (error(400, 21408), Refused("country not enabled")),
    "too long": (error(400, 21617), Refused("too long")),
    "its queue is full": (error(400, 21611), Retry("queue full", **ILL)),
    "a code of tomorrow": (error(400, 29999), Refused("error 29999")),
    "a problem by RFC 9457": (
        Answer(400, json.dumps({"type": "about:blank", "title": "x", "status": 400, "code": 21610})),
        OptedOut(),
    ),
    "no words": (Answer(400, "<html>"), Refused("error 400")),
    "a code of words": (Answer(400, json.dumps({"code": f"about {NOY}"})), Refused("not delivered")),
    "too fast": (error(429, 20429, **{"Retry-After": "3"}), Retry("answered 429", 3.0, **ILL)),
    "a wrong token": (error(401, 20003), Retry("answered 401", **ILL)),
    "another account": (error(404, 20404), Retry("answered 404", **ILL)),
    "a redirect": (Answer(307, "", {"Location": "http://127.0.0.1:1/"}), Retry("answered 307", **ILL)),
    "closed": (Answer(503, "", {"Retry-After": "60"}), Retry("answered 503", 60.0, **ILL)),
    "broken": (error(500, 20500), Unknown("answered 500")),
    "a proxy broke": (Answer(502, "<html>"), Unknown("answered 502")),
    "a page of HTML": (Answer(200, "<html>"), Unknown("not understood")),
    "JSON of something else": (Answer(201, "[1]"), Unknown("not understood")),
    "a message without a name": (Answer(201, json.dumps({"sid": None})), Unknown("not understood")),
    "half an answer": (Answer(201, TAKEN.body[:20]), Unknown("not understood")),
}


@pytest.mark.parametrize("name", SAID)
def test_what_an_answer_means(provider: Peer, name: str) -> None:
    said, outcome = SAID[name]
    provider.answers = [said]
    assert sms(provider.url).send(MESSAGE) == outcome
    assert len(provider.got) == 1


def test_an_sms_is_written_as_twilio_reads_it(provider: Peer) -> None:
    sms(provider.url).send(MESSAGE)
    sms(provider.url, SERVICE).send(MESSAGE._replace(expires_at=NOW + 300))
    [one, other] = provider.got
    assert one.path == PATH
    assert one.headers["Authorization"] == "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert one.form == {"To": NOY, "From": OURS, "Body": LAO, "StatusCallback": f"{REPORTS_TO}?ref={REF}"}
    assert (other.form["MessagingServiceSid"], other.form["ValidityPeriod"]) == (SERVICE, "300")
    assert "From" not in other.form


@pytest.mark.parametrize(("life", "validity"), [(-5, 1), (0, 1), (59, 59), (10**6, MAX_VALIDITY)])
def test_the_operator_is_told_how_long_a_text_is_good(provider: Peer, life: int, validity: int) -> None:
    sms(provider.url).send(MESSAGE._replace(expires_at=NOW + life))
    assert provider.got[0].form["ValidityPeriod"] == str(validity)


def test_a_reply_by_whatsapp_is_free_words(provider: Peer) -> None:
    assert WhatsAppCarrier(account(provider.url), OURS, TEMPLATE).send(MESSAGE) == Sent("SM" + "a" * 32)
    [got] = provider.got
    assert (got.form["To"], got.form["From"]) == (f"whatsapp:{NOY}", f"whatsapp:{OURS}")
    assert got.form["Body"] == LAO
    assert "ContentSid" not in got.form


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.REPLY}))
def test_whatever_she_did_not_ask_for_is_a_template(provider: Peer, kind: Kind) -> None:
    message = MESSAGE._replace(kind=kind)
    assert isinstance(WhatsAppCarrier(account(provider.url), OURS, TEMPLATE).send(message), Sent)
    [got] = provider.got
    assert got.form["ContentSid"] == TEMPLATE
    assert json.loads(got.form["ContentVariables"]) == {"1": LAO.replace("\n", " ")}
    assert "Body" not in got.form
    refused = WhatsAppCarrier(account(provider.url), OURS).send(message)
    assert refused == Refused("outside the WhatsApp window")
    assert len(provider.got) == 1


def test_a_reply_too_late_for_free_words_goes_as_the_template(provider: Peer) -> None:
    provider.answers = [error(400, 63016), TAKEN]
    assert isinstance(WhatsAppCarrier(account(provider.url), OURS, TEMPLATE).send(MESSAGE), Sent)
    assert [set(got.form) & {"Body", "ContentSid"} for got in provider.got] == [{"Body"}, {"ContentSid"}]
    provider.answers = [error(400, 63016)]
    refused = WhatsAppCarrier(account(provider.url), OURS).send(MESSAGE)
    assert refused == Refused("outside the WhatsApp window")
    assert len(provider.got) == 3


@pytest.mark.parametrize("manner", BROKEN)
def test_what_broke_after_it_left_is_unknown_and_is_tried_once(provider: Peer, manner: str) -> None:
    provider.manner = manner
    assert sms(provider.url).send(MESSAGE) == Unknown("no answer")
    assert WhatsAppCarrier(account(provider.url), OURS, TEMPLATE).send(MESSAGE) == Unknown("no answer")
    assert len(provider.got) == 2


@pytest.mark.parametrize("manner", LATE)
def test_a_slow_peer_costs_the_time_agreed(provider: Peer, manner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_carrier, "SECONDS", 0.7)
    provider.manner = manner
    carrier = sms(provider.url)
    began = monotonic()
    assert carrier.send(MESSAGE) == Unknown("no answer")
    assert 0.7 <= monotonic() - began < 0.7 + SLACK


def test_what_was_never_connected_has_not_left() -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    for carrier in (sms(url), WhatsAppCarrier(account(url), OURS, TEMPLATE)):
        assert carrier.send(MESSAGE) == Retry("not reached", provider_is_ill=True)


def test_it_cannot_be_asked(provider: Peer) -> None:
    for carrier in (sms(provider.url), WhatsAppCarrier(account(provider.url), OURS)):
        assert carrier.finds is False
        assert isinstance(carrier.find(REF), Unknown)
    assert provider.got == []


def test_no_proxy_region_or_edge_of_the_environment_sees_a_text(
    provider: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("TWILIO_REGION", "ie1")
        monkeypatch.setenv("TWILIO_EDGE", "dublin")
        sms(provider.url).send(MESSAGE)
        assert proxy.got == []
    assert len(provider.got) == 1


def test_nothing_of_it_is_said(
    provider: Peer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    said = [repr(account(provider.url)), repr(sms(provider.url))]
    for reply, _ in SAID.values():
        provider.answers = [reply]
        said.append(repr(sms(provider.url).send(MESSAGE)))
    said += [caplog.text, *capsys.readouterr()]
    for secret in (NOY, NOY[4:], LAO, TOKEN, REPORTS_TO):
        assert secret not in "\n".join(said)


@pytest.fixture(scope="module")
def double() -> Iterator[str]:
    """Prism on Twilio's OpenAPI; installed on first use. Without node: skipped at a desk, a failure in CI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        if os.environ.get("CI"):
            pytest.fail("node and npm are needed to check our requests against Twilio's OpenAPI")
        pytest.skip("node and npm are not installed: our requests are not checked against Twilio's OpenAPI")
    if not (PEERS / "node_modules").exists():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=PEERS, check=True, capture_output=True)
    port = refused_port()
    command = [node, "node_modules/@stoplight/prism-cli/dist/index.js", "mock", "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        [*command, "twilio_messages.json"], cwd=PEERS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = monotonic() + READY_SECONDS
    while monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.1)
        else:
            return
    pytest.fail("Prism did not start")


def test_twilios_openapi_takes_every_request_we_make(double: str) -> None:
    whatsapp = WhatsAppCarrier(account(double), OURS, TEMPLATE)
    assert sms(double).send(MESSAGE._replace(expires_at=NOW + 300)) == Sent("SM" + "a" * 32)
    for outcome in (
        sms(double, SERVICE).send(MESSAGE),
        sms(double, "LSSO").send(MESSAGE),
        whatsapp.send(MESSAGE),
        whatsapp.send(MESSAGE._replace(kind=Kind.REMINDER)),
    ):
        assert isinstance(outcome, Sent)


def test_twilios_openapi_refuses_what_is_not_of_its_form(double: str) -> None:
    stranger = SmsCarrier(account(double)._replace(sid="AC-nobody"), OURS)
    for carrier in (sms(double, "MG-nobody"), WhatsAppCarrier(account(double), OURS, "HX-nobody"), stranger):
        assert isinstance(carrier.send(MESSAGE._replace(kind=Kind.NOTICE)), Refused)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, 21610, CODES[21610]),
        (400, 21614, CODES[21614]),
        (400, 21211, CODES[21211]),
        (401, 20003, Retry("answered 401", provider_is_ill=True)),
        (429, 20429, Retry("answered 429", provider_is_ill=True)),
        (500, 20500, Unknown("answered 500")),
    ],
)
def test_what_twilios_own_errors_mean(
    double: str, status: int, code: int, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer = {"Prefer": f"code={status}, example={code}"}  # which answer Prism gives

    def asking(url: str, form: dict[str, object], headers: dict[str, str], seconds: float) -> wire.Answered:
        return wire.post(url, form, {**headers, **prefer}, seconds)

    monkeypatch.setattr(twilio_carrier, "post", asking)
    assert sms(double).send(MESSAGE) == outcome


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (PEERS / "package-lock.json").read_text()
