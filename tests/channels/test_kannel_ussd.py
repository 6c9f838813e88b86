"""USSD as Kannel hands it on and takes it back: the TLVs of each dialect, byte by byte."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest

from gateway.channels.kannel_ussd import DIALECTS, UssdChannel
from gateway.channels.port import Inbound, NoNumber, Reply, Unreadable
from gateway.storage.store import Answer
from gateway.text.alphabet import USSD
from gateway.text.typed import Typed
from tests.asked import got, posted

NOY = "+8562020000001"
ID = "b7f1c3d2-0000-4000-8000-000000000001"
HEADERS = {"Content-Type": "text/plain; charset=UTF-8", "X-Kannel-From": NOY, "X-Kannel-Coding": "0"}
SMPP, SIXDEE, MICA = (UssdChannel(USSD, "*1508#", DIALECTS[name]) for name in ("smpp", "sixdee", "mica"))
ITS, REFERENCE = "its_session_info", "user_message_reference"


def tlvs(operation: int, session: bytes, name: str = ITS) -> str:
    """The query of `post-url`, with the TLVs as the bytes that they are on the link."""
    return f"id={ID}&ussd_service_op={quote_plus(bytes([operation]))}&{name}={quote_plus(session)}"


def hop(text: str, session: str, echo: tuple[str, str], begins: bool = False) -> Inbound:
    return Inbound(session, NOY, Typed(text), (echo,), ID, begins)


READ = {
    "a call begins": (
        SMPP, tlvs(1, b"\x2a\x00"), "*1508#", hop("", "10752", (ITS, "10752"), begins=True)
    ),
    "and goes on": (SMPP, tlvs(18, b"\x2a\x02"), "1", hop("1", "10752", (ITS, "10754"))),
    "a star in an answer": (SMPP, tlvs(18, b"\x2a\x02"), "1*2#", hop("1*2#", "10752", (ITS, "10754"))),
    "a shortcut": (
        SMPP, tlvs(1, b"\x2a\x00"), "*1508*1*2#", hop("1*2", "10752", (ITS, "10752"), begins=True)
    ),
    "dialled without stars": (SMPP, tlvs(1, b"\x2a\x00"), "1508", hop("", "10752", (ITS, "10752"), begins=True)),
    "another code": (SMPP, tlvs(1, b"\x2a\x00"), "*15089*1#", hop("", "10752", (ITS, "10752"), begins=True)),
    "a plus and a space are octets too": (SMPP, tlvs(18, b"+ "), "1", hop("1", "11008", (ITS, "11040"))),
    "octets above ASCII": (SMPP, tlvs(18, b"\xff\xfe"), "1", hop("1", "65280", (ITS, "65534"))),
    "SixDee names 15 bits": (SIXDEE, tlvs(18, b"\x2a\x02"), "1", hop("1", "10754", (ITS, "10754"))),
    "Mica has a reference": (MICA, tlvs(18, b"\x00\x07", REFERENCE), "1", hop("1", "7", (REFERENCE, "7"))),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str) -> None:
    channel, query, typed, event = READ[name]
    assert channel.parse(posted(typed.encode(), HEADERS, query=query)) == event


def test_it_may_be_got_too() -> None:
    lao = quote_plus("໑".encode("utf-16-be"))
    query = f"{tlvs(18, b'*' + bytes(1))}&from=%2B8562020000001&text={lao}&charset=UTF-16BE&coding=2"
    assert SMPP.parse(got(query)) == hop("໑", "10752", (ITS, "10752"))


@pytest.mark.parametrize(
    ("channel", "query"),
    [
        (SMPP, tlvs(18, b"\x2a\x03")),  # the end bit: she hung up
        (SIXDEE, tlvs(0x81, b"\x2a\x02")),  # their operation for it
        (SMPP, tlvs(19, b"\x2a\x02")),  # a notification was seen
    ],
)
def test_what_asks_for_no_screen_gets_none(channel: UssdChannel, query: str) -> None:
    assert channel.parse(posted(b"", HEADERS, query=query)) == Reply("")


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"id={ID}",
        f"id={ID}&ussd_service_op=&its_session_info=",
        f"id={ID}&ussd_service_op=%01",
        f"id={ID}&its_session_info=%2A%00",
        tlvs(1, b"\x2a\x00").replace(ID, ""),
        tlvs(1, b"\x2a\x00\x00"),
        tlvs(1, b"\x2a\x00", REFERENCE),
    ],
)
def test_what_is_no_hop(query: str) -> None:
    with pytest.raises(Unreadable):
        SMPP.parse(posted(b"1", HEADERS, query=query))


def test_who_hides_has_no_number() -> None:
    with pytest.raises(NoNumber):
        SMPP.parse(posted(b"1", {**HEADERS, "X-Kannel-From": "anonymous"}, query=tlvs(1, b"\x2a\x00")))


ANSWERED = {
    "a screen": (SMPP, Answer("1 Yes", ends=False), "?smpp?ussd_service_op=2&its_session_info=%2A%02", "0"),
    "the last": (SMPP, Answer("Thanks.", ends=True), "?smpp?ussd_service_op=17&its_session_info=%2A%03", "0"),
    "Lao": (SMPP, Answer("ກໍ່ນ້ຳ", ends=False), "?smpp?ussd_service_op=2&its_session_info=%2A%02", "2"),
    "SixDee": (SIXDEE, Answer("Thanks.", ends=True), "?smpp?ussd_service_op=23&its_session_info=%2A%03", "0"),
    "Mica": (MICA, Answer("Thanks.", ends=True), "?smpp?ussd_service_op=23&user_message_reference=10754", "0"),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_answered(name: str) -> None:
    channel, answer, meta, coding = ANSWERED[name]
    event = channel.parse(posted(b"1", HEADERS, query=tlvs(18, b"\x2a\x02", channel.dialect.session)))
    assert isinstance(event, Inbound)
    headers = (("X-Kannel-Coding", coding), ("X-Kannel-Meta-Data", meta))
    assert channel.frame(answer, event) == Reply(answer.text, headers=headers)


def test_a_screen_for_nobody_closes() -> None:
    reply = SMPP.frame(Answer("No number.\x00", ends=True), None)
    assert reply.body == "No number."
    assert dict(reply.headers)["X-Kannel-Meta-Data"] == "?smpp?ussd_service_op=17"


def test_nothing_typed_is_in_what_fails() -> None:
    with pytest.raises(Unreadable) as failed:
        SMPP.parse(posted(b"86420", {**HEADERS, "Content-Type": "text/plain; charset=x"}, query=tlvs(18, b"ab")))
    assert "86420" not in repr(failed.value)
