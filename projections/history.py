"""Every recorded event of an account with both clocks: what was told, when it was so, and when we wrote it."""

from collections.abc import Iterator
from typing import Any

from exposure.ledger.keys import unseal
from projections.account import UnknownAccount
from projections.when import instant_text
from schemas.facts import CONTRACT_TYPE
from schemas.jsontext import read
from schemas.stored import read_fact, read_sealed


def history(moment: Any, account: str) -> Iterator[dict[str, Any]]:
    """The account's events one by one, oldest first; raises ``UnknownAccount`` at once."""
    stream = f"account:{account}"
    if not moment.last_version(stream):
        raise UnknownAccount(f"nothing is known of account {account!r}")
    key = moment.keys([account]).get(account)
    return (shown(account, key, *row) for row in moment.events(stream))


def shown(
    account: str, key: bytes | None, position: int, version: int, topic: str, state: bytes, recorded_at: int, actor: str | None
) -> dict[str, Any]:
    """``personal`` is null where the account's key was thrown away, and absent where nothing personal was told."""
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
        "data": fact.data,
    }
    sealed = read_sealed(state)
    if sealed is not None:
        plain = unseal(key, sealed, account)
        event["personal"] = None if plain is None else read(plain)
    return event
