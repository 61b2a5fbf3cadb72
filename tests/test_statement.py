"""The statement of account: it says what the customer may see, it adds up in every currency, and both its forms are made of the same."""

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import statement as stating
from projections.account import Asked, NotKnownBefore, UnknownAccount
from projections.statement import statement
from projections.when import DaysReversed
from schemas.jsontext import written
from service.keeping.statements import WORDS, as_page, as_print
from service.shown.typesetting import TEMPLATES, NoFont, typeset
from tests.alerting import at
from tests.command import exposure
from tests.histories import arrivals, as_of_days, histories
from tests.promising import yesterday
from tests.stores import DAY, NOW, alter, copied, fed, given_back, opened
from tests.test_bridge import whole
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, payment, to, told

EXAMPLE = Path(__file__).with_name("contract_example.jsonl")
FROM, TODAY = "2026-02-01", "2026-03-01"
PAPER, MARGIN = 595.28, 45.35
"""How wide a page is and its margin at each side (points)."""
SVG = "{http://www.w3.org/2000/svg}"
HISTORIES = {"sqlite": 120, "postgresql": 4}
KNOWN = [
    told("customer.changed", "2026-01-01", **CUSTOMER),
    limit("L-1", "2026-01-01", "4711.00"),
    invoice("I-1", "2026-01-12", "400.00", instalments=[{"due": "2026-02-11", "amount": "300.00"}, {"due": "2026-03-11", "amount": "100.00"}]),
    invoice("I-2", "2026-01-20", "1250.50", due="2026-02-19"),
    invoice("I-3", "2026-02-18", "90.00", due="2026-03-20", currency="USD"),
    payment("P-1", "2026-02-12", "400.00", to("I-1", "196.00", discount="4.00")),
    payment("P-2", "2026-02-13", "1250.50", to("I-2", "1250.50")),
    told("payment.returned", "2026-02-16", payment="P-2"),
    told("dispute.opened", "2026-02-17", dispute="S-1", invoice="I-1", amount="60.00"),
    told("order.confirmed", "2026-02-17", order="O-1", version=1, currency="EUR", lines=[{"line": "1", "value": "77.00"}]),
]


@pytest.fixture
def known(each_store: str, path: Path) -> Any:  # noqa: ARG001 (a store of its kind)
    store = opened(path)
    fed(store, map(written, KNOWN), now=at(TODAY))
    return store


def stated(store: Any, day: str = TODAY, since: str | None = FROM, known_at: int | None = None, account: str = ACCOUNT) -> Json:
    with store.reading() as moment:
        return statement(moment, account, Asked(at("2026-04-01"), day, known_at), since)


def test_it_says_what_is_open_of_each_item_and_since_when(known: Any) -> None:
    first, second, third = stated(known)["open_items"]
    assert first == {
        "document": "I-1",
        "kind": "invoice",
        "date": "2026-01-12",
        "due": "2026-02-11",
        "currency": "EUR",
        "amount": "400.00",
        "cleared": "200.00",
        "open": "200.00",
        "disputed": "60.00",
        "days_overdue": 18,
        "instalments": [
            {"due": "2026-02-11", "open": "100.00", "days_overdue": 18},
            {"due": "2026-03-11", "open": "100.00", "days_overdue": 0},
        ],
    }
    assert (second["open"], second["days_overdue"], third["open"], third["currency"]) == ("1250.50", 10, "90.00", "USD")


def test_it_says_what_of_the_customers_money_is_not_used(known: Any) -> None:
    said = stated(known)
    assert said["credits"] == [{"document": "P-1", "kind": "payment", "date": "2026-02-12", "currency": "EUR", "amount": "400.00", "open": "-204.00"}]
    assert (said["balance"], said["overdue"], said["without_rate"]) == ("1246.50", "1350.50", ["USD"])
    assert said["ageing"]["unapplied"] == "-204.00"


def test_from_a_day_on_it_says_what_changed_the_balance_in_each_currency(known: Any) -> None:
    euros, dollars = stated(known)["movements"]["currencies"]
    assert (euros["currency"], euros["opening"], euros["closing"]) == ("EUR", "1650.50", "1246.50")
    assert [(row["date"][5:], row["kind"], row["document"], row["amount"], row["balance"]) for row in euros["rows"]] == [
        ("02-12", "payment", "P-1", "-400.00", "1250.50"),
        ("02-12", "discount", "P-1", "-4.00", "1246.50"),
        ("02-13", "payment", "P-2", "-1250.50", "-4.00"),
        ("02-16", "payment_returned", "P-2", "1250.50", "1246.50"),
    ]
    assert (dollars["opening"], dollars["closing"], len(dollars["rows"])) == ("0.00", "90.00", 1)
    assert stated(known, since=None)["movements"] is None


def test_what_was_paid_on_its_own_day_is_told_and_so_is_a_payment_that_was_used_up_at_once(known: Any) -> None:
    """Of such documents nothing is left that they would say of any day."""
    cash = [invoice("I-4", "2026-02-20", "50.00", due="2026-03-20"), payment("P-4", "2026-02-20", "50.00", to("I-4", "50.00"))]
    used = [payment("P-5", "2026-02-21", "100.00", to("I-2", "100.00")), invoice("I-5", "2026-02-22", "8.00"), invoice("I-6", "2026-02-22", "0.00")]
    taken_back = told("invoice.cancelled", "2026-02-22", invoice="I-5")
    fed(known, map(written, [*cash, *used, taken_back]), now=at(TODAY))
    euros = stated(known, since="2026-02-20")["movements"]["currencies"][0]
    assert [(row["date"][5:], row["kind"], row["document"], row["amount"]) for row in euros["rows"]] == [
        ("02-20", "invoice", "I-4", "50.00"),
        ("02-20", "payment", "P-4", "-50.00"),
        ("02-21", "payment", "P-5", "-100.00"),
    ]


def test_as_known_then_a_payment_has_the_day_it_was_known_by(known: Any) -> None:
    """Of two texts of a number the one told first counts, and that may come later."""
    before = stated(known, known_at=at(TODAY))
    first = told("payment.received", "2026-02-03", "2026-02-01T12:00:00Z", payment="P-1", currency="EUR", amount="300.00")
    fed(known, [written(first)], now=at("2026-03-02"))
    assert stated(known, known_at=at(TODAY)) == before
    assert (before["credits"][0]["date"], stated(known)["credits"][0]["date"]) == ("2026-02-12", "2026-02-03")


def test_the_example_of_the_contract_names_its_payment(path: Path) -> None:
    store = opened(path)
    fed(store, EXAMPLE.read_bytes().splitlines(), now=at(TODAY))
    (euros,) = stated(store, "2026-02-20", "2026-01-01", account="C-1001")["movements"]["currencies"]
    assert [(row["date"], row["kind"], row["document"], row["amount"]) for row in euros["rows"]][-1:] == [("2026-02-16", "payment", "P-1", "-200.00")]
    assert euros["closing"] == "200.00"


def test_who_paid_for_whom_is_told_on_the_page(known: Any) -> None:
    allocation = {"invoice": "I-9", "amount": "30.00", "account": "C-9"}
    fed(known, [written(payment("P-9", "2026-02-20", "40.00", allocation))], now=at(TODAY))
    given = [row for row in stated(known)["movements"]["currencies"][0]["rows"] if row["account"]]
    assert given == [{**given[0], "kind": "transfer_to", "document": "P-9", "account": "C-9", "amount": "30.00"}]
    assert 'Paid for account <bdi>C-9</bdi></td><td class="number">P-9</td>' in as_page(stated(known)).decode()
    (got,) = stated(known, account="C-9")["movements"]["currencies"][0]["rows"]
    assert (got["kind"], got["document"], got["account"], got["amount"]) == ("transfer_from", "P-9", ACCOUNT, "-30.00")


def test_a_period_that_ends_before_it_begins_is_refused(known: Any, path: Path) -> None:
    with pytest.raises(DaysReversed):
        stated(known, since="2026-03-02")
    known.datastore.close()
    refused = exposure("statement", ACCOUNT, "--from", "2027-01-01", "--now", f"{TODAY}T12:00:00Z", store=path)
    assert (refused.exit_code, refused.out) == (2, "")
    assert "--from: 2027-01-01 lies behind 2026-03-01" in refused.err


def test_it_goes_back_to_the_first_day_of_the_calendar(known: Any) -> None:
    before_all = told("invoice.posted", "0001-01-01", "2026-01-05T12:00:00Z", invoice="I-0", currency="EUR", amount="5.00", due="0001-01-01")
    fed(known, [written(before_all)], now=at(TODAY))
    first, second = (stated(known, since=day)["movements"]["currencies"][0] for day in ("0001-01-01", "0001-01-02"))
    assert (first["opening"], first["rows"][0]["document"]) == ("0.00", "I-0")
    assert (second["opening"], second["closing"]) == ("5.00", first["closing"])


def test_a_file_that_can_not_be_made_is_said_before_anything_is_done(known: Any, path: Path, tmp_path: Path) -> None:
    known.datastore.close()
    nowhere, key = tmp_path / "nowhere", tmp_path / "key.pem"
    evidence = ("evidence", ACCOUNT, "--from", FROM, "--to", TODAY, "--key", key, "--out", nowhere / "x.zip")
    for words in (("statement", ACCOUNT, "--out", nowhere / "x.pdf"), evidence):
        said = exposure(*words, "--now", f"{TODAY}T12:00:00Z", store=path)
        assert (said.exit_code, said.err) == (1, f"exposure: --out: there is no directory {nowhere}: make it first, or name a file in another one\n")
    assert exposure("evidence", "C-8", *evidence[2:-1], tmp_path / "x.zip", store=path).exit_code == 1
    assert not key.exists()


def test_it_tells_nothing_of_limits_orders_or_alerts(known: Any) -> None:
    page = as_page(stated(known)).decode()
    for inside in ("4711", "limit", "O-1", "77.00", "over_limit", "policy", "risk"):
        assert inside not in page, inside


def test_a_day_before_the_account_was_taken_on_is_not_made_up(known: Any) -> None:
    event = told("customer.changed", "2026-01-01", subject="C-7", **CUSTOMER)
    taken_on = {**told("customer.changed", "2026-02-01", subject="C-7"), "type": "exposure.account.taken_on.v1", "data": {"cut_over": "2026-02-01"}}
    fed(known, map(written, [event, taken_on]), now=at(TODAY))
    assert stated(known, since="2026-02-02", account="C-7")["movements"]["currencies"] == []
    for since in ("2026-02-01", "0001-01-01"):
        with pytest.raises(NotKnownBefore):
            stated(known, since=since, account="C-7")
    with pytest.raises(UnknownAccount):
        stated(known, account="C-8")


def test_who_was_erased_has_no_name_and_the_same_figures(known: Any) -> None:
    before = stated(known)
    alter(known, "DELETE FROM account_keys WHERE account = ?", ACCOUNT)
    after = stated(known)
    assert (before["name"], after) == ("Acme", {**before, "name": None})
    assert b"Acme" not in as_page(after)
    assert ACCOUNT.encode() in as_page(after)


@pytest.fixture(scope="module")
def empty(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("empty") / "store.db"
    opened(path).datastore.close()
    return path


def test_whatever_happened_it_adds_up_and_begins_where_the_one_before_it_ended(each_store: str, empty: Path) -> None:
    """In each currency, as known at any instant: open items and credits are the closing balance, and the opening one is that of the day before."""

    @settings(max_examples=HISTORIES[each_store])
    @given(histories().flatmap(arrivals), st.sampled_from(["2026-01-15", "2026-01-31", "2026-02-10"]))
    def of_any(arrived: list[Json], since: str) -> None:
        with given_back(), tempfile.TemporaryDirectory() as folder:
            store, half = copied(empty, Path(folder) / "store.db"), len(arrived) // 2
            fed(store, map(written, arrived[:half]), now=at(TODAY))
            fed(store, map(written, arrived[half:]), now=at("2026-03-02"))
            for known_at in (None, at(TODAY)):
                for account in {event["subject"] for event in arrived}:
                    try:
                        later, earlier = (
                            stated(store, "2026-02-20", since, known_at, account),
                            stated(store, yesterday(since), None, known_at, account),
                        )
                    except UnknownAccount:
                        continue
                    moved = later["movements"]["currencies"]
                    assert balances(later) == {one["currency"]: Decimal(one["closing"]) for one in moved if Decimal(one["closing"])}
                    assert balances(earlier) == {one["currency"]: Decimal(one["opening"]) for one in moved if Decimal(one["opening"])}
                    assert all(running(one) for one in moved)

    of_any()


def test_the_documents_of_its_days_say_what_all_documents_of_the_account_do(each_store: str, empty: Path) -> None:
    @settings(max_examples=HISTORIES[each_store])
    @given(histories().flatmap(arrivals), as_of_days(), as_of_days(), st.integers(0, 12) | st.none())
    def of_any(arrived: list[Json], one: Any, other: Any, later: int | None) -> None:
        since, day = sorted((one.isoformat(), other.isoformat()))
        with given_back(), tempfile.TemporaryDirectory() as folder:
            store = copied(empty, Path(folder) / "store.db")
            for place, event in enumerate(arrived):
                fed(store, [written(event)], now=NOW + place * DAY)
            known_at = None if later is None else NOW + later * DAY
            for account in {event["subject"] for event in arrived}:
                with suppress(UnknownAccount):
                    of_its_days = stated(store, day, since, known_at, account)
                    with pytest.MonkeyPatch.context() as patched:
                        patched.setattr(stating, "between", whole)
                        assert stated(store, day, since, known_at, account) == of_its_days

    of_any()


def balances(said: Json) -> dict[str, Decimal]:
    sums: Counter[str] = Counter()
    for row in [*said["open_items"], *said["credits"]]:
        sums[row["currency"]] += Decimal(row["open"])  # type: ignore[assignment]
    return {currency: Decimal(amount) for currency, amount in sums.items() if amount}


def running(one: Json) -> bool:
    balance = Decimal(one["opening"])
    for row in one["rows"]:
        balance += Decimal(row["amount"])
        assert Decimal(row["balance"]) == balance
        assert row["kind"] in WORDS
    return balance == Decimal(one["closing"])


NAMES = ["Кесслер Машиностроение", "Κέσλερ Α.Ε.", "Kessler & Söhne <b>GmbH</b> #let $x$ \\ *y*", "Łódź – „Pumpen“"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_is_whatever_letters_it_has(known: Any, name: str) -> None:
    said = {**stated(known), "name": name}
    page = as_page(said).decode()
    assert "<b>" not in page
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
    printed = as_print(said)
    assert printed.startswith(b"%PDF-1.7")
    assert printed == as_print(said), "the same statement is the same bytes"


def test_a_letter_that_no_font_has_is_a_failure_and_no_empty_box(known: Any) -> None:
    said = {**stated(known), "name": "株式会社"}
    assert "株式会社" in as_page(said).decode()
    with pytest.raises(NoFont, match="株"):
        typeset("statement.typ", said, WORDS, own_fonts_only=True)


@pytest.mark.parametrize("amount", ["8.00", "123456789.12", "999999999999999.99"])
@pytest.mark.parametrize("number", ["I-1", "2026-000001", "R" * 200, "a word of it " * 12])
def test_nothing_on_paper_stands_over_something_else_or_beyond_its_margin(known: Any, amount: str, number: str) -> None:
    told = stated(known)
    (euros, dollars), amounts = told["movements"]["currencies"], dict.fromkeys(("amount", "cleared", "open", "disputed"), amount)
    rows = [{**row, "document": number, "amount": amount, "balance": amount} for row in euros["rows"]]
    large = {
        **told,
        "account": f"C-{number}",
        "ageing": dict.fromkeys(told["ageing"], amount),
        "balance": amount,
        "credits": [{**one, "document": number, "amount": amount, "open": f"-{amount}"} for one in told["credits"]],
        "open_items": [{**one, **amounts, "document": number} for one in told["open_items"]],
        "movements": {**told["movements"], "currencies": [{**euros, "rows": rows, "closing": amount}, dollars]},
    }
    lines = written_on(large)
    assert sum(map(len, lines)) > 60
    for line in lines:
        assert all(before.last < after.first for before, after in pairwise(line)), line
        assert max(text.last for text in line) < PAPER - MARGIN


class Text(NamedTuple):
    """Where on paper the first letter of a text begins, and its last one (points)."""

    first: float
    last: float


def written_on(said: Json) -> list[list[Text]]:
    """The texts of each line of each page, from left to right."""
    inputs = {"statement": written(said).decode(), "words": written(WORDS).decode()}
    pages: Any = typst.compile(TEMPLATES / "statement.typ", sys_inputs=inputs, format="svg", ignore_system_fonts=True)
    lines: dict[tuple[int, float], list[Text]] = defaultdict(list)
    for number, page in enumerate([pages] if isinstance(pages, bytes) else pages):
        for x, y, text in placed(ElementTree.fromstring(page), 0.0, 0.0):
            letters = [x + float(letter.attrib["x"]) for letter in text.findall(f"{SVG}use")]
            lines[number, round(y, 3)].append(Text(letters[0], letters[-1]))
    return [sorted(texts) for texts in lines.values()]


def placed(group: ElementTree.Element, x: float, y: float) -> Iterator[tuple[float, float, ElementTree.Element]]:
    """The texts in a drawing, and where each begins."""
    if moved := re.search(r"([-\d.]+)[ ,]([-\d.]+)\)$", group.get("transform", "")):
        x, y = x + float(moved[1]), y + float(moved[2])
    if group.find(f"{SVG}use") is not None:
        yield x, y, group
    for inner in group.findall(f"{SVG}g"):
        yield from placed(inner, x, y)


def test_no_word_of_the_page_is_wider_than_its_column(known: Any) -> None:
    page, told = as_page(stated(known)).decode(), stated(known)
    assert "td.number { min-width: 8em; overflow-wrap: anywhere; }" in page
    documents = [one["document"] for one in (*told["open_items"], *told["credits"])]
    assert all(re.search(rf'<td class="number">(<bdi>)?{document}(</bdi>)?</td>', page) for document in documents)


def test_the_sums_of_the_page_say_their_currency(known: Any) -> None:
    page = as_page(stated(known)).decode()
    assert "<h2>By days overdue, in EUR</h2>" in page
    assert "<h2>By days overdue</h2>" in as_page({**stated(known), "currency": None}).decode()


def test_every_amount_of_the_page_is_told_exactly_and_stands_to_the_right(known: Any) -> None:
    page = as_page(stated(known)).decode()
    cells = re.findall(r"<td([^>]*)>(-?\d+\.\d\d(?: [A-Z]{3})?)</td>", page)
    assert len(cells) > 20
    assert all('class="amount"' in marked for marked, _ in cells)
    assert "http" not in page


def test_the_command_writes_what_the_file_is_called(known: Any, path: Path, tmp_path: Path) -> None:
    known.datastore.close()
    words = ("statement", ACCOUNT, "--as-of", TODAY, "--from", FROM, "--now", f"{TODAY}T12:00:00Z")
    shown = exposure(*words, store=path)
    assert shown.out.startswith("<!doctype html>")
    for name, beginning in (("s.html", b"<!doctype html>"), ("s.PDF", b"%PDF-1.7")):
        done = exposure(*words, "--out", tmp_path / name, store=path)
        assert (done.exit_code, done.out) == (0, f"{ACCOUNT} as of {TODAY}: {tmp_path / name}\n")
        assert (tmp_path / name).read_bytes().startswith(beginning)
    assert (tmp_path / "s.html").read_text(encoding="utf-8") == shown.out
    assert exposure(*words, "--json", store=path).json["balance"] == "1246.50"
    assert exposure(*words, "--out", tmp_path / "s.docx", store=path).exit_code == 2
    assert exposure("statement", "C-8", "--json", store=path).json["error"]["code"] == "unknown_account"
