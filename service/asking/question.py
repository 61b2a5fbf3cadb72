"""The one door of all questions: a moment of the store, and the two clocks the question is asked with.

Law: what is not known yet is not answered. A ``--known-at`` later than both the clock of the call and what was recorded last is refused, for the
answer could be another one tomorrow.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.failures import WRONG_USAGE, Failure, telling
from service.options import clock, day, instant, opened


@contextmanager
def asking(store: str | None, now: str | None, as_of: str | None = None, known_at: str | None = None) -> Iterator[tuple[Any, Any]]:
    """A moment of the store a URL names, and what is asked of it; lookups that find nothing inside are failures of the command."""
    wanted, recorder = asked(now, as_of, known_at), opened(store)
    with recorder.reading() as moment, telling():
        refuse_future(moment, wanted)
        yield moment, wanted


def asked(now: str | None, as_of: str | None, known_at: str | None) -> Any:
    """The two clocks of a question."""
    from projections.account import Asked

    return Asked(clock(now)(), day(as_of, "--as-of"), instant(known_at, "--known-at"))


def refuse_future(moment: Any, wanted: Any) -> None:
    """What a clock that is behind has recorded is the past as well."""
    from projections.when import instant_text

    if wanted.known_at is None or wanted.known_at <= wanted.now:
        return
    until = max(wanted.now, moment.last_recorded())
    if wanted.known_at > until:
        message = f"--known-at: {instant_text(wanted.known_at)} lies in the future: what will be known then is not known at {instant_text(until)}"
        raise Failure("not_known_yet", message, WRONG_USAGE)
