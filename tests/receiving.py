"""A subscriber's server in the hands of a test: it keeps what is posted to it, and answers as the test says."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from schemas.jsontext import read

SILENCE = 0
"""No answer at all, for longer than anybody waits."""


class Posted(NamedTuple):
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return read(self.body)

    @property
    def place(self) -> tuple[str, int]:
        """The account, and the number of the alert."""
        return self.event["subject"], self.event["data"]["sequence"]


Answering = Callable[[Posted], int | tuple[int, dict[str, str]]]


class Receiver:
    """``posted`` is all that came, ``taken`` what was answered with 200. ``answer`` may be replaced at any time."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.taken: list[Posted] = []
        self.answer: Answering = lambda _: 200
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?to=credit"


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted = Posted({name.lower(): value for name, value in self.headers.items()}, self.rfile.read(int(self.headers["content-length"])))
            receiver.posted.append(posted)
            answer = receiver.answer(posted)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            if status == SILENCE:
                time.sleep(1.0)
                return
            if status == 200:
                receiver.taken.append(posted)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
