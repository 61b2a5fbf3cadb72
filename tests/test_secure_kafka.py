"""A broker that asks for TLS and a login, or for a certificate: our commands work with it, and say in a line why where it does not let us in."""

import os
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kafka import KafkaAdminClient
from kafka.admin import UserScramCredentialUpsertion

from tests.broker import Topics
from tests.certificates import HOST, Authority, Identity
from tests.command import Said, ran
from tests.letters import invoice
from tests.outgoing import LETTERS, arrived
from tests.services import fresh_prefix, killable
from tests.stores import url_of

PORTS = range(30_000, 32_700)
"""Neither those that the scripts choose from nor those that the system gives to outgoing connections."""
USER, PLAIN_WORD, SCRAM_WORD, KEY_WORD, WRONG_WORD = "engine", "plain-word", "scram-word", "key-word", "wrong-word"
PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller_port}},LOGIN://{login},CERTIFICATE://{certificate}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},LOGIN://{login},CERTIFICATE://{certificate}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,CERTIFICATE:SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.certificate.ssl.client.auth=required
listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{plain_word}";
listener.name.login.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


class Secured(NamedTuple):
    """Where the broker asks for a login, and where for a certificate; ``open`` is where it asks for nothing, for the test alone."""

    open: str
    login: str
    certificate: str
    authority: Path
    stranger: Path
    client: Identity
    unknown: Identity

    def ways(self) -> dict[str, dict[str, str]]:
        """How one gets in, in the settings' words."""
        trusting = {"SSL_CAFILE": str(self.authority)}
        login = {"BOOTSTRAP": self.login, "SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": USER} | trusting
        client = {"SSL_CERTFILE": str(self.client.certificate), "SSL_KEYFILE": str(self.client.key), "SSL_PASSWORD": KEY_WORD}
        return {
            "PLAIN": {**login, "SASL_MECHANISM": "PLAIN", "SASL_PASSWORD": PLAIN_WORD},
            "SCRAM-SHA-512": {**login, "SASL_MECHANISM": "SCRAM-SHA-512", "SASL_PASSWORD": SCRAM_WORD},
            "certificate": {"BOOTSTRAP": self.certificate, "SECURITY_PROTOCOL": "SSL"} | trusting | client,
        }


def is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server((HOST, port)):
        return True
    return False


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("certificates")
    ours, strangers = Authority(folder, "authority"), Authority(folder, "stranger")
    server, keystore = ours.identity("server"), folder / "keystore.pem"
    keystore.write_bytes(server.key.read_bytes() + server.certificate.read_bytes())
    login, certificate = [f"{HOST}:{port}" for port in random.sample(PORTS, len(PORTS)) if is_free(port)][:2]
    further = PROPERTIES.format(
        login=login, certificate=certificate, keystore=keystore, truststore=ours.certificate, user=USER, plain_word=PLAIN_WORD
    )
    with killable("kafka", further) as broker:
        open_ = broker.start()
        with KafkaAdminClient(bootstrap_servers=open_) as admin:
            admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, "SCRAM-SHA-512", SCRAM_WORD)])
        client, unknown = ours.identity("client", KEY_WORD), strangers.identity("unknown")
        yield Secured(open_, login, certificate, ours.certificate, strangers.certificate, client, unknown)


def said_by(way: dict[str, str], *words: str, prefix: str = "") -> Said:
    """What a command says that knows of Kafka what ``way`` says and nothing else."""
    others = {name: value for name, value in os.environ.items() if "KAFKA" not in name}
    told = {f"EXPOSURE_KAFKA_{name}": value for name, value in way.items()}
    told |= {"EXPOSURE_KAFKA_PREFIX": prefix, "EXPOSURE_KAFKA_GROUP": f"{prefix}group", "EXPOSURE_LOG": "json", "EXPOSURE_LOG_LEVEL": "debug"}
    said = ran(list(words), others | told)
    assert not [word for word in (PLAIN_WORD, SCRAM_WORD, KEY_WORD, WRONG_WORD) if word in said.out + said.err], "a password is nowhere told"
    return said


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512", "certificate"])
def test_who_is_let_in_makes_topics_sends_takes_and_buries(secured: Secured, tmp_path: Path, way: str) -> None:
    told, prefix, store = secured.ways()[way], fresh_prefix(), url_of(tmp_path / "exposure.db")
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\n".join([invoice("I-1"), invoice("I-2", amount="-1.00")]) + b"\n")
    made = said_by(told, "topics", "create", "--partitions", "1", "--json", prefix=prefix)
    assert {topic["state"] for topic in made.json["topics"]} == {"created"}
    assert said_by(told, "produce", str(events), "--json", prefix=prefix).json["sent"] == 2
    taken = said_by(told, "consume", "--until-caught-up", "--no-relay", "--json", "--store", store, prefix=prefix)
    assert (taken.exit_code, taken.json["recorded"], taken.json["dead_letters"]) == (0, 1, 1), taken.err
    assert said_by(told, "relay", "--until-empty", "--json", "--store", store, prefix=prefix).json["sent"] > 0
    (letter,) = [record for records in arrived(Topics(secured.open, prefix), LETTERS).values() for record in records]
    assert letter.value == invoice("I-2", amount="-1.00")


@pytest.fixture(scope="module")
def refused(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """What commands say that are not let in, all at once: each has the client try for some seconds."""
    ways, listing = secured.ways(), ("topics", "list", "--json")
    plain, scram, certificate = ways["PLAIN"], ways["SCRAM-SHA-512"], ways["certificate"]
    untrusting = {name: value for name, value in plain.items() if name != "SSL_CAFILE"}
    nameless = {name: value for name, value in certificate.items() if name == "SSL_CAFILE" or "SSL_" not in name}
    unknown = {**nameless, "SSL_CERTFILE": str(secured.unknown.certificate), "SSL_KEYFILE": str(secured.unknown.key)}
    store = url_of(tmp_path_factory.mktemp("refused") / "exposure.db")
    consuming = ("consume", "--until-caught-up", "--json", "--store", store)
    asking: dict[str, tuple[Any, ...]] = {
        "wrong PLAIN password": ({**plain, "SASL_PASSWORD": WRONG_WORD}, *listing),
        "wrong SCRAM password": ({**scram, "SASL_PASSWORD": WRONG_WORD}, *consuming),
        "unknown mechanism": ({**plain, "SASL_MECHANISM": "SCRAM-SHA-256"}, *listing),
        "no authority": (untrusting, *listing),
        "another authority": ({**plain, "SSL_CAFILE": str(secured.stranger)}, *listing),
        "missing file": ({**plain, "SSL_CAFILE": "/nowhere/ca.pem"}, *listing),
        "no TLS": ({"BOOTSTRAP": secured.login}, *listing),
        "no certificate": (nameless, *listing),
        "unknown certificate": (unknown, *listing),
        "wrong key password": ({**certificate, "SSL_PASSWORD": WRONG_WORD}, *listing),
        "no key password": ({name: value for name, value in certificate.items() if name != "SSL_PASSWORD"}, *listing),
    }
    with ThreadPoolExecutor(len(asking)) as at_once:
        return dict(zip(asking, at_once.map(lambda one: said_by(*one), asking.values()), strict=True))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("wrong PLAIN password", "Invalid username or password (EXPOSURE_KAFKA_SASL_USERNAME, _SASL_PASSWORD)"),
        ("wrong SCRAM password", "invalid credentials with SASL mechanism SCRAM-SHA-512 (EXPOSURE_KAFKA_SASL_USERNAME, _SASL_PASSWORD)"),
        ("unknown mechanism", "it knows no login by SCRAM-SHA-256 (EXPOSURE_KAFKA_SASL_MECHANISM), but by PLAIN, SCRAM-SHA-512"),
        ("no authority", "its certificate is not trusted (EXPOSURE_KAFKA_SSL_CAFILE)"),
        ("another authority", "its certificate is not trusted (EXPOSURE_KAFKA_SSL_CAFILE)"),
        ("missing file", "/nowhere/ca.pem (EXPOSURE_KAFKA_SSL_CAFILE) can not be used: No such file or directory"),
        ("no TLS", "does it ask for TLS (EXPOSURE_KAFKA_SECURITY_PROTOCOL)"),
        ("no certificate", "does it ask for a certificate that it trusts (EXPOSURE_KAFKA_SSL_CERTFILE)"),
        ("unknown certificate", "does it ask for a certificate that it trusts (EXPOSURE_KAFKA_SSL_CERTFILE)"),
        ("wrong key password", "(EXPOSURE_KAFKA_SSL_CERTFILE, _SSL_KEYFILE, _SSL_PASSWORD) can not be used"),
        ("no key password", "(EXPOSURE_KAFKA_SSL_CERTFILE, _SSL_KEYFILE, _SSL_PASSWORD) can not be used"),
    ],
)
def test_who_is_not_let_in_is_told_why_in_a_line(refused: dict[str, Said], what: str, why: str) -> None:
    said = refused[what]
    assert (said.exit_code, said.json["error"]["code"]) == (1, "kafka_refuses")
    assert why in said.json["error"]["message"]
    assert "\n" not in said.json["error"]["message"]


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "EXPOSURE_KAFKA_SECURITY_PROTOCOL"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": USER, "SASL_PASSWORD": PLAIN_WORD}, "EXPOSURE_KAFKA_SASL_MECHANISM"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "PLAIN", "SASL_USERNAME": USER}, "_SASL_PASSWORD"),
    ],
)
def test_settings_that_can_not_be_meant_are_wrong_usage_and_nobody_is_asked(way: dict[str, str], why: str) -> None:
    said = said_by(way, "topics", "list", "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (2, "usage")
    assert why in said.json["error"]["message"]
