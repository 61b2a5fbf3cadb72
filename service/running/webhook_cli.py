"""``exposure webhook``: sends alerts to a URL until it is stopped; ``dead-letters`` lists what was given up, and has it sent after all."""

import re
from hashlib import blake2b
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from service.failures import WRONG_USAGE, Failure
from service.options import Json, ListByDefault, Now, RuleNames, Store, clock, opened, rules_named, settings
from service.shown.output import Output

app = typer.Typer(invoke_without_command=True, add_completion=False)
letters = typer.Typer(cls=ListByDefault, add_completion=False, help="Alerts that were given up; lists them where nothing else is named.")
app.add_typer(letters, name="dead-letters")

SECRET = re.compile(r"(?:whsec_)?([A-Za-z0-9+/]{32,88}={0,2})")
"""24 to 64 bytes in base64, as the specification asks for."""
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="of the subscription (default: the URL's host, and a digest of the URL)")]


@app.callback()
def webhook(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option("--url", help="where alerts are posted to; https only, but for this machine")] = None,
    secret_env: Annotated[
        str | None, typer.Option("--secret-env", metavar="VARIABLE", help="the variable of the environment that holds the secret (whsec_…)")
    ] = None,
    rule: RuleNames = None,
    name: Name = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="a new subscription begins with the oldest alert")] = False,
    until_caught_up: Annotated[bool, typer.Option("--until-caught-up", help="end when all that is there was sent or tried")] = False,
    store: Store = None,
    now: Now = None,  # noqa: ARG001 - when it is tried again is settled by the system's clock
    json: Json = False,
) -> None:
    """Posts every alert to a URL, signed, at least once and an account's in order, until stopped."""
    if ctx.invoked_subcommand is not None:
        return
    from consumers.webhook import Endpoint
    from projections.alerts import Wanted
    from service.running import logs
    from service.running.stopping import stopping
    from service.running.webhooks import Sender

    url, secret = proper(url), secret_of(secret_env)
    told, wanted = settings(), Wanted(rules=rules_named(rule))
    logs.set_up(told.log, told.log_level, told.secrets(store or told.store) | {secret, secret.removeprefix("whsec_")})
    sender = Sender(opened(store), name or name_of(url), Endpoint(url, secret), wanted, clock(None))
    with stopping() as stop:
        Output(json).counts(sender.run(stop, from_beginning=from_beginning, until_caught_up=until_caught_up))


def proper(url: str | None) -> str:
    from consumers.webhook import problem_of

    if url is None:
        raise Failure("usage", "--url: say where alerts are posted to", WRONG_USAGE)
    problem = problem_of(url)
    if problem:
        raise Failure("usage", f"--url: {problem}", WRONG_USAGE)
    return url


def secret_of(variable: str | None) -> str:
    from service.settings import secret_named

    if variable is None:
        raise Failure("usage", "--secret-env: say which variable of the environment holds the secret", WRONG_USAGE)
    secret = secret_named(variable)
    if secret is None or not SECRET.fullmatch(secret.get_secret_value()):
        raise Failure("usage", f"--secret-env: {variable} holds no secret of 24 to 64 bytes in base64, as whsec_…", WRONG_USAGE)
    return secret.get_secret_value()


def name_of(url: str) -> str:
    """Says where to, and nothing else of the URL: what stands behind the host may be a secret too."""
    return f"{urlsplit(url).hostname}-{blake2b(url.encode(), digest_size=4).hexdigest()}"


@letters.command("list")
def list_(name: Name = None, store: Store = None, now: Now = None, json: Json = False) -> None:  # noqa: ARG001
    """Alerts that were given up: why, and after how many attempts."""
    from projections.webhooks import given_up

    with opened(store).reading() as moment:
        Output(json).given_up(given_up(moment, name))


@letters.command()
def retry(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID…", help="of the alerts, as the list says them")] = None,
    every: Annotated[bool, typer.Option("--all", help="all that were given up")] = False,
    name: Name = None,
    store: Store = None,
    now: Now = None,  # noqa: ARG001
    json: Json = False,
) -> None:
    """Has alerts sent after all, by the sender that runs or the next; each before whatever else of its account waits."""
    from exposure.ledger.out import deliveries
    from projections.webhooks import given_up

    if bool(ids) == every:
        raise Failure("usage", "say which alerts: by their ids, or --all", WRONG_USAGE)
    with opened(store).writing(0) as writing:
        dead = deliveries.dead(writing, name)
        by_id: dict[str, list[Any]] = {}
        for one, told in zip(dead, given_up(writing, name), strict=True):
            by_id.setdefault(told["id"], []).append(one)
        unknown = [id_ for id_ in ids or () if id_ not in by_id]
        if unknown:
            raise Failure("unknown_alert", f"no alert {unknown[0]!r} was given up: nothing was done; `exposure webhook dead-letters` lists the ids")
        chosen = [one for id_ in ids or by_id for one in by_id[id_]]
        deliveries.try_again(writing, chosen)
    Output(json).counted("retried", len(chosen))
