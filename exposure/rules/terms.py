"""What was agreed with the customer, by version and day: its master data, credit limits, protections and blocks (laws 4 and 14)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from exposure.rules.documents import Document, Movement, State, moved
from exposure.rules.spans import later
from schemas.amounts import minor
from schemas.facts import LAST_DAY, Fact

HELD_EVERY_DAY = ("currency", "timezone")
"""What the highest version of the master data says of every day."""
DAY_FIELD = {"LimitChanged": "valid_from", "ProtectionChanged": "valid_from"}


def by_version(facts: list[Fact]) -> list[Fact]:
    """The standing fact of each version, lowest version first."""
    versions: dict[int, Fact] = {}
    for fact in facts:
        rival = versions.get(fact.data["version"])
        if rival is None or fact.told < rival.told:
            versions[fact.data["version"]] = fact
    return [versions[version] for version in sorted(versions)]


def evaluate(document: Document, version: int) -> list[Movement]:
    """Agreements have no money; they move where versions are told twice with other data, each from the day of the one that lost."""
    if len(document.facts) < 2:
        return []
    clashes: dict[str, str] = {}
    for kind, facts in kinds_of(document):
        rivals: dict[int, list[Fact]] = {}
        for fact in facts:
            rivals.setdefault(fact.data["version"], []).append(fact)
        zone = zone_of(facts) if kind == "customer" else "UTC"
        days = [day for same in rivals.values() if (day := clash_day(same, zone))]
        if days:
            clashes[document.key if kind == document.kind else f"{kind}:{document.number}"] = min(days)
    if not clashes and not document.moves:
        return []
    said: list[tuple[str, State]] = []
    for day in sorted(set(clashes.values())):
        said.append((day, {("anomaly:number_clash", item, "", ""): 1 for item, since in clashes.items() if since <= day}))
    return moved(document, version, "", said)


def kinds_of(document: Document) -> list[tuple[str, list[Fact]]]:
    """The numbers told in one document: a customer's has its master data and its blocks."""
    if document.kind != "customer":
        return [(document.kind, document.facts)]
    changes = [fact for fact in document.facts if fact.name == "CustomerChanged"]
    blocks = [fact for fact in document.facts if fact.name in ("AccountBlocked", "AccountUnblocked")]
    return [("customer", changes), ("block", blocks)]


def clash_day(rivals: list[Fact], zone: str) -> str | None:
    if len(rivals) < 2:
        return None
    field = DAY_FIELD.get(rivals[0].name)
    first = min(rivals, key=lambda fact: fact.told)
    lost = [fact for fact in rivals if (fact.digest, fact.name) != (first.digest, first.name)]
    return min((fact.data[field] if field else day_of(fact, zone) for fact in lost), default=None)


def zone_of(facts: list[Fact]) -> str:
    """The time zone of the highest version holds for every day; UTC where nothing is told of the customer."""
    changes = by_version([fact for fact in facts if fact.name == "CustomerChanged"])
    return str(changes[-1].data.get("timezone", "UTC")) if changes else "UTC"


def master_data(facts: list[Fact], day: str) -> dict[str, Any]:
    """Name, currency and time zone of the highest version for every day; parent, segment and risk class count from their date."""
    changes = by_version([fact for fact in facts if fact.name == "CustomerChanged"])
    if not changes:
        return {}
    change = change_on(changes, day)
    known = {key: value for key, value in (change.data if change else {}).items() if key not in ("version", "date")}
    return {**known, "currency": changes[-1].data["currency"], "timezone": zone_of(changes)}


def change_on(facts: list[Fact], day: str) -> Fact | None:
    """The change of master data that counts on the day: the highest version dated by it."""
    changes = by_version([fact for fact in facts if fact.name == "CustomerChanged"])
    zone = zone_of(changes)
    return next((fact for fact in reversed(changes) if day_of(fact, zone) <= day), None)


def day_of(fact: Fact, zone: str) -> str:
    """The date of a change of master data; where none was told, the day of its time in the account's time zone."""
    return str(fact.data["date"]) if "date" in fact.data else local_day(fact.time, zone)


def first_day_of_change(facts: list[Fact], last: Fact) -> str:
    """The first day of which the change of master data that was told last tells otherwise: its currency and time zone hold for every day. Of two that
    claim one version either may have counted."""
    changes = [fact for fact in facts if fact.name == "CustomerChanged"]
    told, before = master_data(changes, ""), master_data([fact for fact in changes if fact is not last], "")
    if [told.get(name) for name in HELD_EVERY_DAY] != [before.get(name) for name in HELD_EVERY_DAY]:
        return ""
    return min([day_of(fact, told["timezone"]) for fact in changes if fact.data["version"] == last.data["version"]])


def local_day(instant: str, zone: str) -> str:
    """The business day of a UTC instant in a time zone."""
    return datetime.fromisoformat(instant[:19] + "+00:00").astimezone(ZoneInfo(zone)).date().isoformat()


def last_instant(day: str, zone: str) -> str:
    """The last microsecond of a business day in a time zone, as a UTC instant."""
    if day >= "9999-12-31":
        return f"{day}T23:59:59.999999"
    after = date.fromisoformat(day) + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return (midnight - timedelta(microseconds=1)).isoformat()[:26]


def is_blocked(facts: list[Fact], day: str) -> bool:
    turns = by_version([fact for fact in facts if fact.name in ("AccountBlocked", "AccountUnblocked")])
    dated = [fact for fact in turns if fact.data["date"] <= day]
    return bool(dated) and dated[-1].name == "AccountBlocked"


def step_on(facts: list[Fact], day: str) -> Fact | None:
    """Of one limit or protection number: its highest version with ``valid_from`` not after the day."""
    begun = [fact for fact in by_version(facts) if fact.data["valid_from"] <= day]
    return begun[-1] if begun else None


def in_force(step: Fact, day: str) -> bool:
    return bool(step.data.get("valid_to", "9999-12-31") >= day)


def measures_on(measures: list[list[Fact]], day: str) -> list[Fact]:
    """What is done about the account on the day: of each measure its ``MeasureApplied``, where it has begun, not ended, and not been lifted."""
    found = []
    for facts in measures:
        applied = next((fact for fact in facts if fact.name == "MeasureApplied"), None)
        lifted = min([fact.data["date"] for fact in facts if fact.name == "MeasureLifted"], default=LAST_DAY)
        if applied is not None and applied.data["date"] <= day < lifted and day <= applied.data.get("until", LAST_DAY):
            found.append(applied)
    return sorted(found, key=lambda fact: (fact.data["kind"], fact.told))


def limits_on(limits: list[list[Fact]], day: str) -> tuple[list[Fact], Fact | None]:
    """The limits in force on the day, the one that counts first; and where none is, the one that ended last."""
    steps = [step for facts in limits if (step := step_on(facts, day))]
    standing = [step for step in steps if in_force(step, day)]
    standing.sort(key=lambda step: (step.data["kind"] == "temporary", step.data["valid_from"], step.told), reverse=True)
    ended = None if standing else max(steps, key=lambda step: (step.data["valid_to"], step.told), default=None)
    return standing, ended


def limit_expired(limits: list[list[Fact]], day: str) -> bool:
    """Whether a limit that counted on its last day has ended, and what counts now is less and no newer."""
    ended = [step for step in ended_by(limits, day) if counted(limits, step)]
    if not ended:
        return False
    last = max(ended, key=lambda step: (step.data["valid_to"], step.told))
    standing, _ = limits_on(limits, day)
    if standing and standing[0].data["valid_from"] > last.data["valid_to"]:
        return False
    return is_less(standing[0] if standing else None, last)


def protection_expired(protections: list[list[Fact]], day: str) -> bool:
    """Whether a protection has ended, and none that began after it is in force."""
    last = max([str(step.data["valid_to"]) for step in ended_by(protections, day)], default=None)
    steps = [step for facts in protections if (step := step_on(facts, day)) and in_force(step, day)]
    return last is not None and not [step for step in steps if step.data["valid_from"] > last]


def ended_by(numbers: list[list[Fact]], day: str) -> list[Fact]:
    """Of each number its step of the day, where that was in force once and is no more."""
    steps = [step for facts in numbers if (step := step_on(facts, day)) and not in_force(step, day)]
    return [step for step in steps if step.data["valid_from"] <= step.data["valid_to"]]


def counted(limits: list[list[Fact]], step: Fact) -> bool:
    standing, _ = limits_on(limits, step.data["valid_to"])
    return bool(standing) and standing[0].told == step.told


def is_less(now: Fact | None, before: Fact) -> bool:
    """Amounts of two currencies are not compared: what counts now is then taken for less."""
    if amount_of(before) == 0 or before.data["amount"] == "unlimited" == (now and now.data["amount"]):
        return False
    if now is None or before.data["amount"] == "unlimited":
        return True
    if now.data["amount"] == "unlimited":
        return False
    return amount_of(now) < amount_of(before) or now.data["currency"] != before.data["currency"]


def amount_of(step: Fact) -> int:
    """Minor units; of an unlimited one more than nothing."""
    told = step.data["amount"]
    return 0 if told == "none" else 1 if told == "unlimited" else minor(told, step.data["currency"])


def last_begun(numbers: list[list[Fact]], day: str) -> str | None:
    """The day on which the newest step of any number began."""
    return max([str(fact.data["valid_from"]) for facts in numbers for fact in facts if fact.data["valid_from"] <= day], default=None)


def days_of_change(numbers: list[list[Fact]]) -> set[str]:
    """Every day on which a step of a limit or a protection begins, and the one after each last day."""
    steps = [fact.data for facts in numbers for fact in facts]
    return {step["valid_from"] for step in steps} | {later(step["valid_to"], 1) for step in steps if "valid_to" in step}


def begins(day: str, zone: str) -> int:
    """The first instant of a day in a time zone (microseconds since 1970, UTC)."""
    return int(datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000
