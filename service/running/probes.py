"""A consumer over HTTP: ``/metrics`` for Prometheus, ``/healthz`` whether it lives, ``/readyz`` whether it can do its work."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from schemas.jsontext import written
from service.failures import WRONG_USAGE, Failure

CLIENT_SECONDS_MAX = 10
Asked = Callable[[], str | None]
"""Answers ``None`` where all is well, else why not."""


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Server6(Server):
    address_family = socket.AF_INET6


class Quiet(WSGIRequestHandler):
    """Logs no requests, and waits for nobody who says nothing."""

    timeout = CLIENT_SECONDS_MAX

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def serving(address: str, registry: CollectorRegistry, ill: Asked, not_ready: Asked) -> Iterator[str]:
    """Answers at HOST:PORT (port 0 is any free one) as long as it is open; gives the address it has."""
    host, port = host_and_port(address)
    metrics = make_wsgi_app(registry)

    def answer(request: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        asked = {"/healthz": ill, "/readyz": not_ready}.get(request["PATH_INFO"])
        if request["PATH_INFO"] == "/metrics":
            told: Iterable[bytes] = metrics(request, start_response)
            return told
        if asked is None:
            return said(start_response, "404 Not Found", {"status": "unknown", "reason": "there are /metrics, /healthz and /readyz"})
        reason = asked()
        if reason is not None:
            return said(start_response, "503 Service Unavailable", {"status": "unavailable", "reason": reason})
        return said(start_response, "200 OK", {"status": "ok"})

    try:
        server = make_server(host, port, answer, Server6 if ":" in host else Server, handler_class=Quiet)
    except OSError as error:
        raise Failure("http", f"--http {address}: {error.strerror or error}") from error
    with server:
        threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
        try:
            yield f"{f'[{host}]' if ':' in host else host}:{server.server_port}"
        finally:
            server.shutdown()


def said(start_response: Any, status: str, document: dict[str, str]) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [written(document) + b"\n"]


def host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise Failure("usage", f"--http: {address!r} is no HOST:PORT, as 127.0.0.1:9464", WRONG_USAGE)
    return host.removeprefix("[").removesuffix("]"), int(port)
