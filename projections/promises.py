"""Promises to pay of all accounts, and how each stands on a day: who promised what, who kept it, and who did not?"""

from collections.abc import Collection
from typing import Any

from exposure.figures import AccountOn, account_on
from exposure.ledger.memory import Account
from exposure.promises import promises_on
from exposure.rules.documents import OF_PROMISES
from projections.account import (
    ACCOUNTS_AT_ONCE,
    Asked,
    Known,
    NotKnownBefore,
    account_known,
    accounts_stored,
    day_of,
    known_account,
    known_instant,
)
from projections.history import told
from projections.when import instant_text, version_at, versions_at

TOLD = ("type", "recorded", "actor")


class UnknownPromise(LookupError):
    """No such promise was made (or not by the day, or the instant, asked for)."""


def promises(moment: Any, account: str | None, asked: Asked, states: Collection[str]) -> dict[str, Any]:
    """The document of ``exposure promise list``: those made by the day, all or those in some states, in order of accounts, the oldest first.
    Raises ``UnknownAccount``."""
    if account is not None:
        account_known(moment, account, asked)
    places: dict[str, list[str]] = {}
    for name, key in moment.promises(account):
        places.setdefault(name, []).append(key)
    rows: list[dict[str, Any]] = []
    names = list(places)
    for start in range(0, len(names), ACCOUNTS_AT_ONCE):
        part = names[start : start + ACCOUNTS_AT_ONCE]
        accounts = accounts_stored(moment, part, [(name, key) for name in part for key in places[name]])
        versions = versions_at(moment, [f"account:{name}" for name in part], asked.known_at)
        for name in part:
            known = known_account(accounts[name], versions[f"account:{name}"])
            rows += [{"account": name, **row} for row in rows_of(accounts[name], known, asked) if not states or row["state"] in states]
    return {"promises": rows, "as_of": asked.as_of, "known_at": instant_text(known_instant(moment, asked))}


def rows_of(stored: Account, known: Known | None, asked: Asked) -> list[dict[str, Any]]:
    """Of an account with the documents of its promises; none where it was not known, or not taken on yet."""
    if known is None:
        return []
    try:
        return promises_on(promising(stored, known, day_of(known, asked)))
    except NotKnownBefore:
        return []


def promising(stored: Account, known: Known, day: str) -> AccountOn:
    documents = [document for key, document in stored.documents.items() if key.startswith(OF_PROMISES)]
    return account_on(stored.head.account, documents, day, version=known.version)


def promise(moment: Any, number: str, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure promise show``: how it stands, and who said what of it when, by the day. Raises ``UnknownPromise``."""
    key = OF_PROMISES + number
    account = next(iter(moment.accounts_of_promise(key)), None)
    if account is None:
        raise UnknownPromise(f"there is no promise {number!r}; `exposure promise list` names them")
    stored = accounts_stored(moment, [account], [(account, key)])[account]
    known = known_account(stored, version_at(moment, f"account:{account}", asked.known_at))
    row = next((row for row in rows_of(stored, known, asked) if row["promise"] == number), None)
    if row is None:
        raise UnknownPromise(f"promise {number!r} was not made by then")
    said = [fact for fact in stored.documents[key].facts if asked.as_of is None or fact.data["date"] <= asked.as_of]
    versions = [fact.version for fact in said if known is None or known.version is None or fact.version <= known.version]
    return {"account": account, **row, "trail": trail(moment, account, versions)}


def trail(moment: Any, account: str, versions: list[int]) -> list[dict[str, Any]]:
    """What was said of a promise; ``note`` is null where the account's key was thrown away, and absent where none was told."""
    key = moment.keys([account]).get(account)
    events = [told(account, key, None, *row) for row in moment.events_at(f"account:{account}", versions)]
    return [
        {
            **{name: event[name] for name in TOLD},
            **{name: event["data"][name] for name in ("by", "reason") if name in event["data"]},
            **({"note": event["personal"] and event["personal"]["note"]} if "personal" in event else {}),
        }
        for event in events
    ]
