"""The providers' addresses from outside: who is let in, what a refusal tells, what stays out of the log."""

from __future__ import annotations

import io
import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.channels.forms import MAX_BODY
from gateway.logs import configure_logs
from tests.channels.conftest import ALL_PAID, Line, state
from tests.conftest import TOKEN
from tests.web.conftest import NEXT_TOKEN

FORM = {"sessionId": "s1", "phoneNumber": ALL_PAID, "serviceCode": "*1508#", "text": ""}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PLAIN = "text/plain; charset=utf-8"
FORM_TYPE = "application/x-www-form-urlencoded"

WRONG = {
    "wrong": "another-token-of-the-same-kind",
    "missing": "",
    "truncated": TOKEN[:-1],
    "one letter more": f"{TOKEN}x",
    "upper-cased": TOKEN.upper(),
    "percent-encoded twice": "".join(f"%25{ord(letter):02X}" for letter in TOKEN),
    "with a space": f"{TOKEN}%20",
    "with a NUL": f"{TOKEN}%00",
    "with a line end": f"{TOKEN}%0A",
    "with a slash": f"{TOKEN}%2F",
    "both at once": f"{TOKEN},{NEXT_TOKEN}",
    "in Lao": "ລາວ",
    "not UTF-8": "%FF%FE",
    "a lone surrogate": "%ED%A0%80",
    "very long": "x" * 5_000,
}

SHAPES = {
    "doubled slash before": "/in/africastalking//{token}/{hook}",
    "doubled slash after": "/in/africastalking/{token}//{hook}",
    "doubled slash at the start": "//in/africastalking/{token}/{hook}",
    "a slash at the end": "/in/africastalking/{token}/{hook}/",
    "dots": "/in/africastalking/x/../{token}/{hook}",
    "another case": "/in/AfricasTalking/{token}/{hook}",
    "another hook": "/in/africastalking/{token}/{hook}x",
    "no hook": "/in/africastalking/{token}",
    "another provider": "/in/twilio/{token}/{hook}",
    "a query instead": "/in/africastalking/{hook}?token={token}",
    "a parameter": "/in/africastalking/{token};x/{hook}",
    "nothing": "/",
}

hooks = pytest.mark.parametrize("hook", ["ussd", "ussd-end"])


def refuses(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method, data=FORM)
    seen = (answer.status_code, answer.content_type, answer.data)
    assert seen == (404, PLAIN, b"" if method == "HEAD" else b"Not found\n"), f"{method} {path}"
    headers = {name for name, _value in answer.headers}
    assert headers <= {"Content-Type", "Content-Length", "Cache-Control", "Referrer-Policy"}, (
        "a refusal says nothing, not even what is allowed"
    )


@hooks
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_an_address_that_does_not_exist(
    client: FlaskClient, url: str, hook: str, name: str
) -> None:
    before = state(url)
    for method in METHODS:
        refuses(client, method, f"/in/africastalking/{WRONG[name]}/{hook}")
    assert state(url) == before


@hooks
@pytest.mark.parametrize("name", SHAPES)
def test_an_address_of_another_shape_does_not_exist_whatever_the_token(
    client: FlaskClient, url: str, hook: str, name: str
) -> None:
    before = state(url)
    for method in ("POST", "GET", "HEAD", "OPTIONS"):
        for token in (TOKEN, "another-token-of-the-same-kind"):
            refuses(client, method, SHAPES[name].format(token=token, hook=hook))
    assert state(url) == before


@hooks
def test_the_right_token_with_another_method_does_not_exist_either(
    client: FlaskClient, url: str, hook: str
) -> None:
    before = state(url)
    for method in METHODS:
        if method != "POST":
            refuses(client, method, f"/in/africastalking/{TOKEN}/{hook}")
    assert state(url) == before


def test_two_tokens_live_at_once_for_rotation(client: FlaskClient) -> None:
    for token in (TOKEN, NEXT_TOKEN):
        answer = client.post(f"/in/africastalking/{token}/ussd", data={**FORM, "sessionId": token})
        assert (answer.status_code, answer.content_type) == (200, PLAIN)
        assert answer.text.startswith("CON ")
        assert client.post(f"/in/africastalking/{token}/ussd-end", data=FORM).status_code == 200


def test_the_right_token_percent_encoded_is_the_same_address(client: FlaskClient) -> None:
    """RFC 3986, 6.2.2.2: encoded letters are the same letters; the server decodes them before we see them."""
    encoded = "".join(f"%{ord(letter):02X}" for letter in TOKEN)
    assert client.post(f"/in/africastalking/{encoded}/ussd", data=FORM).status_code == 200


@hooks
def test_a_body_that_is_no_form_of_theirs_is_said_only_to_the_right_sender(client: FlaskClient, hook: str) -> None:
    path = f"/in/africastalking/{TOKEN}/{hook}"
    for body in (b"", b"x=1", b"\x00\xff", b"&" * 90, b"x" * 70_000):
        answer = client.post(path, data=body, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.content_type) == (400, PLAIN)
        assert answer.data == b"This is not a form this address understands\n"
        refused = client.post(path.replace(TOKEN, "x" * 24), data=body)
        assert (refused.status_code, refused.data) == (404, b"Not found\n")


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "x/y; charset=utf-7"]
)
def test_the_body_is_read_by_what_it_is_and_not_by_what_it_is_called(client: FlaskClient, kind: str) -> None:
    body = b"sessionId=s&phoneNumber=%2B8562055500001&text="
    answer = client.post(f"/in/africastalking/{TOKEN}/ussd", data=body, content_type=kind)
    assert answer.text.startswith("CON ")


def test_a_huge_body_of_a_stranger_is_refused_like_any_other(client: FlaskClient) -> None:
    answer = client.post(f"/in/africastalking/{'x' * 24}/ussd", data=b"x" * 20_000_000)
    assert (answer.status_code, answer.data) == (404, b"Not found\n")


def test_no_token_and_no_number_in_any_line_of_the_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, client: FlaskClient
) -> None:
    caplog.set_level(logging.DEBUG)
    configure_logs(logging.DEBUG)
    Line(client.application).call("session-of-mine", "", "2", "2*1", "5*5", "2*1*1")
    client.post(f"/in/africastalking/{TOKEN}/ussd-end", data={**FORM, "status": "Failed", "input": "1*8642"})
    for name in (*WRONG, *SHAPES):
        path = SHAPES.get(name, "/in/africastalking/{token}/ussd").format(
            token=WRONG.get(name, TOKEN), hook="ussd"
        )
        client.post(path, data=FORM)
    client.post(f"/in/africastalking/{TOKEN}/ussd", data=b"noise")
    out, err = capsys.readouterr()
    assert "call ended" in err
    logged = out + err + caplog.text
    for secret in (TOKEN, NEXT_TOKEN, ALL_PAID, ALL_PAID[4:], "session-of-mine", "8642", "another-token"):
        assert secret not in logged


def test_even_what_nobody_foresaw_is_no_page_of_html_and_no_token_in_the_log(
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError(f"{ALL_PAID} typed 1234")

    configure_logs()
    app: Flask = client.application
    app.testing = False
    monkeypatch.setattr(app.extensions["pakan"].ussd.__class__, "frame", broken)
    monkeypatch.setattr(app.extensions["pakan"].ussd.__class__, "parse_ending", broken)
    for hook in ("ussd", "ussd-end"):
        answer = client.post(f"/in/africastalking/{TOKEN}/{hook}", data=FORM)
        assert "<" not in answer.text
        assert answer.content_type == PLAIN
    out, err = capsys.readouterr()
    logged = out + err + caplog.text
    for secret in (TOKEN, ALL_PAID, "1234", "Traceback"):
        assert secret not in logged


def test_nobodys_body_is_read_before_the_token_is_right(client: FlaskClient) -> None:
    class Unread(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise AssertionError("the body of a stranger was read")

        readinto = readline = readlines = read1 = read  # type: ignore[assignment]

    answer = client.post("/in/africastalking/wrong/ussd", input_stream=Unread(b"text=1"))
    assert (answer.status_code, answer.text) == (404, "Not found\n")


def test_a_form_longer_than_any_honest_one_is_refused_unread(client: FlaskClient) -> None:
    answer = client.post(
        f"/in/africastalking/{TOKEN}/ussd", data=b"text=" + b"1" * MAX_BODY, content_type=FORM_TYPE
    )
    assert (answer.status_code, answer.content_type) == (400, PLAIN)
    assert answer.text == "This is not a form this address understands\n"
