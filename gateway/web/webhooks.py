"""The providers' addresses. Every method arrives here, so that a refusal looks the same whatever was wrong."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.channels.africastalking import UssdChannel
from gateway.channels.pipeline import Pipeline, Refused, Unreadable, report
from gateway.conversation.screens import SORRY

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# a doubled slash is another address too: werkzeug would redirect, with the token in its page
ANY: dict[str, Any] = {"methods": METHODS, "provide_automatic_options": False, "merge_slashes": False}
NOT_FOUND = "Not found\n"
UNREADABLE = "This is not a form this address understands\n"
PLAIN = "text/plain; charset=utf-8"

log = structlog.get_logger("pakan.webhooks")


def not_found(_problem: object = None) -> Response:
    """The one answer to everything that is not ours, from unknown paths to wrong tokens."""
    return Response(NOT_FOUND, 404, content_type=PLAIN)


def webhooks(pipeline: Pipeline, ussd: UssdChannel) -> Blueprint:
    """`POST /in/africastalking/<token>/ussd` and `ussd-end`."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.route("/in/africastalking/<token>/ussd", **ANY)
    def africastalking_ussd(token: str) -> Response:
        if request.method != "POST":
            raise Refused
        return Response(pipeline.receive(ussd, token, request.get_data), content_type=PLAIN)

    @blueprint.route("/in/africastalking/<token>/ussd-end", **ANY)
    def africastalking_ussd_end(token: str) -> Response:
        if request.method != "POST":
            raise Refused
        pipeline.verify(token)
        ending = ussd.parse_ending(request.get_data())
        log.info(
            "call ended",
            call=pipeline.hasher("session", ussd.name, ending.session)[:8],
            outcome=ending.outcome,
            hops=ending.hops,
            milliseconds=ending.milliseconds,
        )
        return Response("", 200, content_type=PLAIN)

    blueprint.register_error_handler(Refused, not_found)

    @blueprint.errorhandler(Unreadable)
    @blueprint.errorhandler(RequestEntityTooLarge)
    def unreadable(_problem: Exception) -> Response:
        return Response(UNREADABLE, 400, content_type=PLAIN)

    @blueprint.errorhandler(Exception)
    def unforeseen(problem: Exception) -> Response:
        """Not even a fault of ours is a page of HTML: an END in the frame every handset shows, and a line."""
        report("webhook failed", problem)
        return Response(f"END {pipeline.last_words(None, SORRY).text}", content_type=PLAIN)

    return blueprint
