"""The topics of the contract: what each holds, what its key is, how it should be set and why, and to which of them an event or a request is sent.

The type of an event decides what it is, never its topic: any event is taken from any topic that comes in.
"""

from typing import Literal, NamedTuple

MIB = 1 << 20
KIB = 1 << 10
DAY_MS = 86_400_000
PARTITIONS = 6
"""Of a topic of which nothing else is said."""


class Advice(NamedTuple):
    """One setting of a topic as Kafka names it, and why."""

    setting: str
    value: str
    why: str


class Topic(NamedTuple):
    """``holds_accounts``: its key is an account, so it must have as many partitions as all the others of which that is said."""

    name: str
    direction: Literal["in", "out"]
    key: str
    holds_accounts: bool
    holds: str
    advice: tuple[Advice, ...]


DELETED = Advice("cleanup.policy", "delete", "every record is a fact of its own: a newer one of the same key replaces nothing")
COMPACTED = Advice("cleanup.policy", "compact", "only the newest record of an account counts, and that one has to stay")
KEPT_UNTIL_TAKEN = Advice("retention.ms", str(30 * DAY_MS), "longer than the engine may ever stand still; what it took is in its own log")
KEPT_UNTIL_READ = Advice("retention.ms", str(90 * DAY_MS), "longer than a reader may stand still; the engine has them all in its store")
KEPT_UNTIL_SETTLED = Advice("retention.ms", str(30 * DAY_MS), "long enough to find the cause, and no longer: names may stand in them in plain text")
ONLY_TIME_DELETES = Advice("retention.bytes", "-1", "a limit on bytes would delete what nobody has read yet on the busiest day")
RECORD_FITS = Advice(
    "max.message.bytes",
    str(MIB + 64 * KIB),
    "a record may have 1 MiB (law 15); its key, the attributes in its headers and Kafka's own bytes come on top",
)
DEAD_LETTER_FITS = Advice(
    "max.message.bytes", str(4 * MIB + 128 * KIB), "whatever was read, 4 MiB of a line at most, with the headers it had and those that say why"
)

DEAD_LETTERS = "erp.dead-letters"
REQUESTS = "credit.requests"

COMES_IN = (DELETED, KEPT_UNTIL_TAKEN, ONLY_TIME_DELETES, RECORD_FITS)
GOES_OUT = (DELETED, KEPT_UNTIL_READ, ONLY_TIME_DELETES, RECORD_FITS)

TOPICS = (
    Topic("erp.customers", "in", "account", True, "customers, and what is said of an account as a whole", COMES_IN),
    Topic("erp.orders", "in", "account", True, "orders and deliveries", COMES_IN),
    Topic("erp.invoices", "in", "account", True, "invoices and credit notes, what is contested of them and what is given up", COMES_IN),
    Topic("erp.payments", "in", "account", True, "payments, and what they and credit notes were told to clear", COMES_IN),
    Topic("erp.limits", "in", "account", True, "what was decided of an account's credit: limits, protection, blocks", COMES_IN),
    Topic(REQUESTS, "in", "account", True, "what is asked of an account's credit", COMES_IN),
    Topic("erp.fx", "in", "base currency", False, "rates of exchange", COMES_IN),
    Topic("credit.alerts", "out", "account", True, "alerts raised, acknowledged, escalated and cleared", GOES_OUT),
    Topic("credit.decisions", "out", "account", True, "the answers to credit checks", GOES_OUT),
    Topic(
        "credit.dunning",
        "out",
        "account",
        True,
        "dunning notices, with what the ERP is asked to post, those taken back, promises to pay",
        GOES_OUT,
    ),
    Topic(
        "credit.measures",
        "out",
        "account",
        True,
        "what is proposed and done about accounts: deliveries stopped, limits changed, orders and reservations released",
        GOES_OUT,
    ),
    Topic("credit.exposure", "out", "account", True, "the current figures of every account", (COMPACTED, RECORD_FITS)),
    Topic(
        DEAD_LETTERS,
        "out",
        "as the record had it",
        False,
        "records as they came that could not be taken, and why",
        (DELETED, KEPT_UNTIL_SETTLED, ONLY_TIME_DELETES, DEAD_LETTER_FITS),
    ),
)
INBOUND = tuple(topic.name for topic in TOPICS if topic.direction == "in")

SENT_TO = {
    "customer": "erp.customers",
    "order": "erp.orders",
    "delivery": "erp.orders",
    "invoice": "erp.invoices",
    "credit_note": "erp.invoices",
    "dispute": "erp.invoices",
    "write_off": "erp.invoices",
    "payment": "erp.payments",
    "allocation": "erp.payments",
    "limit": "erp.limits",
    "protection": "erp.limits",
    "fx_rate": "erp.fx",
}
"""Of what a type speaks (its second word), and where that is sent."""
ASKED_OF = ("check", "reservation")
"""Of what a request speaks (its second word, behind ``credit``)."""
SENT_OF_ACCOUNTS = {"taken_on": "erp.customers", "blocked": "erp.limits", "unblocked": "erp.limits"}
"""What becomes of an account as a whole (the third word)."""
OTHERWISE = "erp.invoices"
"""Where it is sent what says no topic of its own: any will do, for the engine takes it from there and keeps it as a dead letter."""


def topic_of(type_: str) -> str | None:
    """The topic an event or a request of this type is sent to; ``None`` where the type says none."""
    words = type_.split(".")
    if len(words) != 4 or words[0] not in ("erp", "exposure", "credit"):
        return None
    if words[0] == "credit":
        return REQUESTS if words[1] in ASKED_OF else None
    return SENT_OF_ACCOUNTS.get(words[2]) if words[1] == "account" else SENT_TO.get(words[1])


def prefixed(prefix: str, topic: str) -> str:
    """The name of a topic in a cluster where several engines live, each with a prefix of its own."""
    return f"{prefix}{topic}"
