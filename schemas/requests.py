"""What may be asked over a topic: one strict model per type of request, read by the same door as what an ERP tells.

A request changes no figure. Its name is its event's source and id, and it is answered once, on ``credit.decisions``. ``REQUESTS`` maps a CloudEvents
type to its model of ``data``.
"""

from typing import Annotated

from schemas.decimals import Decimals
from schemas.inbound import Currency, Document, Id, Inbound, Instant, Number

AskedMoney = Annotated[Number, Decimals("asked")]


class CheckRequested(Document):
    """Would this order, by its whole value, pass now? ``by`` is who asks, where it is not the event's source."""

    order: Id
    amount: AskedMoney
    currency: Currency | None = None
    by: Id | None = None


class ReservationRequested(CheckRequested):
    """Would it pass, and then hold the credit for it: until an instant, or until more is told."""

    until: Instant | None = None


REQUESTS: dict[str, type[Inbound]] = {"credit.check.requested.v1": CheckRequested, "credit.reservation.requested.v1": ReservationRequested}
