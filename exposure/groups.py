"""A group on one day: accounts under their parents, whose limit an order is judged by, and what of that limit is left.

Law: a limit that an account has of its own is carved out of the one above it; accounts without one share what is left there, the residual pool.

    residual = limit − the limits carved out of it        available = residual − the exposures of the pool's members

Parents that go in a circle are cut above the account of the circle that comes first by name, wherever one looks from.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from exposure.decisions import Answer
from exposure.figures import Rates, converted
from exposure.findings import PRECEDENCE, NoRate
from exposure.judgement import Limit
from schemas.amounts import shown

RatesInto = Mapping[str, Rates]
"""By the currency that is converted into."""

OF_A_LIMIT = ("over_limit", "no_limit")


class Node(NamedTuple):
    """One account of a group: its exposure and its own limit in minor units of its currency; ``limit`` is ``None`` where it never had one.

    ``missing`` are currencies of its items that could not be converted: its exposure is not whole.
    """

    account: str
    parent: str | None = None
    currency: str | None = None
    limit: Limit = None
    exposure: int = 0
    blocked: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """What is left of a node's own limit: minor units of its currency. ``missing`` are (account, currency) without a rate: then ``carved`` and
    ``used`` leave them out."""

    node: Node
    members: tuple[str, ...]
    carved: int
    used: int
    missing: tuple[tuple[str, str], ...]

    @property
    def residual(self) -> int | None:
        """``None`` where the limit is unlimited; negative where more is carved out than there is."""
        if self.node.limit == "unlimited":
            return None
        return (self.node.limit if isinstance(self.node.limit, int) else 0) - self.carved

    @property
    def available(self) -> int | None:
        return None if self.residual is None else self.residual - self.used


class Group:
    """The nodes of one tree, or of the part of it that a question is about; a parent that is not among them ends the way up.

    ``rates`` are those that its pools need.
    """

    def __init__(self, nodes: Iterable[Node], rates: RatesInto | None = None) -> None:
        self.rates = rates or {}
        told = {node.account: node for node in nodes}
        self.cut = heads_of_circles({account: node.parent for account, node in told.items()})
        self.nodes = {account: node._replace(parent=None) if account in self.cut else node for account, node in told.items()}
        self.children: dict[str | None, list[Node]] = defaultdict(list)
        for _, node in sorted(self.nodes.items()):
            self.children[node.parent].append(node)

    def upward(self, account: str) -> Iterator[Node]:
        """The account, its parent, and so on to the top."""
        node = self.nodes.get(account)
        while node is not None:
            yield node
            node = self.nodes.get(node.parent) if node.parent is not None else None

    def top(self, account: str) -> Node:
        *_, top = self.upward(account)
        return top

    def downward(self, account: str) -> Iterator[tuple[int, Node]]:
        """The account and all under it, each before those under it, with how deep it stands."""
        waiting = [(0, self.nodes[account])]
        while waiting:
            depth, node = waiting.pop()
            yield depth, node
            waiting += [(depth + 1, child) for child in reversed(self.children[node.account])]

    def judged(self, account: str) -> Node | None:
        """The nearest node with a limit of its own, the account first: by that limit its orders are judged."""
        return next((node for node in self.upward(account) if node.limit is not None), None)

    def pool(self, judged: Node) -> Pool:
        """The node and all under it, except accounts with limits of their own and those under these. Each exposure is converted once."""
        into = self.rates.get(judged.currency or "", {})
        members, missing, used, carved = [judged], [(judged.account, currency) for currency in judged.missing], judged.exposure, 0
        waiting = list(self.children[judged.account])
        for node in waiting:
            shares = node.limit is None
            amount = node.exposure if shares else node.limit if isinstance(node.limit, int) else 0
            value = converted(amount, node.currency or "", judged.currency, into) if amount else 0
            if shares:
                members.append(node)
                waiting += self.children[node.account]
                missing += [(node.account, currency) for currency in node.missing]
            if value is None:
                missing.append((node.account, node.currency or ""))
            elif shares:
                used += value
            else:
                carved += value
        return Pool(judged, tuple(sorted(node.account for node in members)), carved, used, tuple(missing))

    def after(self, exposures: Mapping[str, int]) -> "Group":
        """The same group with other exposures of those accounts that belong to it."""
        changed = {account: self.nodes[account]._replace(exposure=exposure) for account, exposure in exposures.items() if account in self.nodes}
        return Group((self.nodes | changed).values(), self.rates)


def heads_of_circles(parents: Mapping[str, str | None]) -> set[str]:
    """Of each circle of parents the account that comes first by name."""
    heads: set[str] = set()
    known: set[str] = set()
    for start in parents:
        way: list[str] = []
        here: str | None = start
        while here is not None and here not in known:
            known.add(here)
            way.append(here)
            here = parents.get(here)
        if here in way:
            heads.add(min(way[way.index(here) :]))
    return heads


class Refusal(NamedTuple):
    """A reason that holds an order, and the account of the group that it comes from."""

    reason: str
    node: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a group says of an order: every refusal, and the pool it is judged by, before and after (``None`` where no account on the way up has
    a limit). ``cut`` is the top of a circle of parents."""

    account: str
    refusals: list[Refusal]
    before: Pool | None
    after: Pool | None
    cut: list[str]

    @property
    def reasons(self) -> list[str]:
        return list(dict.fromkeys(refusal.reason for refusal in self.refusals))

    def findings(self, answer: Answer, effect: str) -> list[dict[str, Any]]:
        """What an account found, where its group says so too, and what only the group says: named with the node, in the node's currency."""
        own = {finding["rule"]: finding for finding in answer.findings}
        refused = {refusal.reason: refusal.node for refusal in self.refusals}
        found = [finding for rule, finding in own.items() if rule in refused or rule not in answer.reasons]
        for rule, node in refused.items():
            if rule not in own or (rule in OF_A_LIMIT and self.after is not None and node != self.account):
                found = [finding for finding in found if finding["rule"] != rule]
                found.append(self.finding(rule, node, effect))
        return sorted(found, key=lambda finding: list(PRECEDENCE).index(finding["rule"]))

    def finding(self, rule: str, node: str, effect: str) -> dict[str, Any]:
        if rule not in OF_A_LIMIT or self.after is None:
            return {"rule": rule, "effect": "refuse", "figure": rule, "threshold": f"not {rule}", "node": node}
        currency, residual, available = self.after.node.currency or "EUR", self.after.residual or 0, self.after.available or 0
        said = {"rule": rule, "effect": effect, "figure": shown(self.after.used, currency), "threshold": shown(residual, currency), "node": node}
        return {**said, "remedy": {"pay": shown(-available, currency)}}

    def shown(self) -> dict[str, Any]:
        """As a decision records it; money is in the currency of the node."""
        figures: dict[str, Any] = dict.fromkeys(("node", "currency", "limit", "carved", "residual", "used_before", "used_after", "available_after"))
        if self.before is not None and self.after is not None:
            node = self.after.node
            amounts = [self.after.carved, self.after.residual, self.before.used, self.after.used, self.after.available]
            texts = [None if amount is None else shown(amount, node.currency or "EUR") for amount in amounts]
            limit = shown(node.limit, node.currency or "EUR") if isinstance(node.limit, int) else node.limit
            figures = dict(zip(figures, [node.account, node.currency, limit, *texts], strict=True))
        anomalies = [{"code": "group_cycle", "kind": "customer", "document": account} for account in self.cut]
        return {**figures, "refusals": [refusal._asdict() for refusal in self.refusals], "anomalies": anomalies}


def judge(group: Group, account: str, answer: Answer, exposures: Mapping[str, int]) -> Ruling:
    """An account's answer as its group sees it. ``exposures`` are what accounts of the group would have after it, in their currencies.

    An account with a limit of its own is held by that as it would be alone, and by its pool where others share it. Raises ``NoRate``.
    """
    limit = [Refusal(reason, account) for reason in answer.reasons if reason in OF_A_LIMIT]
    judged = group.judged(account)
    before = after = None
    if judged is not None:
        later = group.after(exposures)
        before, after = group.pool(judged), later.pool(later.nodes[judged.account])
        whole(before, account)
        whole(after, account)
        if judged.account != account or not limit:
            limit = [over(judged)] if is_over(before, after) else []
    blocked = [Refusal(reason, account) for reason in answer.reasons if reason == "blocked"]
    if answer.after >= answer.before:
        blocked += [Refusal("blocked", node.account) for node in group.upward(account) if node.blocked and node.account != account]
    others = [Refusal(reason, account) for reason in answer.reasons if reason not in (*OF_A_LIMIT, "blocked")]
    return Ruling(account, [*limit, *blocked, *others], before, after, [node.account for node in group.upward(account) if node.account in group.cut])


def is_over(before: Pool, after: Pool) -> bool:
    """Whether the pool has too little for it. What makes the pool's exposure smaller is never refused."""
    return after.available is not None and after.available < 0 and after.used >= before.used


def over(judged: Node) -> Refusal:
    return Refusal("over_limit" if isinstance(judged.limit, int) else "no_limit", judged.account)


def whole(pool: Pool, account: str) -> None:
    """A pool of which something is not known decides nothing; an account judged by its own limit is as whole as it would be alone (law 12)."""
    for member, currency in pool.missing:
        if member != account or pool.node.account != account:
            raise NoRate(f"{member} belongs to the group of {account}, and there is no rate of {currency} for its figures on that day")


def inputs(group: Group | None, account: str, left: Mapping[str, int]) -> dict[str, Any]:
    """All that a judgement depends on: limits and blocks on the way up and around the pool, the pool's exposures, the rates, and what would be
    ``left`` on another account. Numbers are texts, for they may be of any size."""
    moved = {"left": [[other, str(exposure)] for other, exposure in left.items()]}
    if group is None:
        return moved
    judged = group.judged(account)
    looked_at = {node.account: node for node in group.upward(account)}
    sharing: tuple[str, ...] = ()
    if judged is not None:
        looked_at |= {node.account: node for _, node in group.downward(judged.account)}
        sharing = group.pool(judged).members
    nodes = [
        [name, node.parent, node.currency, str(node.limit), node.blocked, list(node.missing), str(node.exposure) if name in sharing else ""]
        for name, node in sorted(looked_at.items())
    ]
    rated = [[into, currency, *map(str, rate)] for into, of in sorted(group.rates.items()) for currency, rate in sorted(of.items())]
    return {"group": nodes, "rates": rated, **moved}
