"""What the how-to on operations says of backups: the ledger first, then what it names; taken while a server writes, it restores whole."""

import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import httpx

from .command import run_command, served

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "operations.md"
QUESTION = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}


def back_up(home: Path, to: Path) -> None:
    """Do what the how-to says for a home that is a folder."""
    to.mkdir()
    with sqlite3.connect(home / "ledger.db") as source, sqlite3.connect(to / "ledger.db") as target:
        source.backup(target)
    source.close()
    target.close()
    (copy,) = [line for line in HOW_TO.read_text(encoding="utf-8").splitlines() if "cp -a .headrace" in line]
    assert not (home / "state").exists()  # nothing was published: the command must do without
    subprocess.run(["sh", "-ec", copy.replace("/backup/", f"{to}/")], cwd=home.parent, check=True)


def test_a_backup_taken_while_a_server_writes_is_a_whole_home(copied: Path, tmp_path: Path) -> None:
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    home, logged = copied.parent / ".headrace", []
    with served(copied.parent) as url:
        for turn in range(12):
            answer = httpx.post(f"{url}/predict", json=QUESTION).json()
            logged.append(answer["predictions"][0]["prediction_id"])
            time.sleep(0.3)
            if turn == 7:
                deadline = time.monotonic() + 30
                while not (home / "lake" / "returns" / "predictions.log").exists() and time.monotonic() < deadline:
                    time.sleep(0.1)
                back_up(home, tmp_path / "backup")
                httpx.post(f"{url}/predict", json=QUESTION)
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    assert run_command(copied, "run").out.startswith("Nothing to do")
    run_command(copied, "audit", "verify")
    assert "score" in run_command(copied, "why", logged[0]).out
    with served(copied.parent) as url:
        assert httpx.post(f"{url}/predict", json=QUESTION).status_code == 200
    assert run_command(copied, "gc", "--dry-run").out.startswith("Nothing to free")
