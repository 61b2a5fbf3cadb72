"""Failures as the command line tells them: a stable code, a sentence, and an exit code."""

DONE, FAILED, WRONG_USAGE, BUSINESS_NO = 0, 1, 2, 3


class Failure(Exception):
    """Something asked for could not be done; told in one line, or as JSON under ``--json``."""

    def __init__(self, code: str, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code
