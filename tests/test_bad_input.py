"""Bad input never stops the stream: 10,000 records of which most are bad, and what a random change makes of good ones."""

from base64 import b64decode
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

import tests.bad_documents  # noqa: F401 - adds its kinds
from consumers.feed import LINE_BYTES_MAX, feed
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts
from projections.dead_letters import dead_letters
from schemas.door import read_record
from schemas.jsontext import read, written
from schemas.told import Unreadable
from service.sample import sample
from tests.bad_records import KINDS
from tests.examples import Event, copied, example, examples
from tests.folding import Books
from tests.stores import opened

RECORDS = 10_000
REPEATS = 200
REUSED = "the_same_name_with_other_content"
BLANK = [b"", b" ", b"\t", b"\r", b" \t \r"]
NOW = 1_800_000_000_000_000


class Stream(NamedTuple):
    """Lines as fed, the good ones of them in order, and of every bad one its kind."""

    lines: list[bytes]
    good: list[bytes]
    bad: dict[bytes, str]


@cache
def stream(seed: int = 1) -> Stream:
    """Bad records at random places among good ones; a repeat, and a name told with other content, come after their original."""
    random = Random(seed)
    bad: dict[bytes, str] = {}
    for name, kind in KINDS.items():
        for _ in range(kind.many):
            bad.setdefault(kind.recipe(random).strip(b" \t\r\n"), name)
    good = list(sample(RECORDS - len(bad) - 2 * REPEATS, seed=seed))
    reused = {other_content(random, good[place]): place for place in random.sample(range(len(good)), REPEATS)}
    standing = [(place + random.random(), line) for place, line in enumerate(good)]
    standing += [(random.uniform(0, len(good)), line) for line in bad]
    standing += [(random.uniform(place + 1, len(good) + 1), good[place]) for place in random.sample(range(len(good)), REPEATS)]
    standing += [(random.uniform(place + 1, len(good) + 1), line) for line, place in reused.items()]
    lines = [line for _, line in sorted(standing)]
    assert len(lines) == RECORDS
    return Stream(lines, good, bad | dict.fromkeys(reused, REUSED))


def other_content(random: Random, line: bytes) -> bytes:
    event = read(line)
    note = {"data": event["data"] | {"note": random.random()}}
    return written(event | random.choice([note, {"time": "2031-01-01T00:00:00Z"}]))


def file_of(path: Path, lines: list[bytes], *, blank: bool = False) -> Path:
    random = Random(2)
    every = [part for line in lines for part in ([random.choice(BLANK), line] if blank and random.random() < 0.1 else [line])]
    path.write_bytes(b"\n".join(every) + b"\n")
    return path


def fed(store: Any, path: Path) -> Counts:
    return feed(Ledger(store, lambda: NOW), str(path)).counts


def kept(line: bytes) -> bytes:
    """Of a line too long for any record only the beginning is kept."""
    return line[:LINE_BYTES_MAX]


class Season(NamedTuple):
    """The stream fed once, then again under another name."""

    store: Any
    first: Counts
    again: Counts
    letters: list[dict[str, Any]]


@pytest.fixture(scope="module")
def season(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Season:  # noqa: ARG001 (a store of its kind)
    folder = tmp_path_factory.mktemp("season")
    store = opened(folder / "store.db")
    first = fed(store, file_of(folder / "first.jsonl", stream().lines, blank=True))
    again = fed(store, file_of(folder / "again.jsonl", stream().lines))
    with store.reading() as moment:
        return Season(store, first, again, dead_letters(moment))


def bytes_of(letter: dict[str, Any]) -> bytes:
    return b64decode(letter["record_base64"]) if "record_base64" in letter else letter["record"].encode()


def test_there_are_enough_kinds_of_bad_input() -> None:
    assert len(KINDS) + 1 >= 40
    assert min(Counter(stream().bad.values()).values()) >= 2


def test_nothing_stops_the_stream_and_the_counts_add_up(season: Season) -> None:
    good, bad = len(stream().good), len(stream().bad)
    assert season.first == Counts(read=RECORDS, recorded=good, duplicates=RECORDS - good - bad, dead_letters=bad)
    assert season.first.duplicates == REPEATS


def test_no_bad_record_is_lost_or_altered(season: Season) -> None:
    assert sorted(map(bytes_of, season.letters)) == sorted(map(kept, stream().bad))


def test_every_bad_record_says_why_in_words_and_in_a_code_that_stays(season: Season) -> None:
    codes = {kept(line): KINDS[kind].code if kind in KINDS else "name_reused" for line, kind in stream().bad.items()}
    wrong = [
        (stream().bad.get(bytes_of(letter)), letter["code"], letter["reason"])
        for letter in season.letters
        if letter["code"] != codes[bytes_of(letter)] or not letter["reason"].strip() or len(letter["reason"]) > 500
    ]
    assert not wrong


def test_the_good_ones_come_out_as_if_they_had_been_alone(season: Season, tmp_path: Path) -> None:
    alone = opened(tmp_path / "alone.db")
    fed(alone, file_of(tmp_path / "good.jsonl", stream().good))
    with season.store.reading() as mixed, alone.reading() as pure:
        assert list(mixed.derived_digest()) == list(pure.derived_digest())
        assert [tuple(row) for row in mixed.all_events() if b'"sealed"' not in row[3]] == [
            tuple(row) for row in pure.all_events() if b'"sealed"' not in row[3]
        ]


def test_the_same_lines_under_another_name_add_nothing(season: Season) -> None:
    assert season.again == Counts(read=RECORDS, recorded=0, duplicates=RECORDS, dead_letters=0)


# What a random change makes of a good record is either read or refused, and what is read can be folded and shown


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**15 - 1, 10**15, 2**53 - 1, 2**63, 1.5, "", "0", "1", "-1", "12.345", "999999999999999.99", "1e5", "NaN"),
    *("0.000000001", "999999999999999.999999999", "unlimited", "none", "9999-12-31", "0001-01-01", "2026-02-30", "2026-01-12", "2026-06-15"),
    *("EUR", "JPY", "KWD", "CLF", "USD", "O-1", "I-9", "I-10", "D-1", "P-1", "N-1", "A-1", "1", "2", "payment", "credit_note", "Europe/Berlin"),
    *("Pacific/Kiritimati", "America/New_York", "9999-12-30T23:59:59Z", "0001-01-02T00:00:00Z", "\x00", "ü", "𝕏:/", [], {}, [[]], [{}], {"a": 1}),
]
"""Extreme values, and numbers of documents so that changed events meet each other."""
AMOUNTS = ["0", "0.01", "1", "12.50", "400.00", 250, "99999999999999.99", "007.10", "3.000"]
QUANTITIES = ["0", "0.000000001", "1", "12.5", 7, "99999999.999999999", "3.3333"]
DATES = ["0001-01-01", "2025-12-31", "2026-01-10", "2026-01-11", "2026-01-12", "2026-02-11", "2026-06-15", "9999-12-31"]
NUMBERS = ["1", "2", "O-1", "I-9", "I-10", "D-1", "P-1", "N-1", "A-1", "𝕏:/ü"]
PLAUSIBLE: dict[str, list[Any]] = {
    **dict.fromkeys(("amount", "value", "discount", "credit_amount"), AMOUNTS),
    **dict.fromkeys(("quantity", "unit_price", "rate"), QUANTITIES),
    **dict.fromkeys(("date", "due", "value_date", "valid_from", "valid_to", "requested", "cut_over"), DATES),
    **dict.fromkeys(("line", "order", "delivery", "invoice", "credit", "payment", "credit_note", "allocation"), NUMBERS),
    "currency": ["EUR", "EUR", "USD", "JPY", "CLF"],
    "version": [0, 1, 2, 3, 2**53 - 1],
    "final": [True, False, None],
    "credit_kind": ["payment", "credit_note", None],
    "kind": ["invoice", "down_payment", "base", "temporary", None],
    "reason": ["completed", "cancelled"],
    "timezone": ["Pacific/Kiritimati", "Etc/GMT+12", "America/New_York", None],
    "time": ["0001-01-02T00:00:00Z", "9999-12-30T23:59:59.999999999z", "2026-01-12t09:30:00-00:00", "2026-01-12T09:30:00.5+14:00"],
}
DAYS = ("0001-01-01", "2026-01-12", "2026-02-20", "2027-01-01", "9999-12-31")


def parts_of(value: Any) -> list[Any]:
    """Every object and list inside."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [part for each in inner for part in parts_of(each)] + ([value] if isinstance(value, dict | list) and value else [])


def changed(random: Random) -> bytes:
    """A good record with a few random changes: plausible ones, or members dropped, retyped, added or repeated, or bytes flipped."""
    event = random.choice(examples())
    event["id"] = f"{random.getrandbits(32):x}"
    event["time"] = f"2026-01-{random.randint(1, 28):02d}T09:30:00Z"
    wild = random.random() < 0.3
    for _ in range(random.randint(1, 3)):
        part = random.choice(parts_of(event.get("data") if random.random() < 0.9 else event) or [event])
        place: Any = random.choice(list(part) if isinstance(part, dict) else range(len(part)))
        if wild:
            change(random, part, place)
        elif isinstance(part, list):
            part.append(copied(part[place]))
        elif place in PLAUSIBLE:
            part[place] = random.choice(PLAUSIBLE[place])
    raw = bytearray(written(event))
    if wild and random.random() < 0.3:
        for _ in range(random.randint(1, 3)):
            raw[random.randrange(len(raw))] = random.randrange(256)
    return bytes(raw)


def change(random: Random, part: Any, place: Any) -> None:
    match random.randint(0, 3):
        case 0:
            del part[place]
        case 1 if isinstance(part, list):
            part.append(copied(part[place]))
        case 2 if isinstance(part, dict):
            part[random.choice(["note", "line", "order", "delivery", "final"])] = copied(random.choice(VALUES))
        case _:
            part[place] = copied(random.choice(VALUES))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_read_can_be_folded_and_shown(seed: int) -> None:
    random = Random(seed)
    books = Books(evict=True)
    read_well = 0
    for _ in range(400):
        if random.random() < 0.01:
            books = Books(evict=True)
        try:
            told = read_record(changed(random))
        except Unreadable:
            continue
        read_well += 1
        if told.name != "FxRatePublished":
            books.fold(told)
            books.show(told.subject, random.choice(DAYS))
    assert read_well > 100


def test_a_unit_price_beyond_64_bits_is_kept() -> None:
    books = Books(evict=True)
    order = example("erp.order.confirmed.v1")
    order["data"]["lines"][1]["unit_price"] = "999999999999999.999999999"
    books.take_all([order, example("erp.delivery.posted.v1"), example("erp.invoice.posted.v1")])
    assert books.show("C-1001", "2026-02-20")


# What the contract allows is taken, and what means the same is the same


def event_of(type_: str, **fields: Any) -> Event:
    event = example(type_)
    event["data"] |= fields
    return event


INVOICE, ORDER, CUSTOMER = "erp.invoice.posted.v1", "erp.order.confirmed.v1", "erp.customer.changed.v1"
LINE = {"line": "2", "value": "1.00"}
SAME: dict[str, tuple[Event, Event]] = {
    "trailing zeros are no decimals": (event_of(INVOICE), event_of(INVOICE, amount="400.00000000000000000000000000")),
    "an amount without decimals": (event_of(INVOICE), event_of(INVOICE, amount="400")),
    "an integer as money": (event_of(INVOICE), event_of(INVOICE, amount=400)),
    "leading zeros": (event_of(INVOICE), event_of(INVOICE, amount="000000000000000000400.0")),
    "a null field is an absent one": (event_of(INVOICE), event_of(INVOICE, due=None, note=None)),
    "the kind of an invoice is invoice": (event_of(INVOICE, kind=None), event_of(INVOICE)),
    "nine decimals of a quantity": (
        event_of(ORDER, lines=[{"line": "1", "quantity": "0.123456789", "unit_price": "3.999000000"}]),
        event_of(ORDER, lines=[{"line": "1", "quantity": "00.1234567890", "unit_price": "3.999"}]),
    ),
    "unknown fields in any order": (event_of(INVOICE, a=1, b={"c": 1, "d": None}), event_of(INVOICE, b={"c": 1.0}, a=1)),
    "members of a contact in any order": (event_of(CUSTOMER, contact={"a": 1, "b": [2]}), event_of(CUSTOMER, contact={"b": [2], "a": 1, "c": None})),
    "a time in lower case": (event_of(INVOICE), event_of(INVOICE) | {"time": "2026-01-12t09:30:00z"}),
    "a time with an offset": (event_of(INVOICE), event_of(INVOICE) | {"time": "2026-01-12T15:00:00.000+05:30"}),
    "a time with an unknown offset": (event_of(INVOICE), event_of(INVOICE) | {"time": "2026-01-12T09:30:00-00:00"}),
    "attributes of the transport": (event_of(INVOICE), event_of(INVOICE) | {"traceparent": "00-1", "datacontenttype": "application/json"}),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_the_same_content(name: str) -> None:
    one, other = (read_record(written(event)) for event in SAME[name])
    assert (one.content, one.digest, one.data) == (other.content, other.digest, other.data)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (event_of(INVOICE, note=1), event_of(INVOICE, note=2)),
        (event_of(INVOICE, note="1"), event_of(INVOICE, note=1)),
        (event_of(INVOICE, note=None), event_of(INVOICE, note=False)),
        (event_of(ORDER, lines=[LINE | {"line": "1", "x": 1}, LINE]), event_of(ORDER, lines=[LINE | {"line": "1"}, LINE | {"x": 1}])),
        (event_of(INVOICE, a={"x": 1}), event_of(INVOICE, a={}, x=1)),
    ],
)
def test_what_says_something_else_is_other_content(one: Event, other: Event) -> None:
    assert read_record(written(one)).content != read_record(written(other)).content


@pytest.mark.parametrize(
    "event",
    [
        event_of(ORDER, lines=[]),
        event_of(INVOICE, amount="999999999999999.99"),
        event_of(INVOICE, currency="JPY", amount="400", instalments=[{"due": "2026-02-11", "amount": "400.0"}], lines=None),
        event_of(CUSTOMER, name="x" * 100_000),
        event_of(CUSTOMER, contact="E. Kessler"),
        event_of("erp.limit.changed.v1", amount="unlimited"),
        event_of("erp.limit.changed.v1", amount="none"),
        event_of("erp.limit.changed.v1", amount=0),
        event_of("erp.fx_rate.published.v1", rate="0.000000001"),
        event_of("erp.delivery.posted.v1", lines=[{"value": "1.00", "final": None, "order": None}]),
        event_of(INVOICE) | {"time": "2026-01-12T09:30:00.123456789012Z"},
        event_of(INVOICE) | {"subject": "名前/ä:1", "id": "é" * 250},
    ],
)
def test_what_the_contract_allows_is_taken(event: Event) -> None:
    assert read_record(written(event)).data


def nested(levels: int) -> bytes:
    """A record of so many levels: itself, its data, and lists in them."""
    return written(event_of(INVOICE, note="@@")).replace(b'"@@"', b"[" * (levels - 2) + b"]" * (levels - 2))


def sized(size: int) -> bytes:
    raw = written(event_of(INVOICE))
    return raw[:-1] + b" " * (size - len(raw)) + b"}"


def test_sixty_four_levels_and_one_mebibyte_are_allowed_and_no_more() -> None:
    assert read_record(nested(64))
    assert read_record(sized(1 << 20))
    with pytest.raises(Unreadable, match="deeper"):
        read_record(nested(65))
    with pytest.raises(Unreadable, match="bytes"):
        read_record(sized((1 << 20) + 1))


def test_no_spelling_hides_a_member_named_twice() -> None:
    raw = written(event_of(INVOICE)).replace(b'"kind":', b'"kind":"fee","note":"\\u0022\\u0022","kind":')
    with pytest.raises(Unreadable, match="twice"):
        read_record(raw)
    assert read_record(written(event_of(INVOICE, note='"\\u0022'))).data
