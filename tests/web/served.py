"""What granian loads in tests: the gateway, and one whose every request raises what was asked of it."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask

from app import serve


class Panic(BaseException):
    """What an extension module raises when it gives up."""


def broken() -> Flask:
    """As `app:serve`, but Flask itself raises, and a library logs it; both quote the whole request."""
    app = serve()

    def raising(_app: Flask, environ: dict[str, Any], _start: object) -> object:
        words = f"{environ['PATH_INFO']} {environ['wsgi.input'].read()!r}"
        logging.getLogger("library").error("failed: %s", words, exc_info=True)
        raise (Panic if environ["REQUEST_METHOD"] == "PUT" else RuntimeError)(words)

    Flask.wsgi_app = raising  # type: ignore[method-assign, assignment]
    return app
