"""What a command shows: tables for people, one JSON document for programs."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib import import_module
from itertools import chain, islice
from typing import Any

import typer

from schemas.jsontext import written
from service.failures import DONE, Done, Failure
from service.shown.words import counted


def printed_by(name: str, *, under: str | None = None, as_they_come: bool = False) -> Callable[["Output", Any], None]:
    """A document, or a list that stands ``under`` its name in one."""

    def show(self: "Output", told: Any) -> None:
        if not self.json:
            printer(name)(told)
        elif as_they_come:
            self.streamed(b"{" + written(under) + b":[", told)
        else:
            self.document(told if under is None else {under: told})

    return show


def act_printed_by(name: str) -> Callable[["Output", Done], int]:
    """How something stands after an act, and why the act was refused, in one document where that is asked for. Returns the exit code."""

    def show(self: "Output", done: Done) -> int:
        failed = done.failure
        if self.json:
            self.document({**done.shown, "error": error(failed.code, str(failed))} if failed else done.shown)
        else:
            printer(name)(done.shown)
            if failed:
                self.failure(failed.code, str(failed))
        return failed.exit_code if failed else DONE

    return show


def printer(name: str) -> Callable[..., None]:
    """``module.function`` of this folder."""
    module, _, function = name.partition(".")
    prints: Callable[..., None] = getattr(import_module(f"service.shown.{module}"), function)
    return prints


class Output:
    def __init__(self, json: bool) -> None:
        self.json = json

    def document(self, document: dict[str, Any]) -> None:
        """One JSON document, exactly as the contract says."""
        sys.stdout.flush()
        sys.stdout.buffer.write(written(document) + b"\n")
        sys.stdout.buffer.flush()

    def failure(self, code: str, message: str) -> None:
        if self.json:
            self.document({"error": error(code, message)})
        else:
            typer.echo(f"exposure: {message}", err=True)

    def counts(self, counts: Any, failed: Failure | None = None) -> None:
        """What became of records, and why not of all: in one document where that is asked for."""
        document = asdict(counts)
        if self.json:
            self.document({**document, "error": error(failed.code, str(failed))} if failed else document)
            return
        typer.echo("  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in document.items()))
        if failed:
            self.failure(failed.code, str(failed))

    def sheet(self, listed: dict[str, Any]) -> None:
        printer("sheet.write_sheet")(listed["accounts"], sys.stdout)

    def work_sheet(self, listed: dict[str, Any]) -> None:
        printer("worklist_tables.write_worklist")(listed["worklist"], sys.stdout)

    def reconciliation(self, as_of: str | None, differences: Iterable[dict[str, Any]], counts: dict[str, int]) -> None:
        """Differences as they are found, and how many there were behind them."""
        if self.json:
            self.streamed(b'{"as_of":' + written(as_of) + b',"differences":[', differences, lambda: b'],"compared":' + written(counts) + b"}\n")
            return
        printer("comparison_tables.difference_lines")(differences, as_of)
        typer.echo("  ".join(f"{name} {count:,}" for name, count in counts.items()))

    def history(self, account: str, events: Iterable[dict[str, Any]]) -> None:
        """Events as they come: an account's history may be longer than memory."""
        if self.json:
            self.streamed(b'{"account":' + written(account) + b',"events":[', events)
        else:
            printer("tables.history_lines")(events)

    def streamed(self, beginning: bytes, parts: Iterable[dict[str, Any]], ending: Callable[[], bytes] = lambda: b"]}\n") -> None:
        """One JSON document that ends with a list, and what is known only behind it. It is begun once there is a first part: what could not be
        asked is a failure, told in a document of its own."""
        out, left = sys.stdout.buffer, iter(parts)
        first = list(islice(left, 1))
        out.write(beginning)
        for number, part in enumerate(chain(first, left)):
            out.write(b"," * (number > 0) + written(part))
        out.write(ending())
        out.flush()

    def followed(self, told: Iterable[dict[str, Any]]) -> None:
        """Alerts that come one after the other and never end: a document a line, for no list of them is ever whole."""
        if not self.json:
            printer("tables.alert_lines")(told)
            return
        for alert in told:
            self.document(alert)

    def counted(self, done: str, many: int) -> None:
        """One count, by what was done."""
        self.line({done: many}, f"{done} {many:,}")

    def alert_act(self, shown: dict[str, Any] | None, failed: Failure | None) -> None:
        """The alert something was done about; nothing where it was refused."""
        if shown is None:
            assert failed is not None
            self.failure(failed.code, str(failed))
        elif self.json:
            self.document(shown)
        else:
            printer("tables.alert_lines")([shown])

    def policy_checked(self, checked: dict[str, Any]) -> None:
        self.line(checked, f"policy {checked['policy']} ({checked['name']}) is valid; its classes: {'; '.join(checked['classes'])}")

    def policy_adopted(self, adopted: dict[str, Any]) -> None:
        said = "is in force from now on" if adopted["adopted"] else "is in force already: nothing was recorded"
        self.line(adopted, f"policy {adopted['policy']} ({adopted['name']}) {said}")

    def line(self, document: dict[str, Any], said: str) -> None:
        """What people are told in a line."""
        self.lines(document, [said])

    def lines(self, document: dict[str, Any], said: Iterable[str], noun: str | None = None) -> None:
        """A list of none of a noun says so."""
        if self.json:
            self.document(document)
            return
        lines = list(said)
        for line in lines or ([] if noun is None else [counted(0, noun)]):
            typer.echo(line)

    def statement(self, told: dict[str, Any], file: str | None) -> None:
        self.line(told, f"{told['account']} as of {told['as_of']}: {file}")

    def packed(self, manifest: dict[str, Any], file: str) -> None:
        said = f"{manifest['events']:,} events of {manifest['account']} to {manifest['to']}, known at {manifest['known_at']}: {file}"
        self.lines(manifest, [said, *([manifest["unsigned"]] if "unsigned" in manifest else [])])

    def rotations(self, told: list[dict[str, Any]]) -> None:
        said = (
            f"{one['made']}  position {one['position']}  key {one['old_key_id']} is followed by {one['new_key_id']} ({one['new_key']})"
            for one in told
        )
        self.lines({"rotations": told}, said, "rotation")

    def topics(self, standings: list[Any]) -> None:
        if self.json:
            self.document({"topics": [asdict(standing) for standing in standings]})
        else:
            printer("tables.topics_table")(standings)

    # What people read is printed by functions of their own, loaded only for them; programs get the document.
    account = printed_by("tables.account_tables")
    group = printed_by("tables.group_tables")
    portfolio = printed_by("tables.portfolio_tables")
    worklist = printed_by("worklist_tables.worklist_tables")
    explanation = printed_by("explanation_tree.explanation_tree")
    difference = printed_by("comparison_tables.difference_tables")
    bridge = printed_by("comparison_tables.bridge_tables")
    dead_letters = printed_by("tables.dead_letter_table", under="dead_letters")
    dunning = printed_by("dunning_tables.dunning_tables")
    dunning_stop = printed_by("dunning_tables.stop_line")
    recorded_decision = printed_by("tables.recorded_decision_lines")
    given_up = printed_by("tables.given_up_lines", under="dead_letters")
    decision = printed_by("tables.decision_lines")
    reservation = printed_by("tables.reservation_line")
    policy = printed_by("policy_tables.policy_lines")
    policies = printed_by("policy_tables.policies_table", under="policies")
    backtest = printed_by("policy_tables.backtest_tables")
    policy_differences = printed_by("policy_tables.differences_table")
    limit_requests = printed_by("approval_tables.limit_requests_table", under="requests")
    measures = printed_by("measure_tables.measures_table", under="measures")
    holds = printed_by("approval_tables.holds_table", under="holds")
    promises = printed_by("promise_tables.promises_table")
    overrides = printed_by("approval_tables.overrides_table", under="overrides")
    status = printed_by("tables.status_tables")

    # As they come, for a log may be longer than memory.
    alerts = printed_by("tables.alert_lines", under="alerts", as_they_come=True)
    decisions = printed_by("approval_tables.decisions_table", under="decisions", as_they_come=True)

    dunning_notice = act_printed_by("dunning_tables.notice_tables")
    limit_request = act_printed_by("approval_tables.limit_request_lines")
    measure = act_printed_by("measure_tables.measure_lines")
    promise = act_printed_by("promise_tables.promise_lines")
    release = act_printed_by("approval_tables.release_line")


def error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}
