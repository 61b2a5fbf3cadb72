"""Every recorded event of an account with both clocks: what was told or decided, when it was so, and when we wrote it."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import takewhile
from operator import itemgetter
from typing import Any

from exposure.ledger.keys import unseal
from projections.account import refuse_unknown
from projections.origins import Origin, Origins
from projections.when import instant_text
from schemas.facts import CONTRACT_TYPE, OUR_SOURCE, Fact
from schemas.jsontext import read
from schemas.stored import read_fact, read_ours, read_sealed


def history(moment: Any, account: str, known_at: int | None = None) -> Iterator[dict[str, Any]]:
    """The account's events and those of its cases one by one, in the order they were recorded, those recorded by an instant; raises
    ``UnknownAccount`` at once."""
    stream = f"account:{account}"
    refuse_unknown(moment, account, known_at)
    key = moment.keys([account]).get(account)
    origins = Origins(moment)
    facts = (told(account, key, origins.of(row[0]), *row) for row in known_by(known_at, moment.events(stream)))
    streams = moment.cases(account, moment.position_behind(known_at))
    cases = (decided(*row) for row in known_by(known_at, moment.events_of(streams)))
    return merge(facts, cases, key=itemgetter("position"))


def facts_known(moment: Any, account: str, version: int | None) -> Iterable[Fact]:
    """All that was told of an account by its version."""
    for _, told, topic, state, *_ in moment.events(f"account:{account}"):
        if version is not None and told > version:
            return
        yield read_fact(told, topic, state)


def known_by(known_at: int | None, rows: Iterable[Any]) -> Iterator[Any]:
    """Rows that end with a recorded instant and who acted, as far as the instant: recorded time never falls."""
    return takewhile(lambda row: known_at is None or row[-2] <= known_at, rows)


def told(
    account: str,
    key: bytes | None,
    origin: Origin | None,
    position: int,
    version: int,
    topic: str,
    state: bytes,
    recorded_at: int,
    actor: str | None,
) -> dict[str, Any]:
    """``origin`` is where it stood, null where that is not known. ``personal`` is null where the account's key was thrown away, and absent where
    nothing personal was told."""
    fact = read_fact(version, topic, state)
    event = {
        "position": position,
        "version": version,
        "type": CONTRACT_TYPE[fact.name],
        "source": fact.source,
        "id": fact.id,
        "time": f"{fact.time}Z",
        "recorded": instant_text(recorded_at),
        "actor": actor,
        "origin": origin,
        "data": fact.data,
    }
    sealed = read_sealed(state)
    if sealed is not None:
        plain = unseal(key, sealed, account)
        event["personal"] = None if plain is None else read(plain)
    return event


def decided(position: int, stream: str, version: int, topic: str, state: bytes, recorded_at: int, actor: str | None) -> dict[str, Any]:
    """An event of a case: it happened when it was recorded, and came from nowhere else."""
    recorded = instant_text(recorded_at)
    return {
        "position": position,
        "version": version,
        "type": type_of(topic),
        "source": OUR_SOURCE,
        "id": stream,
        "time": recorded,
        "recorded": recorded,
        "actor": actor,
        "origin": None,
        "data": read_ours(topic, state)._asdict(),
    }


def type_of(topic: str) -> str:
    """``OrderChecked.v2`` is shown as ``exposure.order_checked.v2``, like the types of the contract."""
    name, version = topic.split(".")
    return f"exposure.{''.join(f'_{letter.lower()}' if letter.isupper() else letter for letter in name).removeprefix('_')}.{version}"
