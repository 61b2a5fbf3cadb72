"""What the ERP's own list says otherwise is found and nothing else, with the first day and the event from which it does."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.mapping import MappingError
from consumers.statements import Claim, Refused, StatementMapping, claims_of, in_order
from exposure.ledger.acts.dead_letters import Order, discard
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from projections.account import Asked
from projections.reconciliation import Question, reconcile
from schemas.amounts import minor
from schemas.jsontext import read, written
from schemas.told import Unreadable
from service.sample import sample
from tests.command import exposure
from tests.letters import event, invoice
from tests.stores import FAR, NOW, fed, opened

pytestmark = pytest.mark.usefixtures("each_store")

EXAMPLE = Path(__file__).with_name("contract_example.jsonl")
DAY = "2026-02-20"
claims = st.builds(Claim, st.text("AB1\u00c4", max_size=3), st.text("I1", max_size=2), st.just("EUR"), st.just(""), st.integers(-9, 9))


@pytest.fixture
def store(path: Path) -> Any:
    """An invoice of 400.00 of which 200.00 were paid on 2026-02-16."""
    store = opened(path)
    fed(store, EXAMPLE.read_bytes().splitlines(), now=NOW - 1)
    return store


def found(store: Any, *told: Claim, of_items: bool = True, known_at: int | None = None, **more: Any) -> list[Any]:
    with store.reading() as moment:
        question = Question(Asked(FAR, DAY, known_at), of_items, **more)
        return read(written(list(reconcile(moment, in_order(told), question, lambda: None))))


def item(amount: int, document: str = "I-9", due: str = "", account: str = "C-1001") -> Claim:
    return Claim(account, document, "EUR", due, amount)


@settings(max_examples=200)
@given(st.lists(claims, max_size=40), st.integers(1, 9))
def test_a_statement_longer_than_memory_is_put_in_the_same_order(told: list[Claim], at_once: int) -> None:
    assert list(in_order(told, at_once)) == sorted(told)


def test_our_own_figures_are_no_difference(path: Path) -> None:
    store, day = opened(path), "2024-06-30"
    fed(store, sample(600, seed=3, accounts=12))
    with store.reading() as moment:
        ours = list(reconcile(moment, [], Question(Asked(FAR, day), True), lambda: None))
        told = [Claim(one["account"], one["document"], one["currency"], "", minor(one["ours"], one["currency"])) for one in ours]
        assert {one["difference"] for one in ours} == {"missing_there"}
        assert list(reconcile(moment, in_order(told), Question(Asked(FAR, day), True), lambda: None)) == []
        balances = in_order([one._replace(document="") for one in told])
        assert list(reconcile(moment, balances, Question(Asked(FAR, day), False), lambda: None)) == []


def test_a_payment_that_they_lack_is_named_with_its_day(store: Any) -> None:
    (one,) = found(store, item(40000))
    assert (one["difference"], one["ours"], one["theirs"]) == ("other_amount", "200.00", "400.00")
    assert (one["since"], one["was_equal"], [told["id"] for told in one["events"]]) == ("2026-02-16", True, ["8f5"])


def test_what_differed_before_both_were_the_same_is_not_where_they_depart(store: Any) -> None:
    paid = {"payment": "P-8", "date": DAY, "currency": "EUR", "amount": "30.00", "allocations": [{"invoice": "I-9", "amount": "30.00"}]}
    fed(store, [event("9b1", "erp.payment.received.v1", "C-1001", paid)])
    (one,) = found(store, item(20000))
    assert (one["since"], one["was_equal"], [told["id"] for told in one["events"]]) == (DAY, True, ["9b1"])


def test_an_amount_that_was_never_ours_departs_from_the_first_day(store: Any) -> None:
    (one,) = found(store, item(39900))
    assert (one["since"], one["was_equal"], [told["id"] for told in one["events"]]) == ("2026-01-12", False, ["8f2"])


def test_what_they_do_not_name_is_missing_there_since_it_was_posted(store: Any) -> None:
    (one,) = found(store)
    assert (one["difference"], one["theirs"], one["since"]) == ("missing_there", None, "2026-01-12")
    assert found(store, is_named_only=True) == []


def test_a_due_day_of_their_own_is_a_difference_and_one_not_told_is_none(store: Any) -> None:
    assert found(store, item(20000)) == found(store, item(20000, due="2026-02-11")) == []
    (one,) = found(store, item(20000, due="2026-03-11"))
    assert (one["difference"], one["dues"]) == ("other_due", {"ours": {"2026-02-11": "200.00"}, "theirs": {"2026-03-11": "200.00"}})


def terms(version: int, date: str, due: str) -> bytes:
    changed = {"invoice": "I-9", "version": version, "date": date, "due": due}
    return event(f"t-{version}", "erp.invoice.terms_changed.v1", "C-1001", changed)


def test_of_another_due_day_it_is_told_since_when_and_which_events_set_ours(store: Any) -> None:
    def of(due: str) -> tuple[Any, ...]:
        (one,) = found(store, item(20000, due=due))
        assert (one["ours"], one["theirs"], one["dues"]["theirs"]) == ("200.00", "200.00", {due: "200.00"})
        return one["dues"]["ours"], one["since"], one["was_equal"], [told["id"] for told in one["events"]]

    assert of("2026-03-11") == ({"2026-02-11": "200.00"}, "2026-01-12", False, ["8f2"])
    fed(store, [terms(1, "2026-01-20", "2026-02-15"), terms(2, "2026-02-18", "2026-03-01")])
    assert of("2026-02-11") == ({"2026-03-01": "200.00"}, "2026-01-20", True, ["t-2"]), "the payment of 02-16 set none"
    assert of("2026-02-15") == ({"2026-03-01": "200.00"}, "2026-02-18", True, ["t-2"])
    assert of("2026-02-14")[1:3] == ("2026-01-12", False)


def test_what_is_open_on_neither_side_is_no_difference_whenever_it_was_due(store: Any) -> None:
    paid = {"payment": "P-8", "date": DAY, "currency": "EUR", "amount": "200.00", "allocations": [{"invoice": "I-9", "amount": "200.00"}]}
    fed(store, [event("9b1", "erp.payment.received.v1", "C-1001", paid)])
    assert found(store, item(0, due="2026-03-11")) == found(store, item(0, due="2026-02-11")) == found(store, item(0, "I-7", due=DAY)) == []


def test_when_they_say_a_credit_is_due_is_no_difference(store: Any) -> None:
    paid = {"payment": "P-8", "date": DAY, "currency": "EUR", "amount": "30.00"}
    fed(store, [event("9b1", "erp.payment.received.v1", "C-1001", paid)])
    assert found(store, item(20000), item(-3000, "P-8", due=DAY)) == []


def test_a_file_with_our_own_headings_needs_no_mapping(store: Any, path: Path, tmp_path: Path) -> None:
    store.datastore.close()
    file, lines = tmp_path / "open.csv", tmp_path / "open.jsonl"
    file.write_text("account,document,open,due,currency\nC-1001,I-9,200.00,2026-03-11,EUR\n")
    said = exposure("reconcile", file, "--as-of", DAY, store=path)
    assert (said.exit_code, said.out.splitlines()[:2]) == (
        3,
        ["C-1001 I-9  other due: ours 200.00 due 2026-02-11, theirs 200.00 due 2026-03-11 EUR", "  since 2026-01-12, and never the same before"],
    )
    file.write_text(f"\ufeffaccount, as_of,balance,currency,remark\nC-1001,2026-02-15,400.00,EUR,x\nC-1001,{DAY},200.00,EUR,\n", encoding="utf-8")
    assert exposure("reconcile", file, store=path).exit_code == 0
    lines.write_text('{"account":"C-1001","document":"I-9","open":"400.00","currency":"EUR"}\n')
    said = exposure("reconcile", lines, "--as-of", DAY, "--json", store=path)
    assert (said.exit_code, said.json["differences"][0]["since"]) == (3, "2026-02-16")


def test_what_they_do_not_name_is_told_in_its_currency(store: Any, path: Path, tmp_path: Path) -> None:
    store.datastore.close()
    (tmp_path / "open.csv").write_text("account,document,open,currency\nC-1001,I-8,1.00,EUR\n")
    said = exposure("reconcile", tmp_path / "open.csv", "--as-of", DAY, store=path)
    assert "C-1001 I-9  missing there: ours 200.00 EUR, theirs not named" in said.out.splitlines()


def test_lines_of_json_may_have_blank_ones_between_them(store: Any, path: Path, tmp_path: Path) -> None:
    store.datastore.close()
    lines = tmp_path / "open.jsonl"
    row = '{"account":"C-1001 ","document":"I-9","open":" 200.00","due":null,"currency":"EUR"}'
    lines.write_bytes(f"\ufeff{row}\r\n\r\n \n".encode())
    assert exposure("reconcile", lines, "--as-of", DAY, store=path).exit_code == 0
    lines.write_text(f"\n{row}\n[]\n")
    said = exposure("reconcile", lines, "--as-of", DAY, store=path)
    assert (said.exit_code, "line 3: not a JSON object" in said.err, "unreadable 1" in said.out) == (3, True, True)


@pytest.mark.parametrize(
    "headings", ["Customer,Open", "account,open,currency", "account,balance", "account,balance,document,open,currency", "", "\xff"]
)
def test_a_file_with_other_headings_is_refused_and_it_is_said_which_ones_are_ours(store: Any, path: Path, tmp_path: Path, headings: str) -> None:
    store.datastore.close()
    file = tmp_path / "open.csv"
    file.write_bytes(f"{headings}\n".encode("latin-1"))
    said = exposure("reconcile", file, "--json", store=path)
    assert (said.exit_code, said.json["error"]["code"]) == (1, "mapping")
    assert "without --mapping the headings have to be ours: account, currency, and document and open" in said.json["error"]["message"]


def test_a_balance_departs_where_it_last_was_theirs_and_events_of_that_amount_are_named(store: Any) -> None:
    (one,) = found(store, item(40000, document=""), of_items=False)
    assert (one["document"], one["since"], [told["id"] for told in one["events"]]) == (None, "2026-02-16", ["8f5"])
    (one,) = found(store, item(-20000, document=""), of_items=False)
    assert [(alike["day"], alike["events"][0]["id"]) for alike in one["same_amount"]] == []
    assert (one["since"], one["was_equal"]) == ("2026-01-12", False)


def test_a_difference_within_the_tolerance_is_none(store: Any) -> None:
    assert found(store, item(20005), tolerance="0.05") == []
    assert len(found(store, item(20006), tolerance="0.05")) == 1


def test_a_document_we_lack_is_looked_for_among_what_could_not_be_taken(store: Any) -> None:
    letter = Record(invoice("I-77", account="C-1001"), 5, Unreadable("unknown_type", "an older engine did not take it", "C-1001"))
    Ledger(store, lambda: NOW).take([letter], Source("test"))
    one, other = found(store, item(20000), item(1000, "I-7"), item(1000, "I-77"))
    assert (one["document"], one["difference"], one["dead_letters"], one["since"]) == ("I-7", "missing_here", [], None)
    assert (other["document"], other["dead_letters"]) == ("I-77", [letter.digest.hex()])
    discard(store, lambda: NOW + 1, [letter.digest], Order("m.vogt", "told anew"))
    assert found(store, item(20000), item(1000, "I-77"))[0]["dead_letters"] == []
    then = [found(store, item(20000), item(1000, "I-77"), known_at=at)[0]["dead_letters"] for at in (NOW - 1, NOW, NOW + 1)]
    assert then == [[], [letter.digest.hex()], []], "as known then"


def test_an_account_that_is_only_theirs_is_missing_here(store: Any) -> None:
    assert [one["account"] for one in found(store, item(20000), item(1, account="A-1"), item(1, account="Z-1"))] == ["A-1", "Z-1"]


def test_what_is_told_of_several_days_is_compared_day_by_day(store: Any) -> None:
    """On the day before the payment 400.00 were open, and on the day of it 200.00."""
    days = [item(40000)._replace(as_of="2026-02-15"), item(20000)._replace(as_of="2026-02-16")]
    assert found(store, *days) == []
    assert found(store, *(one._replace(document="") for one in days), of_items=False) == []
    wrong, right = found(store, days[0]._replace(as_of="2026-01-11"), days[1]._replace(as_of="2026-02-15"), days[1])
    assert (wrong["as_of"], wrong["difference"], wrong["dated_later"]) == ("2026-01-11", "missing_here", "2026-01-12")
    assert (right["as_of"], right["difference"], right["ours"]) == ("2026-02-15", "other_amount", "400.00")


def test_several_days_in_one_statement_are_as_several_statements(path: Path) -> None:
    store, days = opened(path), ("2024-03-31", "2024-05-15", "2024-06-30")
    fed(store, sample(600, seed=3, accounts=12))
    with store.reading() as moment:
        ours = {day: list(reconcile(moment, [], Question(Asked(FAR, day), True), lambda: None)) for day in days}
        theirs = {
            day: [
                Claim(one["account"], one["document"], one["currency"], "", minor(one["ours"], one["currency"]) + (place % 3 == 0))
                for place, one in enumerate(rows)
            ]
            for day, rows in ours.items()
        }
        alone = [
            one for day, rows in theirs.items() for one in reconcile(moment, in_order(rows), Question(Asked(FAR, day), True, "0", True), lambda: None)
        ]
        dated = in_order([one._replace(as_of=day) for day, rows in theirs.items() for one in rows])
        together = list(reconcile(moment, dated, Question(Asked(FAR), True, "0", True), lambda: None))
    assert len(together) > 20
    assert sorted(map(written, together)) == sorted(map(written, alone))


MAPPING = """currency = "EUR"
decimal = ","
as_of = "2026-02-20"
[columns]
account = "Customer"
document = "Document"
open = "Open"
"""


def test_the_command_line_exits_3_where_they_differ_and_0_where_not(store: Any, path: Path, tmp_path: Path) -> None:
    store.datastore.close()
    mapping, file, lines = tmp_path / "open.toml", tmp_path / "open.csv", tmp_path / "open.jsonl"
    mapping.write_text(MAPPING)
    file.write_text('Customer,Document,Open\nC-1001,I-9,"200,00"\n')
    assert exposure("reconcile", file, "--mapping", mapping, "--json", store=path).json == {
        "as_of": DAY,
        "differences": [],
        "compared": {"accounts": 1, "differences": 0, "unreadable": 0},
    }
    lines.write_text('{"Customer":"C-1001","Document":"I-9","Open":"400,00"}\n')
    said = exposure("reconcile", lines, "--mapping", mapping, store=path)
    assert said.exit_code == 3
    assert "C-1001 I-9  other amount: ours 200.00, theirs 400.00 EUR\n  since 2026-02-16\n" in said.out
    file.write_text('Customer,Document,Open\nC-1001,I-9,"200,00"\nC-1001,I-10,much\n')
    said = exposure("reconcile", file, "--mapping", mapping, store=path)
    assert (said.exit_code, "line 3: column Open" in said.err) == (3, True)


def test_a_column_has_the_day_of_each_row_and_who_is_not_named_has_none(store: Any, path: Path, tmp_path: Path) -> None:
    fed(store, [invoice("I-1", account="C-2")])
    store.datastore.close()
    mapping, file = tmp_path / "balances.toml", tmp_path / "balances.csv"
    mapping.write_text('currency = "EUR"\ndate_format = "%d.%m.%Y"\n[columns]\naccount = "Customer"\nbalance = "Balance"\nas_of = "Day"\n')
    file.write_text("Customer,Day,Balance\nC-1001,31.01.2026,400.00\nC-1001,28.02.2026,300.00\nC-1001,,1.00\n")
    said = exposure("reconcile", file, "--mapping", mapping, "--json", store=path)
    assert said.exit_code == 3
    assert "line 4: column Day: empty" in said.err
    assert (said.json["as_of"], said.json["compared"]) == (None, {"accounts": 1, "differences": 1, "unreadable": 1})
    assert [(one["as_of"], one["ours"], one["theirs"]) for one in said.json["differences"]] == [("2026-02-28", "200.00", "300.00")]
    said = exposure("reconcile", file, "--mapping", mapping, "--as-of", "2026-02-28", store=path)
    assert [line.split(":")[0] for line in said.out.splitlines() if "ours" in line] == ["C-1001 balance  other amount", "C-2 balance  missing there"]
    said = exposure("reconcile", file, "--mapping", mapping, store=path)
    assert "C-1001 balance on 2026-02-28  other amount: ours 200.00, theirs 300.00 EUR" in said.out


def numbered_alike(store: Any) -> None:
    paid = {"payment": "I-9", "date": "2026-02-17", "currency": "EUR", "amount": "30.00"}
    fed(store, [event("9b1", "erp.payment.received.v1", "C-1001", paid)])


def test_an_invoice_and_a_credit_of_one_number_are_two_documents(store: Any) -> None:
    numbered_alike(store)
    assert found(store, item(20000, due="2026-02-11"), item(-3000, due="2026-02-17")) == []
    owed, credit = found(store)
    assert (owed["ours"], owed["since"], credit["ours"], credit["since"]) == ("200.00", "2026-01-12", "-30.00", "2026-02-17")
    (credit,) = found(store, item(20000))
    assert (credit["difference"], credit["ours"], [told["id"] for told in credit["events"]]) == ("missing_there", "-30.00", ["9b1"])
    assert found(store, item(17000, document=""), of_items=False) == [], "a balance has no sides"


def test_rows_of_an_invoice_and_of_what_was_paid_of_it_are_one_document(store: Any) -> None:
    assert found(store, item(40000, due="2026-02-11"), item(-20000, due="2026-02-11")) == []


def test_a_due_day_told_of_a_part_of_what_is_open_is_no_difference(store: Any) -> None:
    assert found(store, item(15000, due="2026-02-11"), item(5000)) == []
    assert len(found(store, item(15000, due="2026-02-11"), item(5000, due="2026-02-12"))) == 1


def test_an_amount_within_the_tolerance_hides_no_other_due_day(store: Any) -> None:
    assert found(store, item(19999, due="2026-02-11"), tolerance="0.05") == []
    (one,) = found(store, item(19999, due="2026-03-11"), tolerance="0.05")
    assert (one["difference"], one["since"]) == ("other_due", "2026-01-12")


@pytest.mark.parametrize(("text", "amount"), [("30,00-", -3000), ("-30", -3000), ("\u221230", -3000), ("0-", 0), ("30", 3000)])
def test_a_credit_has_one_minus(text: str, amount: int) -> None:
    (one,) = claims_in(text)
    assert isinstance(one, Claim)
    assert one.amount == amount


@pytest.mark.parametrize("text", ["--30", "-30-", "30--", "-\u221230", "- 30", "(30)", "-(30)", "+30", "-", "--"])
def test_what_could_be_a_credit_or_not_is_refused(text: str) -> None:
    (one,) = claims_in(text)
    assert isinstance(one, Refused)
    assert "credit note" not in one.reason


def claims_in(text: str) -> list[Any]:
    mapping = StatementMapping.read(f'delimiter = ";"\n{MAPPING}', where="m")
    return list(claims_of(BytesIO(f"Customer;Document;Open\nC-1;I-1;{text}\n".encode()), mapping, is_json=False))


def test_one_mark_for_decimals_and_thousands_is_refused() -> None:
    with pytest.raises(MappingError, match="the same mark"):
        StatementMapping.read(f'thousands = ","\n{MAPPING}', where="m")


def test_a_mapping_of_other_columns_is_told_in_one_document(store: Any, path: Path, tmp_path: Path) -> None:
    store.datastore.close()
    mapping, file = tmp_path / "open.toml", tmp_path / "open.csv"
    mapping.write_text(MAPPING)
    file.write_text("Customer,Document,Offen\nC-1001,I-9,200\n")
    said = exposure("reconcile", file, "--mapping", mapping, "--json", store=path)
    assert (said.exit_code, said.json["error"]["code"]) == (1, "mapping")
    assert "no column Open" in said.json["error"]["message"]
