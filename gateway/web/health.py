"""`/healthz`: the process answers. `/readyz`: it can serve, with its databases at the shape it expects."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

PLAIN = "text/plain; charset=utf-8"


def health(ready: Callable[[], str]) -> Blueprint:
    """`ready` gives an empty string, or one sentence for the officer that says what is missing."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type=PLAIN)

    @blueprint.get("/readyz")
    def readyz() -> Response:
        missing = ready()
        return Response(f"{missing or 'ready'}\n", 503 if missing else 200, content_type=PLAIN)

    return blueprint
