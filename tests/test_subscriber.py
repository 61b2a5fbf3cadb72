"""A service that acts on alerts out of Kafka: each once and in order, from where it was or from the beginning; what is missing is found out."""

import re
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from consumers.alerts import Alert, Alerts, BrokenSequence, Seen, keep, kept
from consumers.broker.failures import BrokerFailure
from projections.alerts import Wanted, alert_log
from schemas.jsontext import read, written
from tests.alerting import Json, told
from tests.broker import Topics
from tests.outgoing import ALERTS, relayed, topics_at
from tests.test_rules import invoice, payment

EXAMPLE = re.search(r"```python\n(.*?)```", (Path(__file__).parents[1] / "consumers/README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def topics(kafka: str) -> Topics:
    return topics_at(kafka)


def owed(*accounts: str) -> list[Json]:
    return [{**invoice("I-1", "2026-01-12", "400.00"), "subject": account, "id": f"owed-{account}"} for account in accounts]


def paid(account: str) -> Json:
    return {**payment("P-1", "2026-02-20", "400.00", {"invoice": "I-1", "amount": "400.00"}), "subject": account}


def log(store: Any) -> list[str]:
    with store.reading() as moment:
        return [one["id"] for one in alert_log(moment, Wanted())]


def reading(topics: Topics, **more: Any) -> Alerts:
    return Alerts({"bootstrap_servers": [topics.bootstrap]}, topics.prefix, **more)


def all_of(topics: Topics, **more: Any) -> list[Alert]:
    with reading(topics, **more) as alerts:
        return list(alerts.until_caught_up())


def sent_again(topics: Topics, store: Any, path: Path) -> None:
    """All alerts once more, as after a relay that was killed before it took them out."""
    rows = [(ALERTS, key, id_, payload, 0) for key, id_, payload in saved(store)]
    assert relayed(topics, path).exit_code == 0
    with store.writing(0) as writing:
        writing.put("INSERT INTO outbox (topic, key, message_id, payload, recorded_at) VALUES {rows}", rows)
    assert relayed(topics, path).json["sent"] == len(rows)


def saved(store: Any) -> list[Any]:
    with store.reading() as moment:
        return list(moment.rows("SELECT key, message_id, payload FROM outbox WHERE topic = 'credit.alerts' ORDER BY id"))


def sent(sequence: int, account: str = "C-1", id_: str | None = None) -> tuple[str, bytes, bytes, list[tuple[str, bytes]]]:
    headers = [("ce_id", (id_ or f"a-{sequence}").encode()), ("ce_type", b"credit.alert.raised.v1")]
    return ALERTS, account.encode(), written({"account": account, "rule": "overdue", "sequence": sequence}), headers


def test_the_example_of_the_readme_acts_once_on_each(topics: Topics, store: Any, path: Path) -> None:
    assert EXAMPLE is not None
    names: dict[str, Any] = {}
    exec(EXAMPLE[1], names)

    def calls() -> list[str]:
        relayed(topics, path)
        with chdir(path.parent):
            return sorted(names["calls_to_make"](topics.bootstrap, topics.prefix))

    told(store, owed("C-1", "C-2"), "2026-02-12")
    assert calls() == [f"C-{n}: {what}" for n in (1, 2) for what in ("over_limit since 2026-01-12", "overdue since 2026-02-12")]
    assert calls() == []
    told(store, [paid("C-1")], "2026-03-13")
    assert calls() == ["C-2: overdue since 2026-03-13"]


def test_repeats_are_dropped_and_from_the_beginning_all_of_it_comes_again(topics: Topics, store: Any, path: Path) -> None:
    told(store, owed("C-1", "C-2", "C-3"), "2026-02-12")
    told(store, [paid("C-2")], "2026-03-13")
    sent_again(topics, store, path)
    for _ in range(2):
        alerts = all_of(topics)
        assert sorted(alert.id for alert in alerts) == sorted(log(store))
        for account in ("C-1", "C-2", "C-3"):
            numbers = [alert.sequence for alert in alerts if alert.account == account]
            assert numbers == list(range(1, len(numbers) + 1))
    assert {alert.state for alert in alerts if alert.account == "C-2"} == {"raised", "cleared"}


def test_repeats_of_what_was_read_before_the_position_are_dropped_too(topics: Topics, store: Any, path: Path) -> None:
    told(store, owed("C-1"), "2026-02-12")
    with store.reading() as moment:
        assert moment.outbox_depth()
    position = path.parent / "position"
    rows = saved(store)
    relayed(topics, path)
    with reading(topics) as alerts:
        assert len(list(alerts.until_caught_up())) == len(rows)
        keep(position, alerts.position)
    topics.send([sent(read(payload)["data"]["sequence"], key, id_) for key, id_, payload in rows])
    assert all_of(topics, after=kept(position)) == []


def test_what_was_not_kept_comes_again(topics: Topics, tmp_path: Path) -> None:
    topics.send(map(sent, (1, 2, 3)))
    position = tmp_path / "position"
    assert kept(position) is None
    with reading(topics) as alerts:
        for alert in alerts:
            if alert.sequence == 3:
                break  # it dies in the middle of what it does
            keep(position, alerts.position)
    assert [alert.sequence for alert in all_of(topics, after=kept(position))] == [3]


def test_alerts_of_other_rules_are_passed_over_and_counted(topics: Topics) -> None:
    topics.send(map(sent, (1, 2)))
    with reading(topics, rules=["over_limit"]) as alerts:
        assert list(alerts.until_caught_up()) == []
        position = alerts.position
    topics.send([sent(3)])
    assert [alert.sequence for alert in all_of(topics, after=position)] == [3]


def test_a_number_that_is_missing_is_found_out(topics: Topics) -> None:
    topics.send(map(sent, (1, 3)))
    with pytest.raises(BrokenSequence, match="alert 3 came after 1"):
        all_of(topics)


def test_a_topic_that_was_made_anew_is_not_read_from_an_old_position(topics: Topics) -> None:
    topics.send([sent(1)])
    with reading(topics) as alerts:
        position = alerts.position
    topics.make_anew(ALERTS)
    with pytest.raises(BrokerFailure, match="was made anew"):
        all_of(topics, after=position)


@pytest.mark.parametrize(
    ("is_whole", "came", "new"),
    [
        (True, [1, 2, 1, 2, 3], [1, 2, 3]),
        (True, [1, 1, 2, 3, 2, 3, 4], [1, 2, 3, 4]),
        (False, [7, 8, 7, 9], [7, 8, 9]),
        (True, [2], None),
        (True, [1, 2, 4], None),
        (False, [7, 9], None),
    ],
)
def test_of_an_account_each_number_is_new_once_and_in_order(is_whole: bool, came: list[int], new: list[int] | None) -> None:
    seen = Seen(is_whole=is_whole)
    if new is None:
        with pytest.raises(BrokenSequence):
            [seen.is_new("C-1", number, f"a-{number}") for number in came]
    else:
        assert [number for number in came if seen.is_new("C-1", number, f"a-{number}")] == new


def test_two_alerts_with_one_number_are_found_out() -> None:
    seen = Seen(is_whole=True)
    assert seen.is_new("C-1", 1, "a")
    with pytest.raises(BrokenSequence, match="as a and as b"):
        seen.is_new("C-1", 1, "b")
