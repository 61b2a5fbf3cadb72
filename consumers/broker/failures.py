"""What can go wrong with a broker, in a sentence and with a code that stays; whoever stands above need not know the client library."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import FencedInstanceIdError, KafkaError

from consumers.broker.refusals import refusal

BOOTSTRAP_MS_MAX = 10_000


class BrokerFailure(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def telling(connection: dict[str, Any]) -> Iterator[None]:
    """Turns the client library's errors into failures; ``connection`` is what its clients are made with."""
    try:
        yield
    except KafkaError as error:
        where = ",".join(connection["bootstrap_servers"])
        if isinstance(error, FencedInstanceIdError):
            raise BrokerFailure("member_taken", "another consumer was started under the same --member name: each needs one of its own") from error
        if "bootstrap" in str(error):
            why = refusal(connection)
            if why is not None:
                raise BrokerFailure("kafka_refuses", f"Kafka at {where} and we do not come together: {why}") from error
            raise BrokerFailure("kafka", f"no Kafka answers at {where} (--bootstrap or EXPOSURE_KAFKA_BOOTSTRAP)") from error
        raise BrokerFailure("kafka", f"Kafka at {where}: {str(error) or type(error).__name__}") from error
