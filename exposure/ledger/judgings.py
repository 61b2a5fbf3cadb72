"""How far back it reached what was told of accounts, judging by judging: the version that was judged, and the first day of which anything that was
told since the judging before said otherwise. Kept are those that none after them reaches behind.

Law: versions and days of an account's rows both rise. So the first row behind a version has the first day of which anything told behind that
version, and judged, says otherwise; it may be an earlier one, for the events of one judging are not told apart.
"""

from collections.abc import Sequence
from typing import Any

from schemas.facts import LAST_DAY

JudgedAt = tuple[str, int, str]
"""An account, the version as of which it was judged, and the first day that was judged."""


def changed_behind(moment: Any, account: str, version: int) -> str:
    """The first day on which anything may be otherwise than was known at a version of the account, by what was judged since."""
    rows = moment.rows("SELECT changed FROM judgings WHERE account = ? AND version > ? ORDER BY version LIMIT 1", account, version)
    return str(rows[0][0]) if rows else LAST_DAY


def keep(writing: Any, judged: Sequence[JudgedAt]) -> None:
    """Adds judgings of accounts: those that they reach behind are covered by them. Of a version that was judged before nothing was told since, and
    it is judged for something else: a rate, a policy, time."""
    before = set(writing.joined("t.account", "judgings", "t.account = g.c0 AND t.version = g.c1", judged))
    new = [one for one in judged if (one[0],) not in before]
    behind = "t.account = g.c0 AND t.changed >= g.c2"
    for account, version in writing.joined("t.account, t.version", "judgings", behind, new):
        writing.rows("DELETE FROM judgings WHERE account = ? AND version = ? RETURNING 1", account, version)
    writing.put("INSERT INTO judgings (account, version, changed) VALUES {rows}", new)


def forget(writing: Any, first: str, last: str) -> None:
    """All of the accounts from one to another: what was altered says nothing, and once they are judged anew nothing is known of the time before."""
    writing.rows("DELETE FROM judgings WHERE account BETWEEN ? AND ? RETURNING 1", first, last)
