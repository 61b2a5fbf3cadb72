"""``exposure statement``: the statement of account as a page, as a document for print, or as JSON, by what the file is called."""

from pathlib import Path
from typing import Any

from service.failures import WRONG_USAGE, Failure

WORDS = {
    "invoice": "invoice",
    "debit_memo": "debit memo",
    "down_payment": "down payment",
    "fee": "fee",
    "interest": "interest",
    "payment": "payment",
    "credit_note": "credit note",
    "transfer": "from another account",
    "payment_returned": "payment returned",
    "return_cancelled": "return cancelled",
    "invoice_cancelled": "invoice cancelled",
    "credit_note_cancelled": "credit note cancelled",
    "discount": "discount",
    "discount_taken_back": "discount taken back",
    "write_off": "write-off",
    "write_off_reversed": "write-off reversed",
    "transfer_from": "paid by account",
    "transfer_from_taken_back": "taken back: paid by account",
    "transfer_to": "paid for account",
    "transfer_to_taken_back": "taken back: paid for account",
    "exchange": "currency exchange",
    "not_due": "not due",
    "unapplied": "not used",
}
"""What the statement's own words are called for its reader."""


def as_page(told: dict[str, Any]) -> bytes:
    from service.shown.pages import page

    return page("statement.html", {**told, "words": WORDS})


def as_print(told: dict[str, Any]) -> bytes:
    from service.shown.typesetting import NoFont, typeset

    try:
        return typeset("statement.typ", told, WORDS)
    except NoFont as error:
        raise Failure("no_font", f"{error}: install a font that has it, or ask for a .html") from error


FORMS = {".html": as_page, ".pdf": as_print}


def form_of(file: str) -> Any:
    """How a file is made, by the end of its name."""
    form = FORMS.get(Path(file).suffix.lower())
    if form is None:
        raise Failure("usage", f"--out: {file!r} ends in none of {', '.join(FORMS)}", WRONG_USAGE)
    return form
