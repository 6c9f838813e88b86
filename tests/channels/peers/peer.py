"""An HTTP peer that answers what it is told to, in every manner in which a provider fails."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl

BYTE_SECONDS = 0.2  # of one that trickles: sooner than any read's own limit in these tests
LATE = ("hangs", "trickles its headers", "trickles its answer")
BROKEN = ("resets", "closes", "talks no HTTP")


class Request(NamedTuple):
    path: str
    headers: Mapping[str, str]
    form: dict[str, str]  # empty where the body is none
    body: bytes = b""


class Answer(NamedTuple):
    status: int
    body: str
    headers: Mapping[str, str] = {}


class Peer(ThreadingHTTPServer):
    """`answers` are given one after the other, the last one for ever; a `manner` is instead of an answer."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.manner = ""
        self.got: list[Request] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that left is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Peer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_form = "urlencoded" in self.headers.get("Content-Type", "")
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)) if is_form else {}
        self.server.got.append(Request(self.path, dict(self.headers.items()), form, body))
        match self.server.manner:
            case "hangs":
                self.server.over.wait()
            case "trickles its headers":
                self.trickle(b"HTTP/1.1 201 Created\r\nServer: slow\r\n\r\n{}")
            case "trickles its answer":
                self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 40\r\n\r\n")
                self.trickle(b'{"SMSMessageData": "byte by byte..."    }')
            case "resets":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            case "talks no HTTP":
                self.wfile.write(b"+OK taken\r\n\r\n")
            case "":
                answers = self.server.answers
                self.reply(*(answers.pop(0) if len(answers) > 1 else answers[0]))

    def reply(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            **headers,
            "Content-Length": str(len(data)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def trickle(self, data: bytes) -> None:
        for number in range(len(data)):
            if self.server.over.wait(BYTE_SECONDS):
                return
            self.wfile.write(data[number : number + 1])

    def log_message(self, *_arguments: object) -> None:
        """Its log is not ours."""


@contextmanager
def peer() -> Iterator[Peer]:
    """A peer on a port of its own."""
    server = Peer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        with suppress(OSError):
            server.server_close()
