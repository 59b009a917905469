import subprocess
import sys

from headrace.app.locking import run_lock

HOLDER = """
import sys
from pathlib import Path
from headrace.app.locking import run_lock
with run_lock(Path(sys.argv[1]), "shop") as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_one_process_holds_it_and_its_death_lets_go(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        with run_lock(tmp_path, "shop") as held:
            assert held is False
        with run_lock(tmp_path, "other") as held:
            assert held is True
        holder.kill()
        holder.wait()
    with run_lock(tmp_path, "shop") as held:
        assert held is True
    with run_lock(tmp_path / "new" / "home", "shop") as held:
        assert held is True
