"""Limit requests, held orders and releases as tables and lines for people."""

from collections.abc import Iterable
from typing import Any

from rich.markup import escape

from service.shown.tables import console, listed, printed, table
from service.shown.words import counted


def limit_requests_table(requests: list[dict[str, Any]]) -> None:
    columns = ["account", "limit", "from", "to", "asked by", "state", "still to say yes"]
    rows = [
        [one["account"], limit_of(one), one["valid_from"], one["valid_to"] or "-", one["by"], one["state"], waiting_text(one) or "-"]
        for one in requests
    ]
    listed(table("", columns, rows), [f"{one['account']}  request {one['request']}" for one in requests], "request")


def limit_request_lines(one: dict[str, Any]) -> None:
    """One request and all that was said to it."""
    out = console()
    until = f" to {one['valid_to']}" if one["valid_to"] else ""
    out.print(f"[bold]{one['state']}[/bold]  {limit_of(one)} for {escape(one['account'])} from {one['valid_from']}{until}", soft_wrap=True)
    for said in one["trail"]:
        out.print(f"  {said['recorded']}  {escape(trail_line(said))}", soft_wrap=True)
    if waits := waiting_text(one):
        out.print(f"still to say yes: {escape(waits)}", soft_wrap=True)
    out.print(f"request {one['request']}", soft_wrap=True)


def limit_of(one: dict[str, Any]) -> str:
    return f"{one['kind']} {one['amount']} {one['currency']}"


def trail_line(said: dict[str, Any]) -> str:
    """``approved by m.vogt: they pay well``"""
    words = {
        "exposure.limit_requested.v1": "asked for",
        "exposure.limit_approved.v1": "approved",
        "exposure.limit_rejected.v1": "rejected",
        "exposure.limit_request_withdrawn.v1": "withdrawn",
        "exposure.measure_proposed.v1": "proposed",
        "exposure.measure_approved.v1": "approved",
        "exposure.measure_rejected.v1": "rejected",
        "exposure.measure_lapsed.v1": "lapsed",
        "exposure.measure_taken_back.v1": "lifted",
        "exposure.measure_act_refused.v1": f"refused to {said.get('act')} ({said.get('code')})",
        "exposure.limit_approval_refused.v1": f"refused to {said.get('act')} ({said.get('code')})",
    }
    why = said.get("reason") or said.get("why")
    policy = f", policy {said['policy']}" if said.get("policy") else ""
    return f"{words[said['type']]} by {said['by']}{policy}{f': {why}' if why else ''}"


def waiting_text(one: dict[str, Any]) -> str:
    """``1 of j.albers, m.vogt``, or ``1 other than k.weiss``"""
    waits = one["waiting_for"]
    if waits is None:
        return ""
    rates = ", ".join(f"{rate['from']} into {rate['into']}" for rate in waits["rates_missing"])
    lacking = f"no rate of {rates} is known for today" if rates else ""
    if waits["approvers"] is None:
        return f"not known: {lacking}"
    who = (
        f"{waits['approvers']} other than {', '.join(waits['not'])}"
        if waits["who"] is None
        else f"{waits['approvers']} of {', '.join(waits['who']) or 'nobody'}"
    )
    return f"{who}; {lacking}" if lacking else who


def holds_table(holds: list[dict[str, Any]]) -> None:
    columns = ["account", "order", "amount", "held for", "as of", "asked by", "proposed by"]
    rows = [
        [one["account"], one["order"], money(one), ", ".join(one["reasons"]), one["as_of"], one["by"], one["proposed_by"] or "-"] for one in holds
    ]
    listed(table("", columns, rows, numbers=["amount"]), [f"{one['order']}  decision {one['decision_id']}" for one in holds], "held order")


def decisions_table(decisions: Iterable[dict[str, Any]]) -> None:
    columns = ["recorded", "account", "order", "amount", "decision", "held for", "as of", "asked by"]
    rows = [
        [one["recorded"], one["account"], one["order"], money(one), one["decision"], ", ".join(one["reasons"]) or "-", one["as_of"], one["by"]]
        for one in decisions
    ]
    if rows:
        printed([table("", columns, rows, numbers=["amount"])])
    console().print(counted(len(rows), "decision"))


def release_line(one: dict[str, Any]) -> None:
    by = one["released_by"] or one["proposed_by"]
    said = f" by {by}" if by else ""
    more = "; one more person has to say so" if one["state"] == "proposed" else ""
    console().print(
        f"[bold]{one['state']}[/bold]{escape(said)}  order {escape(one['order'])} of {money(one)}, held for {', '.join(one['reasons'])}{more}",
        soft_wrap=True,
    )


def overrides_table(releases: list[dict[str, Any]]) -> None:
    columns = ["day", "account", "order", "amount", "overridden", "released by", "proposed by", "reason"]
    rows = [
        [one["as_of"], one["account"], one["order"], money(one), ", ".join(one["reasons"]), one["by"], one["proposed_by"] or "-", one["reason"]]
        for one in releases
    ]
    if rows:
        printed([table("", columns, rows, numbers=["amount"])])
    console().print(counted(len(rows), "release"))


def money(one: dict[str, Any]) -> str:
    return f"{one['amount']} {one['currency']}"
