"""What stood of accounts and is over, as it was judged: each stretch of days on which a rule held, from its first day until it held no more.

Law: it is what a walk through the account's days says of all days before the one judged last, as far as nothing was told of them since.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from exposure.alerts import Standing
from exposure.judging import Stretch

COLUMNS = "account, rule, step, since, until"


def on(moment: Any, account: str, day: str) -> Standing:
    """What stood on a day and is over, each with the day it became true."""
    rows = moment.rows("SELECT rule, step, since FROM stood WHERE account = ? AND until > ? AND since <= ?", account, day, day)
    return {(rule, step): since for rule, step, since in rows}


def reaching(moment: Any, days: Sequence[tuple[str, str]]) -> dict[str, list[Stretch]]:
    """Of accounts, each with a day, what was over then or later."""
    found: dict[str, list[Stretch]] = defaultdict(list)
    columns = ", ".join(f"t.{column}" for column in COLUMNS.split(", "))
    for account, rule, step, since, until in moment.joined(columns, "stood", "t.account = g.c0 AND t.until >= g.c1", days):
        found[account].append(Stretch((rule, step), since, until))
    return found


def forget(writing: Any, account: str, first: str) -> None:
    """What was over on a day or later: it is judged anew."""
    writing.rows("DELETE FROM stood WHERE account = ? AND until >= ? RETURNING 1", account, first)


def keep(writing: Any, ended: Sequence[tuple[str, Stretch]]) -> None:
    """Adds what is over of accounts."""
    rows = [(account, *stretch.rule, stretch.since, stretch.until) for account, stretch in ended]
    writing.put(f"INSERT INTO stood ({COLUMNS}) VALUES {{rows}}", rows)
