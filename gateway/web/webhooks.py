"""The providers' addresses. Every method arrives here, so that a refusal looks the same whatever was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.channels.pipeline import NotTaken, Pipeline
from gateway.channels.port import PLAIN, Asked, Ending, NoNumber, Provider, Refused, Reply, Unreadable
from gateway.conversation.screens import SORRY
from gateway.logs import forget, report
from gateway.web.edge import not_found, plain

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# a doubled slash is another address too: werkzeug would redirect, with the token in its page
ANY: dict[str, Any] = {"methods": METHODS, "provide_automatic_options": False, "merge_slashes": False}
UNREADABLE = "This is not a form this address understands\n"

NOT_TAKEN = "This cannot be kept now, please bring it again\n"

log = structlog.get_logger("pakan.webhooks")


def webhooks(pipeline: Pipeline, providers: Sequence[Provider]) -> Blueprint:
    """`/in/<provider>/<token>/<event>`, for every event of every provider."""
    blueprint = Blueprint("webhooks", __name__)
    by_name = {provider.name: provider for provider in providers}

    @blueprint.route("/in/<name>/<token>/<event>", **ANY)
    def arrived(name: str, token: str, event: str) -> Response:
        provider = by_name.get(name)
        pipeline.verify(token)
        if provider is None or request.method not in provider.methods:
            raise Refused
        asked = Asked(request.method, request.path, _query(), request.headers, body())
        if not provider.is_genuine(asked):
            raise Refused
        if call := provider.calls.get(event):
            return framed(pipeline.receive(call, asked))
        if text := provider.texts.get(event):
            return framed(pipeline.take(text, asked))
        if receipt := provider.receipts.get(event):
            if found := receipt(asked):
                pipeline.report(found)
            return plain("")
        if leaving := provider.leavings.get(event):
            pipeline.leave(leaving(asked))
            return plain("")
        if ending := provider.endings.get(event):
            return ended(ending(asked))
        raise Refused

    def ended(ending: Ending) -> Response:
        log.info(
            "call ended",
            call=pipeline.hasher("session", ending.session)[:8],
            outcome=ending.outcome,
            hops=ending.hops,
            seconds=None if ending.milliseconds is None else ending.milliseconds // 1000,
        )
        return plain("")

    blueprint.register_error_handler(Refused, not_found)

    @blueprint.errorhandler(NoNumber)
    def nobody(_problem: NoNumber) -> Response:
        """A report or an opt-out of no phone: the same if it came again."""
        return plain("")

    @blueprint.errorhandler(NotTaken)
    def not_taken(_problem: NotTaken) -> Response:
        """Never a 200 for what is not durable (reliability F5): the provider brings it again."""
        return plain(NOT_TAKEN, 503)

    @blueprint.errorhandler(Unreadable)
    @blueprint.errorhandler(RequestEntityTooLarge)
    def unreadable(problem: Exception) -> Response:
        forget(problem)
        return plain(UNREADABLE, 400)

    @blueprint.errorhandler(Exception)
    def unforeseen(problem: Exception) -> Response:
        """Not even a fault of ours is a page of HTML: an END in the frame every handset shows, and a line."""
        report("webhook failed", problem)
        return plain(f"END {pipeline.last_words(None, SORRY).text}")

    return blueprint


def framed(reply: Reply) -> Response:
    answer = plain(reply.body, reply.status)
    if reply.content_type != PLAIN:
        answer.content_type = reply.content_type
    for name, value in reply.headers:
        answer.headers.add(name, value)
    return answer


def _query() -> str:
    return request.query_string.decode("ascii", "replace")


def body() -> bytes:
    """The request's body, read once and kept by nobody: `request.form` and `request.data` are empty afterwards."""
    return request.get_data(cache=False)
