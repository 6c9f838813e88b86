"""Kannel for a module of tests: between an operator and a door that only reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.channels.kannel import SmsCarrier
from gateway.channels.kannel import kannel as provider
from gateway.channels.kannel_ussd import DIALECTS, UssdChannel
from gateway.text.alphabet import USSD_MAX
from tests.conftest import TOKEN
from tests.kannel.boxes import Kannel, Operator
from tests.kannel.boxes import kannel as started
from tests.kannel.door import Door
from tests.kannel.door import door as opened


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with opened() as server:
        yield server


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Iterator[Kannel]:
    with started(tmp_path_factory.mktemp("kannel"), door.url, TOKEN) as running:
        yield running


@pytest.fixture
def operator(kannel: Kannel) -> Operator:
    return kannel.operator


@pytest.fixture
def carrier(kannel: Kannel, door: Door) -> SmsCarrier:
    settings = kannel.settings
    sms = SmsCarrier(
        settings["kannel_sendsms_url"],
        settings["kannel_username"],
        settings["kannel_password"],
        f"{door.url}/in/kannel/{TOKEN}/delivery",
    )
    door.provider = provider(sms, UssdChannel(USSD_MAX, "*1508#", DIALECTS["smpp"]))
    return sms
