"""One webhook: an event is posted to its URL, signed as the Standard Webhooks specification says; what the answer means is said here.

The id is the event's own and stays the same however often it is posted: who drops repeats drops them by it.
"""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from standardwebhooks import Webhook

SECONDS_MAX = 10.0
"""So long is waited for a connection, and for each part of an answer."""
AGAIN = {408, 429}
"""Refusals (4xx) that time may cure; all others stay."""
PAUSE_SECONDS_MAX = 86_400
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Answer(NamedTuple):
    """``why`` it did not arrive, ``None`` where it did; ``is_final`` where to try again would not help; how long it asks us to wait."""

    why: str | None = None
    is_final: bool = False
    pause_seconds: int = 0


class Endpoint:
    """A URL and the secret it shares with us. Certificates are verified; redirections are not followed, for what is signed is meant for this URL."""

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        self.is_safe = parts.scheme == "https"
        self.host, self.port = str(parts.hostname), parts.port
        self.path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        self.signer = Webhook(secret)

    def post(self, event_id: str, body: bytes, at: datetime) -> Answer:
        connection = self.connection()
        try:
            connection.request("POST", self.path, body, dict(self.headers(event_id, body, at)))
            return answer_of(connection.getresponse())
        except (OSError, HTTPException) as failure:
            return Answer(f"{type(failure).__name__}: {failure}")
        finally:
            connection.close()

    def connection(self) -> HTTPConnection:
        if self.is_safe:
            return HTTPSConnection(self.host, self.port, timeout=SECONDS_MAX, context=ssl.create_default_context())
        return HTTPConnection(self.host, self.port, timeout=SECONDS_MAX)

    def headers(self, event_id: str, body: bytes, at: datetime) -> Mapping[str, str]:
        return {
            "content-type": "application/cloudevents+json",
            "user-agent": "exposure-engine",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self.signer.sign(event_id, at.astimezone(UTC), body.decode()),
        }


def answer_of(response: HTTPResponse) -> Answer:
    status, told = response.status, response.getheader("retry-after", "")
    if 200 <= status < 300:
        return Answer()
    is_final = 300 <= status < 500 and status not in AGAIN
    pause = min(int(told), PAUSE_SECONDS_MAX) if told.isascii() and told.isdigit() else 0
    return Answer(f"HTTP {status}", is_final, pause)


def problem_of(url: str) -> str | None:
    """Why nothing may be posted to a URL, where that is so."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return str(error)
    if parts.username is not None or parts.password is not None:
        return "put no name and no password into it: who posts is proved by the signature"
    if not parts.hostname or parts.scheme not in ("https", "http"):
        return "that is no URL, as https://hooks.example.com/credit"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "https:// only, but for this machine: others would read what is posted"
    return None
