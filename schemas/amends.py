"""What is recorded when something is made good: a person or a letter erased, a document taken back, something read back into a restored store."""

from typing import NamedTuple


class DeadLetterErased(NamedTuple):
    """The bytes of a dead letter were thrown away, and what it carried beside them: it can be discarded, and not be read again."""

    letter: str
    by: str
    reason: str


class PersonErased(NamedTuple):
    """The personal fields of an account can not be read any more: their key was thrown away. ``key`` is its mark, which stands in all that was sealed
    under it and does not tell it."""

    account: str
    key: str
    by: str
    reason: str


class DecisionReadBack(NamedTuple):
    """What is recorded beside this of a decision, a request that was refused, a measure or a dunning notice was not made here: it was read back from
    the ``message`` it was told by, recorded at ``told`` in the store that made it."""

    account: str
    message: str
    told: str
    by: str
    reason: str


class CorrectionMade(NamedTuple):
    """Somebody took back what was told wrongly of a ``document``: ``corrects`` are the events that told it, ``date`` the day from which it is gone.
    The event that does so is told of the account by us, beside this."""

    account: str
    kind: str
    document: str
    date: str
    corrects: list[dict[str, str]]
    by: str
    reason: str
    policy: str


OfAmends = PersonErased | DecisionReadBack | CorrectionMade
