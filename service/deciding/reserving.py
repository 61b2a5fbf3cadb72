"""``exposure reserve``, ``extend``, ``settle`` and ``release``: a check that also holds the credit, and what becomes of what is held.

Law: a decision and what it holds are recorded in one transaction that begins with the write lock, so no two can hold the same credit. What was
done already is answered as it stands, and nothing is recorded.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from exposure import decisions
from exposure.contention import lost_to
from exposure.figures import Figures
from exposure.ledger.acts import decisions as recorded
from exposure.ledger.out.told_facts import tell_out
from exposure.ledger.own_facts import free, tell
from exposure.rules import orders, reservations
from exposure.rules.reservations import Standing
from projections.account import Asked, figures_known
from schemas.amounts import minor, shown
from schemas.facts import LAST_DAY, Data, OrderChecked
from schemas.instants import instant_of
from service.deciding.checking import Desk, Request, proper, told_before
from service.failures import WRONG_USAGE, Failure

HOUR = 3_600_000_000

REFUSED = {
    "released": "it was given back",
    "expired": "its time is over: what it held may be another's by now",
    "confirmed": "its order has come and counts itself, or was closed",
    "settled": "it was settled: time does not end it any more",
}


def reserve(store: Any, request: Request, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The document of ``exposure reserve``; raises as a check does."""
    proper(request)
    with store.writing(now()) as writing:
        return reserved(writing, request, by)


def reserved(writing: Any, request: Request, by: str) -> dict[str, Any]:
    """The same for who holds the write lock."""
    told = told_before(writing, request)
    if told is not None:
        return told
    if request.until is not None and request.until <= instant_of(writing.recorded_at):
        raise Failure("usage", f"--until: {request.until}Z is over already", WRONG_USAGE)
    desk = Desk(writing, request, by)
    held = newest(desk)
    if held is not None and is_the_same(desk, held):
        known = recorded.known(writing, held.told.data["decision"])
        assert known is not None
        return desk.record(known, is_new=False)
    decision, is_new = desk.decided(holds=end_of(desk), replaces=held and held.told.data["reservation"])
    if is_new:
        decision = held_for(desk, decision)
    reserved = fact_of(desk, decision) if is_new and decision.reservation is not None else None
    told = desk.record(decision, is_new=is_new, reserved=reserved)
    if reserved is not None:
        tell(writing, [(request.account, "CreditReserved", decision.decision_id, reserved)], by)
    return told


def held_for(desk: Desk, decision: OrderChecked) -> OrderChecked:
    """An approved one holds the credit under its own id; one that is held back is told which reservations it lost to."""
    if decision.decision == decisions.APPROVED:
        return decision._replace(reservation=decision.decision_id)
    if decision.reasons != ["over_limit"] or decision.judged is None:
        return decision
    available, currency = decision.judged["available"], desk.figures.currency
    if decision.group is not None and decision.group["node"] is not None:
        available, currency = decision.group["available_after"], decision.group["currency"]
    excess = -minor(available, currency or "EUR")
    return decision._replace(lost_to=lost_to(sharing(desk, currency), decision.account, decision.order, excess))


def sharing(desk: Desk, currency: str | None) -> Iterator[Figures]:
    """The figures of all who share the limit, as far as they are kept in its currency."""
    account, group = desk.request.account, desk.seen.group
    judged = group.judged(account) if group else None
    for name in group.pool(judged).members if group and judged else [account]:
        figures = desk.figures if name == account else figures_known(desk.writing, name, Asked(desk.writing.recorded_at, desk.figures.on.day))[0]
        if figures.currency == currency:
            yield figures


def newest(desk: Desk) -> Standing | None:
    return reservations.newest(desk.own, orders.turns_of(desk.told), desk.figures.on.day, instant_of(desk.writing.recorded_at))


def end_of(desk: Desk) -> str:
    """When it ends: as asked, else so many hours from now as the policy says, else never by itself."""
    hours = desk.figures.policy.reservation_hours
    if desk.request.until is not None or hours is None:
        return desk.request.until or LAST_DAY
    return instant_of(desk.writing.recorded_at + hours * HOUR)


def is_the_same(desk: Desk, held: Standing) -> bool:
    """Whether just this is held already; who leaves the end to the policy is content with the one it has."""
    data, is_by_policy = held.told.data, desk.request.until is None and desk.figures.policy.reservation_hours is not None
    until = held.due if is_by_policy else desk.request.until or LAST_DAY
    amount, currency = desk.asked.amount, desk.asked.currency
    return held.state == "reserved" and (data["amount"], data["currency"], held.due) == (shown(amount, currency), currency, until)


def fact_of(desk: Desk, decision: OrderChecked) -> Data:
    data: Data = {
        "order": decision.order,
        "date": decision.as_of,
        "currency": decision.currency,
        "amount": decision.amount,
        "decision": decision.decision_id,
        "reservation": decision.reservation,
    }
    if (until := end_of(desk)) != LAST_DAY:
        data["until"] = until
    if desk.told:
        data["order_version"] = max(fact.data["version"] for fact in desk.told)
    return data


def settle(store: Any, account: str, order: str, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The reservation became an order: time does not end it any more, and it counts until the order's own text does."""
    return turned(store, account, order, now, by, "ReservationSettled", ("settled", "confirmed"))


def release(store: Any, account: str, order: str, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The reservation is given back."""
    return turned(store, account, order, now, by, "ReservationReleased", ("released", "expired"), also=("settled",))


def extend(store: Any, account: str, order: str, until: str | None, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The reservation ends at another instant; ``None``: when more is told."""
    return turned(store, account, order, now, by, "ReservationExtended", (), until=until or LAST_DAY)


def turned(
    store: Any,
    account: str,
    order: str,
    now: Callable[[], int],
    by: str,
    name: str,
    done: tuple[str, ...],
    *,
    also: tuple[str, ...] = (),
    until: str | None = None,
) -> dict[str, Any]:
    """Tells a fact of the newest reservation where that stands as ``reserved`` (or as ``also`` says); where it is ``done`` already, nothing."""
    with store.writing(now()) as writing:
        held, day = found(writing, account, order)
        if held.state == "reserved" or held.state in also:
            instant, reservation = instant_of(writing.recorded_at), held.told.data["reservation"]
            data: Data = {"order": order, "date": day, "reservation": reservation}
            if until is not None:
                if until <= instant:
                    raise Failure("usage", f"--until: {until}Z is over already; a reservation that is not wanted is released", WRONG_USAGE)
                data |= {} if until == LAST_DAY else {"until": until}
            if until != held.due:
                version = writing.last_version(f"account:{account}")
                id_ = free(writing, (f"{reservation}:{number}" for number in count(version + 1)))
                tell_out(writing, (account, name, id_, data), by)
            held, _ = found(writing, account, order)
            return document(account, held, refused=None)
        return document(account, held, refused=None if held.state in done else REFUSED[held.state])


def found(writing: Any, account: str, order: str) -> tuple[Standing, str]:
    """The newest reservation of an order, and the account's day."""
    key = f"order:{order}"
    figures, _, stored = figures_known(writing, account, Asked(writing.recorded_at), [key])
    told, own = orders.parted(stored.documents[key].facts)
    held = reservations.newest(own, orders.turns_of(told), figures.on.day, instant_of(writing.recorded_at))
    if held is None:
        raise Failure("no_reservation", f"nothing was ever reserved for order {order!r} of account {account!r}")
    return held, figures.on.day


def document(account: str, held: Standing, *, refused: str | None) -> dict[str, Any]:
    data = held.told.data
    return {
        "account": account,
        "order": data["order"],
        "reservation": data["reservation"],
        "state": held.state,
        "amount": data["amount"],
        "currency": data["currency"],
        "until": None if held.due == LAST_DAY else f"{held.due}Z",
        "refused": refused,
    }
