"""The engine on a made-up ERP: a sample is fed into a store of its own and asked, each command said before its answer."""

import shlex
from collections.abc import Callable
from contextlib import chdir
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from schemas.jsontext import read
from service.failures import Failure
from service.options import clock
from service.store import open_store

SAMPLE, STORE = "sample.jsonl", "sqlite:///demo.db"
TOP = 10
ITEMS_MIN, ITEMS_MAX = 3, 8
"""How many open items make an account worth a look, and still fit on a screen."""

Run = Callable[[list[str]], Any]


def demonstrate(events: int, seed: int, keep: str | None, run: Run) -> None:
    """Everything happens in the folder ``keep``, which stays, or in a temporary one."""
    if keep is None:
        with TemporaryDirectory(prefix="exposure-demo-") as temporary:
            tour(Path(temporary), events, seed, run)
        return
    folder = Path(keep).resolve()
    if (folder / "demo.db").exists():
        raise Failure("exists", f"{folder} has a demo already: name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    tour(folder, events, seed, run)
    say(f"The sample and its store stay in {folder}. Go there and ask on, for instance:")
    typer.echo(f"$ cd {shlex.quote(str(folder))} && exposure --store {STORE} list --filter 'days_overdue>30'")


def tour(folder: Path, events: int, seed: int, run: Run) -> None:
    with chdir(folder):
        now = write_sample(events, seed)
        month_earlier = (date.fromisoformat(now[:10]) - timedelta(days=30)).isoformat()

        def asked(*words: str) -> None:
            said = ["--store", STORE, "--now", now, *words]
            typer.echo(f"$ exposure {shlex.join(said)}")
            run(said)

        say(f"A made-up ERP wrote {events:,} events up to {now[:10]}. They are taken exactly once:")
        asked("feed", SAMPLE)
        say("Who owes us most? The ten largest exposures of that evening:")
        asked("list", "--sort", "-total", "--top", str(TOP))
        account = worth_a_look(now, month_earlier)
        say(f"Customer {account} pays late. How much may we still sell to it?")
        asked("show", account)
        say("And how did it stand a month earlier? Any day can be asked, for ever:")
        asked("show", account, "--as-of", month_earlier)
        say("What was said of it, as days went by?")
        asked("alerts", account)
        say("An order for all that is left gets the credit held; the next one learns to whom it lost:")
        asked("reserve", account, "--order", "NEW-1", "--amount", left_of(account, now))
        asked("reserve", account, "--order", "NEW-2", "--amount", "100")
        say("The same file once more changes nothing:")
        asked("feed", SAMPLE)


def write_sample(events: int, seed: int) -> str:
    """Writes the sample; the evening of its last day as an instant."""
    from service.sample import sample

    with open(SAMPLE, "wb") as out:
        for line in sample(events, seed=seed):
            out.write(line + b"\n")
    return f"{read(line)['time'][:10]}T18:00:00Z"


def worth_a_look(now: str, month_earlier: str) -> str:
    """The latest of the largest accounts with some open items that owed a month earlier too; the largest of all where there is none."""
    from projections.account import Asked, show
    from projections.portfolio import portfolio
    from projections.selection import selection

    instant = clock(now)()
    with open_store(STORE).reading() as moment:
        before = portfolio(moment, Asked(instant, month_earlier), selection(["receivables>0"]))["accounts"]
        owed = {row["account"] for row in before}
        largest = portfolio(moment, Asked(instant), selection([], "-total"))["accounts"]
        late = [row for row in largest if row["days_overdue"] and row["account"] in owed]
        some = [row for row in late if ITEMS_MIN <= len(show(moment, row["account"], Asked(instant))["open_items"]) <= ITEMS_MAX]
    if not some:
        return str(largest[0]["account"])
    return str(max(some[:TOP], key=lambda row: row["days_overdue"])["account"])


def left_of(account: str, now: str) -> str:
    """What may still be sold to it, whatever its own figures say: its branches have their parts of its limit."""
    from projections.account import Asked
    from projections.groups import group

    with open_store(STORE).reading() as moment:
        nodes = {node["account"]: node for node in group(moment, account, Asked(clock(now)()))["nodes"]}
    available = nodes[account]["available"] or "0"
    return "1000" if available.startswith("-") or not available.strip("0.") else str(available)


def say(text: str) -> None:
    from service.shown.tables import console

    console().print(f"\n[bold cyan]{text}[/bold cyan]", soft_wrap=True)
