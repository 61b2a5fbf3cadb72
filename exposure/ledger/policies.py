"""Policies as adopted: the one in force is the one adopted last. None was adopted yet, so it is the contract's."""

from typing import Any

from schemas.policies import DEFAULT, Policy


def in_force(moment: Any, known_at: int | None = None) -> Policy:  # noqa: ARG001 - who asks has a moment, and may ask for an earlier one
    return DEFAULT
