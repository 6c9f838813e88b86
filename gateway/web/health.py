"""`/healthz`: the process answers. `/readyz`: it can serve, with its databases at the shape it expects."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from gateway.web.edge import plain


def health(ready: Callable[[], str]) -> Blueprint:
    """`ready` gives an empty string, or one sentence for the officer that says what is missing."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return plain("ok\n")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        missing = ready()
        return plain(f"{missing or 'ready'}\n", 503 if missing else 200)

    return blueprint
