"""Failures as the command line tells them: a stable code, a sentence, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DONE, FAILED, WRONG_USAGE, BUSINESS_NO = 0, 1, 2, 3


class Failure(Exception):
    """Something asked for could not be done; told in one line, or as JSON under ``--json``."""

    def __init__(self, code: str, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code


@contextmanager
def of_the_broker() -> Iterator[None]:
    """Turns what goes wrong with a broker into a failure of the command."""
    from consumers.broker.failures import BrokerFailure

    try:
        yield
    except BrokerFailure as error:
        raise Failure(error.code, str(error)) from error


class telling:
    """Turns the lookup errors of projections into failures with a code."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        from projections.account import NotKnownBefore, UnknownAccount
        from projections.selection import BadSelection

        if isinstance(error, UnknownAccount):
            raise Failure("unknown_account", str(error)) from error
        if isinstance(error, NotKnownBefore):
            raise Failure("not_known_before", str(error)) from error
        if isinstance(error, BadSelection):
            raise Failure("usage", str(error), WRONG_USAGE) from error
