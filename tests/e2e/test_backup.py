"""What the how-to on operations says of backups, done to the letter: a copy taken while a server writes is whole, in folders and stores."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from services.postgres import Postgres
from services.s3 import S3

from .command import ask, run_command, served
from .small_project import write_project

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "operations.md"
QUESTION = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}


def written(first: str, language: str = "text") -> str:
    """Return the block of the how-to that begins with these words."""
    (block,) = re.findall(rf"^```{language}\n({re.escape(first)}.*?)^```$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(block)


def do(commands: str, folder: Path, **more: str) -> None:
    subprocess.run(["sh", "-ec", commands], cwd=folder, env={**os.environ, **more}, check=True)


def back_up(home: Path, to: Path) -> None:
    """Do what the how-to says for a home that is a folder."""
    to.mkdir()
    with sqlite3.connect(home / "ledger.db") as source, sqlite3.connect(to / "ledger.db") as target:
        source.backup(target)
    source.close()
    target.close()
    (copy,) = [line for line in written("mkdir -p /backup\nsqlite3").splitlines() if "cp -a .headrace" in line]
    assert not (home / "state").exists()  # nothing was published: the command must do without
    do(copy.replace("/backup/", f"{to}/"), home.parent)


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


@contextmanager
def predicting(folder: Path, **stores: str) -> Iterator[tuple[str, float]]:
    """Serve, and give the id and the score of a prediction that is in the log; questions go on until the end."""
    with served(folder, **stores) as url:
        made = httpx.post(f"{url}/predict", json=QUESTION).json()["predictions"][0]
        prediction = made["prediction_id"]
        deadline = time.monotonic() + 60
        while ask(folder, "why", prediction, **stores).code != 0 and time.monotonic() < deadline:
            httpx.post(f"{url}/predict", json=QUESTION)
        yield prediction, made["score"]
        httpx.post(f"{url}/predict", json=QUESTION)


def test_a_backup_of_shared_stores_restored_elsewhere_tells_the_same(postgres: Postgres, s3: S3, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    backup.mkdir()
    project = write_project(tmp_path / "returns")
    folder, ledger, lake = project.parent, postgres.database(), f"{s3.bucket()}/team"
    (folder / "copy_lake.py").write_text(written("import sys", "python"), encoding="utf-8")
    tools = {**s3.environment, "PATH": f"{postgres.programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    stores = {"HEADRACE_LEDGER": ledger, "HEADRACE_LAKE": lake, **s3.environment}
    assert ask(folder, "run", **stores).code == 0
    assert ask(folder, "approve", "returned", "--comment", "fine", user="ben", **stores).code == 0
    assert ask(folder, "features", "publish", **stores).code == 0
    with predicting(folder, **stores) as (prediction, score):
        told = {command: ask(folder, *command, **stores) for command in (("status",), ("why", prediction), ("run",))}
        commands = written("pg_dump").replace("/backup/", f"{backup}/").replace("s3://ml-lake/team", lake)
        do(commands, folder, LEDGER_URL=ledger, **tools)
    assert sorted(path.name for path in backup.iterdir()) == ["keys", "lake", "ledger.dump"]

    restored.mkdir()
    for name in ("project.py", "orders.csv", "shops.csv", "copy_lake.py"):
        shutil.copy(folder / name, restored)
    elsewhere, new_lake = postgres.database(), f"{s3.bucket()}/team"
    commands = written("pg_restore").replace("/backup/", f"{backup}/").replace("s3://ml-lake-restored/team", new_lake)
    do(commands, restored, LEDGER_URL=elsewhere, **tools)
    stores |= {"HEADRACE_LEDGER": elsewhere, "HEADRACE_LAKE": new_lake}
    for line in written("headrace audit verify").splitlines():
        said = ask(restored, *line.split()[1:], **stores)
        assert said.code == 0, (line, said)
    assert told[("run",)].out.startswith("Nothing to do")
    for command, before in told.items():
        after = ask(restored, *command, **stores)
        assert (after.code, _lasting(after.out)) == (0, _lasting(before.out.replace(str(folder), str(restored)))), command
    with predicting(restored, **stores) as (again, same):  # where nothing was published
        assert again != prediction
        assert same == score
    assert ask(restored, "audit", "verify", **stores).code == 0


def _lasting(told: str) -> str:
    """Return what was told without what goes on: how many were predicted since, at what cost, and how long it took to tell."""
    return re.sub(r"\d+ predictions?.*|[\d.]+ s\b.*|.*USD.*|.*\$.*", "", told)
