"""What people said, read back from what was told of it: releases of held orders, limits by request, what became of reservations, promises to pay.

Law: each goes on from what is there: a release from its decision, a yes from its request, a fact from its reservation or promise. What the restored
store has settled otherwise stays.
"""

from collections.abc import Callable
from typing import Any

from exposure.approvals import UNLIMITED, same
from exposure.decisions import HELD
from exposure.ledger.acts import decisions, limit_requests, releases
from exposure.ledger.acts.cases import OPEN
from exposure.ledger.out import told_facts
from exposure.ledger.out.lacking import Lacking, Told, Unknown
from exposure.ledger.own_facts import OwnFact, is_told
from schemas.amounts import minor, shown
from schemas.currencies import DECIMALS
from schemas.facts import Data, HoldReleased, LimitApproved, LimitRequested
from schemas.instants import instant, real_day


def let_pass(moment: Any, told: Told) -> Lacking:
    """Of a held order: that its release was proposed, or that it may pass. Raises ``Unknown`` where its decision is not here, or is another one."""
    event = told.event(OF_RELEASES[told.type])
    told.has_id(releases.message_of(event))
    known, stream = decisions.known(moment, event.decision_id), releases.stream_of(event.decision_id)
    if known is None or known.decision != HELD or event[:5] != (known.decision_id, known.account, known.order, known.amount, known.currency):
        raise Unknown(f"nothing is known of a decision {event.decision_id!r} that holds this order")
    if isinstance(event, HoldReleased):
        real_day(event.as_of)
        if event.reasons != known.reasons:
            raise Unknown(f"reasons: {event.reasons!r} are not those it was held for")
    trail = releases.trail(moment, event.decision_id)
    is_new = releases.released(trail) is None and (isinstance(event, HoldReleased) or releases.proposed(trail) is None)
    return Lacking(event.account, stream, [(stream, event)] if is_new else [], [])


def of_limit(moment: Any, told: Told) -> Lacking:
    """Of a limit: that it was asked for, or what was said to that, with the limit that the last yes made. Raises ``Unknown`` where nobody asked."""
    event = told.event(OF_LIMITS[told.type])
    told.has_id(limit_requests.message_of(event))
    known, stream, facts = limit_requests.trail(moment, event.request), limit_requests.stream_of(event.request), list[OwnFact]()
    if known is None:
        if not isinstance(event, LimitRequested):
            raise Unknown(f"nothing is known of limit request {event.request!r}")
        check_asked(event)
        return Lacking(event.account, stream, [(stream, event)], [])
    if event.account != known.request.account:
        raise Unknown(f"limit request {event.request!r} is of another account")
    is_final = isinstance(event, LimitApproved) and event.is_final
    # One person is one yes, in whatever words it was said here again.
    is_said = isinstance(event, LimitRequested) or any(type(said) is type(event) and same(said.by, event.by) for _, said in known.events)
    if known.state != OPEN or (is_said and not is_final):
        return Lacking(event.account, stream, [], [])
    if is_final:
        facts.append(limit_requests.limit_made(known.request, list(dict.fromkeys([*(one.by for one in known.approvals), event.by]))))
    return Lacking(event.account, stream, [(stream, event)], facts)


def check_asked(asked: LimitRequested) -> None:
    """Raises ``ValueError`` where no limit could be made of it."""
    if asked.amount not in (UNLIMITED, "none"):
        check_amount(asked.amount, asked.currency)
    for day in (asked.valid_from, asked.valid_to):
        if day is not None:
            real_day(day)


def of_fact(moment: Any, told: Told) -> Lacking:
    """Of a fact of ours. Raises ``Unknown`` where that with which it goes on is not here."""
    name = OF_FACTS[told.type]
    account, _, id_, data = fact = told_facts.fact_of(name, told.data)
    told.has_id(told_facts.message_of(account, id_))
    real_day(data["date"])
    CHECKED.get(name, check_turn)(moment, account, id_, data)
    return Lacking(account, id_, [], [] if is_told(moment, id_) else [fact])


def check_turn(moment: Any, account: str, id_: str, data: Data) -> None:
    reservation, order = data["reservation"], data["order"]
    known = decisions.known(moment, reservation)
    if known is None or (known.account, known.order, known.reservation) != (account, order, reservation) or not id_.startswith(f"{reservation}:"):
        raise Unknown(f"nothing is known of a reservation {reservation!r} for order {order!r}")
    if "until" in data:
        instant(f"{data['until']}Z")


def check_promise(moment: Any, account: str, id_: str, data: Data) -> None:  # noqa: ARG001 - as the others
    if id_ != data["promise"]:
        raise Unknown(f"fact: {id_!r} is not promise {data['promise']!r}")
    for part in data["instalments"]:
        real_day(part["due"])
    for part in (*data["instalments"], *data.get("paid_before", ())):
        check_amount(part["amount"], data["currency"])


def check_withdrawn(moment: Any, account: str, id_: str, data: Data) -> None:  # noqa: ARG001 - as the others
    if id_ != f"{data['promise']}:withdrawn" or not is_told(moment, data["promise"]):
        raise Unknown(f"nothing is known of promise {data['promise']!r}")


def check_amount(amount: str, currency: str) -> None:
    if currency not in DECIMALS or minor(amount, currency) < 0 or shown(minor(amount, currency), currency) != amount:
        raise ValueError(f"{amount!r} is no amount of {currency!r}")


CHECKED = {"PromiseMade": check_promise, "PromiseWithdrawn": check_withdrawn}
OF_RELEASES = {type_: kind for kind, type_ in releases.TYPES.items()}
OF_LIMITS = {type_: kind for kind, type_ in limit_requests.TYPES.items()}
OF_FACTS = {out.type: name for name, out in told_facts.OUT.items()}
SAID: dict[str, Callable[[Any, Told], Lacking]] = {
    **dict.fromkeys(OF_RELEASES, let_pass),
    **dict.fromkeys(OF_LIMITS, of_limit),
    **dict.fromkeys(OF_FACTS, of_fact),
}
"""By the type of the message."""
