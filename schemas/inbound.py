"""The pydantic door: what an ERP may send, one strict model per type of the contract; unknown fields are let through and kept.

What is validated is in its one spelling: money, numbers and the time. ``MODELS`` maps a CloudEvents type to its model of ``data``.
What a model says of several fields together it says of ``told_of(self)``: the door validates into plain dicts (``plainly.py``).
"""

from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, InstanceOf, model_validator

from schemas.currencies import DECIMALS
from schemas.decimals import Decimals, spell
from schemas.facts import LAST_VERSION
from schemas.fields import OneOf, either, told_of
from schemas.instants import NOT_A_DAY, NOT_AN_INSTANT, instant, real_day
from schemas.reasons import Otherwise

NO_CURRENCY = "not an ISO 4217 currency with a minor unit"
NO_ZONE = "not an IANA time zone"
A_DECIMAL = 'a decimal text of at most 15 digits before the point, as "12.50"'


@cache
def known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except Exception as error:
        raise ValueError(NO_ZONE) from error
    return name


DecimalText = Annotated[str, Field(pattern=r"^0*[0-9]{1,15}(\.[0-9]+)?$")]
WholeNumber = Annotated[int, Field(strict=True, ge=0, lt=10**15)]
Number = Annotated[DecimalText | WholeNumber, Field(union_mode="left_to_right"), Otherwise(f"not {A_DECIMAL}")]
Money = Annotated[Number, Decimals("document")]
ItemMoney = Annotated[Number, Decimals("item")]
Quantity = Annotated[Number, Decimals("nine")]
LimitMoney = Annotated[
    Literal["unlimited", "none"] | DecimalText | WholeNumber,
    Field(union_mode="left_to_right"),
    Decimals("document"),
    Otherwise(f"neither unlimited, nor none, nor {A_DECIMAL}"),
]
Id = Annotated[
    str,
    Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Otherwise("not an id: a text, not empty, at most 250 characters, no control characters"),
]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$"), Otherwise("not a text without NUL characters")]
Day = Annotated[
    str,
    Field(json_schema_extra={"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
    AfterValidator(real_day),
    Otherwise(NOT_A_DAY),
]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}), AfterValidator(instant), Otherwise(NOT_AN_INSTANT)]
Currency = Annotated[str, OneOf(sorted(DECIMALS)), Otherwise(NO_CURRENCY)]
Zone = Annotated[str, AfterValidator(known_zone), Otherwise(NO_ZONE)]
Version = Annotated[int, Field(strict=True, ge=0, lt=LAST_VERSION + 1), Otherwise(f"not a whole number from 0 to {LAST_VERSION}")]
DunningLevel = Annotated[int, Field(strict=True, ge=0, le=9), Otherwise("not a whole number from 0 to 9")]


class Inbound(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=False)


class Envelope(Inbound):
    """The CloudEvents attributes; ``data`` is read by the model of its type."""

    specversion: Literal["1.0"]
    id: Id
    source: Id
    type: str
    subject: Id
    time: Instant
    datacontenttype: str | None = None
    data: InstanceOf[dict[str, Any]]


class Document(Inbound):
    """A document with decimals: they are in their one spelling once it is validated, those of its lines included."""

    _decimals_in_one_spelling = model_validator(mode="after")(spell)


class Amount(Inbound):
    """What a line is worth: a value, or a quantity at a unit price; tax included."""

    value: Money | None = None
    quantity: Quantity | None = None


class OrderLine(Amount):
    model_config = either(("value",), ("quantity", "unit_price"))

    line: Id
    unit_price: Quantity | None = None
    requested: Day | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        told = told_of(self).get
        if (told("value") is None) == (told("quantity") is None) or (told("quantity") is None) != (told("unit_price") is None):
            raise ValueError("a line has either a value, or a quantity and a unit_price")
        return self


class Reference(Amount):
    model_config = either(("value",), ("quantity",))

    order: Id | None = None
    line: Id | None = None
    delivery: Id | None = None
    final: bool | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        told = told_of(self).get
        if (told("value") is None) == (told("quantity") is None):
            raise ValueError("a reference has either a value or a quantity")
        return self


class Instalment(Inbound):
    due: Day
    amount: Money


class TermsInstalment(Inbound):
    due: Day
    amount: ItemMoney


class Allocation(Inbound):
    """A part of a credit told to clear an item, if told of another ``account``; amounts in the item's currency, ``credit_amount`` in the credit's."""

    invoice: Id
    amount: ItemMoney
    credit_amount: Money | None = None
    account: Id | None = None


class PaymentAllocation(Allocation):
    discount: ItemMoney | None = None


class CustomerChanged(Inbound):
    version: Version
    date: Day | None = None
    name: Text
    currency: Currency
    timezone: Zone | None = None
    parent: Id | None = None
    segment: Text | None = None
    risk_class: Text | None = None
    dunning_level: DunningLevel | None = None
    account_manager: Text | None = None
    country: Text | None = None
    contact: Any = None


class OrderText(Document):
    order: Id
    version: Version
    date: Day
    currency: Currency
    lines: list[OrderLine]

    @model_validator(mode="after")
    def _lines_come_once(self) -> Self:
        lines = told_of(self)["lines"]
        if len(lines) > 1 and len({told_of(line)["line"] for line in lines}) != len(lines):
            raise ValueError("a line id comes once in an order")
        return self


class OrderClosed(Inbound):
    order: Id
    version: Version
    date: Day
    reason: Literal["completed", "cancelled"]


class OrderReopened(Inbound):
    order: Id
    version: Version
    date: Day


class DeliveryPosted(Document):
    delivery: Id
    date: Day
    currency: Currency
    lines: list[Reference]


class DeliveryReversed(Inbound):
    delivery: Id
    date: Day


InvoiceKind = Annotated[Literal["invoice", "debit_memo", "down_payment", "fee", "interest"] | None, AfterValidator(lambda kind: kind or "invoice")]


class InvoicePosted(Document):
    model_config = either(("due",), ("instalments",))

    invoice: Id
    date: Day
    currency: Currency
    amount: Money
    due: Day | None = None
    instalments: Annotated[list[Instalment], Field(min_length=1)] | None = None
    kind: InvoiceKind = "invoice"
    lines: list[Reference] | None = None

    @model_validator(mode="after")
    def _due_or_instalments(self) -> Self:
        told = told_of(self).get
        if (told("due") is None) == (told("instalments") is None):
            raise ValueError("an invoice has either due or instalments")
        return self


class InvoiceCancelled(Inbound):
    invoice: Id
    date: Day


class InvoiceTermsChanged(Document):
    model_config = either(("due",), ("instalments",))

    invoice: Id
    version: Version
    date: Day
    due: Day | None = None
    instalments: Annotated[list[TermsInstalment], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _due_or_instalments(self) -> Self:
        told = told_of(self).get
        if (told("due") is None) == (told("instalments") is None):
            raise ValueError("terms have either due or instalments")
        return self


class CreditNotePosted(Document):
    credit_note: Id
    date: Day
    currency: Currency
    amount: Money
    allocations: list[Allocation] | None = None
    lines: list[Reference] | None = None


class CreditNoteCancelled(Inbound):
    credit_note: Id
    date: Day


class PaymentReceived(Document):
    payment: Id
    date: Day
    currency: Currency
    amount: Money
    value_date: Day | None = None
    method: Text | None = None
    allocations: list[PaymentAllocation] | None = None


class PaymentReturned(Inbound):
    payment: Id
    date: Day
    reason: Text | None = None


class AllocationMade(Document):
    allocation: Id
    date: Day
    credit: Id
    credit_kind: Literal["payment", "credit_note"] | None = None
    invoice: Id
    amount: ItemMoney
    credit_amount: ItemMoney | None = None
    account: Id | None = None


class AllocationUndone(Inbound):
    allocation: Id
    date: Day


class DisputeOpened(Document):
    dispute: Id
    date: Day
    invoice: Id
    amount: ItemMoney
    reason: Text | None = None


class DisputeResolved(Inbound):
    dispute: Id
    date: Day
    outcome: Text | None = None


class WriteOffPosted(Document):
    write_off: Id
    date: Day
    invoice: Id
    amount: ItemMoney


class WriteOffReversed(Inbound):
    write_off: Id
    date: Day


class LimitChanged(Document):
    limit: Id
    version: Version
    kind: Literal["base", "temporary"]
    amount: LimitMoney
    currency: Currency
    valid_from: Day
    valid_to: Day | None = None
    reason: Text | None = None
    approved_by: Text | None = None


class ProtectionChanged(Document):
    protection: Id
    version: Version
    kind: Literal["insurance", "guarantee", "collateral"]
    amount: Money
    currency: Currency
    valid_from: Day
    valid_to: Day | None = None
    provider: Text | None = None


class AccountBlock(Inbound):
    version: Version
    date: Day
    reason: Text | None = None


class FxRatePublished(Document):
    base: Currency
    quote: Currency
    rate: Quantity
    date: Day

    @model_validator(mode="after")
    def _a_rate_between_two(self) -> Self:
        told = told_of(self)
        if told["base"] == told["quote"] or not told["rate"].strip("0."):
            raise ValueError("a rate is above zero and between two currencies")
        return self


class AccountTakenOn(Inbound):
    """Of the engine's own import: what happened before the cut-over day was not told."""

    cut_over: Day


MODELS: dict[str, type[Inbound]] = {
    "erp.customer.changed.v1": CustomerChanged,
    "erp.order.confirmed.v1": OrderText,
    "erp.order.amended.v1": OrderText,
    "erp.order.closed.v1": OrderClosed,
    "erp.order.reopened.v1": OrderReopened,
    "erp.delivery.posted.v1": DeliveryPosted,
    "erp.delivery.reversed.v1": DeliveryReversed,
    "erp.invoice.posted.v1": InvoicePosted,
    "erp.invoice.cancelled.v1": InvoiceCancelled,
    "erp.invoice.terms_changed.v1": InvoiceTermsChanged,
    "erp.credit_note.posted.v1": CreditNotePosted,
    "erp.credit_note.cancelled.v1": CreditNoteCancelled,
    "erp.payment.received.v1": PaymentReceived,
    "erp.payment.returned.v1": PaymentReturned,
    "erp.payment.return_cancelled.v1": PaymentReturned,
    "erp.allocation.made.v1": AllocationMade,
    "erp.allocation.undone.v1": AllocationUndone,
    "erp.dispute.opened.v1": DisputeOpened,
    "erp.dispute.resolved.v1": DisputeResolved,
    "erp.write_off.posted.v1": WriteOffPosted,
    "erp.write_off.reversed.v1": WriteOffReversed,
    "erp.limit.changed.v1": LimitChanged,
    "erp.protection.changed.v1": ProtectionChanged,
    "erp.account.blocked.v1": AccountBlock,
    "erp.account.unblocked.v1": AccountBlock,
    "erp.fx_rate.published.v1": FxRatePublished,
    "exposure.account.taken_on.v1": AccountTakenOn,
}
