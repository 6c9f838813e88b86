"""USSD over HTTP by whatever form an operator or aggregator has: read and answered as its file describes it.

Nothing is signed: the secret token in the address proves the sender.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from gateway.channels.forms import MAX_BODY, harmless, read_form, read_msisdn, shortcut
from gateway.channels.gateway_file import PLACE, TEXT, Frame, GatewayFile
from gateway.channels.port import PLAIN, Asked, Inbound, Provider, Reply, Unreadable
from gateway.storage.store import Answer
from gateway.text.alphabet import Budget
from gateway.text.typed import Typed

CONTENT_TYPES: Final = {
    "text": PLAIN,
    "json": "application/json; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class HttpUssdChannel:
    """Calls by one gateway, cut to the operator's budget. `code`: what is dialled, such as `*1508#`."""

    file: GatewayFile
    budget: Budget
    code: str

    @property
    def name(self) -> str:
        return f"{self.file.name}-ussd"

    def parse(self, asked: Asked) -> Inbound | Reply:
        """Read one hop; raises `Unreadable` for another form, `NoNumber` for a hidden or impossible number."""
        file, fields = self.file, _fields(self.file, asked)
        del asked  # whatever fails from here on, no frame holds what was typed
        if file.leaves and file.leaves.is_said(_at(fields, file.leaves.field)):
            return self._framed(file.left, {})
        session, msisdn, typed = (_said(fields, name) for name in (file.session, file.msisdn, file.text))
        if msisdn is None or typed is None or (file.session and not (session and session.reveal())):
            raise Unreadable("number, text and session are needed")
        echo = tuple((name, json.dumps(_at(fields, name))) for name in sorted(file.echoes))
        event = Inbound(session.reveal() if session else "", read_msisdn(msisdn), typed, echo)
        if file.keys == "all":
            return event
        begins = file.begins is not None and file.begins.is_said(_at(fields, file.begins.field))
        hop = _said(fields, file.hop)
        return event._replace(
            text=shortcut(typed, self.code) if begins else typed,
            hop=hop.reveal() if hop and hop.reveal() else secrets.token_hex(16),  # a repeat is then not known
            begins=begins,
        )

    def frame(self, answer: Answer, event: Inbound | None) -> Reply:
        values = {name: json.loads(value) for name, value in event.echo} if event else {}
        frame = self.file.ends if answer.ends else self.file.asks
        return self._framed(frame, {**values, TEXT: harmless(answer.text)})

    def _framed(self, frame: Frame, values: Mapping[str, Any]) -> Reply:
        kind = self.file.reply
        body = _filled(frame.body, values, xml=kind == "xml")
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return Reply(text, content_type=CONTENT_TYPES[kind], headers=tuple(frame.headers.items()))


def http_ussd(channel: HttpUssdChannel) -> Provider:
    """What one gateway may send us."""
    return Provider(channel.file.name, calls={"ussd": channel}, methods=frozenset({"GET", "POST"}))


def _fields(file: GatewayFile, asked: Asked) -> Mapping[str, Any]:
    """What the request says, as the names in its file lead to it. Raises `Unreadable`."""
    if file.request in {"query", "form"}:
        says = {one.field for one in (file.begins, file.leaves) if one}
        wanted = {file.session, file.msisdn, file.text, file.hop} | says | file.echoes
        form = asked.query.encode() if file.request == "query" else asked.body
        return {name: value.reveal() for name, value in read_form(form, wanted).items()}
    if len(asked.body) > MAX_BODY:
        raise Unreadable("the body is too long")
    try:
        body = asked.body.decode("utf-8", "replace")
        found = json.loads(body) if file.request == "json" else _tree(body)
    except (ValueError, RecursionError, ElementTree.ParseError):
        raise Unreadable(f"no {file.request}") from None
    if not isinstance(found, dict):
        raise Unreadable("no fields")
    return found


def _tree(body: str) -> Any:
    """A document's elements as tables in tables. It may declare nothing: no entity is ever expanded."""
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        raise Unreadable("a document with declarations")
    return _table(ElementTree.fromstring(body))  # noqa: S314 (what makes it dangerous was refused)


def _table(element: ElementTree.Element) -> Any:
    return {child.tag: _table(child) for child in element} if len(element) else element.text or ""


def _at(fields: Mapping[str, Any], way: str) -> Any:
    """What a name with dots leads to; None where it leads nowhere."""
    found: Any = fields
    for name in way.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _said(fields: Mapping[str, Any], way: str) -> Typed | None:
    """A field that is one text or number."""
    found = _at(fields, way) if way else None
    if found is None or isinstance(found, dict | list | bool):
        return None
    return Typed(str(found))


def _filled(body: object, values: Mapping[str, Any], xml: bool) -> Any:
    """The body with the values in their places; a place that is a whole value keeps its type."""
    if isinstance(body, dict):
        return {name: _filled(value, values, xml) for name, value in body.items()}
    if not isinstance(body, str):  # a number, true or false stands in the table as it is
        return body
    if (whole := PLACE.fullmatch(body)) and not xml:
        return values.get(whole[1])

    def value(place: str) -> str:
        text = "" if (found := values.get(place)) is None else str(found)
        return escape(text) if xml else text

    return PLACE.sub(lambda match: value(match[1]), body)
