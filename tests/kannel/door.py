"""Channels behind a real HTTP server, without the gateway: what comes in is kept, and answered as told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

from werkzeug.datastructures import Headers

from gateway.channels.port import Asked, Inbound, Provider, Reply, Texted
from gateway.outbox.port import Receipt
from gateway.storage.store import Answer
from tests.conftest import TOKEN


class Door(ThreadingHTTPServer):
    """`provider` reads what arrives; `answers` are given to calls, one after the other."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.provider = Provider("none")
        self.texts: Queue[Texted | None] = Queue()
        self.receipts: Queue[Receipt | None] = Queue()
        self.hops: Queue[Inbound] = Queue()
        self.answers: Queue[Answer] = Queue()
        self.fails = 0  # times that it answers 500 first

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def hears(self, event: str, asked: Asked) -> Reply:
        if text := self.provider.texts.get(event):
            self.texts.put(text.parse(asked))  # type: ignore[arg-type]  # Kannel answers no opt-outs itself
            return text.taken()
        if receipt := self.provider.receipts.get(event):
            self.receipts.put(receipt(asked))
            return Reply("")
        call = self.provider.calls[event]
        hop = call.parse(asked)
        if isinstance(hop, Reply):
            return hop
        self.hops.put(hop)
        return call.frame(self.answers.get(timeout=10), hop)


class Handler(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, path, query, Headers(list(self.headers.items())), body)
        _, entrance, name, token, event = path.split("/")
        assert (entrance, name, token) == ("in", self.server.provider.name, TOKEN)
        if self.server.fails:
            self.server.fails -= 1
            self.reply(Reply("", 500))
        else:
            self.reply(self.server.hears(event, asked))

    def do_POST(self) -> None:
        self.do_GET()

    def reply(self, reply: Reply) -> None:
        data = reply.body.encode()
        self.send_response(reply.status)
        for name, value in [
            ("Content-Type", reply.content_type),
            *reply.headers,
            ("Content-Length", str(len(data))),
        ]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Its log is not ours."""


@contextmanager
def door() -> Iterator[Door]:
    server = Door()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
