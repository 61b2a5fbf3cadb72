"""Events that are no documents: recipes that spoil the money, the days or the lines of a good event, each with the code it is refused by."""

from random import Random
from typing import Any

from schemas.jsontext import written
from tests.bad_records import MONEY, digits, fresh, refused, replaced
from tests.examples import Event

REFERENCES = ("erp.delivery.posted.v1", "erp.invoice.posted.v1", "erp.credit_note.posted.v1")
ORDERS = ("erp.order.confirmed.v1", "erp.order.amended.v1")
SETTLEMENTS = ("erp.allocation.made.v1", "erp.dispute.opened.v1", "erp.write_off.posted.v1")
TERMS = ("erp.invoice.posted.v1", "erp.invoice.terms_changed.v1")
VERSIONED = (*ORDERS, "erp.order.closed.v1", "erp.limit.changed.v1", "erp.account.blocked.v1", "erp.customer.changed.v1")


def spoiled(random: Random, types: tuple[str, ...], field: str, *values: Any) -> bytes:
    """A good event of one of the types but for one value of its data."""
    event = fresh(random, *types)
    event["data"][field] = random.choice(values)
    return written(event)


def amount(random: Random, decimals: int) -> str:
    """An amount with exactly so many decimals, the last of them not zero."""
    others = "".join(random.choices("0123456789", k=decimals - 1))
    return f"{random.randint(0, 10**6)}.{others}{random.randint(1, 9)}"


# Money and numbers


@refused("invalid")
def money_as_a_float(random: Random) -> bytes:
    return spoiled(random, MONEY, "amount", 400.0, 0.1, 12.34, 1e3, random.random() * 1000)


@refused("invalid")
def money_in_a_line_as_a_float(random: Random) -> bytes:
    event = fresh(random, *REFERENCES, *ORDERS)
    event["data"]["lines"][0]["value"] = random.uniform(0, 100)
    return written(event)


@refused("invalid")
def negative_money(random: Random) -> bytes:
    return spoiled(random, MONEY, "amount", f"-{digits(random)}", -1, -random.randint(1, 99), "-0.01", "-0", "1.00-", "(1.00)", "−1.00")


@refused("invalid")
def money_with_an_exponent(random: Random) -> bytes:
    return spoiled(random, MONEY, "amount", "1e3", "1E3", "1e-2", "1.5e+2", "0e0", "1e999999999")


@refused("invalid")
def money_that_is_no_number(random: Random) -> bytes:
    return spoiled(random, MONEY, "amount", "NaN", "Infinity", "-Infinity", "inf", "nan", "sNaN", "", " ", "0x10", "one", "Unlimited", "None")


@refused("invalid")
def money_in_another_spelling(random: Random) -> bytes:
    grouped = ["1,000.00", "1.000,00", "1 000", "1'000", "1_000", "1.0.0"]
    around = ["+1.00", " 1.00", "1.00 ", "1.00\n", "€1.00", "1.00 EUR", "\x001"]
    return spoiled(random, MONEY, "amount", *grouped, *around, "1.", ".5", "１２", "٣")


@refused("invalid")
def money_of_another_type(random: Random) -> bytes:
    return spoiled(random, MONEY, "amount", True, False, None, [], {}, ["1.00"], {"value": "1.00"})


@refused("invalid")
def money_beyond_all_measure(random: Random) -> bytes:
    return spoiled(random, MONEY, "amount", 10**15, 2**63 - 1, 2**64 - 1, str(10**15), "9" * random.randint(16, 5000), f"1{'0' * 300}.00")


@refused("invalid")
def an_integer_beyond_64_bits(random: Random) -> bytes:
    return replaced(fresh(random, *MONEY), "amount", "1" * random.randint(20, 300))


@refused("too_many_decimals")
def more_decimals_than_the_euro_has(random: Random) -> bytes:
    event = fresh(random, *MONEY)
    event["data"] |= {"currency": "EUR", "amount": amount(random, random.randint(3, 30))}
    return written(event)


@refused("too_many_decimals")
def more_decimals_than_the_yen_has(random: Random) -> bytes:
    event = fresh(random, "erp.protection.changed.v1", "erp.limit.changed.v1")
    event["data"] |= {"currency": "JPY", "amount": amount(random, random.randint(1, 4))}
    return written(event)


@refused("too_many_decimals")
def more_decimals_than_the_dinar_has(random: Random) -> bytes:
    event = fresh(random, *MONEY)
    event["data"] |= {"currency": "KWD", "amount": amount(random, random.randint(4, 9))}
    return written(event)


@refused("too_many_decimals")
def more_decimals_than_any_currency_has(random: Random) -> bytes:
    return spoiled(random, SETTLEMENTS, "amount", amount(random, random.randint(5, 12)))


@refused("too_many_decimals")
def a_line_with_more_decimals_than_the_currency_has(random: Random) -> bytes:
    event = fresh(random, *REFERENCES, *ORDERS)
    event["data"]["lines"][0]["value"] = amount(random, 3)
    return written(event)


@refused("too_many_decimals")
def a_quantity_with_ten_decimals(random: Random) -> bytes:
    event = fresh(random, *ORDERS)
    event["data"]["lines"][1][random.choice(["quantity", "unit_price"])] = amount(random, random.randint(10, 20))
    return written(event)


@refused("too_many_decimals")
def a_rate_with_ten_decimals(random: Random) -> bytes:
    return spoiled(random, ("erp.fx_rate.published.v1",), "rate", amount(random, 10), amount(random, 15))


@refused("invalid")
def a_rate_of_nothing(random: Random) -> bytes:
    return spoiled(random, ("erp.fx_rate.published.v1",), "rate", "0", 0, "0.000", "00", "-1.5", 0.9)


@refused("invalid")
def a_rate_of_a_currency_to_itself(random: Random) -> bytes:
    return spoiled(random, ("erp.fx_rate.published.v1",), "quote", "USD")


@refused("wrong_subject")
def a_rate_told_of_another_subject(random: Random) -> bytes:
    return written(fresh(random, "erp.fx_rate.published.v1") | {"subject": random.choice(["EUR", "C-1001", "usd", "USD ", digits(random)])})


# What a document says


@refused("invalid")
def an_unknown_currency(random: Random) -> bytes:
    return spoiled(random, (*MONEY, *ORDERS), "currency", "EURO", "eur", "XXX", "XAU", "XTS", "", "€", "E", "DEM", "EUR ", 978, None, ["EUR"])


@refused("invalid")
def an_impossible_date(random: Random) -> bytes:
    days = ["2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-04-31", "0000-00-00", "0000-01-01"]
    return spoiled(random, (*REFERENCES, *ORDERS), "date", *days)


@refused("invalid")
def a_date_of_another_form(random: Random) -> bytes:
    forms = ["2026-1-5", "20260105", "05.01.2026", "01/05/2026", "2026-W03-1", "2026-012", "2026-01-05T00:00:00Z", "today", ""]
    around = [" 2026-01-05", "2026-01-05 ", "２026-01-05", "2026-01-05\n", "+2026-01-05"]
    return spoiled(random, (*REFERENCES, *ORDERS), "date", *forms, *around, 20260105, None, 1.5)


@refused("invalid")
def a_field_it_needs_missing(random: Random) -> bytes:
    event = fresh(random, *REFERENCES, *ORDERS, "erp.limit.changed.v1", "erp.dispute.opened.v1", "erp.allocation.made.v1")
    optional = {"lines", "allocations", "instalments", "kind", "reason", "valid_to", "approved_by", "credit_kind", "credit_amount", "account"}
    name = random.choice([name for name in event["data"] if name not in optional])
    if random.random() < 0.5:
        del event["data"][name]
    else:
        event["data"][name] = None
    return written(event)


@refused("invalid")
def a_number_of_a_document_that_is_none(random: Random) -> bytes:
    event = fresh(random, *ORDERS, *REFERENCES)
    name = event["type"].split(".")[1]
    event["data"][name] = random.choice(["", 5, None, True, ["O-1"], {"id": "O-1"}, "x" * 251, "a\x00b", "O\n1"])
    return written(event)


@refused("invalid")
def a_version_that_is_no_whole_number(random: Random) -> bytes:
    return spoiled(random, VERSIONED, "version", "1", 1.5, 1.0, -1, None, True, "", [1], 2**53, 2**63, "v1")


@refused("invalid")
def a_line_id_twice(random: Random) -> bytes:
    event = fresh(random, *ORDERS)
    event["data"]["lines"] += [{"line": random.choice(["1", "2"]), "value": digits(random)}]
    return written(event)


@refused("invalid")
def lines_that_are_no_lines(random: Random) -> bytes:
    return spoiled(random, ORDERS, "lines", None, {}, "1", 5, [1], ["1"], [None], [[]], [{}], {"1": {"line": "1", "value": "1"}})


@refused("invalid")
def both_value_and_quantity(random: Random) -> bytes:
    event = fresh(random, *REFERENCES, *ORDERS)
    event["data"]["lines"][0] |= {"value": digits(random), "quantity": digits(random)}
    return written(event)


@refused("invalid")
def neither_value_nor_quantity(random: Random) -> bytes:
    event = fresh(random, *REFERENCES, *ORDERS)
    line = event["data"]["lines"][0]
    line["value"] = None
    line.pop(random.choice(["value", "requested", "final"]), None)
    return written(event)


@refused("invalid")
def an_order_line_by_quantity_without_its_price(random: Random) -> bytes:
    event = fresh(random, *ORDERS)
    event["data"]["lines"][1].pop(random.choice(["unit_price", "quantity"]))
    return written(event)


@refused("invalid")
def both_due_and_instalments(random: Random) -> bytes:
    return written(with_terms(random, {"due": "2026-02-11", "instalments": [{"due": "2026-02-11", "amount": digits(random)}]}))


@refused("invalid")
def neither_due_nor_instalments(random: Random) -> bytes:
    return written(with_terms(random, random.choice([{}, {"due": None}, {"instalments": None}, {"instalments": []}, {"due": ""}])))


def with_terms(random: Random, terms: dict[str, Any]) -> Event:
    event = fresh(random, *TERMS)
    event["data"].pop("due", None)
    event["data"].pop("instalments", None)
    event["data"] |= terms
    return event


@refused("invalid")
def instalments_that_are_none(random: Random) -> bytes:
    day, money = "2026-02-11", digits(random)
    parts: list[Any] = [{"due": day}, {"amount": money}, {"due": "2026-02-31", "amount": money}, {"due": day, "amount": float(money)}, day]
    return written(with_terms(random, {"instalments": random.choice([*([part] for part in parts), {"due": day}])}))


@refused("invalid")
def a_word_the_contract_does_not_have(random: Random) -> bytes:
    wrong = random.choice(["gift", "", "Base", "COMPLETED", "payment ", 1, True, []])
    kinds = ["erp.invoice.posted.v1", "erp.limit.changed.v1", "erp.protection.changed.v1"]
    fields = [("erp.order.closed.v1", "reason"), ("erp.allocation.made.v1", "credit_kind"), *((type_, "kind") for type_ in kinds)]
    type_, field = random.choice(fields)
    return spoiled(random, (type_,), field, wrong)


@refused("invalid")
def an_unknown_time_zone(random: Random) -> bytes:
    zones = ["Europe/Bonn", "europe", "CEST+1", "", "../../etc/passwd", "/etc/localtime", "Europe", "x" * 999, "a\x00b", "😀"]
    return spoiled(random, ("erp.customer.changed.v1",), "timezone", *zones, 1, ["UTC"])


@refused("invalid")
def final_said_in_words(random: Random) -> bytes:
    event = fresh(random, *REFERENCES)
    event["data"]["lines"][0]["final"] = random.choice(["true", "X", 1, 0, "", []])
    return written(event)


@refused("invalid")
def allocations_that_are_none(random: Random) -> bytes:
    halves = [{"invoice": "I-9"}, {"amount": "1.00"}]
    wrong = [*halves, {"invoice": "", "amount": "1.00"}, {"invoice": 9, "amount": "1.00"}, {"invoice": "I-9", "amount": 1.5}, "I-9", None]
    return spoiled(random, ("erp.payment.received.v1", "erp.credit_note.posted.v1"), "allocations", *([one] for one in wrong), {"I-9": "1.00"}, "I-9")
