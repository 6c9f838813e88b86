"""`/phone`: a basic phone on the screen, and all its screens side by side. Never in production, never for another
machine: the page holds the token of the webhooks, and shows what is stored of whoever is dialled for.

The phone itself calls `/in/simulator/<token>/…`, as a provider would; nothing here reaches into the engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from gateway.channels.forms import read_msisdn
from gateway.channels.port import NoNumber, Unreadable
from gateway.channels.simulator import read_object
from gateway.conversation.gallery import gallery, texts
from gateway.conversation.graph import Atlas, Menu
from gateway.conversation.review import rows, sheet
from gateway.conversation.screens import keys
from gateway.installation import Installation
from gateway.registry.sample import NoSampleError, Sample, samples, speakers
from gateway.reminders.wording import SAID
from gateway.text.alphabet import is_gsm7
from gateway.text.catalogue import LANGUAGES, read_entries
from gateway.text.typed import Typed
from gateway.web.edge import UNKEPT
from gateway.web.glimpse import glimpse
from gateway.web.webhooks import body

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "font", "connect")),
        "img-src 'self' data:",
        *(f"{what} 'none'" for what in ("base-uri", "form-action", "frame-ancestors")),
    )
)
SAFE: Final = (*UNKEPT, ("Content-Security-Policy", CSP), ("X-Content-Type-Options", "nosniff"))
HERE: Final = ("127.0.0.1", "localhost", "[::1]")  # another name for this machine is a page that was rebound
PROXIED: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP")  # a proxy beside us brings others in
TAGS: Final = {"lo_Latn": "lo-Latn"}  # BCP 47, where it differs from the catalogue's name
NAMES: Final = {"lo_Latn": "Lao ABC", "en": "English", "lo": "ລາວ"}


def phone(gateway: Installation, diagrams: Path) -> Blueprint:
    """The phone of one installation; `diagrams` holds an SVG of each flow."""
    blueprint = Blueprint(
        "phone",
        __name__,
        url_prefix="/phone",
        template_folder="templates",
        static_folder="static/phone",
        static_url_path="/static",
    )

    @blueprint.before_request
    def only_here() -> None:
        host = request.host.rpartition(":")[0] or request.host
        near = ip_address(request.remote_addr or "::").is_loopback and not any(map(request.headers.get, PROXIED))
        if host not in HERE or not near:
            raise NotFound

    @blueprint.after_request
    def safe(answer: Response) -> Response:
        for name, value in SAFE:
            answer.headers[name] = value
        return answer

    @blueprint.get("")
    def page() -> str:
        return render_template(
            "phone/phone.html",
            hook=f"/in/simulator/{gateway.tokens[0]}/",
            code=gateway.settings.service_code,
            to_languages=keys_to(gateway.engine.atlas, gateway.engine.atlas.welcome),
            languages=[
                (language, NAMES[language]) for language in gateway.engine.catalogues.within(gateway.ussd.budget)
            ],
            people=people(gateway),
            budget=gateway.ussd.budget,
            timezone=gateway.settings.timezone,
            tags=TAGS,
        )

    @blueprint.post("/caller")
    def caller() -> Response | dict[str, object]:
        """What is stored of a number: asked for in a body, so that it stands in no address."""
        try:
            asked = read_object(body())
            msisdn = read_msisdn(asked["phone"])
        except (Unreadable, NoNumber, KeyError):
            raise NotFound from None
        by = asked.get("by", Typed(""))
        return glimpse(gateway, msisdn, by.reveal())._asdict()

    @blueprint.get("/flows/<name>.svg")
    def diagram(name: str) -> Response:
        return send_from_directory(diagrams, f"{name}.svg", mimetype="image/svg+xml")

    @blueprint.get("/screens")
    def screens() -> str:
        atlas, entries = gateway.engine.atlas, read_entries(gateway.locales)
        shown = list(gallery(atlas, entries, gateway.budgets, gateway.facts))
        return render_template(
            "phone/screens.html",
            flows=[
                (
                    flow,
                    [(place, all_shown) for place, all_shown in shown if place.flow is flow],
                    [list(texts(flow, wording, entries, gateway.facts)) for wording in flow.texts],
                )
                for flow in atlas.flows
            ],
            misfits=[one for _place, all_shown in shown for one in all_shown if not one.fits],
            count=len(shown),
            budgets=gateway.budgets,
            languages=LANGUAGES,
            tags=TAGS,
            is_gsm7=is_gsm7,
        )

    @blueprint.get("/screens.csv")
    def wording() -> Response:
        entries = read_entries(gateway.locales)
        found = sheet(rows(gateway.engine.atlas, entries, gateway.budgets, gateway.facts, SAID))
        told = {"Content-Disposition": "attachment; filename=wording.csv"}
        return Response(found, content_type="text/csv; charset=utf-8", headers=told)

    return blueprint


def people(gateway: Installation) -> Sequence[Sample]:
    """Synthetic people to call as; nobody where the register is another one, or away."""
    today, scheme = gateway.today(), gateway.scheme
    try:
        return [*samples(gateway.registry, today, scheme), *speakers(gateway.firms, today, scheme)]
    except (NoSampleError, ConnectionError, TimeoutError):
        return ()


def keys_to(atlas: Atlas, goal: str) -> str:
    """What to press at the main menu to come to a state, such as `4*1`; empty when no menu leads there."""
    paths = {atlas.home: ""}
    ahead = deque(paths)
    while ahead:
        place = atlas.get(name := ahead.popleft())
        if name == goal or place is None:
            break
        if not isinstance(place.state, Menu) or place.state.each or place.assurance:
            continue
        for key, target in zip(keys(len(place.targets)), place.targets, strict=True):
            if target not in paths:
                paths[target] = f"{paths[name]}*{key}".strip("*")
                ahead.append(target)
    return paths.get(goal, "")
