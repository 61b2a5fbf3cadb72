"""The files for containers: valid by the Compose Specification, and the same versions, ports, topics and settings as the scripts and the code.

No Docker engine runs them here. What can run without one does: Apache Kafka's own program for its image, the image's health check, our commands.
"""

import os
import re
import runpy
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import psycopg
import pytest
import typer
import yaml
from jsonschema import Draft202012Validator

from schemas.jsontext import read
from schemas.topics import PARTITIONS
from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"
SPECIFICATION = read((ROOT / "tests" / "specs" / "compose-spec.json").read_bytes())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
CONSUMERS = ["consumer-1", "consumer-2"]
ONCE = ["topics", "producer"]
OF_KAFKAS_IMAGE = {"CLUSTER_ID", "KAFKA_HEAP_OPTS"}
"""Its variables that are no property of the server."""
ADDRESSES = {
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "log.dirs",
}
"""Properties that say where things are: there other containers ask too, here nobody but this machine does."""
LIBPQ = {"PGPASSWORD"}


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a script defines, without running it."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return runpy.run_path(str(SCRIPTS / name))


def properties(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def known_settings() -> set[str]:
    """Every variable that our settings read."""
    names = set()
    for name, field in Settings.model_fields.items():
        aliases = getattr(field.validation_alias, "choices", None)
        names |= {str(alias) for alias in aliases} if aliases else {f"{Settings.model_config['env_prefix']}{name}".upper()}
    return names


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their words, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, words) for name, _, words in (line.partition(" ") for line in lines)]


def normal(requirement: str) -> str:
    """The name of a distribution, without its extras and versions, as the locks spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {normal(line): line for line in lines if "==" in line}


def told(instruction: str) -> list[str]:
    return [words for name, words in instructions() if name == instruction]


def variables_of_image() -> dict[str, str]:
    return dict(word.split("=", 1) for words in told("ENV") for word in words.split())


def command_lines() -> list[list[str]]:
    """All that the containers run of ours, as words behind `exposure`."""
    lines = []
    for name in [*CONSUMERS, *ONCE]:
        service = SERVICES[name]
        if "entrypoint" not in service:
            lines.append(service["command"])
            continue
        assert service["entrypoint"] == ["sh", "-euc"]
        for line in service["command"][0].splitlines():
            ours, *words = line.split()
            assert ours == "exposure"
            lines.append(words)
    return lines


def test_the_compose_file_is_valid_by_the_specification() -> None:
    assert [error.message for error in Draft202012Validator(SPECIFICATION).iter_errors(COMPOSE)] == []


@pytest.mark.parametrize(("part", "value"), [("depends_on", {"kafka": {"condition": "ready"}}), ("restart", 1), ("port", ["9092:9092"])])
def test_a_compose_file_that_is_none_is_found_out(part: str, value: object) -> None:
    broken = COMPOSE | {"services": SERVICES | {"topics": SERVICES["topics"] | {part: value}}}
    assert not Draft202012Validator(SPECIFICATION).is_valid(broken)


def test_kafka_is_of_the_version_that_the_tests_run_on() -> None:
    artifacts = ElementTree.parse(SCRIPTS / "kafka.xml").iterfind(".//{*}dependency")
    versions = {artifact.findtext("{*}artifactId"): artifact.findtext("{*}version") for artifact in artifacts}
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{versions['kafka_2.13']}"


def test_postgresql_is_of_the_version_that_the_tests_run_on(postgresql_server: str) -> None:
    with psycopg.connect(postgresql_server) as connection:
        major = connection.info.server_version // 10_000
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{major}.")


def test_kafkas_image_makes_of_its_variables_what_the_script_sets(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the image's own program, which also makes the log: it refuses what it can not start with."""
    scripted = script("kafka", monkeypatch)
    if not scripted["LIBS"].exists():
        pytest.skip(f"Kafka at {kafka} is not of our jars")
    shipped, mounted, made = (tmp_path / name for name in ("shipped", "mounted", "made"))
    for folder in (shipped, mounted, made):
        folder.mkdir()
    (shipped / "server.properties").touch()
    for name in ("log4j2.yaml", "tools-log4j2.yaml"):
        (shipped / name).write_text("Configuration:\n  Loggers:\n    Root:\n      level: WARN\n")
    environment = SERVICES["kafka"]["environment"]
    java = ["java", environment["KAFKA_HEAP_OPTS"], "-cp", f"{scripted['LIBS']}/*", "kafka.docker.KafkaDockerWrapper", "setup"]
    ran = subprocess.run(
        [*java, "-D", str(shipped), "-M", str(mounted), "-F", str(made)],
        env={"PATH": os.environ["PATH"]} | environment | {"KAFKA_LOG_DIRS": str(tmp_path / "log")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert properties((tmp_path / "log" / "meta.properties").read_text())["cluster.id"] == environment["CLUSTER_ID"]
    there, here = (properties(text) for text in ((made / "server.properties").read_text(), scripted["PROPERTIES"]))
    assert {name: value for name, value in there.items() if name not in ADDRESSES} == {
        name: value for name, value in here.items() if name not in ADDRESSES
    }


def test_kafkas_log_is_where_its_volume_is() -> None:
    assert SERVICES["kafka"]["volumes"] == [f"kafka:{SERVICES['kafka']['environment']['KAFKA_LOG_DIRS']}"]
    assert COMPOSE["volumes"].keys() == {"kafka", "postgres"}


def test_kafka_has_as_much_memory_as_by_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SERVICES["kafka"]["environment"]["KAFKA_HEAP_OPTS"] == script("kafka", monkeypatch)["HEAP"]


def test_postgresql_is_set_as_by_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted, there = script("postgres", monkeypatch), SERVICES["postgres"]
    assert there["environment"]["POSTGRES_INITDB_ARGS"].split() == scripted["CLUSTER"]
    assert (there["environment"]["POSTGRES_USER"], there["environment"]["POSTGRES_DB"]) == (scripted["ROLE"], scripted["DATABASE"])
    program, *words = there["command"]
    assert (program, set(words[::2])) == ("postgres", {"-c"})
    elsewhere = {"listen_addresses", "unix_socket_directories"}
    assert dict(word.split("=") for word in words[1::2]) == {name: value for name, value in scripted["SETTINGS"].items() if name not in elsewhere}


def test_the_topics_have_as_many_partitions_as_the_code_gives_them() -> None:
    assert SERVICES["topics"]["command"] == ["topics", "create", "--partitions", str(PARTITIONS)]


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_what_a_container_runs_is_a_command_of_ours(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "resolve_command"):
        context = command.make_context("exposure", rest)
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert name
    command.make_context(command.name, rest)


def test_every_variable_is_one_that_is_read() -> None:
    ours = {name for service in [*CONSUMERS, *ONCE] for name in SERVICES[service]["environment"]} | {
        name for name in variables_of_image() if name.startswith("EXPOSURE_")
    }
    assert ours - LIBPQ <= known_settings()
    assert all(name.startswith("KAFKA_") or name in OF_KAFKAS_IMAGE for name in SERVICES["kafka"]["environment"])
    assert SERVICES["postgres"]["environment"].keys() == {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"}


def test_kafka_and_the_store_are_where_the_engine_looks_for_them() -> None:
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    advertised = {name: address for name, _, address in (one.partition("://") for one in listeners)}
    database = SERVICES["postgres"]["environment"]
    for name in [*CONSUMERS, *ONCE]:
        environment = SERVICES[name]["environment"]
        assert environment["EXPOSURE_KAFKA_BOOTSTRAP"] == advertised["PLAINTEXT"]
        store = urlsplit(environment["EXPOSURE_STORE"])
        assert (store.scheme, store.hostname, store.username, store.path) == (
            "postgresql",
            "postgres",
            database["POSTGRES_USER"],
            f"/{database['POSTGRES_DB']}",
        )
        assert environment["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
    assert advertised["HOST"] == Settings.model_fields["kafka_bootstrap"].default
    assert SERVICES["kafka"]["ports"] == [f"{advertised['HOST']}:9092"]


def test_the_password_comes_from_outside_and_its_default_says_what_it_is_for() -> None:
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"] == "${EXPOSURE_DATABASE_PASSWORD:-for-development-only}"
    assert "for-development-only" not in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_port_is_open_on_this_machine_alone_and_once() -> None:
    published = [port.split(":") for service in SERVICES.values() for port in service.get("ports", [])]
    assert {address for address, _, _ in published} == {"127.0.0.1"}
    assert len({outside for _, outside, _ in published}) == len(published)


def test_the_consumers_are_two_members_of_one_group_and_watched() -> None:
    environments = [SERVICES[name]["environment"] for name in CONSUMERS]
    assert {one["EXPOSURE_KAFKA_GROUP"] for one in environments} == {Settings.model_fields["kafka_group"].default}
    assert [one["EXPOSURE_KAFKA_MEMBER"] for one in environments] == CONSUMERS
    for name in CONSUMERS:
        assert SERVICES[name]["environment"]["EXPOSURE_HTTP"] == variables_of_image()["EXPOSURE_HTTP"]
        (port,) = SERVICES[name]["ports"]
        assert port.rpartition(":")[2] == variables_of_image()["EXPOSURE_HTTP"].rpartition(":")[2] == told("EXPOSE")[0]


def test_a_consumer_begins_when_all_it_needs_is_there_and_has_time_to_stop() -> None:
    needed = {"postgres": "service_healthy", "kafka": "service_healthy", "topics": "service_completed_successfully"}
    for name in CONSUMERS:
        service = SERVICES[name]
        assert {on: how["condition"] for on, how in service["depends_on"].items()} == needed
        assert service["restart"] == "unless-stopped"
        assert float(service["stop_grace_period"].removesuffix("s")) > Settings.model_fields["kafka_stall_seconds"].default
    assert all(SERVICES[name]["restart"] == "no" for name in ONCE)
    assert all("healthcheck" in SERVICES[name] for name in ("kafka", "postgres"))


def test_the_engine_has_no_rights_that_it_does_not_need() -> None:
    for name in [*CONSUMERS, *ONCE]:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
        assert (service["build"], service["pull_policy"]) == (".", "build")
        assert not {"privileged", "user", "volumes"} & service.keys()


def test_every_image_is_of_one_version() -> None:
    bases = {words.partition(" ")[0] for words in told("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases.pop())
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-\w+)?", service["image"])


def test_the_image_runs_as_nobody_in_particular() -> None:
    names = [name for name, _ in instructions()]
    assert told("USER") == ["10001:10001"]
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])
    assert told("ENTRYPOINT") == ['["exposure"]']


def test_the_image_is_made_of_our_packages_and_the_locks_alone() -> None:
    copied = [word for words in told("COPY") if not words.startswith("--from=") for word in words.split()[:-1]]
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(copied) == sorted([*packages, "pyproject.toml", "README.md", "requirements.lock", "requirements-run.lock"])
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert sorted(line.removeprefix("!") for line in ignored if line.startswith("!")) == sorted(copied)
    assert "*" in ignored
    assert not told("ADD") + told("ARG")


def test_what_the_image_installs_has_a_hash_and_needs_no_compiler() -> None:
    runs = "\n".join(told("RUN"))
    for install in re.findall(r"pip (?:--python \S+ )?install [^&\n]*", runs):
        assert "--require-hashes --only-binary :all: -r " in install or "--no-deps --no-index /wheel/" in install
    assert not re.search(r"apt|gcc|build-essential|curl|wget", runs)


def test_the_image_installs_what_the_engine_needs_and_nothing_else() -> None:
    run, dev = (locked(name) for name in ("requirements-run.lock", "requirements.lock"))
    assert run.items() <= dev.items()
    assert {normal(name) for name in PROJECT["project"]["dependencies"]} <= run.keys()
    assert not {normal(name) for name in PROJECT["project"]["optional-dependencies"]["dev"]} & run.keys()


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
def test_the_image_asks_the_consumer_whether_it_lives(status: int, exit_code: int) -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    program, *words = read(told("HEALTHCHECK")[0].partition("CMD ")[2].encode())
    address = f"127.0.0.1:{variables_of_image()['EXPOSURE_HTTP'].rpartition(':')[2]}"
    assert program == "python"
    assert address in words[-1]
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = [word.replace(address, f"127.0.0.1:{server.server_port}") for word in words]
        ran = subprocess.run([sys.executable, *here], capture_output=True)
        server.shutdown()
    assert (asked, ran.returncode) == (["/healthz"], exit_code)
