"""A group of credit accounts on one day: the tree an account stands in, and what of each limit in it is left.

Members are found by ``members`` (whoever ever named a parent); whose parent it is on the day, as then known, the member's own master data says.
Every figure is that of ``projections/account.py``, so the group and its accounts cannot differ.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from exposure.figures import Figures
from exposure.groups import Group, Node, Pool, RatesInto
from projections.account import Asked, UnknownAccount, figures_known, figures_of, known_instant, sources, today
from projections.rates import KnownRates
from projections.when import instant_text
from schemas.amounts import shown


class Member(NamedTuple):
    """An account as its group sees it. ``figures`` is ``None`` where nothing is known of it but that others name it."""

    node: Node
    figures: Figures | None
    sources: list[dict[str, str]]


class Members:
    """The accounts of one moment on the day that ``asked`` names, each read once."""

    def __init__(self, moment: Any, asked: Asked) -> None:
        self.moment = moment
        self.asked = asked
        self.read: dict[str, Member] = {}

    def group(self, rates: RatesInto | None = None) -> Group:
        """What was read so far."""
        return Group((member.node for member in self.read.values()), rates)

    def figures(self, account: str) -> tuple[Figures, list[dict[str, str]]]:
        """Of one account, and how fresh they are."""
        figures, known, _ = figures_known(self.moment, account, self.asked)
        return figures, sources(self.moment, known)

    def naming(self, parent: str) -> list[str]:
        """Every account that ever named a parent, in order."""
        named: list[str] = self.moment.members(parent)
        return named

    def known_rates(self) -> KnownRates:
        return KnownRates(self.moment, self.asked.known_at)

    def member(self, account: str) -> Member:
        if account not in self.read:
            try:
                figures, told_by = self.figures(account)
                self.read[account] = Member(node_of(figures), figures, told_by)
            except UnknownAccount:
                self.read[account] = Member(Node(account), None, [])
        return self.read[account]

    def upward(self, account: str) -> None:
        """Reads the way up, to the top or until it goes in a circle."""
        here: str | None = account
        passed: set[str] = set()
        while here is not None and here not in passed:
            passed.add(here)
            here = self.member(here).node.parent

    def downward(self, account: str, descends: Callable[[Node], bool] = lambda _: True) -> None:
        """Reads those under an account, and those under them where ``descends`` says so."""
        waiting, passed = [account], {account}
        for here in waiting:
            for name in self.children(here):
                if name not in passed and descends(self.member(name).node):
                    passed.add(name)
                    waiting.append(name)

    def children(self, account: str) -> list[str]:
        return [name for name in self.naming(account) if self.member(name).node.parent == account]

    def rates(self, nodes: Iterable[Node]) -> RatesInto:
        """What the pools of the nodes need."""
        known = self.known_rates()
        currencies = {member.node.currency for member in self.read.values() if member.node.currency}
        into = {node.currency for node in nodes if node.limit is not None and node.currency}
        return {currency: known.on(sorted(currencies - {currency}), currency, str(self.asked.as_of)) for currency in sorted(into)}


def node_of(figures: Figures) -> Node:
    on = figures.on
    limit = None if figures.is_limit_of_class else figures.limit
    return Node(on.account, on.master.get("parent"), on.currency, limit, figures.judged.net, on.blocked, tuple(sorted(figures.missing)))


def judging(members: Members, figures: Figures) -> Group | None:
    """The part of an account's tree that judges its orders: the way up, and the pool of the first limit there. ``None`` where it stands alone,
    which costs one look at ``members``."""
    account = figures.on.account
    if figures.on.master.get("parent") is None and not members.naming(account):
        return None
    members.read[account] = Member(node_of(figures), figures, [])
    members.upward(account)
    judged = members.group().judged(account)
    if judged is not None:
        members.downward(judged.account, lambda node: node.limit is None)
    return members.group(members.rates([judged] if judged else []))


def group(moment: Any, account: str, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure group``; raises ``UnknownAccount`` or ``NotKnownBefore`` (of any account of the group)."""
    members = Members(moment, replace(asked, as_of=day_asked(moment, account, asked)))
    members.upward(account)
    top = members.group().top(account).account
    members.downward(top)
    tree = members.group(members.rates(member.node for member in members.read.values()))
    known_at = known_instant(moment, asked)
    nodes = [
        {**row(members.read[node.account], depth, tree), "dead_letters": moment.count_dead_letters(node.account, known_at)}
        for depth, node in tree.downward(top)
    ]
    return {"account": account, "top": top, "as_of": members.asked.as_of, "known_at": instant_text(known_at), "nodes": nodes}


def day_asked(moment: Any, account: str, asked: Asked) -> str:
    """One day for the whole group: the one asked for, else that of the account. A parent may be nothing but the name that its members tell."""
    try:
        return figures_of(moment, account, asked)[0].on.day
    except UnknownAccount:
        day = asked.as_of or today([], asked)
        if not Members(moment, replace(asked, as_of=day)).children(account):
            raise
        return day


def row(member: Member, depth: int, tree: Group) -> dict[str, Any]:
    node = tree.nodes[member.node.account]
    judged = tree.judged(node.account)
    pool = tree.pool(node) if node.limit is not None else None
    missing = {currency for account, currency in (pool.missing if pool else ()) if account != node.account}
    anomalies = [("group_cycle", "customer", node.account)] * (node.account in tree.cut)
    anomalies += [("missing_rate", "currency", currency) for currency in sorted(missing.union(node.missing))]
    return {
        "account": node.account,
        "parent": node.parent,
        "depth": depth,
        "currency": node.currency,
        "exposure": shown(node.exposure, node.currency or "EUR"),
        "limit": member.figures.limit_shown() if member.figures else None,
        "judged_by": judged.account if judged else None,
        **pool_shown(pool),
        "blocked": node.blocked,
        "anomalies": [{"code": code, "kind": kind, "document": document} for code, kind, document in anomalies],
        "sources": member.sources,
    }


def pool_shown(pool: Pool | None) -> dict[str, Any]:
    """What of an own limit is left, and for whom; no figure where one of its parts is not known."""
    if pool is None or pool.missing:
        return {"carved": None, "residual": None, "used": None, "available": None, "members": list(pool.members) if pool else []}
    amounts = {"carved": pool.carved, "residual": pool.residual, "used": pool.used, "available": pool.available}
    currency = pool.node.currency or "EUR"
    return {**{name: None if amount is None else shown(amount, currency) for name, amount in amounts.items()}, "members": list(pool.members)}
