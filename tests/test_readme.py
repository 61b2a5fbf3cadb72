"""The commands of the README and of its guide, typed as they stand there: what is said that they print is what they print.

A line ``$ …`` of a ```` ```console ```` block is run, with the lines of its here-document behind it; the lines up to the next one are its output,
in which ``…`` stands for anything (alone on a line: for any lines). All blocks are one story, page by page as the README lists them, in one folder
that holds what they name.
``$ make …`` has a block for itself and is not run: its targets have to be there, and the demo is asked what it prints.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.patience import SECONDS_MAX

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NEEDED = ["tests/contract_example.jsonl", "consumers/mappings/ibm-receivables.toml"]
"""What the README's commands read of the checkout."""
GUIDE = [ROOT / page for page in re.findall(r"\]\((service/guide/[\w-]+\.md)\)", README)]
STORY = "\n".join([README, *(page.read_text(encoding="utf-8") for page in GUIDE)])
FLOORS = ("schemas", "exposure", "projections", "consumers", "service")
PAGES = [ROOT / "README.md", *(page for floor in FLOORS for page in sorted((ROOT / floor).rglob("*.md")))]
MAPS = [ROOT / folder / "README.md" for folder in (*FLOORS, "exposure/rules", "exposure/ledger", "exposure/ledger/proof")]
"""Pages that name every file of their folders."""
HERE_DOCUMENT = re.compile(r"<<'(\w+)'$")


class Typed(NamedTuple):
    """A command of the README, and what it is said to print."""

    command: str
    output: str


def typed(text: str) -> list[Typed]:
    """Every command of the console blocks, in the order they stand."""
    found: list[Typed] = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if block.startswith("$ make "):
            command, _, output = block.removeprefix("$ ").partition("\n")
            found.append(Typed(command, output))
            continue
        lines = iter(block.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                found[-1] = Typed(found[-1].command, f"{found[-1].output}{line}\n")
                continue
            command = line.removeprefix("$ ")
            if end := HERE_DOCUMENT.search(command):
                for inner in lines:
                    command += f"\n{inner}"
                    if inner == end[1]:
                        break
            found.append(Typed(command, ""))
    return found


def matches(said: str, printed: str) -> bool:
    lines = [line.rstrip() for line in said.splitlines()]
    pattern = "".join(r"(.*\n)*?" if line == "…" else r"[^\n]*".join(map(re.escape, line.split("…"))) + r"\n" for line in lines)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())) is not None


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with what the README names, beside a folder with the command."""
    folder, command = tmp_path / "desk", tmp_path / "bin" / "exposure"
    for name in NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service "$@"\n')
    command.chmod(0o755)
    return folder


def printed(command: str, desk: Path) -> str:
    """What a command prints in a shell at the desk: output and messages as they come."""
    path = os.pathsep.join([str(desk.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")}
    at_the_desk = ours | {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=desk,
        env=at_the_desk,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS_MAX,
    )
    return done.stdout.decode()


def test_the_commands_print_what_is_said(desk: Path) -> None:
    story = [one for one in typed(STORY) if not one.command.startswith("make ")]
    assert len(story) > 10
    for command, said in story:
        got = printed(command, desk)
        assert matches(said, got), f"$ {command}\nis said to print\n{said}\nand prints\n{got}"


def test_the_readmes_make_commands_are_targets_of_the_makefile() -> None:
    named = [one.command.removeprefix("make ") for one in typed(README) if one.command.startswith("make ")]
    named += re.findall(r"`make ([\w-]+)`", README)
    assert {"demo", "test"} <= set(named) <= set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))


def test_the_demo_prints_what_the_readme_says(desk: Path) -> None:
    assert re.search(r"^demo:.*\n\t@\$\(RUN\) -m service demo$", MAKEFILE, re.MULTILINE)
    (said,) = [one.output for one in typed(README) if one.command == "make demo"]
    got = printed("exposure demo", desk)
    assert matches(said, got), got


def test_dots_stand_for_anything_and_nothing_else_does() -> None:
    assert matches("a … c\n…\nend\n", "a b c\nmore\nand more\nend \n")
    assert not matches("a … c\nend\n", "a b c\nmore\nend\n")
    assert not matches("a.c\n", "abc\n")


def test_every_page_of_the_guide_is_in_the_readmes_list() -> None:
    assert sorted(GUIDE) == sorted((ROOT / "service" / "guide").iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    told = page.read_text(encoding="utf-8")
    named = {*re.findall(r"`([\w./-]+\.py|[\w./-]+/)`", told), *re.findall(r"\]\(([^)#:]+)\)", told)}
    absent = {name for name in named if not any((place / name).exists() for place in (ROOT, page.parent))}
    assert not absent, f"{page} names {absent}"


@pytest.mark.parametrize("page", MAPS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_map_names_every_file(page: Path) -> None:
    told = page.read_text(encoding="utf-8")
    assert {one.name for one in page.parent.glob("*.py") if not one.name.startswith("__") and f"`{one.name}`" not in told} == set()
