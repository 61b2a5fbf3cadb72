"""The demo says what it runs, and its store, a SQLite file always, can be kept and asked."""

from pathlib import Path

from tests.command import exposure


def test_the_demo_says_its_commands_and_leaves_its_store_where_it_is_told_to(tmp_path: Path) -> None:
    said = exposure("demo", "--events", "400", "--keep", tmp_path / "kept here")
    assert said.exit_code == 0, said.err
    assert said.out.count("$ exposure --store sqlite:///demo.db") == 8
    assert said.out.rstrip().splitlines()[-1].startswith("$ cd ")
    assert max(len(line) for line in said.out.splitlines()[:-2] if not line.startswith("$")) <= 100
    assert exposure("status", "--json", store=tmp_path / "kept here" / "demo.db").json["events"] > 400, "its alerts are events too"
    again = exposure("demo", "--keep", tmp_path / "kept here")
    assert (again.exit_code, "has a demo already" in again.err) == (1, True)
