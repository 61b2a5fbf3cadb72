"""The log: an event a line on standard error, as JSON for programs or to be read by people.

Events and fields have the names listed here, with their units, and keep them; a field that is not listed is left out, and passwords are put out of
sight wherever they stand. So no name, contact or record of a customer gets into a log by oversight.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from schemas.jsontext import written

OURS = {
    "started": "group, topics, store",
    "listening": "http",
    "claimed": "partitions, backlog_records",
    "released": "partitions",
    "taken": "read, recorded, duplicates, dead_letters",
    "progress": "backlog_records, rate_per_second, newest_record_age_seconds, dead_letters",
    "caught_up": "read",
    "overtaken": "why",
    "waiting": "why, waiting_seconds",
    "resumed": "waiting_seconds",
    "sent": "messages",
    "relay_waiting": "why",
    "delivered": "subscription, messages",
    "undelivered": "subscription, alert, attempts, why, given_up",
    "webhook_waiting": "why",
    "stopped": "read, recorded, duplicates, dead_letters, overtaken, backlog_records, run_seconds",
    "failed": "why, code",
    "library": "logger, message, error, trace",
}
"""The events and the fields of each. ``library`` is what other people's code has to say."""
FIELDS = {"timestamp", "level", "event", *(field for fields in OURS.values() for field in fields.split(", "))}
IN_A_URL = re.compile(r"(://[^:/?#\s]*):[^@\s]+@")
BY_NAME = re.compile(r"(?i)(passw(?:or)?d|secret|token)(['\"]?\s*[=:]\s*)\S+")
HIDDEN = "***"
TEXT_MAX = 4_000

log = structlog.get_logger()


def set_up(form: str, level: str, secrets: Iterable[str]) -> bool:
    """Sets the log up for the whole process: ``form`` is json, text, or auto, which is text on a terminal. Whether people read it there.

    Other people's code is heard from ``warning`` on and never below: there it would tell what it sends, passwords too.
    """
    terminal = sys.stderr.isatty()
    for_people = form == "text" or (form == "auto" and terminal)
    lowest = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            guard(secrets),
            structlog.dev.ConsoleRenderer(colors=terminal) if for_people else as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # as it is at the moment: a progress line may stand before it
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [FromLibraries(hears_the_start=lowest <= logging.DEBUG)]
    root.setLevel(max(logging.WARNING, lowest))
    logging.getLogger("kafka.coordinator.assignors").setLevel(logging.ERROR)  # at each start it misses what it has not asked for yet
    logging.captureWarnings(True)
    return for_people and terminal


class FromLibraries(logging.Handler):
    """Brings what is told to the standard library's logging into our log."""

    def __init__(self, *, hears_the_start: bool) -> None:
        super().__init__()
        self.hears_the_start = hears_the_start

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        told = {"logger": record.name, "message": record.getMessage()}
        if error is not None:
            told |= {"error": in_a_line(error), "trace": "".join(traceback.format_tb(error.__traceback__))}
        log.log(record.levelno, "library", **told)


@contextmanager
def starting() -> Iterator[None]:
    """Meanwhile other people's code is heard at ``debug`` alone: who is refused at the start says so once, in words of our own."""
    deaf = [one for one in logging.getLogger().handlers if isinstance(one, FromLibraries) and not one.hears_the_start]
    for handler in deaf:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler in deaf:
            handler.setLevel(logging.NOTSET)


def in_a_line(error: BaseException) -> str:
    """Kind and first line of an error: in the lines behind it a database may quote the row it is about."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def guard(secrets: Iterable[str]) -> Callable[[Any, str, Any], Any]:
    hidden = sorted(filter(None, secrets), key=len, reverse=True)

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, list | tuple):
            return [plain(one) for one in value]
        text = str(value)
        for secret in hidden:
            text = text.replace(secret, HIDDEN)
        return BY_NAME.sub(rf"\1\2{HIDDEN}", IN_A_URL.sub(rf"\1:{HIDDEN}@", text))[:TEXT_MAX]

    def guarded(_: Any, __: str, event: Any) -> Any:
        first = {name: event[name] for name in ("timestamp", "level", "event")}
        return {name: plain(value) for name, value in (first | event).items() if name in FIELDS}

    return guarded


def as_json(_: Any, __: str, event: Any) -> str:
    return written(event).decode()
