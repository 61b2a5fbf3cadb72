"""``exposure read-back``: what a restored store lacks of decisions, measures, dunning notices and what people said since its copy, out of the topics
they went to or a file of their messages."""

from typing import Annotated, Any

import typer

from service.failures import BUSINESS_NO, DONE, Failure, of_the_broker
from service.options import Bootstrap, By, Json, Now, Reason, Store, actor, clock, in_one_line, opened, settings
from service.shown.output import Output

app = typer.Typer()


@app.command("read-back")
def read_back(
    reason: Reason,
    file: Annotated[str | None, typer.Argument(help="lines of JSON, one message a line (default: all that the topics have)")] = None,
    bootstrap: Bootstrap = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Records the decisions, reservations, releases, limits by request, measures, notices and promises that a restored store lacks, with their ids.
    Before its consumers are started. Exits 3 where a message was unknown: it is not recorded, and standard error says why."""
    from consumers import told_before
    from exposure.ledger.acts.dead_letters import Order
    from exposure.ledger.out import read_back as ledger
    from schemas.jsontext import NotJson

    order, wanted, told = Order(actor(by), in_one_line("--reason", reason)), opened(store), settings()
    try:
        with of_the_broker():
            messages = told_before.from_file(file) if file else told_before.from_topics(told.connection(bootstrap), told.kafka_prefix)
            counts = ledger.read_back(wanted, clock(now), messages, order, unread)
    except NotJson as error:
        raise Failure("not_json", f"a line is no message: {error}; what was read before it is recorded") from error
    Output(json).counts(counts)
    return BUSINESS_NO if counts.unknown else DONE


def unread(told: Any, why: str) -> None:
    typer.echo(f"exposure: {told.place}: not read back: {why}", err=True)
