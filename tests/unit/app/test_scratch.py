"""Folders to wait in: gone in the end, and those of the dead are cleared away."""

import subprocess
import sys

from headrace.app.scratch import scratch

HOLD = """
import pathlib, sys
from headrace.app.scratch import scratch
with scratch(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_is_there_and_then_gone(tmp_path):
    with scratch(tmp_path) as folder:
        (folder / "rows").write_text("rows")
    assert not list((tmp_path / "scratch").iterdir())


def test_the_folder_of_one_who_lives_is_kept_and_of_one_who_died_is_not(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with scratch(tmp_path) as mine:
            assert len(list((tmp_path / "scratch").iterdir())) == 2
        (theirs,) = (tmp_path / "scratch").iterdir()
        other.kill()
        other.wait()
        assert theirs.exists()
    with scratch(tmp_path) as mine:
        assert list((tmp_path / "scratch").iterdir()) == [mine]
