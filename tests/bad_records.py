"""Records that are no events: recipes that spoil the bytes, the shape or the envelope of a good event, each with the code it is refused by."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from schemas.jsontext import written
from tests.examples import Event, example, examples

Recipe = Callable[[Random], bytes]
ENVELOPE = ("specversion", "id", "source", "type", "subject", "time", "data")
MONEY = ("erp.invoice.posted.v1", "erp.credit_note.posted.v1", "erp.payment.received.v1", "erp.protection.changed.v1", "erp.limit.changed.v1")
MIB = 1 << 20


class Kind(NamedTuple):
    """``many`` is how often it stands in the stream beside the others."""

    code: str
    recipe: Recipe
    many: int = 1


KINDS: dict[str, Kind] = {}


def refused(code: str, many: int = 100) -> Callable[[Recipe], Recipe]:
    """Adds a recipe under its own name."""

    def added(recipe: Recipe) -> Recipe:
        KINDS[recipe.__name__] = Kind(code, recipe, many)
        return recipe

    return added


def fresh(random: Random, *types: str) -> Event:
    """A good event of one of the types (of any, where none is named) with an id of its own."""
    event = example(random.choice(types)) if types else random.choice(examples())
    event["id"] = f"bad-{random.getrandbits(48):x}"
    return event


def digits(random: Random, least: int = 1) -> str:
    return str(random.randint(least, 10**6))


# The bytes


@refused("not_json")
def broken_json(random: Random) -> bytes:
    raw = written(fresh(random))
    place = random.choice([at for at, byte in enumerate(raw) if byte in b'{}:,"'])
    return raw[:place] + random.choice([b"", b"?", b";", b"'"]) + raw[place + 1 :] + random.choice([b"]", b"}}", b'"'])


@refused("not_json")
def truncated(random: Random) -> bytes:
    raw = written(fresh(random))
    return raw[: random.randint(1, len(raw) - 1)]


@refused("not_json")
def two_records_on_a_line(random: Random) -> bytes:
    return written(fresh(random)) + random.choice([b"", b" ", b",", b"\t"]) + written(fresh(random))


@refused("not_json")
def single_quotes(random: Random) -> bytes:
    return written(fresh(random)).replace(b'"', b"'")


@refused("not_json")
def a_comma_too_many(random: Random) -> bytes:
    return random.choice([written(fresh(random))[:-1] + b",}", written(fresh(random)).replace(b",", b",,", 1)])


@refused("not_json")
def a_comment(random: Random) -> bytes:
    return written(fresh(random)).replace(b"{", random.choice([b"{/*x*/", b"{//", b"{#"]), 1)


@refused("not_json")
def wrong_utf8(random: Random) -> bytes:
    wrong = random.choice([b"\xff", b"\xc3", b"\x80", b"\xe2\x82", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
    return written(fresh(random)).replace(b'"id":"', b'"id":"' + wrong, 1)


@refused("not_json")
def latin_1(random: Random) -> bytes:
    event = fresh(random, "erp.customer.changed.v1")
    event["data"]["name"] = f"Müller & Söhne {digits(random)}"
    return written(event).decode().encode("latin-1")


@refused("not_json")
def utf_16(random: Random) -> bytes:
    return written(fresh(random)).decode().encode(random.choice(["utf-16-le", "utf-16-be", "utf-16", "utf-32"]))


@refused("not_json")
def a_byte_order_mark(random: Random) -> bytes:
    return b"\xef\xbb\xbf" + written(fresh(random))


@refused("not_json")
def a_nul_byte(random: Random) -> bytes:
    raw = written(fresh(random))
    place = random.randint(0, len(raw))
    return raw[:place] + b"\x00" + raw[place:]


@refused("not_json")
def a_control_character(random: Random) -> bytes:
    return written(fresh(random)).replace(b'"id":"', b'"id":"' + bytes([random.choice([1, 7, 8, 9, 27, 31])]), 1)


@refused("not_json")
def a_lone_surrogate(random: Random) -> bytes:
    lone = random.choice([b"\\ud800", b"\\udc00", b"\\udbff\\u0041", b"\\udfff\\ud800"])
    field = random.choice([b'"id":"', b'"source":"', b'"subject":"'])
    return written(fresh(random)).replace(field, field + lone, 1)


@refused("not_json")
def a_number_json_does_not_have(random: Random) -> bytes:
    number = random.choice(["NaN", "Infinity", "-Infinity", "0x10", "01", "+1", ".5", "1.", "1e", "1e999", "9" * 400])
    return replaced(fresh(random, *MONEY), "amount", number)


def replaced(event: Event, field: str, text: str) -> bytes:
    """The event with raw text where a value of its data stood."""
    event["data"][field] = "@@"
    return written(event).replace(b'"@@"', text.encode(), 1)


# The shape


@refused("not_an_object")
def not_an_object(random: Random) -> bytes:
    whole = written(fresh(random))
    return random.choice([b"[" + whole + b"]", written(whole.decode()), written([digits(random)]), digits(random).encode(), written(digits(random))])


@refused("not_an_object", many=4)
def a_word_of_json(random: Random) -> bytes:
    return random.choice([b"null", b"true", b"false", b"[]", b'""'])


@refused("member_twice")
def a_member_named_twice(random: Random) -> bytes:
    event = fresh(random)
    name = random.choice(ENVELOPE)
    member = written(name) + b":" + random.choice([written(event[name]), b"null", written(digits(random))])
    return random.choice([b"{" + member + b"," + written(event)[1:], written(event)[:-1] + b"," + member + b"}"])


@refused("member_twice")
def a_member_of_the_data_named_twice(random: Random) -> bytes:
    event = fresh(random)
    name = random.choice(list(event["data"]))
    return written(event).replace(b'"data":{', b'"data":{' + written(name) + b":" + written(digits(random)) + b",", 1)


@refused("member_twice")
def a_member_named_twice_in_two_spellings(random: Random) -> bytes:
    return replaced(fresh(random), "note", '{"\\u0061":1,"a":2,"b":"\\u0022\\u0022"}') + b" " * random.randint(0, 3)


@refused("too_deep")
def too_deep(random: Random) -> bytes:
    levels = random.randint(63, 900)
    opened, closed = random.choice([("[", "]"), ('{"a":', "}")])
    return replaced(fresh(random), "note", opened * levels + "1" + closed * levels)


@refused("too_large", many=4)
def larger_than_a_mebibyte(random: Random) -> bytes:
    event = fresh(random)
    event["note"] = "x" * (MIB - len(written(event)) - len(b',"note":""') + random.randint(1, 9))
    return written(event)


@refused("too_large", many=2)
def a_line_of_five_mebibytes(random: Random) -> bytes:
    return written(fresh(random))[:-1] + b',"note":"' + b"x" * (5 * MIB) + b'"}'


# The envelope


@refused("invalid")
def a_missing_attribute(random: Random) -> bytes:
    event = fresh(random)
    del event[random.choice(ENVELOPE)]
    return written(event)


@refused("invalid")
def an_empty_attribute(random: Random) -> bytes:
    return written(fresh(random) | {random.choice(["specversion", "id", "source", "subject", "time"]): ""})


@refused("invalid")
def empty_data(random: Random) -> bytes:
    return written(fresh(random) | {"data": {}})


@refused("invalid")
def an_attribute_of_another_type(random: Random) -> bytes:
    return written(fresh(random) | {random.choice(ENVELOPE): random.choice([None, True, 5, 1.5, [], ["1.0"], [{}]])})


@refused("invalid")
def data_as_text(random: Random) -> bytes:
    event = fresh(random)
    return written(event | {"data": random.choice([written(event["data"]).decode(), [event["data"]], digits(random)])})


@refused("invalid")
def another_specversion(random: Random) -> bytes:
    return written(fresh(random) | {"specversion": random.choice(["0.3", "1", "1.1", "2.0", "1.0 ", " 1.0", "v1.0"])})


@refused("unknown_type")
def an_unknown_type(random: Random) -> bytes:
    names = ["erp.invoice.paid.v1", "invoice.posted", "erp.invoice.posted", "ERP.INVOICE.POSTED.V1", "erp.invoice.posted.v1 ", ""]
    return written(fresh(random) | {"type": random.choice([*names, f"erp.x{digits(random)}.v1"])})


@refused("unknown_type")
def a_future_version(random: Random) -> bytes:
    event = fresh(random)
    return written(event | {"type": event["type"][:-1] + str(random.randint(2, 99))})


@refused("invalid")
def a_name_with_control_characters(random: Random) -> bytes:
    wrong = random.choice(["\x00", "a\x00b", "\n", "a\tb", "\x7f", "\x1b[2J"]) + digits(random)
    return written(fresh(random) | {random.choice(["id", "source", "subject"]): wrong})


@refused("invalid")
def a_name_too_long(random: Random) -> bytes:
    return written(fresh(random) | {random.choice(["id", "source", "subject"]): "x" * random.randint(251, 9999)})


@refused("invalid")
def a_time_of_another_form(random: Random) -> bytes:
    forms = [
        *("2026-01-12", "2026-01-12T09:30:00", "2026-01-12 09:30:00Z", "2026-01-12T09:30Z", "20260112T093000Z", "12.01.2026 09:30"),
        *("2026-01-12T09:30:00 Europe/Berlin", "2026-01-12T09:30:00+0100", "2026-01-12T09:30:00+01", "2026-01-12T09:30:00.Z"),
        *("2026-W03-1T09:30:00Z", "2026-012T09:30:00Z", "2026-01-12T09:30:00,5Z", "2026-01-12T09:30:00ZZ", "1768210200", "now"),
        *(" 2026-01-12T09:30:00Z", "２026-01-12T09:30:00Z", "-2026-01-12T09:30:00Z"),
    ]
    return written(fresh(random) | {"time": random.choice(forms)})


@refused("invalid")
def an_impossible_time(random: Random) -> bytes:
    times = [
        *("2026-02-30T09:30:00Z", "2026-13-01T09:30:00Z", "2026-01-12T24:00:00Z", "2026-01-12T09:60:00Z", "2026-01-12T09:30:61Z"),
        *("2026-01-12T09:30:00+25:00", "2026-01-12T09:30:00+01:60", "2025-02-29T00:00:00Z", "0000-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "0001-01-01T05:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"),
    ]
    return written(fresh(random) | {"time": random.choice(times)})
