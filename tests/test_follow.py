"""A live tail of the alerts: what comes is printed as it comes, once each, and a signal ends it without a word."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from projections.alerts import Wanted
from schemas.jsontext import read
from service.running.following import follow
from tests.alerting import Json, told
from tests.command import exposure
from tests.patience import SECONDS_MAX, mortal
from tests.stores import url_of
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

OWED = [
    event("customer.changed", "2026-01-01", **CUSTOMER),
    limit("L-1", "2026-01-01", "1000.00"),
    invoice("I-9", "2026-01-12", "400.00", due="2026-02-11"),
]
MORE = invoice("I-10", "2026-02-13", "800.00", due="2026-06-11")


@contextmanager
def following(path: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "service", "alerts", "--follow", "--json", "--store", url_of(path), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail, mortal(tail):
        yield tail


def line(tail: "subprocess.Popen[bytes]") -> Json:
    assert tail.stdout is not None
    told_of: Json = read(tail.stdout.readline())
    return told_of


@pytest.mark.parametrize("with_a", [signal.SIGTERM, signal.SIGINT])
def test_what_comes_is_printed_as_it_comes_and_a_signal_ends_it(store: Any, path: Path, with_a: signal.Signals) -> None:
    told(store, OWED, "2026-02-12")
    with following(path, "--from-beginning") as tail:
        assert (line(tail)["rule"], line_after(tail, store)["rule"]) == ("overdue", "over_limit")
        tail.send_signal(with_a)
        assert tail.communicate(timeout=SECONDS_MAX) == (b"", b"")
    assert tail.returncode == 0


def line_after(tail: "subprocess.Popen[bytes]", store: Any) -> Json:
    told(store, [MORE], "2026-02-13")
    return line(tail)


def test_only_alerts_by_the_rules_that_were_named(store: Any, path: Path) -> None:
    told(store, OWED, "2026-02-12")
    with following(path, "--rule", "overdue", "--from-beginning") as tail:
        assert line(tail)["step"] == 1
        told(store, [MORE], "2026-02-13")
        told(store, [], "2026-03-13")
        assert line(tail) == exposure("alerts", ACCOUNT, "--rule", "overdue", "--json", store=path).json["alerts"][1]


def test_without_the_beginning_only_what_comes_from_now_on(store: Any) -> None:
    class Idle(threading.Event):
        """Something is told whenever nothing came."""

        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
            told(store, [MORE], "2026-02-13")
            return False

    told(store, OWED, "2026-02-12")
    tail = follow(store, Wanted(), Idle(), from_beginning=False)
    assert next(tail)["rule"] == "over_limit"


@pytest.mark.usefixtures("store")
def test_a_rule_that_is_none_is_a_mistake(path: Path) -> None:
    said = exposure("alerts", "--rule", "overdeu", store=path)
    assert (said.exit_code, "there is no rule 'overdeu'" in said.err) == (2, True)
    assert exposure("alerts", "--from-beginning", store=path).exit_code == 2
