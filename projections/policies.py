"""Policies and what differs between them: which rule of which class said what, and says what now?"""

from collections.abc import Iterator
from typing import Any

from exposure.ledger.acts.policies import Adopted, adopted
from projections.when import instant_text
from schemas.policies import OF_THE_POLICY, Policy, Rules, content_of, spelled


class UnknownPolicy(LookupError):
    """No policy of that version was adopted."""


def policy_of_version(moment: Any, version: str, known_at: int | None = None) -> Policy:
    """One that was adopted by an instant; raises ``UnknownPolicy``."""
    found = next((one.policy for one in adopted(moment, known_at) if one.event.version == version), None)
    if found is None:
        raise UnknownPolicy(f"{version!r} is neither a file nor the version of a policy that was adopted; `exposure policy list` names those")
    return found


def adoptions(moment: Any, known_at: int | None = None) -> list[dict[str, Any]]:
    """Every policy adopted, oldest first: when, by whom and why."""
    return [row(one) for one in adopted(moment, known_at)]


def row(one: Adopted) -> dict[str, Any]:
    event = one.event
    return {"policy": event.version, "name": event.name, "adopted": instant_text(one.recorded_at), "by": event.by, "reason": event.reason}


def shown(policy: Policy) -> dict[str, Any]:
    """What a policy says, without what is as by default."""
    return {"policy": policy.version, **content_of(policy)}


def differences(old: Policy, new: Policy) -> dict[str, Any]:
    """The document of ``exposure policy diff``: one row a difference, first of the policy itself, then class by class."""
    rows = [difference(None, name, *pair) for name, *pair in compared(of_policy(old), of_policy(new))]
    before, after = ({rules.name: rules for rules in policy.classes} for policy in (old, new))
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after:
            rows += [difference(name, rule, *pair) for rule, *pair in compared(flat(before[name]), flat(after[name]))]
        else:
            rows.append(difference(name, "class", "there" if name in before else None, "there" if name in after else None))
    return {"old": old.version, "new": new.version, "differences": rows}


def difference(of: str | None, rule: str, old: Any, new: Any) -> dict[str, Any]:
    return {"class": of, "rule": rule, "old": old, "new": new}


def compared(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def of_policy(policy: Policy) -> dict[str, Any]:
    """What it says of no class in particular."""
    levels = {f"approval_levels above {level.above}": level.approvers for level in policy.approval_levels}
    people = {f"authority of {one.who}": {name: value for name, value in one._asdict().items() if name != "who"} for one in policy.authority}
    alone = ("name", "currency", "four_eyes_above", "reservation_hours")
    return {name: getattr(policy, name) for name in alone} | levels | people


def flat(rules: Rules) -> dict[str, Any]:
    """Each rule and each of its parts by a name of its own, as ``overdue.days``."""
    told: dict[str, Any] = {}
    for name, value in rules._asdict().items():
        if name in OF_THE_POLICY:
            continue
        if hasattr(value, "_asdict"):
            told |= {f"{name}.{part}": spelled(said) for part, said in value._asdict().items()}
        else:
            told[name] = list(value) if isinstance(value, tuple) else value
    return told
