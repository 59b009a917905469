"""The servers for tests go with whoever asked for them, however they go."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from services.postgres import Postgres
server = Postgres()
print(server.database(), server._server.folder, flush=True)
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
elif sys.argv[2] == "remove":
    server.remove()
"""


@pytest.mark.parametrize(("end", "code"), [("kill", -9), ("remove", 0), ("forget", 0)])
def test_a_server_and_its_folder_are_gone_with_the_asker(end: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(SCRIPTS), end], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    url, folder = done.stdout.split()
    deadline = time.monotonic() + 60
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(folder).exists()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url, connect_timeout=5)
