"""The topics as an AsyncAPI document: what is read from them and sent to them, under which key, and how they should be set.

Events that come in are described by the schemas beside it. Of what goes out only as much is said as is promised.
"""

from typing import Any

from schemas.contracts.by_people import OF_DUNNING, OF_MEASURES, Fields
from schemas.inbound import MODELS
from schemas.requests import REQUESTS
from schemas.topics import PARTITIONS, TOPICS, Topic, topic_of

KAFKA = {"bindingVersion": "0.5.0"}
NUMBERS = {"retention.ms", "retention.bytes", "max.message.bytes"}
TEXT = {"type": "string"}
EXPOSURES = ("orders", "deliveries", "receivables", "unapplied", "reserved", "total")

DESCRIPTION = """\
Credit exposure out of what an ERP writes. One event is one CloudEvents 1.0 JSON object: the value of a record (structured mode), or its \
attributes are headers with `ce_` before their names and the value is its data (binary mode). What the engine sends is in binary mode.

The type decides what an event is: any type that comes in is taken from any topic that comes in, and each stands here under the topic \
it is sent to by default. Every topic that is keyed by an account must have the same number of partitions, which must never change. \
A cluster that several engines share has a prefix before every name."""

ATTRIBUTES = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {**TEXT, "description": "the same however often it is sent"},
    "ce_source": TEXT,
    "ce_type": TEXT,
    "ce_subject": {**TEXT, "description": "the account"},
    "ce_time": {**TEXT, "format": "date-time"},
    "content-type": {"const": "application/json"},
}
DEAD_LETTER_HEADERS = {
    "dl_id": "the name of the dead letter: the same for the same bytes",
    "dl_code": "why it could not be taken: a code that stays",
    "dl_reason": "why, for people; never spells what was told",
    "dl_topic": "the topic it stood in",
    "dl_partition": "the partition",
    "dl_offset": "the offset",
    "dl_timestamp": "the timestamp of the record",
    "dl_source": "the input it was read from, as the engine names it",
    "dl_position": "where it stood in an input that is no partition",
    "dl_recorded": "when the engine wrote it down",
    "dl_null_headers": "which of the record's own headers had no value, counted from 0: those are empty here",
    "dl_erased": "true where the key of its account was thrown away: then value and own headers are gone, and the key is the account",
}
ALERT = {
    "account": {**TEXT, "description": "the credit account"},
    "rule": {**TEXT, "description": "such as over_limit, overdue; more may be added"},
    "severity": TEXT,
    "step": {"type": ["integer", "null"], "description": "of a rule that has steps: for how many days an item is overdue"},
    "sequence": {"type": "integer", "minimum": 1, "description": "1, 2, 3 … of the account"},
    "effective": {**TEXT, "format": "date", "description": "the day it became true, or true no more"},
    "raised": {**TEXT, "format": "date-time", "description": "when the engine found out"},
    "figures": {"type": "object", "description": "those of the account on the day judged, as texts in its currency"},
}
ALERT_ACT = {
    **{name: ALERT[name] for name in ("account", "rule", "severity", "step", "sequence")},
    "by": {**TEXT, "description": "who did it"},
    "note": TEXT,
    "at": {**TEXT, "format": "date-time", "description": "when it was recorded"},
}
ALERT_CLEARED = {
    "clears": {**TEXT, "description": "the `ce_id` of what was raised"},
    "reason": {
        "enum": ["ended", "corrected"],
        "description": "corrected: what was told later shows that it was raised with another day than the right one, or should not have been",
    },
}
FINDING = {
    "type": "object",
    "required": ["rule", "effect", "figure", "threshold"],
    "properties": {
        "rule": TEXT,
        "effect": {"enum": ["refuse", "warn", "released"]},
        "figure": {"type": ["string", "integer"], "description": "money as a text, days as a number"},
        "threshold": {"type": ["string", "integer"]},
        "remedy": {"type": "object", "description": "the least to pay, in the account's currency, and to order_less, in the order's"},
    },
}
DECISION = {
    "decision_id": {**TEXT, "description": "the same for the same question while nothing it depends on has changed"},
    "account": {**TEXT, "description": "the credit account"},
    "order": TEXT,
    "amount": {**TEXT, "description": "the order's whole value that was asked for"},
    "currency": {**TEXT, "description": "of that amount; all other money is in the account's"},
    "as_of": {**TEXT, "format": "date"},
    "policy": {**TEXT, "description": "the version that judged it"},
    "decision": {"enum": ["approved", "held"]},
    "reasons": {"type": "array", "items": TEXT, "description": "every rule that holds it: over_limit, no_limit, blocked; more may be added"},
    "exposure_before": TEXT,
    "exposure_after": TEXT,
    "limit": {"type": ["object", "null"], "description": "as the account's figures show it"},
    "available_after": {"type": ["string", "null"], "description": "null where the limit is unlimited"},
    "by": {**TEXT, "description": "who asked"},
    "version": {"type": "integer", "description": "how many events of the account were known"},
    "inputs": {"type": "object", "description": "all that the answer depends on"},
    "warnings": {"type": "array", "items": TEXT, "description": "rules that fired and only warn"},
    "findings": {"type": "array", "items": FINDING, "description": "every rule that fired, in one order for ever"},
    "reservation": {"type": ["string", "null"], "description": "the reservation that holds the credit for it"},
    "lost_to": {"type": "array", "items": {"type": "object"}, "description": "the reservations without which it would have passed"},
    "judged": {
        "type": ["object", "null"],
        "description": "what the policy makes of the exposure with the order: gross, protection, limit, net, available",
    },
    "group": {
        "type": ["object", "null"],
        "description": "where the account has a parent or members: by whose limit (`node`) it was judged, what the group uses of that, in the node's "
        "currency, and which account each reason comes from (`refusals`)",
    },
    "instead_of": {"type": ["string", "null"], "description": "the bill-to account so far, where the order moves"},
    "released": {"type": ["string", "null"], "description": "the held decision whose release lets the order pass"},
    "request": {"type": ["string", "null"], "description": "the request that is answered, where it was named: its id, where it was an event"},
    "request_source": {"type": ["string", "null"], "description": "the source of that event"},
    "request_words": {"type": ["array", "null"], "description": "the words it was asked in, where it was named; for a store that lost its answer"},
    "reserved": {"type": ["object", "null"], "description": "the fact of the credit that this decision reserved just now; for a store that lost it"},
    "dead_letters": {"type": "integer", "description": "records of the account that could not be taken: the figures are not whole while it is not 0"},
    "sources": {"type": "array", "items": {"type": "object"}, "description": "how fresh the figures are: the time of the last that each source told"},
}
REFUSED = {
    "account": {**TEXT, "description": "the credit account that was named"},
    "request": {**TEXT, "description": "the id of the request"},
    "request_source": {**TEXT, "description": "its source"},
    "order": TEXT,
    "amount": {**TEXT, "description": "what was asked for; its currency beside it, where it was told"},
    "code": {**TEXT, "description": "unknown_account, missing_rate, not_known_before, invalid; more may be added"},
    "message": {**TEXT, "description": "why, for people"},
    "by": {**TEXT, "description": "who asked"},
}

MONEY = {**TEXT, "description": "in the account's currency"}
EXPOSURE = {
    "account": {**TEXT, "description": "the credit account"},
    "sequence": {"type": "integer", "minimum": 1, "description": "1, 2, 3 … of the account; what is missing was replaced by a newer one"},
    "version": {"type": "integer", "description": "how many events of the account were known"},
    "currency": {"type": ["string", "null"], "description": "of all money here; null where none was told"},
    "as_of": {**TEXT, "format": "date", "description": "the account's day"},
    "known_at": {**TEXT, "format": "date-time", "description": "when it was so"},
    "limit": {
        "type": ["object", "null"],
        "required": ["amount", "kind", "valid_to"],
        "properties": {
            "amount": {**TEXT, "description": "an amount, unlimited or none"},
            "kind": {"enum": ["base", "temporary", "policy"]},
            "valid_to": {"type": ["string", "null"]},
        },
    },
    "exposure": {
        "type": "object",
        "properties": dict.fromkeys(EXPOSURES, MONEY),
        "required": list(EXPOSURES),
        "description": "by component, and their sum",
    },
    "available": {"type": ["string", "null"], "description": "null where the limit is unlimited"},
    "utilisation": {"type": ["string", "null"], "description": "share of the limit, four decimals"},
    "days_overdue": {"type": "integer", "minimum": 0, "description": "as of `as_of`: it grows by itself, and nothing is told for that alone"},
    "overdue_amount": MONEY,
    "disputed": MONEY,
    "written_off": MONEY,
    "ageing": {"type": "object", "additionalProperties": MONEY, "description": "by days past due"},
    "blocked": {"type": "boolean"},
    "policy": {**TEXT, "description": "the version that judged it"},
    "judged": {"type": "object", "description": "what the policy makes of it: gross, protection, limit, net, available"},
    "pending": {"type": "array", "items": {"type": "object"}, "description": "references to documents that are not there yet"},
    "anomalies": {"type": "array", "items": {"type": "object"}, "description": "what does not fit together, and was not guessed"},
    "dead_letters": {"type": "integer", "description": "records of the account that could not be taken: the figures are not whole while it is not 0"},
    "sources": {"type": "array", "items": {"type": "object"}, "description": "how fresh the figures are: the time of the last that each source told"},
}
MEASURE = {
    "measure": {**TEXT, "description": "its id: the same in all that is said of it"},
    "account": {**TEXT, "description": "the credit account"},
    "take": {**TEXT, "description": "lower_limit, watch, prepayment, stop_deliveries; more may be added"},
    "alert": {"type": ["string", "null"], "description": "the `ce_id` of the alert that it is proposed for; null where a person proposed it"},
    "rule": {"type": ["string", "null"], "description": "the alert's"},
    "step": {"type": ["integer", "null"]},
    "figures": {"type": "object", "description": "in sight of which it was proposed, as texts in the account's currency"},
    "amount": {"type": ["string", "null"], "description": "what the limit is lowered to"},
    "currency": {"type": ["string", "null"], "description": "of that amount"},
    "days": {"type": ["integer", "null"], "description": "it ends by itself after so many"},
    "by": {**TEXT, "description": "who said this; `policy` and its version where nobody was asked"},
    "reason": TEXT,
    "policy": {**TEXT, "description": "the version it was said under"},
    "at": {**TEXT, "format": "date-time", "description": "when it was recorded"},
}
MEASURE_APPLIED = {
    "date": {**TEXT, "format": "date", "description": "the first day"},
    "until": {"type": ["string", "null"], "description": "the last day, where it ends by itself: nothing is told then"},
}

DEBIT_ITEM = {
    "type": "object",
    "required": ["kind", "amount", "currency", "date", "number"],
    "properties": {
        "kind": {"enum": ["fee", "interest", "compensation"]},
        "amount": TEXT,
        "currency": TEXT,
        "date": {**TEXT, "format": "date"},
        "number": {**TEXT, "description": "proposed for the `erp.invoice.posted.v1` of kind fee or interest that posts it (compensation is a fee)"},
    },
}
DEBIT_ITEMS = {"type": "array", "items": DEBIT_ITEM, "description": "what the ERP is asked to post: none of it counts before the ERP tells it"}
NOTICE = {
    "notice": {**TEXT, "description": "its id"},
    "account": {**TEXT, "description": "the credit account"},
    "number": {"type": "integer", "minimum": 1, "description": "1, 2, 3 … of the account"},
    "as_of": {**TEXT, "format": "date", "description": "the account's day"},
    "level": {"type": "integer", "minimum": 1, "description": "the highest of its lines"},
    "name": {**TEXT, "description": "of the level, as the policy has it"},
    "channel": {**TEXT, "description": "how it is sent: email, letter, phone, as the policy has it"},
    "who": {"type": ["string", "null"], "description": "by whom, as the policy has it"},
    "legal": {"type": "boolean", "description": "handed over to the lawyers, with somebody's yes"},
    "text": {"type": ["string", "null"]},
    "currency": {**TEXT, "description": "the account's"},
    "total": {**TEXT, "description": "what the lines ask for, in the account's currency, without charges"},
    "lines": {
        "type": "array",
        "items": {"type": "object"},
        "description": "each item with what is asked for of it, its level, and its interest and compensation",
    },
    "debit_items": DEBIT_ITEMS,
    "left_out": {"type": "array", "items": {"type": "object"}, "description": "items that are overdue and not dunned, each with the reason"},
    "figures": {"type": "object", "description": "those of the account on that day"},
    "policy": {**TEXT, "description": "the version that says so"},
    "version": {"type": "integer", "description": "how many events of the account were known"},
    "by": {**TEXT, "description": "who ran it, or approved it"},
    "reason": {"type": ["string", "null"], "description": "why it was approved"},
    "issued": {**TEXT, "format": "date-time"},
}
NOTICE_CANCELLED = {
    **{name: NOTICE[name] for name in ("notice", "account", "number")},
    "debit_items": {**DEBIT_ITEMS, "description": "what the ERP was asked to post, and is asked to take back"},
    "by": {**TEXT, "description": "who took it back"},
    "reason": TEXT,
    "cancelled": {**TEXT, "format": "date-time"},
}


def asyncapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "asyncapi": "3.1.0",
        "info": {"title": "Credit exposure", "version": "1", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": "{bootstrap}", "protocol": "kafka", "variables": {"bootstrap": {"default": "127.0.0.1:9092"}}}},
        "channels": {topic.name: channel(topic) for topic in TOPICS},
        "operations": {f"{verb(topic)}-{topic.name}": operation(topic) for topic in TOPICS},
        "components": {"messages": {name: message for topic in TOPICS for name, message in messages(topic).items()}},
    }


def channel(topic: Topic) -> dict[str, Any]:
    settings = {advice.setting: setting(advice.setting, advice.value) for advice in topic.advice}
    return {
        "address": topic.name,
        "description": f"{topic.holds[0].upper()}{topic.holds[1:]}. The key of a record: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages(topic)},
        "bindings": {"kafka": {"partitions": PARTITIONS, "topicConfiguration": settings, **KAFKA}},
    }


def setting(name: str, value: str) -> int | list[str]:
    """As the binding wants it: numbers as numbers, the policy as a list."""
    return int(value) if name in NUMBERS else value.split(",")


def verb(topic: Topic) -> str:
    """As seen from the engine."""
    return "receive" if topic.direction == "in" else "send"


def operation(topic: Topic) -> dict[str, Any]:
    here = f"#/channels/{topic.name}"
    return {"action": verb(topic), "channel": {"$ref": here}, "messages": [{"$ref": f"{here}/messages/{name}"} for name in messages(topic)]}


def messages(topic: Topic) -> dict[str, dict[str, Any]]:
    """What stands in a topic, each message by its name, in the order of the names."""
    if topic.direction == "in":
        return {type_: told(type_, topic) for type_ in sorted(MODELS | REQUESTS) if topic_of(type_) == topic.name}
    return {name: {"name": name, "bindings": bindings(topic), **message} for name, message in sorted(SENT[topic.name].items())}


def told(type_: str, topic: Topic) -> dict[str, Any]:
    return {
        "name": type_,
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"./{type_}.json"},
        "bindings": bindings(topic),
    }


def bindings(topic: Topic) -> dict[str, Any]:
    return {"kafka": {"key": {"description": topic.key, **({} if topic.name == "erp.dead-letters" else TEXT)}, **KAFKA}}


def sent_event(description: str, data: dict[str, Any]) -> dict[str, Any]:
    headers = {"type": "object", "properties": ATTRIBUTES, "required": sorted(ATTRIBUTES)}
    return {"description": description, "headers": headers, "payload": data}


def alert(description: str, fields: dict[str, Any]) -> dict[str, Any]:
    return sent_event(description, {"type": "object", "properties": fields, "required": list(fields)})


def by_people(told: dict[str, tuple[str, Fields, Fields]]) -> dict[str, dict[str, Any]]:
    return {
        name: sent_event(description, {"type": "object", "properties": always | more, "required": list(always)})
        for name, (description, always, more) in told.items()
    }


SENT: dict[str, dict[str, dict[str, Any]]] = {
    "credit.alerts": {
        "credit.alert.raised.v1": alert("Something became true of an account that somebody should know.", ALERT),
        "credit.alert.cleared.v1": alert("It is true no more.", ALERT | ALERT_CLEARED),
        "credit.alert.acknowledged.v1": alert(
            "Somebody has seen an alert and takes care of it.",
            ALERT_ACT | {"acknowledges": {**TEXT, "description": "the `ce_id` of what was raised"}},
        ),
        "credit.alert.escalated.v1": alert(
            "Somebody has passed an alert on.",
            ALERT_ACT | {"escalates": {**TEXT, "description": "the `ce_id` of what was raised"}, "to": {**TEXT, "description": "to whom"}},
        ),
    },
    "credit.decisions": {
        "credit.decision.made.v1": sent_event(
            "The answer to a credit check, told once: `ce_id` stands for the request where one was named, else it is the `decision_id`.",
            {"type": "object", "properties": DECISION, "required": list(DECISION)},
        ),
        "credit.decision.refused.v1": sent_event(
            "A request could be read and not decided: its one answer, told once. Asked again, under a new id, it may be decided.",
            {"type": "object", "properties": REFUSED, "required": list(REFUSED)},
        ),
    },
    "credit.dunning": {
        "credit.dunning.noticed.v1": sent_event(
            "A dunning notice went out, told once. Items of it are asked for by it; its charges are the ERP's to post.",
            {"type": "object", "properties": NOTICE, "required": list(NOTICE)},
        ),
        "credit.dunning.cancelled.v1": sent_event(
            "A notice is taken back, with its charges.",
            {"type": "object", "properties": NOTICE_CANCELLED, "required": list(NOTICE_CANCELLED)},
        ),
        **by_people(OF_DUNNING),
    },
    "credit.measures": {
        "credit.measure.proposed.v1": alert("A measure is proposed, and waits for somebody's yes unless the policy does it alone.", MEASURE),
        "credit.measure.applied.v1": alert("It is in force: deliveries of the account are to be stopped, say.", MEASURE | MEASURE_APPLIED),
        "credit.measure.rejected.v1": alert("Somebody said no.", MEASURE),
        "credit.measure.lapsed.v1": alert(
            "Its alert was cleared while it waited.", MEASURE | {"cleared_by": {**TEXT, "description": "the `ce_id` of what cleared the alert"}}
        ),
        "credit.measure.lifted.v1": alert(
            "Somebody ended it.", MEASURE | {"date": {**TEXT, "format": "date", "description": "the first day on which it does not count"}}
        ),
        **by_people(OF_MEASURES),
    },
    "credit.exposure": {
        "credit.exposure.changed.v1": sent_event(
            "The current figures of an account, told when others than those told last: the newest record of an account is what counts.",
            {"type": "object", "properties": EXPOSURE, "required": list(EXPOSURE)},
        )
    },
    "erp.dead-letters": {
        "dead-letter": {
            "description": "A record that could not be taken: key, value and headers as they came, byte for byte (what stood in no topic has its "
            "account as key), and behind these headers of the engine's own, texts in UTF-8.",
            "contentType": "application/octet-stream",
            "headers": {
                "type": "object",
                "properties": {name: {**TEXT, "description": what} for name, what in DEAD_LETTER_HEADERS.items()},
                "required": ["dl_id", "dl_code", "dl_reason", "dl_source", "dl_recorded"],
            },
            "payload": {"description": "the bytes as they came, whatever they are"},
        }
    },
}
"""What goes out, by its topic."""
