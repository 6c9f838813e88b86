"""Thousands of bodies that no provider should send: never a 5xx, always a frame, always within the budget."""

from __future__ import annotations

from random import Random
from time import monotonic
from urllib.parse import quote_from_bytes

import pytest
from flask.testing import FlaskClient

from gateway.installation import Installation
from gateway.logs import configure_logs
from tests.conftest import TOKEN

BODIES = 3_000
PATH = f"/in/africastalking/{TOKEN}"

PIECES = (
    "0", "00", "1", "2", "3", "9", "13", "*", "#", " ", "\x00", "\r\n", "\t", "\x1b[2J", "%", "%s", "%(x)s", "{}",
    "\u200b", "\u202e", "\ufeff", "\u2028", "ກໍ່", "ນ້ຳ", "ຳ", "໑", "໙", "١", "９", "๑", "²", "½", "Ⅷ", "👨‍👩‍👧‍👦",
    "🇱🇦", "é", "e\u0301", "שלום", "مرحبا", "'; DROP TABLE audit;--", "<script>", "${jndi:x}", "../../etc/passwd",
    "A" * 200, "ກ" * 300, "9" * 10_000,
)  # fmt: skip
RAW = (b"%ED%A0%80", b"%FF", b"\xff\xfe", b"%C0%AF", b"%00", b"%", b"%2", b"+", b"&", b"=", b";", b"%F4%90%80%80")
NUMBERS = (
    "+8562055500001", "+8562055500002", "+8562055500003", "02055500001", "anonymous", "",
    "໐໒໐໕໕໕໐໐໐໐໑", "+", "\x00",
    "+999999999999999", "tel:1", "1" * 300,
)  # fmt: skip
NAMES = ("sessionId", "phoneNumber", "text", "networkCode", "serviceCode", "status", "input", "x", "", "TEXT")


def body(random: Random) -> bytes:
    """Mostly a form with strange values, sometimes a strange form, sometimes noise."""
    kind = random.random()
    if kind < 0.05:
        return random.randbytes(random.randrange(200))
    text = "".join(random.choices(PIECES, k=random.randrange(6)))
    values: dict[str, bytes] = {
        "sessionId": random.choice(("s1", "s2", "s3", "", "\x00", "ກ" * 200)).encode(),
        "phoneNumber": random.choice(NUMBERS).encode(),
        "text": ("*".join(random.choices("0123", k=random.randrange(5))) if kind < 0.3 else text).encode(),
    }
    fields = [f"{name}={quote_from_bytes(value)}".encode() for name, value in values.items()]
    if random.random() < 0.4:
        fields.append(random.choice(NAMES).encode() + b"=" + random.choice(RAW) * random.randrange(4))
    if random.random() < 0.2:
        random.shuffle(fields)
    if random.random() < 0.1:
        fields.pop()
    if random.random() < 0.03:
        fields += [b"x=1"] * 100
    return b"&".join(fields) + (random.choice(RAW) if random.random() < 0.3 else b"")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_is_answered_with_a_frame_or_refused_and_never_breaks(
    capsys: pytest.CaptureFixture[str], client: FlaskClient, seed: int
) -> None:
    configure_logs()
    random = Random(seed)
    gateway: Installation = client.application.extensions["pakan"]
    statuses: dict[int, int] = {}
    slowest = 0.0
    for _body in range(BODIES // 3):
        sent = body(random)
        began = monotonic()
        answer = client.post(f"{PATH}/ussd", data=sent)
        slowest = max(slowest, monotonic() - began)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code == 200:
            assert answer.text[:4] in {"CON ", "END "}, sent
            assert gateway.ussd.budget.fits(answer.text[4:]), (sent, answer.text)
            assert "Sorry, system error" not in answer.text, sent
            assert not {"\x00", "\r", "\x1b"} & set(answer.text), sent
        assert answer.content_type == "text/plain; charset=utf-8"
        assert client.post(f"{PATH}/ussd-end", data=sent).status_code in {200, 400}
    assert set(statuses) == {200, 400}
    assert min(statuses.values()) > 50  # both kinds were really met
    assert slowest < 4.0
    assert "Traceback" not in capsys.readouterr().err
