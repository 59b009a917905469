"""Every kind of broken input, through the command line: what is said, what stays in the lake, and that the fix helps."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from broken_inputs.catalogue import CATALOGUE
from broken_inputs.kinds import Counts, Kind
from broken_inputs.place import PERSON, SECRET, Place, good

from headrace.ingest import landing
from headrace.lake.lake import Lake

from .command import COMMAND, Said, call, environment

KINDS = [kind for group in CATALOGUE.values() for kind in group]
_MEGABYTE = 1 << 20
_INGESTED = re.compile(r"^done     ingest:orders +[\d.]+ s  (.*)$", re.MULTILINE)


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing but the ledger was made yet, which takes a while. For reading only."""
    place = Place(tmp_path_factory.mktemp("begun") / "shop", {}.__getitem__)
    good(place)
    place.write("orders.csv", "")
    assert run(place).code == 1
    assert not lake_files(place)
    return place.folder / ".headrace"


@pytest.fixture(scope="session")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home after a run in which everything was as it should be. For reading only."""
    place = Place(tmp_path_factory.mktemp("whole") / "shop", {}.__getitem__)
    good(place)
    assert run(place).code == 0
    return place.folder / ".headrace"


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    # Servers that are away are asked again as often as ever, but nobody waits in between.
    monkeypatch.setattr(landing, "_WAITS_SECONDS", (0.0,) * len(landing._WAITS_SECONDS))  # no test should wait them out
    place = Place(tmp_path / "shop", request.getfixturevalue)
    good(place)
    return place


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what.replace(" ", "-"))
def test_what_becomes_of(kind: Kind, place: Place, begun: Path, completed: Path) -> None:
    shutil.copytree(completed if kind.before is good else begun, place.folder / ".headrace")
    if kind.before not in (None, good):
        kind.before(place)
        assert run(place).code == 0
    kind.breaks(place)
    before = lake_files(place)
    said = run(place)
    assert words(said, place) == kind.says
    assert said.code == kind.code
    if kind.counts is None:
        assert lake_files(place) == before, "nothing is written"
    else:
        assert counts(place) == kind.counts
        assert reasons(place) == kind.reasons if kind.counts.quarantined else not kind.reasons
        assert kind.keeps in ids(place)
    kind.mends(place)
    again = run(place)
    assert again.code == 0, again.err
    assert counts(place) == kind.mended


@pytest.mark.skipif("TEST_HUGE" not in os.environ, reason="writes a gigabyte; set TEST_HUGE=1")
def test_a_line_of_a_gigabyte_is_named_and_not_held_in_memory(place: Place) -> None:
    with (place.folder / "orders.csv").open("ab") as file:
        for _ in range(1024):
            file.write(b"x" * _MEGABYTE)
    project, told = place.folder / "project.py", place.folder / "told.txt"
    opened = [(os.POSIX_SPAWN_OPEN, 2, str(told), os.O_WRONLY | os.O_CREAT, 0o600)]
    child = os.posix_spawn(COMMAND[0], [*COMMAND, "run", "--project", str(project)], environment(), file_actions=opened)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert "line 42 of orders.csv is longer than 4 MB" in place.plain(told.read_text(encoding="utf-8"))
    assert used.ru_maxrss * 1024 < 400 * _MEGABYTE


def run(place: Place) -> Said:
    """Run the project. Whatever happens, nobody's address and no secret is told or kept in what is told later."""
    said = call(place.folder, "run", **place.environment)
    for told in (said.out, said.err, told_later(place)):
        assert PERSON not in told
        assert SECRET not in told
    return said


def told_later(place: Place) -> str:
    """Return what the ledger keeps, as it is written there."""
    ledger = place.folder / ".headrace" / "ledger.db"
    return "".join(path.read_text("latin-1") for path in ledger.parent.glob("ledger.db*"))


def words(said: Said, place: Place) -> str:
    """Return the error without the list of what was not run, or what the ingest step said."""
    if said.code == 0:
        return place.plain("\n".join(_INGESTED.findall(said.err)))
    return place.plain(said.err[said.err.index("error: ") + len("error: ") :].partition("\n  Not run, because")[0].strip())


def counts(place: Place) -> Counts:
    """Return what the table has by its newest version."""
    said = call(place.folder, "status", "--json", **place.environment)
    (table,) = json.loads(said.out)["tables"]
    return Counts(table["rows"], table["quarantined"], table["duplicates"])


def reasons(place: Place) -> tuple[str, ...]:
    """Return what is told of the rows that were set aside the last time."""
    rows = Lake(place.folder / ".headrace", "shop").tables.scan("orders/quarantine").collect()
    assert not any(PERSON in row for row in rows["_row"])
    return tuple(rows["_reason"].unique(maintain_order=True))


def ids(place: Place) -> list[str | None]:
    """Return the ids of the orders that were accepted the last time, and None for none in particular."""
    return [None, *Lake(place.folder / ".headrace", "shop").tables.scan("orders").collect()["order_id"]]


def lake_files(place: Place) -> dict[Path, bytes]:
    """Return all that is in the project's tables and in the folder of what is being worked on, byte by byte."""
    home = place.folder / ".headrace"
    return {path: path.read_bytes() for part in ("lake/shop", "scratch") for path in (home / part).rglob("*") if path.is_file()}
