"""Facts of our own that go out as they are recorded: what became of a reservation, what a customer promised to pay, and that it was taken back.

Law: a message has all of its fact but what is personal, so that a store which lost it can have it back.
"""

from typing import Any, NamedTuple

from exposure.ledger.acts import dunning, measures
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.own_facts import OwnFact, tell
from schemas.facts import OUR_SOURCE, Data


class Out(NamedTuple):
    """The topic and the type of its message; what its fact always says, and what it may say."""

    topic: str
    type: str
    always: tuple[str, ...]
    more: tuple[str, ...] = ()


OF_RESERVATION = ("order", "date", "reservation")
OUT = {
    "ReservationExtended": Out(measures.TOPIC, "credit.reservation.extended.v1", OF_RESERVATION, ("until",)),
    "ReservationSettled": Out(measures.TOPIC, "credit.reservation.settled.v1", OF_RESERVATION),
    "ReservationReleased": Out(measures.TOPIC, "credit.reservation.released.v1", OF_RESERVATION),
    "PromiseMade": Out(dunning.TOPIC, "credit.promise.made.v1", ("promise", "date", "currency", "instalments", "invoices", "by"), ("paid_before",)),
    "PromiseWithdrawn": Out(dunning.TOPIC, "credit.promise.withdrawn.v1", ("promise", "date", "by", "reason")),
}
"""By the names of the facts."""


def tell_out(writing: Any, fact: OwnFact, by: str, personal: Data | None = None) -> None:
    """Records a fact, and tells who listens; what is ``personal`` stays here."""
    account, name, id_, data = fact
    tell(writing, [fact], by, personal=personal)
    message = {"type": OUT[name].type, "source": OUR_SOURCE, "data": {**data, "account": account, "fact": id_, "by": by}}
    writing.announce(OUT[name].topic, account, message_of(account, id_), message)


def message_of(account: str, id_: str) -> str:
    return digest_of(account, ["fact", id_])


def fact_of(name: str, told: Data) -> OwnFact:
    """The fact that a message tells. Raises ``KeyError`` where it lacks something."""
    data = {part: told[part] for part in OUT[name].always}
    return told["account"], name, told["fact"], data | {part: told[part] for part in OUT[name].more if part in told}
