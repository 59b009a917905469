"""What start-up must not load. How long it takes is measured in `benchmarks/startup.py`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "polars",
    "numpy",
    "scipy",
    "sklearn",
    "lightgbm",
    "sqlalchemy",
    "alembic",
    "dbos",
    "deltalake",
    "pyarrow",
    "optuna",
    "uvicorn",
    "cryptography",
    "urllib3",
}


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import headrace",
        "import headrace as hr\nhr.Events, hr.col, hr.window, hr.REST, hr.paging.page, hr.gate.beats, hr.split.by_time, hr.Project",
        "import contextlib, headrace.cli.main as m\nwith contextlib.suppress(SystemExit):\n    m.app(['--help'])",
    ],
)
def test_start_up_loads_no_engine(code: str) -> None:
    assert not loaded_by(code) & HEAVY


_RUN = """
from headrace.core.clock import SystemClock
from headrace.engine.execution import ExecuteOptions, execute
from headrace.engine.graph import Graph, Step
from headrace.ledger import memo, runs
from headrace.ledger.store import Ledger

class Kept:
    def find(self, fingerprint):
        with ledger.read() as session:
            return memo.find(session, fingerprint)

    def save(self, fingerprint, name, output):
        with ledger.write("ana", "memo.save") as session:
            memo.save(session, fingerprint, name, output)

with Ledger.open({ledger!r}, SystemClock()) as ledger:
    with ledger.write("ana", "run.start") as session:
        run = runs.start(session, runs.NewRun(project="p"))
    execute(Graph([Step("nothing", "f", (), lambda context: {{}})]), ExecuteOptions(run_id=run.id, memo=Kept()))
    with ledger.write("ana", "run.finish") as session:
        runs.finish(session, run.id)
"""
_LIST = """
import headrace.cli.main as m
try:
    m.app(["runs", "--project", {project!r}, "--home", {home!r}])
except SystemExit as end:
    assert not end.code
"""


@pytest.mark.parametrize("times", [1, 2], ids=["made", "found"])
def test_a_run_that_does_nothing_loads_no_engine(tmp_path: Path, times: int) -> None:
    """A ledger in a file is made, written and read by Python's own driver."""
    for _ in range(times):
        loaded = loaded_by(_RUN.format(ledger=f"sqlite:///{tmp_path}/ledger.db"))
    assert "sqlite3" in loaded
    assert not loaded & HEAVY


def test_listing_runs_loads_no_engine(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(
        "import headrace as hr\n"
        "rows = hr.Events('rows', source=hr.File('rows.csv'), id='id', time='at')\n"
        "features = hr.Features(spine=rows, given=['x'], values={'x': hr.col('x')})\n"
        "split = hr.split.by_time(validation='1d', test='1d')\n"
        "late = hr.Model('late', features=features, target=hr.col('late') == 1, split=split, candidates=[hr.Baseline()],"
        " metric='average_precision')\n"
        "project = hr.Project('small', models=[late])\n",
        encoding="utf-8",
    )
    loaded = loaded_by(_LIST.format(project=str(tmp_path / "project.py"), home=str(tmp_path / "home")))
    assert (tmp_path / "home" / "ledger.db").exists()
    assert not loaded & HEAVY
