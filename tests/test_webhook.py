"""Alerts to a subscriber's URL: signed, each at least once and an account's in order, whatever the other side answers and whoever is killed."""

import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook, WebhookVerificationError

from consumers import webhook
from consumers.webhook import Endpoint
from exposure.ledger.out import deliveries
from projections.alerts import Wanted
from schemas.contracts import FOLDER
from schemas.jsontext import read
from service.running.webhooks import AT_ONCE, Sender
from tests.alerting import at, told
from tests.command import exposure
from tests.patience import SECONDS_MAX, until
from tests.receiving import SILENCE, Posted, Receiver, receiving
from tests.stores import url_of
from tests.test_rules import invoice

pytestmark = pytest.mark.usefixtures("each_store")

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NAME = "them"
SECOND = 1_000_000


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def owing(*accounts: str, due: str = "2026-02-11") -> list[Any]:
    """An item of each account: it is overdue the day after, over the limit at once, and thirty days later once more overdue."""
    return [{**invoice(f"I-{due}", "2026-01-12", "400.00", due=due), "subject": account, "id": f"{account}-{due}"} for account in accounts]


class Sending:
    """A sender and its clock: how it sends is seen turn by turn, and no test waits for a pause."""

    def __init__(self, store: Any, receiver: Receiver, pauses: tuple[int, ...] = (10, 100), rules: Iterable[str] = ()) -> None:
        self.at = int(time.time()) * SECOND
        self.stop = threading.Event()
        self.store = store
        wanted = Wanted(rules=frozenset(rules))
        self.sender = Sender(store, NAME, Endpoint(receiver.url, SECRET), wanted, lambda: self.at, pauses=pauses)
        self.sender.begin(from_beginning=True)

    def turn(self, seconds: int = 0) -> None:
        """So many seconds later everything that is due is sent."""
        self.at += seconds * SECOND
        while self.sender.turn(self.stop):
            pass

    @property
    def dead(self) -> list[deliveries.Delivery]:
        with self.store.reading() as moment:
            return deliveries.dead(moment, NAME)


def places(posted: list[Posted]) -> list[tuple[str, int]]:
    return [one.place for one in posted]


def test_what_is_signed_is_what_the_specification_says() -> None:
    """With the secret, the id, the instant and the body that its libraries are tested with."""
    instant = datetime.fromtimestamp(1614265330, UTC)
    headers = Endpoint("https://hooks.example.com", SECRET).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', instant)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_what_arrives_is_an_event_of_the_contract_that_proves_who_sent_it(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    Sending(store, receiver).turn()
    assert [one.event["type"] for one in receiver.posted] == ["credit.alert.raised.v1"] * 2
    messages = read((FOLDER / "asyncapi.json").read_bytes())["components"]["messages"]
    for posted in receiver.posted:
        event = Webhook(SECRET).verify(posted.body, posted.headers)
        assert posted.headers["webhook-id"] == event["id"]
        assert posted.headers["content-type"] == "application/cloudevents+json"
        assert (event["specversion"], event["source"], event["subject"], event["time"]) == ("1.0", "/exposure", "C-1", "2026-02-12T12:00:00Z")
        Draft202012Validator(messages[event["type"]]["payload"]).validate(event["data"])
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(posted.body.replace(b"C-1", b"C-2"), posted.headers)


def test_only_alerts_by_the_rules_that_were_named(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1", "C-2"), "2026-02-12")
    Sending(store, receiver, rules=["overdue"]).turn()
    assert {one.event["data"]["rule"] for one in receiver.taken} == {"overdue"}
    assert len(receiver.taken) == 2


@pytest.mark.parametrize("failure", [500, 503, 408, 429, SILENCE])
def test_what_fails_is_tried_again_after_a_pause_that_grows(failure: int, store: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SECONDS_MAX", 0.2)
    told(store, owing("C-1"), "2026-02-12")
    sending = Sending(store, receiver, rules=["overdue"])
    receiver.answer = lambda _: failure
    sending.turn()
    sending.turn(9)
    assert len(receiver.posted) == 1
    sending.turn(1)
    sending.turn(99)
    assert len(receiver.posted) == 2
    receiver.answer = lambda _: 200
    sending.turn(1)
    assert len({one.headers["webhook-id"] for one in receiver.posted}) == 1
    assert (len(receiver.posted), len(receiver.taken), sending.dead) == (3, 1, [])
    assert len({one.headers["webhook-timestamp"] for one in receiver.posted}) == 3


def test_a_server_that_is_not_there_is_tried_again(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    nowhere = Receiver()
    nowhere.port = 9
    sending = Sending(store, nowhere)
    sending.turn()
    assert (sending.sender.total.failed, sending.dead) == (1, [])
    sending.sender.endpoint = Endpoint(receiver.url, SECRET)
    sending.turn(10)
    assert places(receiver.taken) == [("C-1", 1), ("C-1", 2)]


def test_how_long_a_server_asks_to_be_left_alone_is_how_long_it_is(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    sending = Sending(store, receiver, rules=["overdue"])
    receiver.answer = lambda _: (429, {"retry-after": "60"})
    sending.turn()
    sending.turn(59)
    assert len(receiver.posted) == 1
    sending.turn(1)
    assert len(receiver.posted) == 2


def test_an_account_whose_alert_waits_holds_back_itself_and_nobody_else(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1", "C-2"), "2026-02-12")
    sending = Sending(store, receiver)
    receiver.answer = lambda posted: 500 if posted.place == ("C-1", 1) else 200
    sending.turn()
    assert places(receiver.taken) == [("C-2", 1), ("C-2", 2)]
    told(store, [], "2026-03-13")
    sending.turn(5)
    assert places(receiver.taken)[2:] == [("C-2", 3)]
    receiver.answer = lambda _: 200
    sending.turn(5)
    assert places(receiver.taken)[3:] == [("C-1", 1), ("C-1", 2), ("C-1", 3)]


@pytest.mark.parametrize("refusal", [400, 404, 410, 301])
def test_what_is_refused_for_good_is_given_up_and_what_is_behind_it_goes_on(refusal: int, store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    sending = Sending(store, receiver)
    receiver.answer = lambda posted: (refusal, {"location": "/elsewhere"}) if posted.place == ("C-1", 1) else 200
    sending.turn()
    sending.turn(1_000_000)
    assert (len(receiver.posted), places(receiver.taken)) == (2, [("C-1", 2)])
    assert [(one.attempts, one.failure) for one in sending.dead] == [(1, f"HTTP {refusal}")]


def test_what_fails_too_often_is_given_up_and_sent_after_all_when_somebody_says_so(store: Any, path: Path, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    sending = Sending(store, receiver)
    receiver.answer = lambda posted: 500 if posted.place == ("C-1", 1) else 200
    for seconds in (0, 10, 100, 1_000):
        sending.turn(seconds)
    assert places(receiver.taken) == [("C-1", 2)]
    (letter,) = exposure("webhook", "dead-letters", "list", "--json", store=path).json["dead_letters"]
    assert (letter["subscription"], letter["attempts"], letter["failure"], letter["sequence"]) == (NAME, 3, "HTTP 500", 1)
    assert "HTTP 500, attempts 3" in exposure("webhook", "dead-letters", store=path).out
    assert exposure("webhook", "dead-letters", "retry", "nothing", store=path).exit_code == 1
    assert exposure("webhook", "dead-letters", "retry", letter["id"], "--json", store=path).json == {"retried": 1}
    receiver.answer = lambda _: 200
    sending.turn()
    assert places(receiver.taken) == [("C-1", 2), ("C-1", 1)]
    assert sending.dead == []


def test_of_two_senders_of_one_subscription_one_sends(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    one, other = Sending(store, receiver), Sending(store, receiver)
    one.turn()
    told(store, [], "2026-03-13")
    assert other.sender.turn(other.stop) is None
    one.turn()
    assert places(receiver.posted) == [("C-1", 1), ("C-1", 2), ("C-1", 3)]


def certificate(folder: Path) -> ssl.SSLContext:
    """Of 127.0.0.1, and signed by nobody but itself."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    (folder / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    with receiving(certificate(tmp_path)) as receiver:
        answer = Endpoint(receiver.url.replace("http:", "https:"), SECRET).post("a-1", b"{}", datetime.now(UTC))
        assert "CERTIFICATE_VERIFY_FAILED" in str(answer.why)
        assert receiver.posted == []


@contextmanager
def command(path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    monkeypatch.setenv("THEIR_SECRET", SECRET)
    started = [sys.executable, "-m", "service", "webhook", "--url", receiver.url, "--secret-env", "THEIR_SECRET", "--from-beginning"]
    with subprocess.Popen([*started, "--json", "--store", url_of(path), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sender:
        try:
            yield sender
        finally:
            sender.kill()


def test_a_sender_that_is_killed_loses_nothing_and_repeats_little(
    store: Any, path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [f"C-{number}" for number in range(30)]
    told(store, owing(*accounts), "2026-02-12")
    slow = threading.Event()

    def answer(_: Posted) -> int:
        if not slow.is_set():
            time.sleep(0.02)
        return 200

    receiver.answer = answer
    for many in (5, 28):
        with command(path, receiver, monkeypatch) as sender:
            until(lambda many=many: len(receiver.taken) >= many)  # type: ignore[misc]
            sender.kill()
        with store.writing(0) as writing:
            writing.rows("UPDATE leases SET until = 0 RETURNING 1")  # nobody waits here for it to run out
    slow.set()
    with command(path, receiver, monkeypatch, "--until-caught-up") as sender:
        out, err = sender.communicate(timeout=SECONDS_MAX)
    assert sender.returncode == 0, err
    assert read(out)["failed"] == 0
    once = list(dict.fromkeys(places(receiver.taken)))
    assert len(once) == 2 * len(accounts)
    for account in accounts:
        assert [place for place in once if place[0] == account] == [(account, 1), (account, 2)]
    assert len(receiver.posted) - len(once) <= 2 * AT_ONCE


def test_a_signal_ends_it_and_no_secret_is_in_what_it_says(store: Any, path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    told(store, owing("C-1"), "2026-02-12")
    monkeypatch.setenv("EXPOSURE_LOG_LEVEL", "debug")
    receiver.answer = lambda _: 500
    with command(path, receiver, monkeypatch) as sender:
        until(lambda: len(receiver.posted) >= 2)
        sender.send_signal(signal.SIGTERM)
        out, err = sender.communicate(timeout=SECONDS_MAX)
    assert (sender.returncode, read(out)["delivered"]) == (0, 0)
    first = read(err.splitlines()[0])
    assert (first["event"], first["why"], first["attempts"]) == ("undelivered", "HTTP 500", 1)
    assert SECRET.removeprefix("whsec_").encode() not in out + err
    assert b"to=credit" not in out + err


@pytest.mark.parametrize(
    ("url", "variable", "why"),
    [
        ("http://hooks.example.com/credit", "THEIR_SECRET", "https:// only"),
        ("https://me:word@hooks.example.com/", "THEIR_SECRET", "put no name and no password into it"),
        ("ftp://hooks.example.com/", "THEIR_SECRET", "that is no URL"),
        ("https://hooks.example.com/", "NO_SECRET", "NO_SECRET holds no secret"),
        ("https://hooks.example.com/", "SHORT_SECRET", "SHORT_SECRET holds no secret"),
    ],
)
def test_what_would_not_be_safe_is_refused_before_anything_is_sent(url: str, variable: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_SECRET", SECRET)
    monkeypatch.setenv("SHORT_SECRET", "whsec_c2hvcnQ=")
    said = exposure("webhook", "--url", url, "--secret-env", variable)
    assert (said.exit_code, why in said.err) == (2, True), said.err
    assert "c2hvcnQ" not in said.err


def test_without_the_beginning_a_new_subscription_begins_with_what_comes(store: Any, receiver: Receiver) -> None:
    told(store, owing("C-1"), "2026-02-12")
    sender = Sender(store, NAME, Endpoint(receiver.url, SECRET), Wanted(), lambda: at("2026-03-13"))
    sender.begin(from_beginning=False)
    told(store, [], "2026-03-13")
    sender.begin(from_beginning=True)
    assert sender.turn(threading.Event())
    assert places(receiver.taken) == [("C-1", 3)]
