"""What a command shows: tables for people, one JSON document for programs."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import typer

from schemas.jsontext import written
from service.failures import Failure


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

    def account(self, shown: dict[str, Any]) -> None:
        if self.json:
            self.document(shown)
            return
        from service.tables import account_tables

        account_tables(shown)

    def group(self, listed: dict[str, Any]) -> None:
        if self.json:
            self.document(listed)
            return
        from service.tables import group_tables

        group_tables(listed)

    def portfolio(self, listed: dict[str, Any]) -> None:
        if self.json:
            self.document(listed)
            return
        from service.tables import portfolio_tables

        portfolio_tables(listed)

    def sheet(self, listed: dict[str, Any]) -> None:
        from service.sheet import write_sheet

        write_sheet(listed["accounts"], sys.stdout)

    def worklist(self, listed: dict[str, Any]) -> None:
        if self.json:
            self.document(listed)
            return
        from service.worklist_tables import worklist_tables

        worklist_tables(listed)

    def work_sheet(self, listed: dict[str, Any]) -> None:
        from service.worklist_tables import write_worklist

        write_worklist(listed["worklist"], sys.stdout)

    def explanation(self, explained: dict[str, Any]) -> None:
        if self.json:
            self.document(explained)
            return
        from service.explanation_tree import explanation_tree

        explanation_tree(explained)

    def difference(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.comparison_tables import difference_tables

        difference_tables(told)

    def bridge(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.comparison_tables import bridge_tables

        bridge_tables(told)

    def reconciliation(self, as_of: str | None, differences: Iterable[dict[str, Any]], counts: dict[str, int]) -> None:
        """Differences as they are found, and how many there were behind them."""
        if self.json:
            self.streamed(b'{"as_of":' + written(as_of) + b',"differences":[', differences, lambda: b'],"compared":' + written(counts) + b"}\n")
            return
        from service.comparison_tables import difference_lines

        difference_lines(differences, as_of)
        self.counted_all(counts)

    def counted_all(self, counts: dict[str, int]) -> None:
        typer.echo("  ".join(f"{name} {count:,}" for name, count in counts.items()))

    def history(self, account: str, events: Iterable[dict[str, Any]]) -> None:
        """Events as they come: an account's history may be longer than memory."""
        if not self.json:
            from service.tables import history_lines

            history_lines(events)
            return
        self.streamed(b'{"account":' + written(account) + b',"events":[', events)

    def streamed(self, beginning: bytes, parts: Iterable[dict[str, Any]], ending: Callable[[], bytes] = lambda: b"]}\n") -> None:
        """One JSON document that ends with a list, and what is known only behind it."""
        out = sys.stdout.buffer
        out.write(beginning)
        for number, part in enumerate(parts):
            out.write(b"," * (number > 0) + written(part))
        out.write(ending())
        out.flush()

    def dead_letters(self, letters: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"dead_letters": letters})
            return
        from service.tables import dead_letter_table

        dead_letter_table(letters)

    def alerts(self, told: Iterable[dict[str, Any]]) -> None:
        """Alerts as they come: a log may be longer than memory."""
        if self.json:
            self.streamed(b'{"alerts":[', told)
            return
        from service.tables import alert_lines

        alert_lines(told)

    def dunning(self, told: dict[str, Any]) -> None:
        """Notices that were sent or are due, or all there were and what is stopped."""
        if self.json:
            self.document(told)
            return
        from service.dunning_tables import dunning_tables

        dunning_tables(told)

    def dunning_notice(self, shown: dict[str, Any], refused: Failure | None = None) -> None:
        if not self.json:
            from service.dunning_tables import notice_tables

            notice_tables(shown)
        self.afterwards(shown, refused)

    def dunning_stop(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.dunning_tables import stop_line

        stop_line(told)

    def recorded_decision(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.tables import recorded_decision_lines

        recorded_decision_lines(told)

    def decisions(self, listed: Iterable[dict[str, Any]]) -> None:
        if self.json:
            self.streamed(b'{"decisions":[', listed)
            return
        from service.approval_tables import decisions_table

        decisions_table(list(listed))

    def followed(self, told: Iterable[dict[str, Any]]) -> None:
        """Alerts that come one after the other and never end: a document a line, for no list of them is ever whole."""
        if self.json:
            for alert in told:
                self.document(alert)
            return
        from service.tables import alert_lines

        alert_lines(told)

    def given_up(self, alerts: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"dead_letters": alerts})
            return
        from service.tables import given_up_lines

        given_up_lines(alerts)

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
            from service.tables import alert_lines

            alert_lines([shown])

    def decision(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.tables import decision_lines

        decision_lines(told)

    def reservation(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.tables import reservation_line

        reservation_line(told)

    def policy(self, shown: dict[str, Any]) -> None:
        if self.json:
            self.document(shown)
            return
        from service.policy_tables import policy_lines

        policy_lines(shown)

    def policy_checked(self, checked: dict[str, Any]) -> None:
        self.line(checked, f"policy {checked['policy']} ({checked['name']}) is valid; its classes: {'; '.join(checked['classes'])}")

    def policy_adopted(self, adopted: dict[str, Any]) -> None:
        said = "is in force from now on" if adopted["adopted"] else "is in force already: nothing was recorded"
        self.line(adopted, f"policy {adopted['policy']} ({adopted['name']}) {said}")

    def policies(self, listed: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"policies": listed})
            return
        from service.policy_tables import policies_table

        policies_table(listed)

    def backtest(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.policy_tables import backtest_tables

        backtest_tables(told)

    def policy_differences(self, told: dict[str, Any]) -> None:
        if self.json:
            self.document(told)
            return
        from service.policy_tables import differences_table

        differences_table(told)

    def limit_requests(self, requests: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"requests": requests})
            return
        from service.approval_tables import limit_requests_table

        limit_requests_table(requests)

    def limit_request(self, shown: dict[str, Any], failed: Failure | None = None) -> None:
        if not self.json:
            from service.approval_tables import limit_request_lines

            limit_request_lines(shown)
        self.afterwards(shown, failed)

    def measures(self, listed: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"measures": listed})
            return
        from service.measure_tables import measures_table

        measures_table(listed)

    def measure(self, shown: dict[str, Any], failed: Failure | None = None) -> None:
        if not self.json:
            from service.measure_tables import measure_lines

            measure_lines(shown)
        self.afterwards(shown, failed)

    def holds(self, listed: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"holds": listed})
            return
        from service.approval_tables import holds_table

        holds_table(listed)

    def promises(self, listed: dict[str, Any]) -> None:
        if self.json:
            self.document(listed)
            return
        from service.promise_tables import promises_table

        promises_table(listed["promises"])

    def promise(self, shown: dict[str, Any], failed: Failure | None = None) -> None:
        if not self.json:
            from service.promise_tables import promise_lines

            promise_lines(shown)
        self.afterwards(shown, failed)

    def release(self, shown: dict[str, Any], failed: Failure | None = None) -> None:
        if not self.json:
            from service.approval_tables import release_line

            release_line(shown)
        self.afterwards(shown, failed)

    def overrides(self, listed: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"overrides": listed})
            return
        from service.approval_tables import overrides_table

        overrides_table(listed)

    def afterwards(self, shown: dict[str, Any], failed: Failure | None) -> None:
        """How something stands after an act, and why the act was refused: in one document where that is asked for."""
        if self.json:
            self.document({**shown, "error": error(failed.code, str(failed))} if failed else shown)
        elif failed:
            self.failure(failed.code, str(failed))

    def line(self, document: dict[str, Any], said: str) -> None:
        """What people are told in a line."""
        if self.json:
            self.document(document)
        else:
            typer.echo(said)

    def statement(self, told: dict[str, Any], file: str | None) -> None:
        self.line(told, f"{told['account']} as of {told['as_of']}: {file}")

    def packed(self, manifest: dict[str, Any], file: str) -> None:
        self.line(manifest, f"{manifest['events']:,} events of {manifest['account']} to {manifest['to']}, known at {manifest['known_at']}: {file}")

    def rotations(self, told: list[dict[str, Any]]) -> None:
        if self.json:
            self.document({"rotations": told})
            return
        for one in told:
            typer.echo(f"{one['made']}  position {one['position']}  key {one['old_key_id']} is followed by {one['new_key_id']} ({one['new_key']})")

    def status(self, standing: dict[str, Any]) -> None:
        if self.json:
            self.document(standing)
            return
        from service.tables import status_tables

        status_tables(standing)

    def topics(self, standings: list[Any]) -> None:
        if self.json:
            self.document({"topics": [asdict(standing) for standing in standings]})
            return
        from service.tables import topics_table

        topics_table(standings)


def error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}
