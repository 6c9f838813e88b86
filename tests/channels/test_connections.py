"""An installation is connected to whom its settings name, each with its own secrets, and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.channels.africastalking import UssdChannel
from gateway.channels.connections import connected
from gateway.channels.port import Provider
from gateway.channels.twilio import SIGNATURE
from gateway.outbox.port import Kind, Message, Sent
from gateway.settings import read_settings
from gateway.text.alphabet import USSD
from tests.asked import posted
from tests.channels.peers.peer import Answer, peer
from tests.channels.test_twilio import PUBLIC, REF, SECRET, SMS_FORM, body, sign
from tests.conftest import TOKEN

PATH = f"/in/twilio/{TOKEN}/message"
AT = {"at_username": "synthetic-user", "at_api_key": "synthetic-key"}
TWILIO = {
    "public_url": f"{PUBLIC}/",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": SECRET,
    "twilio_from": "+14155550100",
}
WHATSAPP = {**TWILIO, "twilio_from": "", "twilio_whatsapp_from": "+14155550101"}


def providers(**settings: Any) -> dict[str, Provider]:
    return {one.name: one for one in connected(read_settings(settings), UssdChannel(USSD), TOKEN)}


@pytest.mark.parametrize(
    ("settings", "carriers"),
    [
        ({}, {"africastalking": []}),
        (AT, {"africastalking": ["africastalking"]}),
        (TWILIO, {"africastalking": [], "twilio": ["twilio"]}),
        (WHATSAPP, {"africastalking": [], "twilio": ["whatsapp"]}),
        (
            {**AT, **WHATSAPP, **TWILIO},
            {"africastalking": ["africastalking"], "twilio": ["twilio", "whatsapp"]},
        ),
    ],
    ids=["nobody", "Africa's Talking", "Twilio", "WhatsApp", "all"],
)
def test_who_carries_for_us(settings: dict[str, str], carriers: dict[str, list[str]]) -> None:
    found = providers(**settings)
    assert [carrier.name for carrier in found.pop("simulator").carriers] == ["inbox", "chat"]  # not in production
    assert {name: [carrier.name for carrier in one.carriers] for name, one in found.items()} == carriers


@pytest.mark.parametrize("shared", ["", "synthetic-shared-key"])
def test_the_secret_that_was_set_decides_how_twilio_signs(shared: str) -> None:
    is_genuine = providers(**TWILIO, twilio_signing_key=shared)["twilio"].is_genuine
    form = body(SMS_FORM)
    for secret, sha256 in ((SECRET, False), (SECRET, True), ("synthetic-shared-key", True)):
        signature = sign(form, PUBLIC + PATH, sha256, secret)
        taken = is_genuine(posted(form, {SIGNATURE: signature}, PATH))
        assert taken == ((secret, sha256) == ((shared, True) if shared else (SECRET, False)))


def test_reports_come_back_to_an_address_with_our_token() -> None:
    with peer() as server:
        server.answers = [Answer(201, '{"sid": "SM1"}')]
        [carrier] = providers(**TWILIO, twilio_url=server.url)["twilio"].carriers
        message = Message(REF, Kind.NOTICE, "+8562020000001", "LSSO", expires_at=0)
        assert carrier.send(message) == Sent("SM1")
        assert server.got[0].form["StatusCallback"] == f"{PUBLIC}/in/twilio/{TOKEN}/status?ref={REF}"
