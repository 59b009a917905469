"""A dlt resource as a source, as `docs/how-to/write-a-source.md` shows it, with the real library in an environment of its own."""

import os
import re
from pathlib import Path

import pytest

from .command import ask

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-source.md"
LIBRARY = os.environ.get("HEADRACE_TEST_DLT", "")
DATA = '{{"id": {0}, "price": {1}, "returned": {2}, "placed": "2024-01-{3:02}T09:00:00Z", "updated_at": "2024-02-{3:02}T10:00:00Z"}}\n'

pytestmark = pytest.mark.skipif(
    not LIBRARY, reason="set HEADRACE_TEST_DLT to a folder site-packages made by: pip install --target FOLDER dlt"
)


def order(number: int, day: int) -> str:
    return DATA.format(number, number % 7, "true" if number % 3 else "false", day)


def test_a_dlt_resource_is_a_source(tmp_path: Path) -> None:
    shown = re.search(r"<!-- dlt -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    (tmp_path / "project.py").write_text(shown[1], encoding="utf-8")
    (tmp_path / "shop.jsonl").write_text("".join(order(n, n // 10 + 1) for n in range(200)), encoding="utf-8")
    run = {"PYTHONPATH": os.pathsep.join((os.environ.get("PYTHONPATH", ""), LIBRARY)), "DLT_DATA_DIR": str(tmp_path / "dlt")}
    first = ask(tmp_path, "run", **run)
    assert first.code == 0, first.err
    assert re.search(r"land:orders .* 200 rows", first.err), first.err
    with (tmp_path / "shop.jsonl").open("a", encoding="utf-8") as file:
        file.write(order(200, 20) + order(201, 21))
    second = ask(tmp_path, "run", **run)
    assert re.search(r"land:orders .* 2 new rows, 202 in all", second.err), second.err
    assert "Nothing to do" in ask(tmp_path, "run", **run).out
