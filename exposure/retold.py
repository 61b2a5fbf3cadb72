"""What a decision says beyond its inputs, made again from these alone, for who has not the log that it was made of. A pure function of its record.

Law: a decision as it was made comes out the same. What inputs do not tell is taken as it stands: who asked, of which version of the account, the
reservations it lost to, and what its group used. Where they tell an amount only between two bounds, one within them is taken as it stands.
"""

from typing import Any

from exposure.approvals import let_through
from exposure.decisions import APPROVED, HELD
from schemas.amounts import minor, shown
from schemas.facts import Data, HoldReleased, OrderChecked
from schemas.policies import REFUSE

OVER = {"over_limit", "no_limit"}


def disagreements(decision: OrderChecked) -> list[dict[str, Any]]:
    """By field, as the decision says it and as its inputs do. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where these are none."""
    told, again = decision._asdict(), retold(decision)._asdict()
    found = [{"field": name, "recorded": told[name], "again": again[name]} for name in told if name != "inputs" and told[name] != again[name]]
    return [*found, *rules_untold(decision)]


def retold(decision: OrderChecked) -> OrderChecked:
    """The decision as its inputs make it."""
    inputs = decision.inputs
    figures, (order, amount, currency), findings = inputs["figures"], inputs["order"], inputs["findings"]
    own, after, limit = figures["currency"] or "EUR", int(inputs["after"]), figures["limit"]
    reasons = list(dict.fromkeys(finding["rule"] for finding in findings if finding["effect"] == REFUSE))
    again = decision._replace(
        account=figures["account"], order=order, amount=shown(int(amount), currency), currency=currency, as_of=figures["as_of"],
        policy=figures["policy"], decision=HELD if reasons else APPROVED, reasons=reasons, exposure_before=figures["exposure"]["total"],
        exposure_after=shown(after, own), limit=limit, available_after=left_of(limit, after, own),
        warnings=[finding["rule"] for finding in findings if finding["effect"] != REFUSE], findings=findings, group=group_of(decision),
        instead_of=next((account for account, _ in inputs.get("left", [])), None), judged=judged_of(decision, own), released=None,
    )  # fmt: skip
    if (released := inputs.get("released")) is not None:
        again = let_through(again, HoldReleased(released, again.account, order, again.amount, currency, "", "", "", reasons, None, again.as_of))
    holds = "holds" in inputs
    may_have_lost = holds and (again.decision, again.reasons) == (HELD, ["over_limit"])
    return again._replace(
        reservation=decision.decision_id if holds and again.decision == APPROVED else None, lost_to=decision.lost_to if may_have_lost else []
    )


def left_of(limit: Data | None, used: int, currency: str) -> str | None:
    return None if limit and limit["amount"] == "unlimited" else shown(ceiling_of(limit["amount"] if limit else None, currency) - used, currency)


def ceiling_of(limit: str | None, currency: str) -> int:
    return 0 if limit in (None, "none") else minor(str(limit), currency)


def group_of(decision: OrderChecked) -> Data | None:
    """What its group said, with the limit of the node as the inputs have it."""
    told = decision.group
    if "group" not in decision.inputs or told is None or told["node"] is None:
        return told if "group" in decision.inputs else None
    nodes = {name: (currency, limit) for name, _, currency, limit, *_ in decision.inputs["group"]}
    currency, limit = nodes[told["node"]]
    amount = shown(int(limit), currency or "EUR") if limit.removeprefix("-").isdecimal() else limit
    return {**told, "currency": currency, "limit": None if amount == "None" else amount}


def judged_of(decision: OrderChecked, currency: str) -> Data | None:
    """What the policy makes of the exposure with the order. An order that is wanted beyond the policy's horizon may count already or not, and
    protection that took off all there was may take off more: between these bounds it is as it is told."""
    before, told = decision.inputs["figures"].get("judged"), decision.judged
    if before is None or told is None:
        return told if before is None else before
    inputs = decision.inputs
    gross, net, protection = (minor(before[name], currency) for name in ("gross", "net", "protection"))
    counts, total = int(inputs["counts_now"]), minor(inputs["figures"]["exposure"]["total"], currency)
    left = int(inputs["after"]) - total + counts
    gross_then = within(minor(told["gross"], currency), gross + left - counts, gross + left)
    off, most = gross - net, protection if gross - net >= max(gross, 0) else gross - net
    off_then = within(gross_then - minor(told["net"], currency), min(off, max(gross_then, 0)), min(most, max(gross_then, 0)))
    net_then, limit = gross_then - off_then, before["limit"]
    available = None if limit == "unlimited" else shown(ceiling_of(limit, currency) - net_then, currency)
    return {**before, "gross": shown(gross_then, currency), "net": shown(net_then, currency), "available": available}


def within(amount: int, least: int, most: int) -> int:
    return max(least, min(amount, most))


def rules_untold(decision: OrderChecked) -> list[dict[str, Any]]:
    """Of the rules that need no policy: those that fire by the figures and are not among the findings, or the other way round."""
    inputs = decision.inputs
    figures, judged = inputs["figures"], judged_of(decision, inputs["figures"]["currency"] or "EUR")
    if "group" in inputs or judged is None:
        return []
    currency = figures["currency"] or "EUR"
    found = {finding["rule"] for finding in inputs["findings"]}
    is_smaller = int(inputs["after"]) < minor(figures["exposure"]["total"], currency)
    available = 1 if judged["available"] is None else minor(judged["available"], currency)
    is_over = bool(found & OVER) if available == 0 else available < 0
    wrong = found if is_smaller else set()
    if not is_smaller:
        wrong |= {"blocked"} if figures["blocked"] != ("blocked" in found) else set()
        wrong |= found & OVER or {"over_limit"} if is_over != bool(found & OVER) else set()
    return [{"field": f"findings: {rule}", "recorded": rule in found, "again": rule not in found} for rule in sorted(wrong)]
