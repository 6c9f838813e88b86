"""A provider on this machine, in a process of its own: it takes messages, and may be asked for one of them."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from time import sleep
from typing import ClassVar

from gateway.outbox.port import Message, NotThere, Outcome, Retry, Sent, Unknown

TAKES_SECONDS = 0.003  # before and after it has the message, as in the reference's own measurement (3.5)
WAIT_SECONDS = 5.0


class Door(BaseHTTPRequestHandler):
    """POST /<reference> hands a message over; GET /<reference> asks for it; GET / tells all that was taken."""

    taken: ClassVar[Counter[str]] = Counter()
    lock = Lock()
    seconds = TAKES_SECONDS

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sleep(self.seconds)
        with self.lock:
            self.taken[self.path[1:]] += 1
        sleep(self.seconds)
        self._say(200, b"")

    def do_GET(self) -> None:
        with self.lock:
            if self.path == "/":
                return self._say(200, json.dumps(self.taken).encode())
            there = self.path[1:] in self.taken
        return self._say(200 if there else 404, b"")

    def _say(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            return  # whoever asked was killed

    def log_message(self, *_words: object) -> None:
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_request: object) -> None:
        return  # a caller that is killed hangs up anywhere


class Double:
    """The process, and what it has taken."""

    def __init__(self, seconds: float = TAKES_SECONDS) -> None:
        fork = multiprocessing.get_context("fork")
        told, port = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_serve, args=(port, seconds), daemon=True)
        self._process.start()
        self.port: int = told.recv()

    def close(self) -> None:
        self._process.kill()
        self._process.join()


class Carrier:
    """Hands texts to the double. `finds`: whether it may be asked."""

    name = "double"

    def __init__(self, port: int, finds: bool = True) -> None:
        self.port, self.finds = port, finds

    def send(self, message: Message) -> Outcome:
        try:
            status, _body = _ask(self.port, "POST", f"/{message.ref}", message.text.encode())
        except ConnectionRefusedError:
            return Retry("refused", provider_is_ill=True)
        except (OSError, HTTPException):
            return Unknown("no answer")
        return Sent(message.ref) if status == 200 else Unknown(f"answered {status}")

    def taken(self) -> Counter[str]:
        """How often it took each message."""
        return Counter(json.loads(_ask(self.port, "GET", "/")[1]))

    def find(self, ref: str) -> Sent | NotThere | Unknown:
        try:
            status, _body = _ask(self.port, "GET", f"/{ref}")
        except (OSError, HTTPException):
            return Unknown("no answer")
        return Sent(ref) if status == 200 else NotThere()


def _ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _serve(port: object, seconds: float) -> None:
    Door.seconds = seconds
    server = Server(("127.0.0.1", 0), Door)
    port.send(server.server_address[1])  # type: ignore[attr-defined]
    server.serve_forever()
