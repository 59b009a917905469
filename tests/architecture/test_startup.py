"""What start-up must not load. How long it takes is measured in `benchmarks/startup.py`."""

import json
import subprocess
import sys

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
