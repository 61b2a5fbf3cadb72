"""``exposure dunning``: what it prints, what it exits with, and that every act is one document for programs."""

from pathlib import Path

import pytest

from tests.command import Said, exposure
from tests.test_rules import ACCOUNT

LADDER = """
name = "Dunning"
currency = "EUR"
[[class]]
[class.dunning]
levels = [{ days = 1, name = "to the lawyers", channel = "letter", legal = true }]
interest = { rates = [{ valid_from = "2026-01-01", per_cent = "10.0" }] }
"""
CONTRACT = Path(__file__).parent / "contract_example.jsonl"


@pytest.fixture
def dunned(tmp_path: Path) -> Path:
    """A store whose one account is to be handed over to the lawyers."""
    store, policy = tmp_path / "exposure.db", tmp_path / "policy.toml"
    policy.write_text(LADDER)
    assert exposure("feed", CONTRACT, "--now", "2026-02-20T12:00:00Z", store=store).exit_code == 0
    adopted = exposure("policy", "adopt", policy, "--by", "board", "--reason", "decided", "--now", "2026-02-20T12:00:00Z", store=store)
    assert adopted.exit_code == 0, adopted
    return store


def said(store: Path, *words: str) -> Said:
    return exposure("dunning", *words, "--json", store=store)


def test_a_notice_goes_its_way_by_commands(dunned: Path) -> None:
    now = ("--now", "2026-02-21T12:00:00Z")
    (foreseen,) = said(dunned, "run", "--dry-run", *now).json["notices"]
    (proposed,) = said(dunned, "run", ACCOUNT, "--by", "nightly", *now).json["notices"]
    assert (foreseen["state"], proposed["state"]) == ("due", "proposed")
    assert [item["kind"] for item in proposed["debit_items"]] == ["interest"]
    yes = ("approve", proposed["notice"], "--reason", "no answer", *now)
    refused = said(dunned, *yes, "--by", "nightly")
    assert (refused.exit_code, refused.json["error"]["code"], refused.json["state"]) == (3, "own_request", "proposed")
    approved = said(dunned, *yes, "--by", "j.albers")
    assert (approved.exit_code, approved.json["state"]) == (0, "issued")
    shown = said(dunned, "show", proposed["notice"])
    assert (shown.exit_code, shown.json["reproduced"], len(shown.json["trail"])) == (0, True, 3)
    assert [one["notice"] for one in said(dunned).json["notices"]] == [proposed["notice"]]


def test_a_repayment_plan_holds_dunning_back_until_an_instalment_is_missed(dunned: Path) -> None:
    plan = ("--amount", "200", "--every", "month", "--instalments", "2", "--first", "2026-02-27", "--by", "m.vogt")
    promised = exposure("promise", "make", ACCOUNT, *plan, "--now", "2026-02-21T12:00:00Z", "--json", store=dunned)
    assert promised.json["invoices"] == ["I-9"]
    days = ("2026-02-21", "2026-02-27", "2026-02-28")
    runs = [said(dunned, "run", "--by", "nightly", "--now", f"{day}T12:00:00Z").json["notices"] for day in days]
    assert [len(notices) for notices in runs] == [0, 0, 1], "the first instalment was missed on the evening of its day"
    assert said(dunned, "show", runs[-1][0]["notice"]).json["reproduced"] is True


def test_a_stop_is_said_and_ended_and_what_is_not_there_is_an_error(dunned: Path) -> None:
    why = ("--reason", "we talk", "--by", "m.vogt", "--now", "2026-02-21T12:00:00Z")
    assert said(dunned, "stop", ACCOUNT, "--invoice", "I-9", *why).json["state"] == "stopped"
    assert said(dunned, "run", "--now", "2026-02-21T12:00:00Z").json["notices"] == []
    assert said(dunned, "resume", ACCOUNT, "--invoice", "I-9", *why).json["state"] == "resumed"
    again = said(dunned, "resume", ACCOUNT, "--invoice", "I-9", *why)
    assert (again.exit_code, again.json["error"]["code"]) == (1, "not_stopped")
    assert said(dunned, "stop", "C-9", *why).json["error"]["code"] == "unknown_account"
    assert said(dunned, "cancel", "none", *why).json["error"]["code"] == "unknown_notice"
    assert said(dunned, "stop", ACCOUNT, "--until", "soon", *why).exit_code == 2
