"""What goes out of what people said, as the AsyncAPI document has it: held orders released, limits by request, reservations, promises to pay."""

from typing import Any

Fields = dict[str, dict[str, Any]]
TEXT = {"type": "string"}
DAY = {**TEXT, "format": "date"}
ACCOUNT = {**TEXT, "description": "the credit account"}
AT = {**TEXT, "format": "date-time", "description": "when it was recorded"}
POLICY = {**TEXT, "description": "the version it was said under"}

RELEASE_PROPOSED: Fields = {
    "decision_id": {**TEXT, "description": "the decision that held the order"},
    "account": ACCOUNT,
    "order": TEXT,
    "amount": {**TEXT, "description": "the order's whole value: up to that it passes"},
    "currency": {**TEXT, "description": "of that amount"},
    "by": {**TEXT, "description": "who said so"},
    "reason": TEXT,
    "policy": POLICY,
    "at": AT,
}
RELEASED: Fields = {
    **RELEASE_PROPOSED,
    "reasons": {"type": "array", "items": TEXT, "description": "every rule that held it"},
    "proposed_by": {"type": ["string", "null"], "description": "the first of two who said so"},
    "as_of": {**DAY, "description": "the account's day"},
}
LIMIT: Fields = {
    "request": {**TEXT, "description": "its id: the same in all that is said of it, and the `limit` that it becomes"},
    "account": ACCOUNT,
    "kind": {"enum": ["base", "temporary"]},
    "amount": {**TEXT, "description": "an amount, unlimited or none"},
    "currency": TEXT,
    "valid_from": DAY,
    "valid_to": {"type": ["string", "null"], "description": "the last day"},
    "by": {**TEXT, "description": "who said this"},
    "reason": {"type": ["string", "null"], "description": "why, as who said this has it"},
    "policy": POLICY,
    "at": AT,
}
LIMIT_APPROVED: Fields = {**LIMIT, "is_final": {"type": "boolean", "description": "with this yes the limit counts; else more have to say so"}}
FACT: Fields = {
    "account": ACCOUNT,
    "date": {**DAY, "description": "the account's day"},
    "by": {**TEXT, "description": "who said so"},
    "fact": {**TEXT, "description": "the id of this in the account's history"},
}
RESERVATION: Fields = {
    **FACT,
    "order": TEXT,
    "reservation": {**TEXT, "description": "as the decision named it that reserved the credit"},
}
UNTIL: Fields = {"until": {**TEXT, "description": "when it ends now, in UTC, as 2026-03-09T12:00:00; absent where time does not end it"}}
DUE_AND_AMOUNT = {"type": "object", "required": ["due", "amount"], "properties": {"due": DAY, "amount": TEXT}}
INVOICE_AND_AMOUNT = {"type": "object", "required": ["invoice", "amount"], "properties": {"invoice": TEXT, "amount": TEXT}}
PROMISE: Fields = {**FACT, "promise": {**TEXT, "description": "its number"}}
PROMISED: Fields = {
    **PROMISE,
    "currency": TEXT,
    "instalments": {"type": "array", "items": DUE_AND_AMOUNT, "description": "what will be paid by when, the earliest first"},
    "invoices": {"type": "array", "items": TEXT, "description": "what it is paid for"},
}
PAID_BEFORE: Fields = {
    "paid_before": {"type": "array", "items": INVOICE_AND_AMOUNT, "description": "what was paid of these on the same day, before it was promised"}
}
WITHDRAWN: Fields = {**PROMISE, "reason": TEXT}

OF_MEASURES: dict[str, tuple[str, Fields, Fields]] = {
    "credit.hold.release_proposed.v1": ("Somebody says that a held order may pass, and a second one has to say so too.", RELEASE_PROPOSED, {}),
    "credit.hold.released.v1": ("A held order may pass: a check of it is approved from now on.", RELEASED, {}),
    "credit.limit.requested.v1": ("Somebody asks for a limit, and others have to say yes.", LIMIT, {}),
    "credit.limit.approved.v1": ("Somebody with authority says yes.", LIMIT_APPROVED, {}),
    "credit.limit.rejected.v1": ("Somebody with authority says no: it will not be.", LIMIT, {}),
    "credit.limit.withdrawn.v1": ("Who asked takes it back: `reason` is why it was asked for.", LIMIT, {}),
    "credit.reservation.extended.v1": ("What is reserved for an order ends at another instant.", RESERVATION, UNTIL),
    "credit.reservation.settled.v1": ("The order was placed: time does not end its reservation any more.", RESERVATION, {}),
    "credit.reservation.released.v1": ("What was reserved for an order is given back.", RESERVATION, {}),
}
OF_DUNNING: dict[str, tuple[str, Fields, Fields]] = {
    "credit.promise.made.v1": ("A customer promises to pay. A note on it is personal, and stays in the store.", PROMISED, PAID_BEFORE),
    "credit.promise.withdrawn.v1": ("A promise is taken back.", WITHDRAWN, {}),
}
"""Of a topic, by its type: what a message says for people, which fields it always has, and which it may have."""
