"""A project with its things opened."""

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
