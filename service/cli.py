"""The command line: ``exposure feed``, ``show``, ``list`` and the rest, with the contract's flags, exit codes and JSON."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from service.asking import comparing_cli
from service.asking.question import asked, asking
from service.bringing_in import kafka_cli
from service.bringing_in.dead_letters import app as dead_letters
from service.collecting import worklist_cli
from service.collecting.alerts import app as alerts
from service.collecting.dunning_cli import app as dunning
from service.collecting.measures import app as measures
from service.collecting.promises import app as promises
from service.deciding import decisions_cli
from service.deciding.holds import app as holds
from service.deciding.limits import app as limits
from service.deciding.policies import app as policy
from service.failures import FAILED, WRONG_USAGE, Failure
from service.keeping import correcting, erasing, evidence_cli, reading_back
from service.keeping.checkpoint_keys import app as checkpoint_keys
from service.keeping.proofs import app as proof
from service.options import AsOf, Bootstrap, Jobs, Json, KnownAt, ListJobs, Now, Store, clock, day, given_before, opened, opening, out_file, settings
from service.running.portfolio import app as portfolio
from service.running.webhook_cli import app as webhook
from service.shown.output import Output

BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="a SQLite file, whatever database the store is in")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Credit exposure, right and provable.")
app.add_typer(alerts, name="alerts")
app.add_typer(checkpoint_keys, name="checkpoint-keys")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(dunning, name="dunning")
app.add_typer(policy, name="policy")
app.add_typer(portfolio, name="portfolio")
app.add_typer(limits, name="limit")
app.add_typer(holds, name="holds")
app.add_typer(promises, name="promise")
app.add_typer(proof, name="proof")
app.add_typer(measures, name="measures")
app.add_typer(webhook, name="webhook")
app.add_typer(kafka_cli.app)
app.add_typer(decisions_cli.app)
app.add_typer(comparing_cli.app)
app.add_typer(erasing.app)
app.add_typer(correcting.app)
app.add_typer(reading_back.app)
app.add_typer(worklist_cli.app)
app.add_typer(evidence_cli.app)


@app.callback()
def root(ctx: typer.Context, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Credit exposure, right and provable."""
    ctx.default_map = given_before(ctx.command, {"store": store, "now": now, "json": json})


@app.command()
def feed(
    files: Annotated[list[str], typer.Argument(help="JSONL files of events, .gz and .zst too; - is standard input")],
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Takes events from files, exactly once each; resumable."""
    from service.bringing_in.feeding import feed_files

    told = settings()
    fed = feed_files(opened(store, create=True), files, clock(now), quiet=json, memory=told.documents_in_memory, tells=told.tells_exposure(False))
    Output(json).counts(fed)


@app.command()
def consume(
    until_caught_up: Annotated[bool, typer.Option("--until-caught-up", help="end when all that is there now is taken")] = False,
    bootstrap: Bootstrap = None,
    group: Annotated[str | None, typer.Option("--group", help="the consumer group (default: exposure)")] = None,
    member: Annotated[str | None, typer.Option("--member", help="a name of its own for a static member of the group")] = None,
    no_relay: Annotated[bool, typer.Option("--no-relay", help="leave the outbox to `exposure relay`")] = False,
    begin_again: Annotated[list[str] | None, typer.Option("--begin-again", metavar="TOPIC", help="forget the position in a topic")] = None,
    http: Annotated[str | None, typer.Option("--http", metavar="HOST:PORT", help="answers /metrics, /healthz and /readyz there")] = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Takes events from Kafka, exactly once each, until stopped."""
    from service.running.consuming import consume_topics, subscription
    from service.running.relaying import beside
    from service.running.watched import watched

    told, recorder = settings(), opened(store, create=True)
    wanted = subscription(told, bootstrap, group, member)
    with watched(told, store, recorder, wanted, http) as watch:
        taken = consume_topics(
            recorder,
            wanted,
            clock(now),
            watch,
            memory=told.documents_in_memory,
            until_caught_up=until_caught_up,
            anew=tuple(begin_again or ()),
            relaying=None if no_relay else beside(recorder, dict(wanted.connection), told.kafka_prefix, watch, patient=not until_caught_up),
            tells=told.tells_exposure(True),
        )
    Output(json).counts(taken)


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="a CSV of receivables, one row an invoice")],
    mapping: Annotated[str, typer.Option("--mapping", metavar="NAME_OR_FILE", help="which column means what: shipped by name, or a TOML file")],
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="write the events there (JSONL) instead of taking them")] = None,
    cut_over: Annotated[str | None, typer.Option("--cut-over", metavar="DAY", help="leave out what was settled by that day")] = None,
    source: Annotated[str | None, typer.Option("--source", help="the events' source (default: /import/ and the mapping's name)")] = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Makes contract events of a CSV and takes them, exactly once each."""
    from service.bringing_in.importing import Import, feed_import, write_import

    wanted = Import(file, mapping, day(cut_over, "--cut-over"), source)
    if out is not None:
        Output(json).counts(write_import(wanted, out_file(out)))
        return
    told = settings()
    fed = feed_import(wanted, opened(store, create=True), clock(now), memory=told.documents_in_memory, tells=told.tells_exposure(False))
    Output(json).counts(fed)


@app.command()
def backup(file: BackupFile, store: Store = None, now: Now = None, json: Json = False) -> int:  # noqa: ARG001 - every command takes --now
    """Copies the store as it is at one moment into a file, while others write to it, and verifies the copy. The file holds the keys: guard it."""
    from service.keeping.backing_up import backup_store

    return backup_store(opened(store), file, Output(json))


@app.command()
def restore(file: BackupFile, store: Store = None, now: Now = None, json: Json = False) -> int:  # noqa: ARG001
    """Makes a new store out of a backup, verifies it, and says how far each source was taken."""
    from service.keeping.backing_up import restore_store

    return restore_store(file, lambda: opened(store, create=True), Output(json))


@app.command()
def show(account: str, as_of: AsOf = None, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """One account's figures."""
    from projections import account as figures

    with asking(store, now, as_of, known_at) as (moment, wanted):
        Output(json).account(figures.show(moment, account, wanted))


@app.command()
def explain(account: str, as_of: AsOf = None, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Each figure opened into documents, and these into events."""
    from projections.explanation import explain as explained

    with asking(store, now, as_of, known_at) as (moment, wanted):
        Output(json).explanation(explained(moment, account, wanted))


@app.command()
def group(account: str, as_of: AsOf = None, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """The accounts of a group under their parents, and what of each limit is left."""
    from projections import groups

    with asking(store, now, as_of, known_at) as (moment, wanted):
        Output(json).group(groups.group(moment, account, wanted))


@app.command()
def tick(store: Store = None, now: Now = None, json: Json = False) -> None:
    """Lets time pass: what fell due, ran out or was told of raises its alerts."""
    from service.running.ticking import tick as let_pass

    Output(json).counts(let_pass(opened(store), clock(now), tells=settings().tells_exposure(False)))


@app.command("list")
def list_(
    as_of: AsOf = None,
    known_at: KnownAt = None,
    sort: Annotated[str | None, typer.Option("--sort", metavar="FIGURE", help="a figure's name, - before it: descending")] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", metavar="EXPR", help="as days_overdue>30, currency=EUR, account~C-1*; all are required")
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=0, help="only the first so many; totals are of all")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="one row an account, for a spreadsheet")] = False,
    jobs: ListJobs = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """All accounts, each as show without its items, and totals per currency."""
    from service.asking.listing import list_accounts
    from service.asking.sharing import Listed

    if csv and json:
        raise Failure("usage", "--csv or --json, not both", WRONG_USAGE)
    wanted = Listed(asked(now, as_of, known_at), tuple(filters or ()), sort, top)
    listed = list_accounts(store or settings().store, wanted, jobs, quiet=json)
    Output(json).sheet(listed) if csv else Output(json).portfolio(listed)


@app.command()
def history(account: str, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Every recorded event of an account with both clocks."""
    from projections import history as recorded

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).history(account, recorded.history(moment, account, wanted.known_at))


@app.command()
def status(store: Store = None, now: Now = None, json: Json = False) -> None:  # noqa: ARG001 - every command takes --now
    """What the store holds, how far its inputs were taken, and what waits."""
    from projections import status as standing

    with opened(store).reading() as moment:
        Output(json).status(standing.status(moment))


@app.command()
def rebuild(store: Store = None, now: Now = None, json: Json = False) -> int:  # noqa: ARG001
    """Makes the projections anew from the log; equal to what was there."""
    from service.keeping.rebuilding import rebuild_store

    return rebuild_store(opened(store), Output(json))


@app.command()
def verify(
    checkpoint: Annotated[str | None, typer.Option("--checkpoint", metavar="FILE", help="the log has to be the one this was made of")] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="HEX", help="the public key that you trust: it, or one that follows it, has to have signed")
    ] = None,
    keys: Annotated[
        str | None, typer.Option("--keys", metavar="FILE", help="which key follows which, as exported (default: as the log says)")
    ] = None,
    jobs: Jobs = None,
    store: Store = None,
    now: Now = None,  # noqa: ARG001
    json: Json = False,
) -> int:
    """Proves that the log is whole and unaltered, or names the first bad record."""
    from service.keeping.verifying import verify_store

    return verify_store(opening(store), Output(json), jobs, checkpoint, key, keys)


@app.command()
def checkpoint(
    key: Annotated[str, typer.Option("--key", metavar="FILE", help="signs with this key (PEM, Ed25519); one that is not there is made")],
    jobs: Jobs = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Verifies the log and prints what it is now, signed: to be kept elsewhere, for `verify --checkpoint`."""
    from service.keeping.verifying import make_checkpoint

    return make_checkpoint(opening(store), Output(json), jobs, key, clock(now))


@app.command("sample")
def sample_(
    events: Annotated[int, typer.Option("--events", min=1, help="how many")],
    seed: Annotated[int, typer.Option("--seed", help="another seed, another history of the same names: for a store of its own")] = 7,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="write them there, .gz too (default: standard output)")] = None,
    json: Json = False,
) -> None:
    """Writes the events of a made-up ERP, one a line."""
    from service.bringing_in.sampling import print_sample, write_sample

    if out is not None:
        Output(json).counts(write_sample(events, seed, out_file(out)))
    elif json:
        raise Failure("usage", "--json is for the counts of --out: without it the events are what is printed", WRONG_USAGE)
    else:
        print_sample(events, seed)


@app.command()
def demo(
    events: Annotated[int, typer.Option("--events", min=100, help="how many events the sample has")] = 5000,
    seed: Annotated[int, typer.Option("--seed", help="another seed, another history of the same names: for a store of its own")] = 7,
    keep: Annotated[str | None, typer.Option("--keep", metavar="DIR", help="leave the sample and its store there")] = None,
) -> None:
    """All of it on a made-up sample, with nothing else installed."""
    from service.demo import demonstrate

    demonstrate(events, seed, keep, run=lambda words: app(words, standalone_mode=False))


def main() -> NoReturn:
    """Runs a command; every failure leaves by one door, as a line on standard error or as JSON."""
    json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except Failure as failure:
        Output(json).failure(failure.code, str(failure))
        sys.exit(failure.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        Output(json).failure("interrupted", "stopped; what was taken stays taken")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:
        known = told(error)
        if known is None:
            raise
        Output(json).failure(*known[:2])
        sys.exit(known[2])


def told(error: Exception) -> tuple[str, str, int] | None:
    """Code, message and exit code of a failure that is not our own making; ``None`` for a broken invariant."""
    import sqlite3

    from eventsourcing.persistence import PersistenceError

    from exposure.ledger.heard import Unmarked
    from schemas.jsontext import NotJson

    if hasattr(error, "format_message"):
        return "usage", error.format_message() or "name a command; --help lists them", WRONG_USAGE
    if isinstance(error, PersistenceError | sqlite3.Error):
        return "store", f"the store could not be used: {error}; what was taken stays taken", FAILED
    if isinstance(error, NotJson | Unmarked):
        what_to_do = "`exposure verify` says whether the log was, and `exposure rebuild` makes anew what follows from it"
        return "altered", f"what the store keeps can not be used ({error}): it was altered; {what_to_do}", FAILED
    if isinstance(error, OSError):
        return "file", str(error), FAILED
    return None
