"""One run of a project at a time on a ledger, whichever home asks."""

import threading
import time

from headrace.app.loading import load_project
from headrace.app.locking import run_lock, turn_to_record, turn_to_run
from headrace.app.settings import read_settings
from headrace.app.workspace import Workspace


def workspace(folder, home, **environment):
    path = folder / "project.py"
    return Workspace(load_project(path), read_settings(path, environment, {"home": home}), environment)


def test_homes_with_ledgers_of_their_own_do_not_meet(folder):
    one, other = workspace(folder, "one"), workspace(folder, "other")
    with run_lock(one) as first, run_lock(other) as second, run_lock(one) as again:
        assert first is not None
        assert second is not None
        assert again is None
    one.close()
    other.close()


def test_homes_that_share_a_ledger_take_turns(folder):
    shared = {"HEADRACE_LEDGER": f"sqlite:///{folder}/shared/ledger.db"}
    one, other = workspace(folder, "one", **shared), workspace(folder, "other", **shared)
    with run_lock(one) as first, run_lock(other) as second:
        assert first is not None
        assert second is None
    with run_lock(other) as second:
        assert second is not None
    one.close()
    other.close()


def test_a_run_waits_for_a_stream_that_makes_a_version_and_for_nobody_else(folder):
    one, other = workspace(folder, "one"), workspace(folder, "one")
    begun = threading.Event()

    def make_a_version():
        with turn_to_record(one) as held:
            assert held is not None
            begun.set()
            time.sleep(0.5)  # longer than who wants a lock waits for one

    stream = threading.Thread(target=make_a_version)
    stream.start()
    begun.wait()
    with turn_to_run(other) as held:
        assert held is not None
        with turn_to_record(one) as snapshot:
            assert snapshot is None
        with turn_to_run(one) as second:
            assert second is None
    stream.join()
    one.close()
    other.close()
