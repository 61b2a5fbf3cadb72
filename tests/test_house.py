"""The rules of the house, as tests: who imports whom, one file per outside thing, small files, words of the field."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import iso4217
import pytest

from schemas.currencies import DECIMALS
from service.shown.output import printer

ROOT = Path(__file__).parents[1]
FLOORS = ["schemas", "exposure", "projections", "consumers", "service"]
"""From the ground up: a floor looks down, never up."""
ALONE = {
    "orjson": {"schemas/jsontext.py"},
    "json": {"schemas/jsontext.py", "service/standalone"},
    "eventsourcing": {
        *(f"exposure/ledger/{part}.py" for part in ("folding", "ledger", "stores/postgres", "stores/sqlite", "writing")),
        "service/cli.py",
    },
    "psycopg": {"exposure/ledger/stores/postgres.py", "exposure/ledger/stores/schema.py"},
    "kafka": {"consumers/broker"},
    "standardwebhooks": {"consumers/webhook.py"},
    "zoneinfo": {"exposure/rules/terms.py", "schemas/inbound.py"},
    "cryptography": {"exposure/ledger/keys.py"},
    "jinja2": {"service/shown/pages.py"},
    "typst": {"service/shown/typesetting.py"},
    "alembic": {"exposure/ledger/stores/schema.py", "exposure/ledger/stores/migrations"},
    "sqlalchemy": {"exposure/ledger/stores/schema.py", "exposure/ledger/stores/migrations"},
    "pydantic_settings": {"service/settings.py"},
}
"""Outside things, and the only files (or folders) that may know them."""
PURE = [
    "exposure.rules.evolve",
    "exposure.judgement",
    "exposure.figures",
    "exposure.items",
    "exposure.findings",
    "exposure.decisions",
    "exposure.groups",
    "exposure.seen",
    "exposure.approvals",
    "exposure.contention",
    "exposure.measures",
    "exposure.payments",
    "exposure.alerts",
    "exposure.classes",
    "exposure.concentration",
    "exposure.judging",
    "exposure.ahead",
    "exposure.promises",
    "exposure.merkle",
    "exposure.interest",
    "exposure.dunning",
    "exposure.bridge",
]
HEAVY = {"pydantic", "pydantic_core", "eventsourcing", "orjson", "kafka", "confluent_kafka", "sqlite3", "sqlalchemy", "json", "logging"}
RULES_READ = {f"schemas{name}" for name in ("", ".facts", ".amends", ".amounts", ".currencies", ".dunning", ".measures", ".policies", ".portfolio")}
CLOCKS = re.compile(r"\b(time\.time|perf_counter|datetime\.now|utcnow|date\.today|monotonic)\b")
LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LONG_FILES = {
    "tests/test_receivables.py": "one story from cell to event, one test a rule of it",
    "tests/test_rules.py": "the laws by hand, one example after the other",
    "tests/histories.py": "one generator: every part of a history draws on the others",
}
LONG_FUNCTIONS = {"exposure/ledger/stores/migrations/versions/0001_first.py:upgrade": "a list of tables"}
NO_NAMES = re.compile(r"(manager|handler|processor|helper|(?<![a-z])utils?(?![a-z])|(?<![a-z])misc(?![a-z]))", re.IGNORECASE)


def files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def place(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> Iterator[str]:
    """Every module a file imports, those inside functions too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(file)} imports relatively"
            yield node.module or ""


def floor(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("file", files(*FLOORS), ids=place)
def test_a_floor_looks_down_never_up(file: Path) -> None:
    here = FLOORS.index(place(file).partition("/")[0])
    up = [module for module in imported(file) if floor(module) in FLOORS and FLOORS.index(floor(module)) > here]
    assert not up, f"{place(file)} imports {up} from above"
    assert "tests" not in {floor(module) for module in imported(file)}


@pytest.mark.parametrize("thing", ALONE)
def test_an_outside_thing_is_known_in_one_place(thing: str) -> None:
    knowing = {place(file) for file in files(*FLOORS) if thing in {floor(module) for module in imported(file)}}
    strangers = {file for file in knowing if not any(file == known or file.startswith(f"{known}/") for known in ALONE[thing])}
    assert not strangers


def test_only_the_settings_read_the_environment() -> None:
    reading = re.compile(r"\b(environ|getenv|environb|dotenv)\b")
    assert {place(file) for file in files(*FLOORS) if reading.search(file.read_text(encoding="utf-8"))} <= {"service/settings.py"}


def test_the_rules_read_no_clock_and_nothing_but_plain_data() -> None:
    for file in [*files("exposure/rules"), *(ROOT / f"{module.replace('.', '/')}.py" for module in PURE)]:
        assert not CLOCKS.search(file.read_text(encoding="utf-8")), f"{place(file)} asks for the time"
        mine = {module for module in imported(file) if floor(module) in FLOORS}
        assert {module for module in mine if floor(module) == "schemas"} <= RULES_READ
        others = {module for module in mine if floor(module) == "exposure" and not f"{module}.".startswith("exposure.rules.")}
        told = ("judgement", "figures", "items", "findings", "decisions", "groups", "alerts", "classes", "interest", "payments", "concentration")
        assert others <= {f"exposure.{name}" for name in told}
        outside = {floor(module) for module in imported(file)} - set(FLOORS)
        assert outside <= sys.stdlib_module_names, f"{place(file)} needs {outside - sys.stdlib_module_names}"


def test_the_rules_load_no_library() -> None:
    code = f"import sys, {', '.join(PURE)}; print(*sys.modules)"
    paths = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | paths, capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert not HEAVY & loaded - {"logging", "json"}
    assert {module for module in loaded if floor(module) == "schemas"} <= RULES_READ


def test_what_prints_for_people_is_there_by_the_name_it_is_called_by() -> None:
    """The command line loads it by its name, only where people read."""
    names = re.findall(r'print(?:er|ed_by)\("([\w.]+)"', (ROOT / "service" / "shown" / "output.py").read_text(encoding="utf-8"))
    assert len(names) > 30
    for name in names:
        assert callable(printer(name))


@pytest.mark.parametrize("helps", ["service.asking.sharing", "exposure.ledger.proof.verify, service.store"])
def test_a_process_that_helps_another_loads_only_what_it_needs(helps: str) -> None:
    """It can not begin before it has."""
    code = f"import sys, {helps}, exposure.ledger.stores.sqlite; print(*sys.modules)"
    paths = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    loaded = subprocess.run([sys.executable, "-c", code], env=os.environ | paths, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert not {"pydantic", "typer", "rich", "sqlalchemy", "kafka", "psycopg", "structlog"} & set(loaded)


def test_nobody_else_owns_our_names() -> None:
    owners = metadata.packages_distributions()
    for name in FLOORS:
        assert set(owners.get(name, [])) <= {"exposure-engine", "exposure_engine"}, f"another distribution has {name}"
    for name in (*FLOORS, "tests"):
        assert name not in sys.stdlib_module_names


def test_the_currencies_are_those_of_iso_4217() -> None:
    assert {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None} == DECIMALS


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_files_and_functions_are_small() -> None:
    every = files(*FLOORS, "tests")
    long_files = {place(file) for file in every if len(file.read_text(encoding="utf-8").splitlines()) > LINES_MAX}
    long_functions = {
        f"{place(file)}:{node.name}" for file in every for node in functions(file) if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    }
    assert long_files <= LONG_FILES.keys()
    assert long_functions <= LONG_FUNCTIONS.keys()


def test_names_are_words_of_the_field() -> None:
    named = [(place(file), node.name) for file in files(*FLOORS, "tests") for node in ast.walk(tree(file)) if isinstance(node, ast.ClassDef)]
    named += [(place(file), part) for file in files(*FLOORS, "tests") for part in file.relative_to(ROOT).with_suffix("").parts]
    assert not [(file, name) for file, name in named if NO_NAMES.search(name)]


@pytest.mark.parametrize("file", files(*FLOORS), ids=place)
def test_a_file_says_in_a_sentence_what_it_is(file: Path) -> None:
    assert ast.get_docstring(tree(file)), f"{place(file)} has no docstring"
