"""What was known at an instant is looked up, and not for by reading an account through: where in its versions and in its days each document lies,
where in the log each case begins, and every so many events what was heard of each source.

What was recorded before is placed in one pass, as it stands.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from exposure.ledger.encoding import places_of
from exposure.ledger.heard import EVERY
from exposure.ledger.stores.schema import StoreNotMade
from schemas.facts import OUR_SOURCE
from schemas.jsontext import NotJson, read, written_sorted

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
AT_ONCE = 5_000
PLACES = ("first", "versions", "begun", "ended", "width")


def upgrade() -> None:
    place_documents()
    place_cases()
    mark_heard()
    judge_again()


def place_documents() -> None:
    for column in ("first", "versions"):
        op.add_column("documents", sa.Column(column, sa.BigInteger, nullable=False, server_default="0"))
    for column in ("begun", "ended"):
        op.add_column("documents", sa.Column(column, TEXT, nullable=False, server_default=""))
    placed = sa.text(f"UPDATE documents SET {', '.join(f'{one} = :{one}' for one in PLACES)} WHERE account = :account AND key = :key")
    for rows in parts("account, key, version, opened, closed, state", "documents", "account, key", ("", "")):
        told = []
        for account, key, version, opened, closed, state in rows:
            facts, _, moves = readable(state, f"document {key} of account {account}", "`exposure rebuild` with the engine of before")
            places = zip(PLACES, places_of(version, opened, closed, facts, moves), strict=True)
            told.append({"account": account, "key": key, **dict(places)})
        op.get_bind().execute(placed, told)
    op.drop_index(index_over(["account", "width", "closed", "opened"]), "documents")
    op.create_index("documents_width", "documents", ["account", "width", "ended", "begun", "closed"])
    op.create_index("documents_versions", "documents", ["account", "versions", "version", "first"])


def readable(state: Any, where: str, remedy: str) -> Any:
    try:
        return read(bytes(state))
    except NotJson as error:
        raise StoreNotMade(f"the store was altered and is as it was before the upgrade: {where} cannot be read ({error}); {remedy}") from error


def index_over(columns: list[str]) -> str:
    """The name of an index of documents: those of tables that were rebuilt have other ones."""
    return next(str(index["name"]) for index in sa.inspect(op.get_bind()).get_indexes("documents") if index["column_names"] == columns)


def place_cases() -> None:
    op.add_column("cases", sa.Column("position", sa.BigInteger, nullable=False, server_default="0"))
    place = "notification_id" if op.get_bind().dialect.name == "postgresql" else "rowid"
    begins = f"SELECT {place} FROM stored_events WHERE originator_id = cases.stream AND originator_version = 1"
    op.execute(f"UPDATE cases SET position = coalesce(({begins}), 0)")
    op.create_index("cases_position", "cases", ["account", "position", "state"])


def mark_heard() -> None:
    heard = op.create_table(
        "heard",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    account = ""
    last: dict[str, str] = {}
    of_accounts = "originator_id >= 'account:' AND originator_id < 'account;'"
    for rows in parts("originator_id, originator_version, state", "stored_events", "originator_id, originator_version", ("", 0), of_accounts):
        marks = []
        for stream, version, state in rows:
            if stream != account:
                account, last = stream, {}
            told = readable(state, f"event {version} of {stream}", "restore a backup")
            if told["source"] != OUR_SOURCE:
                last[told["source"]] = max(last.get(told["source"], ""), told["time"])
            if version % EVERY == 0:
                marks.append({"account": stream.removeprefix("account:"), "version": version, "state": written_sorted(last)})
        if marks:
            op.get_bind().execute(sa.insert(heard), marks)


def parts(columns: str, table: str, order: str, behind: tuple[Any, Any], where: str = "1 = 1") -> Iterator[list[Any]]:
    """The rows of a table in the order of its key, which are the first two columns, some thousand at a time."""
    sql = sa.text(f"SELECT {columns} FROM {table} WHERE {where} AND ({order}) > (:one, :other) ORDER BY {order} LIMIT {AT_ONCE}")
    while rows := op.get_bind().execute(sql, {"one": behind[0], "other": behind[1]}).fetchall():
        yield list(rows)
        behind = rows[-1][0], rows[-1][1]


def judge_again() -> None:
    """How far back it reached what was told is known from the first judging on, and so are the currencies of days that were judged."""
    op.create_table(
        "judgings",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("changed", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("judgings_changed", "judgings", ["account", "changed"])
    op.drop_index("alert_states_foreign", "alert_states")
    for column in ("once", "once_until"):
        op.add_column("alert_states", sa.Column(column, TEXT, nullable=False, server_default=""))
    was_foreign = sa.text("once <> ''")
    op.create_index("alert_states_foreign", "alert_states", ["account"], sqlite_where=was_foreign, postgresql_where=was_foreign)
    op.execute("UPDATE alert_states SET once = currencies, once_until = judged_day, next_day = '', next_at = 0")
