"""``exposure policy``: reads a policy from a file, says what is wrong with it or differs, adopts it, and says which one is in force."""

from pathlib import Path
from typing import Annotated, Any

import typer

from service.asking.question import asking
from service.failures import Failure
from service.options import By, Json, KnownAt, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.shown.output import Output

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The credit policy: what counts, and what is asked of whom.")

File = Annotated[str, typer.Argument(metavar="FILE", help="a policy in TOML, as service/sample/policy.toml")]


@app.command("check")
def check_file(file: File, store: Store = None, now: Now = None, json: Json = False) -> None:  # noqa: ARG001 - every command takes both
    """Is this file a policy? Says all that is wrong with it, one line each."""
    policy = from_file(file)
    Output(json).policy_checked({"policy": policy.version, "name": policy.name, "classes": [rules.name for rules in policy.classes]})


@app.command()
def diff(old: str, new: str, store: Store = None, now: Now = None, json: Json = False) -> None:  # noqa: ARG001
    """What one policy says otherwise than another; each a file, or the version of one that was adopted (or default)."""
    from projections.policies import differences

    Output(json).policy_differences(differences(named(old, store), named(new, store)))


@app.command()
def backtest(
    file: File,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="orders and checks from this business day on")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="until this one")],
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """The recorded history decided again: which orders would this policy have held, or not, as they were known when they were recorded?"""
    from projections.backtest import backtest as decided_again
    from service.progress import progress_of

    policy, days = from_file(file), (day(first, "--from"), day(last, "--to"))
    with asking(store, now, known_at=known_at) as (moment, asked), progress_of("accounts", len(moment.account_names()), json) as progress:
        told = decided_again(moment, policy, str(days[0]), str(days[1]), asked, progress)
    Output(json).backtest(told)


@app.command()
def adopt(file: File, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Puts a policy in force from now on; recorded with who and why."""
    from exposure.ledger.acts import policies

    policy = from_file(file)
    is_new = policies.adopt(opened(store), clock(now), policy, actor(by), in_one_line("--reason", reason))
    Output(json).policy_adopted({"policy": policy.version, "name": policy.name, "adopted": is_new})


@app.command()
def show(version: Annotated[str | None, typer.Argument(help="of a policy that was adopted (default: the one in force)")] = None,
         known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:  # fmt: skip
    """What the policy in force says, or one of an earlier version."""
    from exposure.ledger.acts.policies import in_force
    from projections.policies import shown

    with asking(store, now, known_at=known_at) as (moment, wanted):
        policy = in_force(moment, wanted.known_at) if version is None else of_version(moment, version, wanted.known_at)
    Output(json).policy(shown(policy))


@app.command("list")
def list_(known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Every policy that was adopted, oldest first: when, by whom and why. The last one is in force."""
    from projections.policies import adoptions

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).policies(adoptions(moment, wanted.known_at))


def from_file(file: str) -> Any:
    """The policy of a file; raises ``Failure`` with all that is wrong."""
    from schemas.policy_file import PolicyError, read_policy

    try:
        return read_policy(Path(file).read_text(encoding="utf-8"), file)
    except PolicyError as error:
        raise Failure("bad_policy", str(error)) from error
    except UnicodeDecodeError as error:
        raise Failure("bad_policy", f"{file}: not UTF-8; save it as UTF-8") from error


def named(text: str, store: str | None) -> Any:
    """A policy by its file, or by its version."""
    if Path(text).exists():
        return from_file(text)
    with opened(store).reading() as moment:
        return of_version(moment, text)


def of_version(moment: Any, version: str, known_at: int | None = None) -> Any:
    from projections.policies import UnknownPolicy, policy_of_version
    from schemas.policies import DEFAULT

    if version == DEFAULT.version:
        return DEFAULT
    try:
        return policy_of_version(moment, version, known_at)
    except UnknownPolicy as error:
        raise Failure("unknown_policy", str(error)) from error
