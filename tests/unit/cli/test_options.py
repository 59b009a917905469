"""What commands share."""

import json
from pathlib import Path

import pytest

from headrace.cli import options
from headrace.cli.options import emit, open_handle

WINES = Path(__file__).resolve().parents[3] / "examples" / "wines" / "project.py"


@pytest.fixture
def handle(tmp_path):
    before = options._opened.get()
    opened = open_handle(WINES, str(tmp_path))
    yield opened
    opened.close()
    options._opened.set(before)


def test_what_a_command_prints_holds_no_secret_and_stays_json(handle, capsys):
    handle.workspace.secrets.hide('hu"sh')
    handle.workspace.secrets.hide("12")
    emit([{"why": 'no route to db?password=hu"sh', "rows": 12}], True, "")
    emit([], False, 'no route to db?password=hu"sh')
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == [{"why": "no route to db?password=***", "rows": 12}]
    assert second == "no route to db?password=***"
