"""A policy's file: what is wrong is said at once, a version stands for what it says; and one that was adopted is in force from then on."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger.acts.policies import adopt, in_force
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from schemas.dunning import STOPS
from schemas.jsontext import written as json_written
from schemas.policies import CATEGORIES, DEFAULT, Authority, Policy, content_of, policy_of
from schemas.policy_file import PolicyError, read_policy
from schemas.policy_text import read_written, versioned, written
from tests.command import exposure
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, told

SAMPLE = Path("service/sample/policy.toml")
LEAST = 'name = "P"\ncurrency = "EUR"\n[[class]]\n'
NOON = 1_771_588_800_000_000
"""2026-02-20T12:00:00Z in microseconds."""


def test_the_sample_is_valid_and_uses_every_rule_there_is() -> None:
    policy = read_policy(SAMPLE.read_text(encoding="utf-8"))
    for name in policy.classes[0]._fields:
        told = [getattr(rules, name) for rules in policy.classes]
        default = DEFAULT.classes[0]._asdict()[name]
        assert name in ("segment", "counts", "over_limit") or any(value != default for value in told), name
    assert policy.authority[1] == Authority("m.vogt", "100000.00", "50000.00", "EUR")
    assert [tuple(level) for level in policy.approval_levels] == [("0.00", 1), ("100000.00", 2)]
    assert (policy.four_eyes_above, policy.reservation_hours) == ("50000.00", 72)


def test_a_policy_that_says_nothing_says_what_the_default_says() -> None:
    (rules,) = read_policy(LEAST).classes
    assert rules._replace(policy="default", currency=None) == DEFAULT.classes[0]


LADDER = "[class.dunning]\n"
RUNG = '[[class.dunning.levels]]\ndays = {}\nname = "reminder"\nchannel = "email"\n'
RATE = '[[class.dunning.interest.rates]]\nvalid_from = "{}"\nper_cent = "{}"\n'
WRONG = [
    ("an amount that is no text", "[class.overdue]\ndays = 3\ntolerance = 50.0", "class 1.overdue.tolerance: not a text; write it in quotes"),
    ("a word nobody knows", "overdu = 3", "class 1.overdu: no word of a policy"),
    ("a whole number with a point", "horizon_days = 30.5", "class 1.horizon_days: not a whole number"),
    ("more decimals than the currency has", 'limit = "1.001"', "class 1.limit: '1.001' has more decimals than EUR; write 2"),
    ("an exponent", 'limit = "1e3"', "class 1.limit: '1e3' is no amount"),
    ("a negative amount", 'limit = "-1.00"', "class 1.limit: '-1.00' is no amount"),
    ("a share of more than all", '[class.prepayment]\nshare = "1.1"', "class 1.prepayment.share: '1.1' is no share"),
    ("another effect", 'over_limit = "shout"', "class 1.over_limit: Input should be 'refuse' or 'warn'"),
    ("a rule without its threshold", "[class.largest_order]", "class 1.largest_order.amount: missing; add it"),
    (
        "an alert that clears as it is raised",
        '[class.alerts]\nnear_limit = "0.8"\nclear_below = "0.9"',
        "class 1.alerts: clear_below 0.9000 lies above",
    ),
    ("a horizon of orders that do not count", 'horizon_days = 3\ncounts = ["receivables"]', "class 1: horizon_days says nothing"),
    ("a category told twice", 'counts = ["orders", "orders"]', "class 1: counts names a category twice"),
    ("two classes of one kind", "[[class]]", "class 2: the same risk_class and segment as class 1"),
    ("nobody who could approve", '[[approval_levels]]\nabove = "0"\napprovers = 2', "approval_levels: 2 approvers are asked for and 0 named"),
    ("one person twice", '[[authority]]\nwho = "a"\n[[authority]]\nwho = "a"', "authority 2: 'a' is named twice"),
    ("a ladder that falls", f"{LADDER}{RUNG.format(9)}{RUNG.format(5)}", "class 1.dunning: levels have to be reached one after the other"),
    ("a ladder without a level", f"{LADDER}interval_days = 3", "class 1.dunning.levels: missing; add it"),
    ("a rate with a comma", f"{LADDER}{RUNG.format(5)}{RATE.format('2026-01-01', '9,1')}", "class 1.dunning.interest.rates 1.per_cent: '9,1' is no"),
    ("a rate from no day", f"{LADDER}{RUNG.format(5)}{RATE.format('2026-02-30', '9.1')}", "class 1.dunning.interest.rates 1.valid_from: "),
    ("a rate twice", f"{LADDER}{RUNG.format(5)}{RATE.format('2026-01-01', '9') * 2}", "class 1.dunning: rates says something twice"),
    (
        "points below nothing",
        f'{LADDER}{RUNG.format(5)}[class.dunning.interest]\non_top = "-1"\n{RATE.format("2026-01-01", "9")}',
        "class 1.dunning.interest.on_top: '-1' lies below nothing",
    ),
    (
        "interest above the ladder",
        f"{LADDER}{RUNG.format(5)}[class.dunning.interest]\nfrom_level = 2\n{RATE.format('2026-01-01', '9')}",
        "class 1.dunning: interest.from_level 2 is above the last of 1 levels",
    ),
    (
        "levels that fall",
        '[[authority]]\nwho = "a"\n[[approval_levels]]\nabove = "9"\napprovers = 1\n[[approval_levels]]\nabove = "1"\napprovers = 1',
        "approval_levels: amounts and approvers have to rise",
    ),
]


@pytest.mark.parametrize(("more", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said_in_a_line_with_its_place(more: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_policy(LEAST + more, "p.toml")
    assert str(refused.value).startswith(f"p.toml: {said}")
    assert "\n" not in str(refused.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = (
        'name = "P"\n[[class]]\nrisk_class = "A"\nlimit = 1\nnonsense = 1\n[[class]]\nrisk_class = "A"\nhorizon_days = 3\ncounts = ["receivables"]\n'
    )
    with pytest.raises(PolicyError) as refused:
        read_policy(text)
    assert [line.removeprefix("the policy: ").partition(":")[0] for line in str(refused.value).splitlines()] == [
        "currency",
        "class 1.limit",
        "class 1.nonsense",
        "class 2",
        "class 2",
        "class",
    ]


def test_what_is_no_toml_or_no_policy_at_all_is_refused() -> None:
    for text, said in (
        ("name = ", "not TOML"),
        ('class = "x"', "class: not a section"),
        ("", "name: missing"),
        ('class = ["x"]', "class 1: not a section"),
    ):
        with pytest.raises(PolicyError, match=said):
            read_policy(text)


def test_comments_order_and_spelling_change_no_version_and_every_word_does() -> None:
    one = read_policy('name = "P"\ncurrency = "EUR"\n[[class]]\nlimit = "400"\n[[class]]\nrisk_class = "B"\nat_limit = "passes"\n')
    counts = '["unapplied", "reserved", "orders", "deliveries",\n "receivables"]'
    same = read_policy(f'# as decided\ncurrency = "EUR"\nname = "P"\nclass = [{{risk_class = "B"}}, {{counts = {counts}, limit = "0400.0"}}]\n')
    assert (one, len(one.version)) == (same, 12)
    texts = [
        LEAST,
        LEAST.replace("P", "Q"),
        LEAST.replace("EUR", "USD"),
        f'{LEAST}limit = "0.01"',
        f"{LEAST}[class.overdue]\ndays = 0",
        f"{LEAST}[class.overdue]\ndays = 1",
    ]
    assert len({read_policy(text).version for text in texts}) == len(texts)


def test_the_version_of_what_was_written_once_is_the_same_for_ever() -> None:
    """Decisions name it: a file read by a newer engine has the version that they say."""
    policy = read_policy(SAMPLE.read_text(encoding="utf-8"))
    assert policy.version == "f60728505180"
    before = policy._replace(
        classes=tuple(rules._replace(dunning=None, measures=()) for rules in policy.classes),
        authority=tuple(one._replace(measures=()) for one in policy.authority),
    )
    assert versioned(before).version == "c34e63b1c484", "as before there were dunning and measures"


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    cents = st.integers(0, 10**9).map(lambda amount: f"{amount // 100}.{amount % 100:02}")
    effect, days = st.sampled_from(["refuse", "warn"]), st.integers(0, 400)
    rung = {"days": days, "name": st.just("reminder"), "channel": st.just("email")}
    rate = st.fixed_dictionaries({"valid_from": st.sampled_from(["2026-01-01", "2026-07-01"]), "per_cent": st.sampled_from(["9", "-0.88"])})
    ladder = {
        "interval_days": days,
        "stops": st.lists(st.sampled_from(STOPS), unique=True),
        "interest": st.fixed_dictionaries({"rates": st.lists(rate, min_size=1, max_size=1)}, optional={"days": st.just("30/360")}),
        "fixed_sums": st.lists(st.fixed_dictionaries({"amount": cents}, optional={"at_least": cents}), min_size=1, max_size=2),
    }
    rungs = st.lists(st.fixed_dictionaries(rung, optional={"fee": cents, "legal": st.booleans()}), min_size=1, max_size=3)
    rule = {
        "overdue": st.fixed_dictionaries({"days": days}, optional={"tolerance": cents, "disputed": st.booleans(), "effect": effect}),
        "oldest_open_item": st.fixed_dictionaries({"days": days}, optional={"effect": effect}),
        "largest_order": st.fixed_dictionaries({"amount": cents}, optional={"effect": effect}),
        "protection": st.fixed_dictionaries({}, optional={"insurance": st.sampled_from(["off_exposure", "adds_to_limit"])}),
        "counts": st.lists(st.sampled_from(CATEGORIES), unique=True, min_size=1),
        "horizon_days": days,
        "limit": cents,
        "dunning": st.fixed_dictionaries({"levels": rungs}, optional=ladder),
    }
    classes = [{}, *({"risk_class": name} for name in draw(st.lists(st.sampled_from("ABCD"), unique=True)))]
    content = {
        "name": draw(st.sampled_from("PQ")),
        "currency": "EUR",
        "class": [one | draw(st.fixed_dictionaries({}, optional=rule)) for one in classes],
    }
    return versioned(policy_of(content, ""))


@settings(max_examples=300)
@given(policies())
def test_what_was_recorded_is_read_as_it_was(policy: Policy) -> None:
    assert read_written(written(policy), policy.version) == policy
    assert versioned(policy) == policy
    assert policy_of(content_of(policy), policy.version) == policy
    assert blake2b(written(policy).encode()).hexdigest()[:12] == policy.version, "by which evidence proves it"


def test_the_version_is_the_digest_of_what_is_recorded_in_whatever_order_it_was_put() -> None:
    people = (Authority("head", None, "100.00", "EUR"), Authority("clerk", None, "10.00", "EUR"))
    one, other = (versioned(DEFAULT._replace(name="P", currency="EUR", authority=order)) for order in (people, people[::-1]))
    assert blake2b(written(one).encode()).hexdigest()[:12] == one.version == other.version


@pytest.mark.parametrize(
    ("risk", "segment", "wins"),
    [("A", "export", "risk class A, segment export"), ("A", "home", "risk class A"), ("B", "export", "segment export"), (None, None, "all others")],
)
def test_the_most_specific_class_wins(risk: str | None, segment: str | None, wins: str) -> None:
    text = LEAST + '[[class]]\nsegment = "export"\n[[class]]\nrisk_class = "A"\n[[class]]\nrisk_class = "A"\nsegment = "export"\n'
    assert read_policy(text).rules_for(risk, segment).name == wins


def test_a_risk_class_wins_over_a_segment() -> None:
    text = LEAST + '[[class]]\nsegment = "export"\n[[class]]\nrisk_class = "A"\n'
    assert read_policy(text).rules_for("A", "export").name == "risk class A"


# ------------------------------------------------------------------ in a store


@pytest.fixture
def path(tmp_path: Path, each_store: str) -> Path:  # noqa: ARG001 (a store of its kind)
    return tmp_path / "exposure.db"


@pytest.fixture
def store(path: Path) -> Any:
    store = opened(path)
    events: list[Json] = [told("customer.changed", "2026-01-01", **CUSTOMER), limit("L-1", "2026-01-01", "1000.00")]
    fed(store, map(json_written, [*events, invoice("I-1", "2026-01-10", "400.00")]), now=NOON)
    return store


def test_from_its_adoption_on_a_policy_judges_and_before_it_the_default_does(store: Any) -> None:
    policy = read_policy(f'{LEAST}counts = ["orders"]')
    assert adopt(store, lambda: NOON + 10, policy, "m.vogt", "decided")
    assert not adopt(store, lambda: NOON + 20, policy, "m.vogt", "again"), "what is in force is not adopted again"
    with store.reading() as moment:
        assert [in_force(moment, known_at).version for known_at in (NOON + 9, NOON + 10, None)] == ["default", policy.version, policy.version]
        gross = [show(moment, ACCOUNT, Asked(NOON + 99, known_at=known_at))["judged"]["gross"] for known_at in (NOON + 9, NOON + 10)]
    assert gross == ["400.00", "0.00"]
    assert rebuild(store).equal


def test_a_policy_that_was_replaced_may_come_back(store: Any) -> None:
    first, second = read_policy(LEAST), read_policy(f'{LEAST}limit = "1.00"')
    assert [adopt(store, lambda: NOON, one, "m.vogt", "decided") for one in (first, second, first)] == [True] * 3
    with store.reading() as moment:
        assert in_force(moment).version == first.version


def test_the_command_checks_adopts_shows_and_tells_apart(path: Path, store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    file, worse = tmp_path / "p.toml", tmp_path / "worse.toml"
    file.write_text(f"{LEAST}[class.overdue]\ndays = 5\n")
    worse.write_text(f"{LEAST}[class.overdue]\ndays = 6.5\n")
    checked = exposure("policy", "check", file, "--json").json
    version = checked["policy"]
    assert checked == {"policy": version, "name": "P", "classes": ["all others"]}
    refused = exposure("policy", "check", worse, "--json")
    assert (refused.exit_code, refused.json["error"]["code"]) == (1, "bad_policy")
    why = ["--by", "m.vogt", "--reason", "decided"]
    assert exposure("policy", "adopt", file, *why, "--json", store=path).json == {"policy": version, "name": "P", "adopted": True}
    assert exposure("policy", "adopt", file, *why, "--json", store=path).json["adopted"] is False
    (listed,) = exposure("policy", "list", "--json", store=path).json["policies"]
    assert (listed["policy"], listed["by"], listed["reason"]) == (version, "m.vogt", "decided")
    assert exposure("policy", "show", "--json", store=path).json["class"] == [{"overdue": {"days": 5}}]
    assert exposure("policy", "show", "--known-at", "2026-01-01T00:00:00Z", "--json", store=path).json["policy"] == "default"
    differs = exposure("policy", "diff", "default", version, "--json", store=path).json["differences"]
    assert {"class": "all others", "rule": "overdue.days", "old": None, "new": 5} in differs
    unknown = exposure("policy", "diff", "0123456789ab", version, "--json", store=path)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (1, "unknown_policy")


def test_a_check_names_the_adopted_policy_and_is_made_anew_under_another(path: Path, store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    file = tmp_path / "p.toml"
    file.write_text(f"{LEAST}[class.overdue]\ndays = 5\n")
    ask = ["check", ACCOUNT, "--order", "O-1", "--amount", "100.00", "--now", "2026-02-20T12:00:00Z", "--json"]
    before = exposure(*ask, store=path)
    version = exposure("policy", "adopt", file, "--by", "m.vogt", "--reason", "decided", "--json", store=path).json["policy"]
    after = exposure(*ask, store=path)
    assert (before.exit_code, before.json["policy"], before.json["reasons"]) == (0, "default", [])
    assert (after.exit_code, after.json["policy"], after.json["reasons"]) == (3, version, ["overdue"])
    assert after.json["findings"][0]["remedy"] == {"pay": "400.00"}
    assert exposure("list", "--json", store=path).json["policy"] == version


def test_authority_may_be_without_bounds() -> None:
    policy = read_policy('name = "Board"\ncurrency = "EUR"\n[[authority]]\nwho = "the board"\nlimits_up_to = "unlimited"\n[[class]]\n')
    assert [(one.who, one.limits_up_to, one.releases_up_to) for one in policy.authority] == [("the board", "unlimited", None)]
