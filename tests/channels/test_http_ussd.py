"""Gateways of USSD over HTTP by their files, each with its own provider's bodies; and files that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from flask import Flask

from app import LOCALES
from gateway.channels.africastalking import UssdChannel
from gateway.channels.connections import connected
from gateway.channels.forms import MAX_BODY
from gateway.channels.gateway_file import BadGateway, read_gateway
from gateway.channels.http_ussd import HttpUssdChannel
from gateway.channels.port import Inbound, NoNumber, Reply, Unreadable
from gateway.settings import read_settings
from gateway.storage.store import Answer
from gateway.text.alphabet import USSD
from gateway.text.typed import Typed
from tests.asked import got, posted
from tests.channels.conftest import ALL_PAID, Open
from tests.conftest import TOKEN

DEPLOYED = LOCALES.parent / "deploy" / "ussd"
NOY = "+8562020000001"
BARE = NOY.removeprefix("+")
SCREEN, BYE = Answer("1 ຈ່າຍ <&>\n2 No", ends=False), Answer("Thanks.", ends=True)


class Gateway(NamedTuple):
    """What a provider sends at first, then, and when she left; and what it is answered."""

    first: str
    then: str
    left: str | None
    asks: Reply
    ends: Reply
    session: str = "S1"
    begins: bool = True
    typed: str = "1*2"  # the second time


def body(**fields: object) -> str:
    return json.dumps(fields)


def reply(**fields: object) -> Reply:
    return Reply(json.dumps(fields, ensure_ascii=False), content_type="application/json; charset=utf-8")


def xml(text: str) -> Reply:
    return Reply(text, content_type="text/xml; charset=utf-8")


def flow(action: str) -> tuple[tuple[str, str], ...]:
    return (("Freeflow", action), ("charge", "N"), ("amount", "0"))


HUBTEL = {"SessionId": "S1", "Mobile": BARE, "ServiceCode": "1508", "Operator": "unitel"}
NALO = {"USERID": "LSSO", "MSISDN": BARE, "NETWORK": "UNITEL"}
ARKESEL = {"sessionID": "S1", "userID": "LSSO", "msisdn": BARE, "network": "UNITEL"}
BEEM = {"session_id": "S1", "msisdn": BARE, "operator": "unitel"}
COMVIVA = {"SessionID": "S1", "MSISDN": BARE, "MSC": "85620", "userid": "u", "password": "p"}
DMARK = {"transactionId": "S1", "msisdn": BARE, "ussdServiceCode": "*1508#", "transactionTime": "1"}
IMI = {"tid": "S1", "msisdn": BARE, "code": "*1508#", "dcs": "15"}
TRUROUTE = "<ussd><msisdn>8562020000001</msisdn><sessionid>S1</sessionid><type>{}</type><msg>{}</msg></ussd>"

GATEWAYS = {
    "hubtel": Gateway(
        body(**HUBTEL, Type="Initiation", Message="*1508*1*2#"),
        body(**HUBTEL, Type="Response", Message="1*2"),
        body(**HUBTEL, Type="Release", Message=""),
        reply(Type="Response", Message=SCREEN.text),
        reply(Type="Release", Message=BYE.text),
    ),
    "nalo": Gateway(
        body(**NALO, USERDATA="*1508*1*2#", MSGTYPE=True),
        body(**NALO, USERDATA="1*2", MSGTYPE=False),
        None,
        reply(USERID="LSSO", MSISDN=BARE, MSG=SCREEN.text, MSGTYPE=True),
        reply(USERID="LSSO", MSISDN=BARE, MSG=BYE.text, MSGTYPE=False),
        session="",
    ),
    "arkesel": Gateway(
        body(**ARKESEL, newSession=True, userData="*1508*1*2#"),
        body(**ARKESEL, newSession=False, userData="1*2"),
        None,
        reply(sessionID="S1", userID="LSSO", msisdn=BARE, message=SCREEN.text, continueSession=True),
        reply(sessionID="S1", userID="LSSO", msisdn=BARE, message=BYE.text, continueSession=False),
    ),
    "beem": Gateway(
        body(**BEEM, command="initiate", payload={"request_id": 7, "response": "*1508*1*2#"}),
        body(**BEEM, command="continue", payload={"request_id": 7, "response": "1*2"}),
        body(**BEEM, command="terminate", payload={"request_id": 7, "response": ""}),
        reply(msisdn=BARE, operator="unitel", session_id="S1", command="continue",
              payload={"request_id": 7, "request": SCREEN.text}),
        reply(msisdn=BARE, operator="unitel", session_id="S1", command="terminate",
              payload={"request_id": 7, "request": BYE.text}),
    ),
    "comviva": Gateway(
        urlencode({**COMVIVA, "input": "1508"}),
        urlencode({**COMVIVA, "input": "1*2"}),
        urlencode({**COMVIVA, "clean": "clean-session", "error": "200"}),
        Reply(SCREEN.text, headers=flow("FC")),
        Reply(BYE.text, headers=flow("FB")),
        begins=False,
    ),
    "dmark": Gateway(
        urlencode({**DMARK, "ussdRequestString": "*1508*1*2#", "response": "false"}),
        urlencode({**DMARK, "ussdRequestString": "1*2", "response": "true"}),
        None,
        reply(responseString=SCREEN.text, action="request"),
        reply(responseString=BYE.text, action="end"),
    ),
    "imimobile": Gateway(
        urlencode({**IMI, "msg": "*1508#"}),
        urlencode({**IMI, "msg": "1*2"}),
        urlencode({**IMI, "msg": "Map Dialog User Abort User Reason"}),
        Reply(SCREEN.text, headers=(("X-USSD-SESSION", "1"),)),
        Reply(BYE.text, headers=(("X-USSD-SESSION", "0"),)),
        begins=False,
    ),
    "truroute": Gateway(
        TRUROUTE.format(1, "*1508*1*2#"),
        TRUROUTE.format(2, "1*2"),
        TRUROUTE.format(4, ""),
        xml("<ussd><type>2</type><msg>1 ຈ່າຍ &lt;&amp;&gt;\n2 No</msg></ussd>"),
        xml("<ussd><type>3</type><msg>Thanks.</msg></ussd>"),
    ),
    "africastalking-like": Gateway(
        urlencode({"sessionId": "S1", "phoneNumber": NOY, "serviceCode": "*1508#", "text": ""}),
        urlencode({"sessionId": "S1", "phoneNumber": NOY, "serviceCode": "*1508#", "text": "1*2"}),
        None,
        Reply(f"CON {SCREEN.text}"),
        Reply(f"END {BYE.text}"),
        begins=False,
    ),
}  # fmt: skip


def channel(name: str) -> HttpUssdChannel:
    return HttpUssdChannel(read_gateway(DEPLOYED / f"{name}.toml"), USSD, "*1508#")


def heard(name: str, sent: str) -> Inbound | Reply:
    one = channel(name)
    return one.parse(got(sent) if one.file.request == "query" else posted(sent.encode()))


def hop(name: str, sent: str) -> Inbound:
    event = heard(name, sent)
    assert isinstance(event, Inbound)
    return event


def test_every_file_is_tried() -> None:
    assert {path.stem for path in DEPLOYED.glob("*.toml")} == set(GATEWAYS)


@pytest.mark.parametrize("name", GATEWAYS)
def test_what_is_read(name: str) -> None:
    gateway = GATEWAYS[name]
    first, then = hop(name, gateway.first), hop(name, gateway.then)
    for event in (first, then):
        assert (event.session, event.msisdn) == (gateway.session, NOY)
        assert bool(event.hop) == (channel(name).file.keys == "last")
    assert (first.begins, then.begins) == (gateway.begins, False)
    assert first.dialled() == (["1", "2"] if gateway.begins else [])
    assert then.text == Typed(gateway.typed)


@pytest.mark.parametrize("name", GATEWAYS)
def test_what_is_answered(name: str) -> None:
    gateway = GATEWAYS[name]
    event = hop(name, gateway.then)
    assert channel(name).frame(SCREEN, event) == gateway.asks
    assert channel(name).frame(BYE, event) == gateway.ends


@pytest.mark.parametrize("name", [name for name, gateway in GATEWAYS.items() if gateway.left])
def test_who_left_is_shown_nothing(name: str) -> None:
    answer = heard(name, GATEWAYS[name].left or "")
    assert isinstance(answer, Reply)
    assert (answer.body, answer.status) == ("", 200)


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_number_that_hides_is_told_so_in_its_form(name: str) -> None:
    hidden = GATEWAYS[name].then.replace("%2B8562020000001", "anonymous").replace(BARE, "anonymous")
    with pytest.raises(NoNumber):
        heard(name, hidden)
    assert "Thanks." in channel(name).frame(BYE, None).body


def test_a_repeat_has_the_same_name_where_the_gateway_names_its_requests() -> None:
    again = GATEWAYS["beem"].then
    assert hop("beem", again).name() == hop("beem", again).name() == ("7", "1*2")
    assert hop("beem", again.replace("1*2", "1*3")).name() == ("7", "1*3")
    assert hop("nalo", GATEWAYS["nalo"].then).name() != hop("nalo", GATEWAYS["nalo"].then).name()


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("hubtel", ""),
        ("hubtel", "[]"),
        ("hubtel", "7"),
        ("hubtel", "{"),
        ("hubtel", "[" * 50_000),
        ("hubtel", body(**HUBTEL, Type="Response")),
        ("hubtel", body(**{**HUBTEL, "SessionId": ""}, Type="Response", Message="1")),
        ("hubtel", body(**HUBTEL, Type="Response", Message={"a": "b"})),
        ("hubtel", body(**HUBTEL, Type="Response", Message="x" * MAX_BODY)),
        ("beem", body(**BEEM, command="continue", payload="1")),
        ("comviva", "SessionID=S1"),
        ("truroute", "<ussd>"),
        ("truroute", "<ussd/>"),
        ("truroute", '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + TRUROUTE.format(2, "&a;")),
        ("truroute", TRUROUTE.format(2, "&b;")),
    ],
)
def test_what_is_no_hop(name: str, sent: str) -> None:
    with pytest.raises(Unreadable):
        heard(name, sent)


GOOD = (DEPLOYED / "hubtel.toml").read_text("utf-8")
BAD = {
    "no TOML": ("request = json", "bad.toml cannot be read: "),
    "an unknown line": (f'sesion = "x"\n{GOOD}', "  sesion: Extra inputs are not permitted"),
    "another transport": (GOOD.replace('"json"', '"soap"', 1), "  request: Input should be 'query', 'form',"),
    "nobody sees the screen": (GOOD.replace("{text}", "x"), "  asks: its body has no {text}, so nobody would see"),
    "a line is missing": (GOOD.replace("msisdn =", "session2 ="), "  msisdn: Field required"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_its_problems(name: str, tmp_path: Path) -> None:
    text, said = BAD[name]
    (tmp_path / "bad.toml").write_text(text, "utf-8")
    with pytest.raises(BadGateway) as refused:
        read_gateway(tmp_path / "bad.toml")
    assert said in str(refused.value)


def test_two_gateways_have_two_names(tmp_path: Path) -> None:
    for name, said in (("Unitel", "small letters"), ("africastalking", "another provider has this name")):
        (tmp_path / f"{name}.toml").write_text(GOOD, "utf-8")
        settings = read_settings({"ussd_gateways": (tmp_path / f"{name}.toml",)})
        with pytest.raises(BadGateway, match=said):
            connected(settings, UssdChannel(USSD), TOKEN)
    with pytest.raises(BadGateway, match="cannot be read"):
        read_gateway(tmp_path / "not there.toml")


def test_a_member_calls_by_one(peopled: str, open_app: Open) -> None:
    client = open_app(peopled, ussd_gateways=(DEPLOYED / "nalo.toml",)).test_client()

    def says(typed: str, begins: bool = False) -> tuple[str, bool]:
        sent = {**NALO, "MSISDN": ALL_PAID, "USERDATA": typed, "MSGTYPE": begins}
        answered = client.post(f"/in/nalo/{TOKEN}/ussd", json=sent)
        assert answered.json is not None
        assert (answered.status_code, answered.json["MSISDN"]) == (200, ALL_PAID)
        return answered.json["MSG"], answered.json["MSGTYPE"]

    assert says("*1508#", begins=True)[1] is True
    assert says("2")[0].startswith("Social security")
    assert says("1")[0].startswith("12 of the last 12 months are paid.")
    assert says("0")[0].startswith("Social security")


def test_it_stands_behind_the_token(peopled: str, open_app: Open) -> None:
    app: Flask = open_app(peopled, ussd_gateways=(DEPLOYED / "nalo.toml",))
    assert app.test_client().post(f"/in/nalo/{TOKEN}x/ussd", json=NALO).status_code == 404
