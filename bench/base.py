"""The least a Flask application can do with a hop: read the form, say hi. Everything is measured against it."""

from __future__ import annotations

from flask import Flask, Response, request

app = Flask("base", static_folder=None)


@app.post("/ussd")
def ussd() -> Response:
    form = request.form
    assert form["sessionId"] + form["phoneNumber"] + form["text"]
    return Response("CON hi", content_type="text/plain; charset=utf-8")
