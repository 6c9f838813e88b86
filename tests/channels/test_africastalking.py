"""Africa's Talking's forms, byte by byte: what is read, what is refused, what is never read at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from gateway.channels.africastalking import UssdChannel
from gateway.channels.forms import MAX_BODY, MAX_FIELDS
from gateway.channels.port import Ending, Inbound, NoNumber, Reply, Unreadable
from gateway.logs import configure_logs
from gateway.storage.store import Answer
from gateway.text.alphabet import USSD
from gateway.text.typed import Typed
from tests.asked import posted
from tests.channels.conftest import ALL_PAID, Line, Open, fill, state
from tests.conftest import TOKEN

CHANNEL = UssdChannel(USSD)
NOY = "+8562055512345"
HOP = b"sessionId=ATUid_1&phoneNumber=%2B8562055512345&networkCode=99999&serviceCode=%2A1508%23&text="
SESSION = "ATUid_1 *1508#"

READ = {
    "the first hop": (HOP, Inbound(SESSION, NOY, Typed(""))),
    "a later hop": (HOP + b"1%2A2%2A98", Inbound(SESSION, NOY, Typed("1*2*98"))),
    "stars that were not encoded": (HOP + b"1*2", Inbound(SESSION, NOY, Typed("1*2"))),
    "stars that were typed": (HOP + b"1**2*", Inbound(SESSION, NOY, Typed("1**2*"))),
    "fields in another order": (
        b"text=1&phoneNumber=%2B8562055512345&serviceCode=%2A1508%23&sessionId=ATUid_1",
        Inbound(SESSION, NOY, Typed("1")),
    ),
    "an unknown field": (HOP + b"1&hopMetadata=menu", Inbound(SESSION, NOY, Typed("1"))),
    "a field sent twice: the first counts": (
        HOP + b"1&text=2&sessionId=other",
        Inbound(SESSION, NOY, Typed("1")),
    ),
    "a plus that became a space": (
        b"sessionId=s&phoneNumber=+8562055512345&text=",
        Inbound("s", NOY, Typed("")),
    ),
    "spaces in what was typed": (HOP + b"+1+2%20", Inbound(SESSION, NOY, Typed(" 1 2 "))),
    "Lao letters and digits": (HOP + "ກໍ່*໑໒".encode(), Inbound(SESSION, NOY, Typed("ກໍ່*໑໒"))),
    "an emoji of seven code points": (HOP + "👨‍👩‍👧‍👦".encode(), Inbound(SESSION, NOY, Typed("👨‍👩‍👧‍👦"))),
    "right-to-left marks": (HOP + b"%E2%80%AE1", Inbound(SESSION, NOY, Typed("\u202e1"))),
    "a NUL": (HOP + b"1%002", Inbound(SESSION, NOY, Typed("1\x002"))),
    "line ends": (HOP + b"1%0D%0A2", Inbound(SESSION, NOY, Typed("1\r\n2"))),
    "a lone surrogate": (HOP + b"%ED%A0%80", Inbound(SESSION, NOY, Typed("\ufffd\ufffd\ufffd"))),
    "broken UTF-8, percent-encoded": (HOP + b"%FF%C3", Inbound(SESSION, NOY, Typed("\ufffd\ufffd"))),
    "broken UTF-8, raw": (HOP + b"\xff\xfe", Inbound(SESSION, NOY, Typed("\ufffd\ufffd"))),
    "an overlong slash": (HOP + b"%C0%AF", Inbound(SESSION, NOY, Typed("\ufffd\ufffd"))),
    "a percent sign of nothing": (HOP + b"%ZZ%", Inbound(SESSION, NOY, Typed("%ZZ%"))),
    "an equals sign in a value": (HOP + b"a=b", Inbound(SESSION, NOY, Typed("a=b"))),
    "ten thousand characters": (HOP + b"9" * 10_000, Inbound(SESSION, NOY, Typed("9" * 10_000))),
    "as many fields as are read": (HOP + b"&x=1" * (MAX_FIELDS - 5), Inbound(SESSION, NOY, Typed(""))),
}

UNREADABLE = {
    "nothing": b"",
    "no session": b"phoneNumber=%2B8562055512345&text=",
    "an empty session": b"sessionId=&phoneNumber=%2B8562055512345&text=",
    "no number": b"sessionId=s&text=1",
    "no text": b"sessionId=s&phoneNumber=%2B8562055512345",
    "other names": b"sessionid=s&phonenumber=%2B8562055512345&Text=",
    "JSON": b'{"sessionId": "s", "phoneNumber": "+8562055512345", "text": ""}',
    "a hundred fields": HOP + b"&x=1" * 100,
    "one byte too many": HOP + b"1" * (MAX_BODY - len(HOP) + 1),
    "a megabyte": b"x" * 1_000_000,
    "noise": bytes(range(256)),
}

NUMBERS = {
    "+8562055512345": NOY,
    "8562055512345": NOY,
    "02055512345": NOY,
    "020 5551 2345": NOY,
    "020-5551-2345": NOY,
    "2055512345": NOY,
    "008562055512345": NOY,
    "໐໒໐໕໕໕໑໒໓໔໕": NOY,
    "+໘໕໖໒໐໕໕໕໑໒໓໔໕": NOY,
    "０２０５５５１２３４５": NOY,
    "tel:+8562055512345": NOY,
    "+66812345678": "+66812345678",
    "+254711082300": "+254711082300",
    "021212345": "+85621212345",
}

HIDDEN = (
    "",
    " ",
    "+",
    "anonymous",
    "Anonymous",
    "unknown",
    "PRIVATE",
    "null",
    "None",
    "0",
    "+0",
    "+000000000000",
    "+856",
    "1508",
    "*1508#",
    "+8562055512345678901234567890",
    "9" * 300,
    "020" + "5" * 9_000,
    "\x00",
    "\ufffd",
    "+85620\x005551234",
    "-1",
    "1e10",
)


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str) -> None:
    body, event = READ[name]
    assert CHANNEL.parse(posted(body)) == event


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_refused(name: str) -> None:
    with pytest.raises(Unreadable):
        CHANNEL.parse(posted(UNREADABLE[name]))


@pytest.mark.parametrize("written", NUMBERS)
def test_every_spelling_of_a_number_is_one_number(written: str) -> None:
    body = b"sessionId=s&text=&phoneNumber=" + written.replace("+", "%2B").encode()
    assert CHANNEL.parse(posted(body)).msisdn == NUMBERS[written]


@pytest.mark.parametrize("written", HIDDEN)
def test_a_hidden_or_impossible_number_is_no_number(written: str) -> None:
    body = b"sessionId=s&text=&phoneNumber=" + written.replace("+", "%2B").encode()
    with pytest.raises(NoNumber):
        CHANNEL.parse(posted(body))


@pytest.mark.parametrize(
    ("answer", "framed"),
    [
        (Answer("1 Yes\n2 No", ends=False), "CON 1 Yes\n2 No"),
        (Answer("Thanks.", ends=True), "END Thanks."),
        (Answer("", ends=True), "END "),
        (Answer("END of\r\nit\x00 \x1b[0m\t\u2028", ends=False), "CON END of\nit [0m"),
        (Answer("ກໍ່ນ້ຳ", ends=False), "CON ກໍ່ນ້ຳ"),
        (Answer("a\ud800b\x85c\x7f", ends=True), "END abc"),
    ],
)
def test_what_is_answered(answer: Answer, framed: str) -> None:
    assert CHANNEL.frame(answer, None) == Reply(framed)
    assert framed.encode()


END = (
    b"date=2026-11-23+05%3A00%3A00&sessionId=ATUid_1&serviceCode=%2A1508%23&networkCode=99999"
    b"&phoneNumber=%2B8562055512345&cost=LAK+0.0&durationInMillis=30250&hopsCount=4"
    b"&hopsMetadata=a%7Cb&input=1%2A7531%2A1&lastAppResponse=END+9+of+the+last+12+months+are+paid."
)

ENDINGS = {
    "a call that ended": (END + b"&status=Success", Ending("ATUid_1", "ended", 4, 30250)),
    "a call that was cut": (END + b"&status=Incomplete", Ending("ATUid_1", "cut", 4, 30250)),
    "our failure": (END + b"&status=Failed&errorMessage=Timeout", Ending("ATUid_1", "failed", 4, 30250)),
    "a status of tomorrow": (END + b"&status=Paused", Ending("ATUid_1", "unknown", 4, 30250)),
    "only the session": (b"sessionId=ATUid_1", Ending("ATUid_1", "unknown", None, None)),
    "input null or missing": (b"sessionId=ATUid_1&input=&hopsCount=", Ending("ATUid_1", "unknown", None, None)),
    "counts that are none": (
        b"sessionId=s&hopsCount=four&durationInMillis=-1",
        Ending("s", "unknown", None, None),
    ),
    "Lao digits, superscripts": (
        "sessionId=s&hopsCount=໔&durationInMillis=²".encode(),
        Ending("s", "unknown", None, None),
    ),
    "a count beyond sense": (b"sessionId=s&hopsCount=" + b"9" * 400, Ending("s", "unknown", None, None)),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_what_is_kept_of_an_end_event(name: str) -> None:
    body, ending = ENDINGS[name]
    assert CHANNEL.parse_ending(posted(body)) == ending


@pytest.mark.parametrize("body", [b"", b"status=Success", b"sessionId=", b"&x=1" * 100, b"x" * (MAX_BODY + 1)])
def test_what_is_no_end_event(body: bytes) -> None:
    with pytest.raises(Unreadable):
        CHANNEL.parse_ending(posted(body))


def test_what_was_typed_and_shown_is_not_in_an_ending_and_not_in_the_log(
    capsys: pytest.CaptureFixture[str], both: Flask, peopled: str
) -> None:
    configure_logs()  # onto the standard error of this test
    before = state(peopled)
    answer = both.test_client().post(f"/in/africastalking/{TOKEN}/ussd-end", data=END + b"&status=Success")
    assert (answer.status_code, answer.data) == (200, b"")
    out, err = capsys.readouterr()
    assert "call ended" in err
    secrets = ("7531", "1*7531", "of the last 12", "ATUid_1", "2055512345", "5551", "LAK", TOKEN)
    for secret in secrets:
        assert secret not in err + out
    assert repr(CHANNEL.parse_ending(posted(END))).count("7531") == 0
    assert state(peopled) == before


def test_a_hop_leaves_nothing_typed_in_the_log(capsys: pytest.CaptureFixture[str], both: Flask) -> None:
    configure_logs()
    line = Line(both)
    line.call("ATUid_77", "", "2", "2*86420", "86420", "2*86420*97531")
    both.test_client().post(f"/in/africastalking/{TOKEN}/ussd-end", data={"sessionId": "ATUid_77"})
    out, err = capsys.readouterr()
    assert "call ended" in err  # so that the log was really looked at
    for secret in ("86420", "97531", "ATUid_77", ALL_PAID, ALL_PAID[4:], ALL_PAID[-8:], TOKEN):
        assert secret not in out + err


def test_another_service_code_is_another_call(both: Flask) -> None:
    """Whoever has her session and her path goes on from it by her own code alone (threat T19)."""
    line = Line(both).in_english()
    [*_, asked] = line.call("1", "", "5", "5*3")
    other = {"sessionId": "1", "phoneNumber": line.number, "serviceCode": "*1509#", "text": "5*3*90001-01"}
    assert line.client.post(f"/in/africastalking/{TOKEN}/ussd", data=other).text == asked  # dialled anew
    other |= {"text": "5*3"}
    assert line.client.post(f"/in/africastalking/{TOKEN}/ussd", data=other).text == asked
    assert line.hop("2", "5*3") == asked
    assert "Nothing can be shown" in line.hop("2", "5*3*90001-01")


def test_no_number_is_told_so_in_two_languages_and_leaves_nothing(tmp_path: Path, open_app: Open) -> None:
    url = fill(f"sqlite:///{tmp_path}/none.db", tmp_path / "keys")
    before = state(url)
    screen = Line(open_app(url), "anonymous").hop("s", "")
    assert screen.startswith("END ")
    assert "This service must see your phone number." in screen
    assert USSD.fits(screen.removeprefix("END "))
    assert state(url) == before
