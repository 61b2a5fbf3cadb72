"""``exposure read-back``: what a restored store lacks of the decisions made since its copy, out of ``credit.decisions`` or a file of its messages."""

from typing import Annotated

import typer

from service.failures import Failure, of_the_broker
from service.options import Bootstrap, By, Json, Now, Reason, Store, actor, clock, in_one_line, opened, settings
from service.output import Output

app = typer.Typer()


@app.command("read-back")
def read_back(
    reason: Reason,
    file: Annotated[str | None, typer.Argument(help="lines of JSON, one message a line (default: all that the topic has)")] = None,
    bootstrap: Bootstrap = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Records the decisions, answers and reservations that a restored store lacks, with their ids. Before its consumers are started."""
    from consumers import decisions
    from exposure.ledger import read_back as ledger
    from exposure.ledger.dead_letters import Order
    from schemas.jsontext import NotJson

    order, wanted, told = Order(actor(by), in_one_line("--reason", reason)), opened(store), settings()
    try:
        with of_the_broker():
            messages = decisions.from_file(file) if file else decisions.from_topic(told.connection(bootstrap), told.kafka_prefix)
            Output(json).counts(ledger.read_back(wanted, clock(now), messages, order))
    except NotJson as error:
        raise Failure("not_json", f"a line is no message: {error}; what was read before it is recorded") from error
