"""What may stand in a log is listed, and passwords never do: whoever writes the line."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog

from service.running import logs
from service.settings import Settings, passwords_in
from tests.command import exposure

STORE = "postgresql://exposure:geheim%21@db/exposure?sslpassword=other-word"


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.CaptureFixture[str]]:
    monkeypatch.setenv("EXPOSURE_KAFKA_SASL_PASSWORD", "sasl-word")
    monkeypatch.setenv("EXPOSURE_KAFKA_SSL_PASSWORD", "ssl-word")
    root, before = logging.getLogger(), (logging.getLogger().handlers, logging.getLogger().level)
    logs.set_up("auto", "debug", Settings().secrets(STORE))
    yield capsys
    root.handlers, level = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(log: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.readouterr().err.splitlines()]


@pytest.mark.parametrize("word", ["geheim!", "geheim%21", "other-word", "sasl-word", "ssl-word"])
def test_a_password_is_put_out_of_sight_wherever_it_stands(word: str, log: pytest.CaptureFixture[str]) -> None:
    logs.log.warning("waiting", why=f"could not log in with {word}.", partitions=[f"at {word}"])
    logging.getLogger("kafka.net").error("sent %r", {"auth": word}, exc_info=ValueError(word))
    waiting, library = lines(log)
    assert waiting["why"] == "could not log in with ***."
    assert waiting["partitions"] == ["at ***"]
    assert library["error"] == "ValueError: ***"
    assert word not in json.dumps([waiting, library])


@pytest.mark.parametrize("told", ["at postgresql://u:unknown@db/x", "password=unknown host=db", "sasl_plain_password: unknown", "'token': 'unknown'"])
def test_one_that_nobody_told_us_is_known_by_where_it_stands(told: str, log: pytest.CaptureFixture[str]) -> None:
    logs.log.error("failed", why=told)
    assert "unknown" not in log.readouterr().err


def test_a_field_that_is_not_listed_is_left_out(log: pytest.CaptureFixture[str]) -> None:
    logs.log.info("taken", read=1, name="Kessler Maschinenbau", account="C-1001", record=b'{"data":{}}')
    (line,) = lines(log)
    assert set(line) == {"timestamp", "level", "event", "read"}


def test_of_what_a_database_says_only_the_first_line_is_told(postgresql: str) -> None:
    """In the others it quotes the row."""
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (name text CHECK (name = ''))")
        with pytest.raises(psycopg.Error) as failed:
            connection.execute("INSERT INTO customers VALUES ('Kessler Maschinenbau')")
    assert "Kessler" in str(failed.value)
    assert logs.in_a_line(failed.value).startswith("CheckViolation: new row for relation")
    assert "Kessler" not in logs.in_a_line(failed.value)


def test_other_peoples_code_is_not_heard_below_a_warning(log: pytest.CaptureFixture[str]) -> None:
    """Where it would tell what it sends: the bytes that log in, say."""
    logging.getLogger("kafka.net").info("sending")
    logging.getLogger("kafka.net").warning("no answer")
    assert [(line["event"], line["logger"], line["message"]) for line in lines(log)] == [("library", "kafka.net", "no answer")]


def test_while_something_starts_other_peoples_code_is_heard_at_debug_alone(log: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("kafka.net")
    for level, heard in (("debug", ["before", "meanwhile", "behind"]), ("info", ["before", "behind"])):
        logs.set_up("auto", level, [])
        library.error("before")
        with logs.starting():
            library.error("meanwhile")
        library.error("behind")
        assert [line["message"] for line in lines(log)] == heard


def test_a_consumer_that_is_refused_at_its_start_says_so_and_nothing_else(path: Path) -> None:
    said = exposure("consume", "--until-caught-up", "--bootstrap", "127.0.0.1:1", store=path)
    *events, failure = said.err.splitlines()
    assert (said.exit_code, [json.loads(line)["event"] for line in events]) == (1, ["started", "failed"])
    assert failure == "exposure: no Kafka answers at 127.0.0.1:1 (--bootstrap or EXPOSURE_KAFKA_BOOTSTRAP)"


def test_a_url_without_a_password_has_none() -> None:
    assert not passwords_in("sqlite:///exposure.db") | passwords_in("postgresql://exposure@db/exposure?sslmode=verify-full")
