"""A project with its things opened."""

import signal
import subprocess
import sys

from headrace.app.loading import load_project
from headrace.app.settings import read_settings
from headrace.app.workspace import Workspace


def test_whether_a_ledger_is_a_file_is_told_by_what_its_placeholder_stands_for(folder):
    path = folder / "project.py"
    settings = read_settings(path, {"HEADRACE_LEDGER": "${WHERE}"})

    def workflows(where):
        return Workspace(load_project(path), settings, {"WHERE": where}).workflows_url

    assert workflows("postgresql://ana@host/db") == "postgresql://ana@host/db"
    for ledger in (f"{folder}/ledger.db", "l.db", "sqlite:////elsewhere/l.db", "sqlite+pysqlite:////elsewhere/l.db"):
        assert workflows(ledger) is None


REPLACER = """
import os, signal, sys
from pathlib import Path

from headrace.app.workspace import replace_folder

left = int(sys.argv[3])


def die_in_time(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1


sys.addaudithook(die_in_time)
replace_folder(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_whoever_is_killed_while_a_folder_is_replaced_leaves_no_part_of_one(tmp_path):
    """At each moment at which a name changes: what is there is the old folder, none, or the new one."""
    found = []
    for moment in range(10):
        beside = tmp_path / str(moment)
        for name, text in (("tmp0/state", "new"), ("1", "old")):
            (beside / name).mkdir(parents=True)
            for file in ("a.arrow", "b.arrow", "state.json"):
                (beside / name / file).write_text(text)
        done = subprocess.run([sys.executable, "-c", REPLACER, str(beside / "tmp0" / "state"), str(beside / "1"), str(moment)], check=False)
        found.append({path.name: path.read_text() for path in (beside / "1").glob("*")})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    whole = [dict.fromkeys(("a.arrow", "b.arrow", "state.json"), text) for text in ("old", "new")]
    assert found == [whole[0], {}, whole[1]]
