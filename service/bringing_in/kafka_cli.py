"""The commands that speak to Kafka: its topics, and events of files sent to them."""

from typing import Annotated

import typer

from service.failures import of_the_broker
from service.options import Bootstrap, Json, Now, Store, opened, settings
from service.shown.output import Output

app = typer.Typer()
topics = typer.Typer(no_args_is_help=True, add_completion=False, help="The topics the engine reads and writes.")
app.add_typer(topics, name="topics")


@topics.command("create")
def create_topics(
    partitions: Annotated[
        int | None, typer.Option("--partitions", min=1, help="default: as the topics of accounts that are there have, else 6")
    ] = None,
    replication: Annotated[int | None, typer.Option("--replication", min=1, help="default: what the broker gives a topic by itself")] = None,
    bootstrap: Bootstrap = None,
    json: Json = False,
) -> None:
    """Makes the topics that are missing, set as advised; leaves the others alone and says what differs."""
    from consumers.broker import topics as in_kafka

    told = settings()
    with of_the_broker():
        Output(json).topics(in_kafka.create_topics(told.connection(bootstrap), told.kafka_prefix, partitions, replication))


@topics.command("list")
def list_topics(bootstrap: Bootstrap = None, json: Json = False) -> None:
    """Every topic of the contract: how many partitions it has, and what differs from what is advised."""
    from consumers.broker import topics as in_kafka

    told = settings()
    with of_the_broker():
        Output(json).topics(in_kafka.list_topics(told.connection(bootstrap), told.kafka_prefix))


@app.command()
def produce(
    files: Annotated[list[str], typer.Argument(help="JSONL files of events, .gz and .zst too; - is standard input")],
    rate: Annotated[float | None, typer.Option("--rate", min=0.001, help="events per second; as fast as can be where it is not told")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="where all of it goes; else each event's type decides")] = None,
    bootstrap: Bootstrap = None,
    json: Json = False,
) -> None:
    """Sends the events of files to their topics, every line of them."""
    from service.bringing_in.producing import produce_files

    told = settings()
    with of_the_broker():
        Output(json).counts(produce_files(told.connection(bootstrap), told.kafka_prefix, files, topic, rate, quiet=json))


@app.command()
def relay(
    until_empty: Annotated[bool, typer.Option("--until-empty", help="end when nothing waits any more")] = False,
    bootstrap: Bootstrap = None,
    store: Store = None,
    now: Now = None,  # noqa: ARG001 - who may send is settled by the system's clock
    json: Json = False,
) -> None:
    """Sends what waits in the outbox (alerts, decisions, dead letters) to Kafka, until stopped."""
    from service.running import logs
    from service.running.relaying import relay_outbox

    told = settings()
    logs.set_up(told.log, told.log_level, told.secrets(store or told.store))
    with of_the_broker():
        Output(json).counts(relay_outbox(opened(store), told.connection(bootstrap), told.kafka_prefix, until_empty=until_empty))
