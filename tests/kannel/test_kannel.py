"""Through Debian's own Kannel: what leaves us reaches the operator whole, and what comes reaches us so."""

from __future__ import annotations

from queue import Empty
from time import time
from uuid import uuid4

import pytest

from gateway.channels.kannel import SmsCarrier
from gateway.outbox.port import Kind, Message, Receipt, Retry, Sent, Status
from gateway.storage.store import Answer
from gateway.text.alphabet import USSD_MAX, segments, units
from gateway.text.typed import Typed
from tests.kannel.boxes import OPERATOR, SECONDS, Kannel, Operator
from tests.kannel.door import Door

NOY = "+8562020000001"  # ETL's, to whom no link of ours belongs: any may take it
OF_UNITEL, OF_LTC = "+8562090000001", "+8562050000001"
LAO = "ຖອກແລ້ວ 6/12 ເດືອນ. ຫຼ້າສຸດ: 08/2026. "
ITS = "2a00"

pytestmark = pytest.mark.usefixtures("carrier")


def message(text: str, msisdn: str = OF_UNITEL, expires_at: int = 0) -> Message:
    return Message(str(uuid4()), Kind.REPLY, msisdn, text, expires_at)


def hexed(text: str) -> str:
    return text.encode("utf-16-be").hex()


@pytest.mark.parametrize(
    "text",
    ["Code 000123 {€} [~] \\ ^| @£$ line\nline", "ລະຫັດ 000123", "😀 ê `", LAO * 3, "Paid 1.250.000 kip. " * 12],
    ids=["GSM-7", "Lao", "UCS-2", "long Lao", "long GSM-7"],
)
def test_a_text_reaches_the_operator_whole(carrier: SmsCarrier, operator: Operator, text: str) -> None:
    assert carrier.send(message(text)) == Sent()
    parts = [operator.next("submit") for _ in range(segments(text).parts)]
    parts.sort(key=lambda part: part["udh"][-2:])
    assert "".join(part["text"] for part in parts) == text
    assert {part["coding"] for part in parts} == {8 if segments(text).alphabet == "UCS-2" else 0}
    assert {(part["from"], part["to"]) for part in parts} == {("1508", OF_UNITEL.removeprefix("+"))}
    assert all(part["udh"].startswith("0003") for part in parts) == (len(parts) > 1)


def test_a_text_goes_by_its_numbers_own_operator_and_never_by_ussd(
    carrier: SmsCarrier, operator: Operator
) -> None:
    for number in (OF_UNITEL, OF_LTC, NOY):
        assert carrier.send(message("x", number)) == Sent()
        assert operator.next("submit")["service_type"] == ""


def test_the_operator_is_told_how_long_it_is_good(carrier: SmsCarrier, operator: Operator) -> None:
    carrier.send(message("x", expires_at=int(time()) + 330))
    assert operator.next("submit")["validity"]
    carrier.send(message("x"))
    assert not operator.next("submit")["validity"]


def receipt_of(ref: str, door: Door) -> Receipt:
    """The next report of one message; those of others are let go."""
    while True:
        receipt = door.receipts.get(timeout=SECONDS)
        if receipt is not None and receipt.ref == ref:
            return receipt


REPORTS = {
    "DELIVRD": (Status.DELIVERED, ""),
    "UNDELIV": (Status.FAILED, "not delivered"),
    "EXPIRED": (Status.FAILED, "not delivered"),
    "REJECTD": (Status.FAILED, "not delivered"),
}


@pytest.mark.parametrize("stat", REPORTS)
def test_what_became_of_it_is_reported_by_our_reference(
    carrier: SmsCarrier, operator: Operator, door: Door, stat: str
) -> None:
    sent = message(LAO)
    carrier.send(sent)
    submit = operator.next("submit")
    assert submit["wants_report"] & 1
    assert receipt_of(sent.ref, door) == Receipt("kannel", Status.ACCEPTED, sent.ref)
    operator.reports(submit["submit"], stat)
    status, why = REPORTS[stat]
    assert receipt_of(sent.ref, door) == Receipt("kannel", status, sent.ref, why=why)


def test_a_wrong_password_is_no_messages_fault(carrier: SmsCarrier) -> None:
    wrong = SmsCarrier(carrier.url, carrier.username, "another", carrier.reports_to)
    assert wrong.send(message("x")) == Retry("answered 403", provider_is_ill=True)


INCOMING = {
    "Lao": {"data_coding": 8, "short_message": LAO},
    "GSM-7": {"data_coding": 0, "short_message": "PAID {1} [2]   @ 3"},
}


@pytest.mark.parametrize("name", INCOMING)
def test_a_text_reaches_us_whole(operator: Operator, door: Door, name: str) -> None:
    fields = INCOMING[name]
    operator.delivers(
        "UNITEL-ID", source_addr="8562090000001", source_addr_ton=1, destination_addr="1508", **fields
    )
    text = door.texts.get(timeout=SECONDS)
    assert text is not None
    assert (text.msisdn, text.text) == (OF_UNITEL, Typed(str(fields["short_message"])))
    assert text.id


def test_the_parts_of_a_long_text_are_one(operator: Operator, door: Door) -> None:
    text = LAO * 3
    for number, part in enumerate((text[:67], text[67:]), start=1):
        operator.delivers(
            "UNITEL-ID",
            source_addr="8562090000001",
            source_addr_ton=1,
            destination_addr="1508",
            esm_class=0x40,
            data_coding=8,
            hex=f"0500030702{number:02x}{hexed(part)}",
        )
    heard = door.texts.get(timeout=SECONDS)
    assert heard is not None
    assert heard.text == Typed(text)


def test_a_text_that_we_were_too_ill_to_take_comes_again_under_the_same_name(
    operator: Operator, door: Door
) -> None:
    door.fails = 1
    operator.delivers(
        "UNITEL-ID", source_addr="8562090000001", source_addr_ton=1, destination_addr="1508", short_message="x"
    )
    heard = door.texts.get(timeout=SECONDS)
    assert heard is not None
    assert heard.id
    assert door.fails == 0


def test_the_fake_phone_of_kannel_writes_and_reads_lao(kannel: Kannel, carrier: SmsCarrier, door: Door) -> None:
    octets = "".join(f"%{byte:02X}" for byte in LAO.encode("utf-16-be"))
    with kannel.phone(f"{NOY} 1508 ucs2 {octets}"):
        heard = door.texts.get(timeout=SECONDS)
        assert heard is not None
        assert (heard.msisdn, heard.text) == (NOY, Typed(LAO))


FULL = {
    "182 septets": ("Paid. " * 31)[:182],
    "80 units of Lao": (LAO * 3)[:80],
    "an escape at the end": ("Paid. " * 31)[:180] + "{",
}


def dials(operator: Operator, operation: int, typed: str, its: str = ITS) -> None:
    operator.delivers(
        "UNITEL-USSD-ID",
        service_type="USSD",
        source_addr="8562090000001",
        source_addr_ton=1,
        source_addr_npi=1,
        destination_addr="1508",
        short_message=typed,
        ussd_service_op=operation,
        its_session_info=its,
    )


def test_a_call_goes_to_and_fro(operator: Operator, door: Door) -> None:
    door.answers.put(Answer("1 Yes\n2 No", ends=False))
    dials(operator, 1, "*1508#")
    hop = door.hops.get(timeout=SECONDS)
    assert (hop.msisdn, hop.text, hop.begins) == (OF_UNITEL, Typed(""), True)
    screen = operator.next("submit")
    assert (screen["to"], screen["service_type"]) == (OF_UNITEL.removeprefix("+"), "USSD")
    assert (screen["text"], screen["ussd_service_op"], screen["its_session_info"]) == ("1 Yes\n2 No", 2, ITS)
    door.answers.put(Answer("ຂອບໃຈ", ends=True))
    dials(operator, 18, "1*2", "2a02")
    later = door.hops.get(timeout=SECONDS)
    assert (later.session, later.text, later.begins) == (hop.session, Typed("1*2"), False)
    assert later.hop != hop.hop
    last = operator.next("submit")
    assert (last["text"], last["coding"]) == ("ຂອບໃຈ", 8)
    assert (last["ussd_service_op"], last["its_session_info"]) == (17, "2a03")


@pytest.mark.parametrize("name", FULL)
def test_a_full_screen_is_one_message(operator: Operator, door: Door, name: str) -> None:
    text = FULL[name]
    assert units(text) == USSD_MAX.limit(text)
    door.answers.put(Answer(text, ends=False))
    dials(operator, 1, "*1508#")
    door.hops.get(timeout=SECONDS)
    screen = operator.next("submit")
    assert (screen["text"], screen["udh"], screen["ussd_service_op"]) == (text, "", 2)


def test_who_hung_up_is_asked_nothing(operator: Operator, door: Door) -> None:
    dials(operator, 18, "", "2a03")
    door.answers.put(Answer("Again", ends=False))
    dials(operator, 1, "*1508#", "2b00")
    assert operator.next("submit")["its_session_info"] == "2b00"
    assert door.hops.get(timeout=SECONDS).begins
    with pytest.raises(Empty):
        door.hops.get_nowait()


def test_an_octet_of_any_value_comes_back_as_it_was(operator: Operator, door: Door) -> None:
    for its in ("ff80", "2b20", "0000", "2526"):
        door.answers.put(Answer("x", ends=False))
        dials(operator, 1, "*1508#", its)
        assert operator.next("submit")["its_session_info"] == its
        door.hops.get(timeout=SECONDS)


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (OPERATOR / "package-lock.json").read_text()
