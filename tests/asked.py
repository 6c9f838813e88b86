"""Requests as a provider makes them, for what reads them."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import Headers

from gateway.channels.port import Asked


def posted(body: bytes, headers: Mapping[str, str] = {}, path: str = "/", query: str = "") -> Asked:
    return Asked("POST", path, query, Headers(dict(headers)), body)


def got(query: str, headers: Mapping[str, str] = {}, path: str = "/") -> Asked:
    return Asked("GET", path, query, Headers(dict(headers)), b"")
