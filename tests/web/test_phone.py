"""The phone in the browser from the server's side: what it sends, to whom, and what it never tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import DIAGRAMS, create_app
from flows import atlas
from gateway.conversation.graph import Do
from gateway.installation import Installation
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import seed
from gateway.storage.keys import make_missing
from gateway.text.alphabet import USSD, units
from gateway.text.catalogue import LANGUAGES
from gateway.web.phone import keys_to
from tests.conftest import TOKEN, Clock
from tests.test_production import GOOD_TOKEN

NOY = "+8562020000002"
PAGES = ("/phone", "/phone/screens", "/phone/screens.csv", "/phone/static/phone.js", "/phone/flows/record.svg")


@pytest.fixture
def client(app: Flask, gateway_url: str, clock: Clock) -> FlaskClient:
    seed(gateway_url, 50, 5, 24, clock().date(), load_scheme())
    return app.test_client()


@pytest.fixture
def hop(client: FlaskClient) -> Callable[[str], dict[str, Any]]:
    """`hop("2*1")`: one hop of one call, with the whole key path."""

    def post(path: str, phone: str = NOY) -> dict[str, Any]:
        body = {"session": "s1", "phone": phone, "text": path}
        answer = client.post(f"/in/simulator/{TOKEN}/ussd", json=body)
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        return dict(answer.get_json())

    return post


def test_a_hop_is_answered_with_what_a_handset_counts(hop: Callable[[str], dict[str, Any]]) -> None:
    assert hop("") == {
        "text": "1 Lao ABC\n2 English\n3 ລາວ",
        "ends": False,
        "alphabet": "UCS-2",
        "units": 25,
        "limit": 70,
    }
    menu = hop("2")
    assert menu["text"].startswith("Social security\n")
    assert (menu["alphabet"], menu["units"], menu["limit"]) == ("GSM-7", units(menu["text"]), USSD.gsm7)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"session": "", "phone": "x", "text": ""}',
        b'{"session": 1, "phone": 2, "text": 3}',
    ],
)
def test_what_is_no_hop_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.post(f"/in/simulator/{TOKEN}/ussd", data=body)
    assert answer.status_code == 400
    assert client.post(f"/in/simulator/{'x' * 24}/ussd", data=body).status_code == 404


def test_a_number_that_is_none_is_told_so_and_kept_nowhere(hop: Callable[..., dict[str, Any]]) -> None:
    said = hop("", phone="nobody")
    assert said["ends"]
    assert "phone number" in said["text"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_lets_in_nothing_from_outside(client: FlaskClient, path: str) -> None:
    answer = client.get(path, buffered=True)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert not {source for rule in policy for source in rule.split()[1:]} - {"'none'", "'self'", "data:"}
    assert answer.headers["Cache-Control"] == "no-store"
    if path in PAGES[:2]:
        assert not re.findall(r"(?:src|href|action)=\"(?!/|#|data:,)", answer.text)
        assert " style=" not in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "path", [*PAGES, "/phone/caller", "/in/simulator/{token}/ussd", "/in/simulator/{token}/sms"]
)
def test_production_has_no_such_address(gateway_url: str, tmp_path: Path, path: str) -> None:
    make_missing(tmp_path / "strict", 0o400)
    config = {"production": True, "keys_dir": tmp_path / "strict", "webhook_tokens": (GOOD_TOKEN,)}
    client = create_app({**config, "database_url": gateway_url}).test_client()
    for method in ("GET", "POST"):
        answer = client.open(path.format(token=GOOD_TOKEN), method=method, json={"phone": NOY})
        assert (answer.status_code, answer.text) == (404, "Not found\n")


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_HOST": "pakan.example"},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"HTTP_HOST": "127.0.0.1.example:80"},
    ],
)
def test_other_machines_and_rebound_names_find_nothing(client: FlaskClient, environ: dict[str, str]) -> None:
    for path in PAGES:
        answer = client.get(path, environ_overrides=environ)
        assert answer.status_code == 404
        assert TOKEN not in answer.text


def test_the_caller_is_shown_as_an_officer_would_see_her(
    client: FlaskClient, hop: Callable[[str], dict[str, Any]]
) -> None:
    for path in ("", "2", "2*1", "2*1*9900000002", "2*1*9900000002*02111987", "2*1*9900000002*02111987*1"):
        hop(path)
    answer = client.post("/phone/caller", json={"phone": NOY})
    seen = dict(answer.get_json())
    assert seen["place"] == "record.missing"
    assert seen["history"][-1] == "record.summary"
    assert (seen["page"], seen["pages"]) == (1, 2)
    held = dict(seen["held"])
    assert held["Phone"] == "020 ••••0002"
    assert held["Proved"] == "PHONE, member 2"
    assert [what for _at, what in seen["audit"]] == [
        "contributions.viewed of 2 by member",
        "signed.in of 2 by member",
    ]
    for secret in (NOY, "20000002", "9900000002", "02111987", "2026-09"):
        assert secret not in answer.text


@pytest.mark.parametrize("body", [b"", b"{}", b'{"phone": "nobody"}', b'{"phone": 1}'])
def test_nobody_is_shown_for_no_number(client: FlaskClient, body: bytes) -> None:
    assert client.post("/phone/caller", data=body).status_code == 404


def test_the_way_to_the_language_is_read_from_the_menus(client: FlaskClient) -> None:
    assert keys_to(atlas, atlas.welcome) == "4*1"
    assert keys_to(atlas, "nowhere") == ""
    assert 'data-to-languages="4*1"' in client.get("/phone").text


def test_an_employers_contact_can_be_tried(client: FlaskClient) -> None:
    page = client.get("/phone").text
    assert 'value="+8562021000001"' in page
    assert "Speaks for the employer 00001-01." in page


def test_a_register_of_real_people_offers_nobody(app: Flask) -> None:
    page = app.test_client().get("/phone")
    assert page.status_code == 200
    assert "<select" not in page.text


def test_the_gallery_has_every_screen_in_every_language_and_all_fit(client: FlaskClient) -> None:
    page = client.get("/phone/screens").text
    shown = [place for place in atlas if not isinstance(place.state, Do)]
    articles = re.findall(r'<article class="state" id="([^"]+)">(.*?)</article>', page, re.DOTALL)
    assert [name for name, _inside in articles] == [place.name for place in shown]
    for name, inside in articles:
        assert re.findall(r'class="language" lang="([^"]+)"', inside) == ["lo-Latn", "en", "lo"], name
        sizes = re.findall(r'class="units" lang="en">(\d+)/(\d+)', inside)
        assert len(sizes) >= len(LANGUAGES)
        assert all(int(taken) <= int(room) for taken, room in sizes), name
    assert "<strong>all fit.</strong>" in page


def test_the_drawn_flows_are_of_today(app: Flask) -> None:
    """`make diagrams` draws them again."""
    gateway: Installation = app.extensions["pakan"]
    for flow in gateway.engine.atlas.flows:
        drawn = (DIAGRAMS / f"{flow.name}.svg").read_text("utf-8")
        places = [place for place in atlas if place.flow is flow]
        assert set(re.findall(r'<g id="([a-z_]+\.[a-z_]+)" class="node">', drawn)) == {
            place.name for place in places
        }
        assert drawn.count('class="edge"') == sum(len(place.targets) for place in places)


def test_the_sheet_for_native_speakers_is_a_link_away(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/phone/screens.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.text == app.test_cli_runner().invoke(args=["flows", "review"]).output
    assert 'href="/phone/screens.csv"' in client.get("/phone/screens").text
