"""Failures as the command line tells them: a stable code, a sentence, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from exposure.approvals import Refused

DONE, FAILED, WRONG_USAGE, BUSINESS_NO = 0, 1, 2, 3


class Failure(Exception):
    """Something asked for could not be done; told in one line, or as JSON under ``--json``."""

    def __init__(self, code: str, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code


class Done(NamedTuple):
    """How something stands after an act, as its document, and why the act was refused, where it was."""

    shown: dict[str, Any]
    refused: Refused | None = None

    @property
    def failure(self) -> Failure | None:
        return self.refused and Failure(self.refused.code, self.refused.why, BUSINESS_NO)


@contextmanager
def of_the_broker() -> Iterator[None]:
    """Turns what goes wrong with a broker into a failure of the command."""
    from consumers.broker.failures import BrokerFailure

    try:
        yield
    except BrokerFailure as error:
        raise Failure(error.code, str(error)) from error


@contextmanager
def telling() -> Iterator[None]:
    """Turns the lookup errors of projections into failures with a code."""
    from projections.account import NotKnownBefore, UnknownAccount
    from projections.promises import UnknownPromise
    from projections.selection import BadSelection
    from projections.when import DaysReversed

    try:
        yield
    except UnknownAccount as error:
        raise Failure("unknown_account", str(error)) from error
    except UnknownPromise as error:
        raise Failure("unknown_promise", str(error)) from error
    except NotKnownBefore as error:
        raise Failure("not_known_before", str(error)) from error
    except DaysReversed as error:
        raise Failure("usage", f"--from: {error}", WRONG_USAGE) from error
    except BadSelection as error:
        raise Failure("usage", str(error), WRONG_USAGE) from error
