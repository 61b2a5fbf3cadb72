"""Promises to pay as they are made and taken back: what a customer says to pay of its open invoices becomes a fact of the account.

Each act reads and writes under the write lock. The same words of the same person again answer the same and record nothing.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

from exposure.approvals import Refused, same
from exposure.figures import Figures
from exposure.items import open_items
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.out.told_facts import tell_out
from exposure.ledger.own_facts import free
from exposure.promises import covering, dues, promises_on, split
from exposure.rules.promises import BROKEN, OPEN, PARTLY, WITHDRAWN, Course, cleared, course_of
from exposure.rules.spans import later
from projections.account import Asked, accounts_stored, figures_known
from projections.promises import promise
from schemas.amounts import minor, shown
from schemas.facts import CONTRACT_TYPE, Data
from service.deciding.checking import minor_of
from service.failures import WRONG_USAGE, Done, Failure
from service.options import known_currency

DAYS_AHEAD_MAX = timedelta(days=3660).days
"""Whoever promises for later than ten years has mistyped a year."""

Terms = list[tuple[str, int]]
"""Days with amounts in minor units, the earliest first."""


class Wanted(NamedTuple):
    """What a customer says, in the words of who was told: either one ``amount`` by a day (``due``), or in ``many`` equal parts ``every`` week or
    month from a ``first`` day on, or ``instalments``, each a day and an amount. Without ``invoices`` those that are open, the earliest due first."""

    account: str
    amount: str | None = None
    due: str | None = None
    instalments: tuple[tuple[str, str], ...] = ()
    every: str | None = None
    many: int | None = None
    first: str | None = None
    currency: str | None = None
    invoices: tuple[str, ...] = ()
    note: str | None = None


def make(store: Any, wanted: Wanted, by: str, now: Callable[[], int]) -> dict[str, Any]:
    """The document of ``exposure promise make``; raises ``UnknownAccount`` or ``Failure``."""
    in_order(wanted)
    with store.writing(now()) as writing:
        asked = Asked(writing.recorded_at)
        figures, known, _ = figures_known(writing, wanted.account, asked)
        currency = currency_of(wanted, figures)
        terms = terms_of(wanted, currency, figures.on.day)
        number = told_before(figures, wanted, terms, currency, by)
        if number is None:
            number = free(writing, (digest_of(wanted.account, ["promise", number]) for number in count(known.head.version + 1)))
            invoices = invoices_for(figures, wanted, sum(amount for _, amount in terms), currency)
            data: Data = {
                "promise": number,
                "date": figures.on.day,
                "currency": currency,
                "instalments": [{"due": due, "amount": shown(amount, currency)} for due, amount in terms],
                "invoices": invoices,
                "by": by,
            }
            if paid := paid_today(writing, figures, invoices, currency):
                data["paid_before"] = paid
            tell_out(writing, (wanted.account, "PromiseMade", number, data), by, {"note": wanted.note} if wanted.note else None)
        return promise(writing, number, asked)


def in_order(wanted: Wanted) -> None:
    """One of the three ways to say it, and no other."""
    one, plan = wanted.due is not None, any(told is not None for told in (wanted.every, wanted.many, wanted.first))
    is_whole = None not in (wanted.every, wanted.many, wanted.first)
    ways = [bool(wanted.instalments), one, plan]
    if sum(ways) != 1 or (plan and not is_whole) or (wanted.amount is None) is not bool(wanted.instalments):
        message = "say --amount and --due, or --amount with --every, --instalments and --first, or --instalment DAY=AMOUNT for each"
        raise Failure("usage", message, WRONG_USAGE)


def currency_of(wanted: Wanted, figures: Figures) -> str:
    """The one that is said, else that of the invoices that are named, else the account's."""
    told = {row["currency"] for row in open_items(figures) if row["document"] in wanted.invoices}
    return known_currency(wanted.currency or (min(told) if told else figures.currency))


def terms_of(wanted: Wanted, currency: str, today: str) -> Terms:
    if wanted.instalments:
        terms = sorted((due, minor_of(amount, currency, "--instalment")) for due, amount in wanted.instalments)
    else:
        amount = minor_of(str(wanted.amount), currency)
        first, many = wanted.due or str(wanted.first), wanted.many or 1
        ahead(first, today)
        terms = list(zip(dues(first, wanted.every or "", many) if wanted.every else [first], split(amount, many), strict=True))
    for due, amount in terms:
        ahead(due, today)
        if amount <= 0:
            raise Failure("usage", f"nothing is promised for {due}: every instalment is more than {shown(0, currency)} {currency}", WRONG_USAGE)
    if len({due for due, _ in terms}) < len(terms):
        raise Failure("usage", "--instalment: two of one day are one instalment", WRONG_USAGE)
    return terms


def ahead(due: str, today: str) -> None:
    if due < today:
        raise Failure("usage", f"{due} is over already: it is {today} for the account", WRONG_USAGE)
    if due > later(today, DAYS_AHEAD_MAX):
        raise Failure("usage", f"{due} lies more than ten years ahead", WRONG_USAGE)


def told_before(figures: Figures, wanted: Wanted, terms: Terms, currency: str, by: str) -> str | None:
    """The number of an open promise in the same words of the same person; who names no invoice is content with those it was made for."""
    for row in promises_on(figures.on):
        said = [(part["due"], minor(part["amount"], row["currency"])) for part in row["instalments"]]
        names_the_same = not wanted.invoices or set(wanted.invoices) == set(row["invoices"])
        if row["state"] == OPEN and (row["currency"], said) == (currency, terms) and names_the_same and same(row["by"], by):
            return str(row["promise"])
    return None


def invoices_for(figures: Figures, wanted: Wanted, amount: int, currency: str) -> list[str]:
    """Those that are named, else the earliest due that cover the amount."""
    items = open_items(figures)
    if wanted.invoices:
        items = [item_named(items, invoice, currency) for invoice in dict.fromkeys(wanted.invoices)]
    left = [(row["document"], minor(row["open"], currency)) for row in items if row["currency"] == currency]
    if amount > (total := sum(open_ for _, open_ in left)):
        of = "those invoices" if wanted.invoices else "its invoices"
        message = f"{shown(amount, currency)} {currency} is promised, and {shown(total, currency)} is open on {of}"
        raise Failure("usage", message, WRONG_USAGE)
    return [invoice for invoice, _ in left] if wanted.invoices else covering(left, amount)


def item_named(items: Sequence[dict[str, Any]], invoice: str, currency: str) -> dict[str, Any]:
    found = next((row for row in items if row["document"] == invoice), None)
    if found is None:
        raise Failure("usage", f"--invoice: nothing is open of {invoice!r}", WRONG_USAGE)
    if found["currency"] != currency:
        raise Failure("usage", f"--currency: invoice {invoice!r} is in {found['currency']}, and {currency} is promised", WRONG_USAGE)
    return found


def paid_today(writing: Any, figures: Figures, invoices: list[str], currency: str) -> list[Data]:
    """What of the invoices was paid on the account's day already: it was paid before the promise was made."""
    account, day = figures.on.account, figures.on.day
    documents = accounts_stored(writing, [account], [(account, f"invoice:{invoice}") for invoice in invoices])[account].documents
    paid = [(invoice, cleared(Course._make(course_of(documents[f"invoice:{invoice}"])), day, day)) for invoice in invoices]
    return [{"invoice": invoice, "amount": shown(amount, currency)} for invoice, amount in paid if amount > 0]


def withdraw(store: Any, number: str, reason: str, by: str, now: Callable[[], int]) -> Done:
    """Raises ``UnknownPromise``."""
    with store.writing(now()) as writing:
        asked = Asked(writing.recorded_at)
        known = promise(writing, number, asked)
        said = known["trail"][-1]
        if said["type"] == CONTRACT_TYPE["PromiseWithdrawn"]:
            # Where the account's time zone was changed since, the day from which on that counts may be still to come.
            is_the_same = same(said["by"], by) and said["reason"] == reason
            return Done(known, None if is_the_same else not_open(WITHDRAWN))
        if known["state"] not in (OPEN, PARTLY, BROKEN):
            return Done(known, not_open(known["state"]))
        day = figures_known(writing, known["account"], asked)[0].on.day
        data: Data = {"promise": number, "date": day, "by": by, "reason": reason}
        tell_out(writing, (known["account"], "PromiseWithdrawn", f"{number}:withdrawn", data), by)
        return Done(promise(writing, number, asked))


def not_open(state: str) -> Refused:
    return Refused("not_open", f"the promise is {state.replace('_', ' ')}: nothing is left to withdraw")
