"""A project's life on a real Postgres and a real S3-protocol store, with secrets that stay where they are."""

import re
import signal
from pathlib import Path

import httpx
import psycopg
import pytest
from services.postgres import Postgres
from services.s3 import S3

from .command import ask, served, started
from .small_project import write_project
from .stored import dumped, files_of, objects_of

WORD = "c0rrect-h0rse"
"""The password of the ledger: no other text holds it."""


@pytest.fixture
def stores(postgres: Postgres, s3: S3, tmp_path: Path) -> dict[str, str]:
    """The variables of an operator: the ledger's password, and the lake's key in a file."""
    database = postgres.database()
    with psycopg.connect(database, autocommit=True) as connection:
        role = f"operator_{database.rpartition('_')[2]}"
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{WORD}'")
        connection.execute(f"GRANT ALL ON DATABASE {database.rpartition('/')[2]} TO {role}")
        connection.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    key = tmp_path / "lake-key"
    key.write_text(s3.secret + "\n", encoding="utf-8")
    return {
        "HEADRACE_LEDGER": f"postgresql://{role}:${{LEDGER_WORD}}@127.0.0.1:{postgres.port}/{database.rpartition('/')[2]}",
        "HEADRACE_LAKE": f"{s3.bucket()}/team",
        "LEDGER_WORD": WORD,
        "AWS_ENDPOINT_URL": s3.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": s3.key,
        "AWS_SECRET_ACCESS_KEY_FILE": str(key),
    }


def test_a_life_on_shared_stores_and_no_secret_in_any_of_them(stores: dict[str, str], s3: S3, tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    folder, said = project.parent, []
    for command in (["run"], ["run"], ["status"], ["cost"], ["settings"], ["audit", "verify"], ["show", "returned"]):
        said.append(ask(folder, *command, **stores))
        assert said[-1].code == 0, said[-1].err
    assert said[1].out.startswith("Nothing to do")
    assert re.search(r"ledger +postgresql://operator_\d+:\$\{LEDGER_WORD\}@", said[4].out)
    assert re.search(r"lake_options.secret_access_key +\$\{AWS_SECRET_ACCESS_KEY\} +AWS_SECRET_ACCESS_KEY", said[4].out)
    assert ask(folder, "approve", "returned", "--comment", "fine", user="ben", **stores).code == 0
    with served(folder, **stores) as url:
        question = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}
        answer = httpx.post(f"{url}/predict", json=question)
        assert answer.status_code == 200, answer.text
    prediction = answer.json()["predictions"][0]["prediction_id"]
    said.append(ask(folder, "why", prediction, **stores))
    assert said[-1].code == 0, said[-1].err
    said.append(ask(folder, "run", **(stores | {"LEDGER_WORD": "wr0ng-h0rse"})))
    assert said[-1].code == 3
    assert "password authentication failed" in said[-1].err
    said.append(ask(folder, "run", **(stores | {"AWS_ACCESS_KEY_ID": "n0b0dy"})))
    assert said[-1].code == 3
    home = folder / ".headrace"
    assert not (home / "lake").exists()
    assert not (home / "blobs").exists()
    assert not (home / "ledger.db").exists()
    secrets, files = (WORD, s3.secret, "wr0ng-h0rse"), files_of(home)
    assert len(files) >= 3
    url = stores["HEADRACE_LEDGER"].replace("${LEDGER_WORD}", WORD)
    for text in (*(each.out + each.err for each in said), dumped(url), *files, *objects_of(stores["HEADRACE_LAKE"], s3)):
        assert not any(secret in text for secret in secrets)


def test_a_home_waits_for_the_run_of_another_on_the_same_ledger(stores: dict[str, str], tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    with started(project.parent, "run", "--home", "one", **stores) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("done")
        second = ask(project.parent, "run", "--home", "other", **stores)
        assert second.code == 1
        assert "another process is running the project 'returns' with this ledger" in second.err
        assert " running " in ask(project.parent, "runs", "--home", "other", **stores).out
        process.communicate()
    assert process.returncode == 0
    assert " finished " in ask(project.parent, "runs", "--home", "other", **stores).out


def test_a_run_outlasts_a_restart_of_postgres(stores: dict[str, str], postgres: Postgres, tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    with started(project.parent, "run", **stores) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("done")
        postgres.stop()
        postgres.start()
        _, told = process.communicate()
    assert process.returncode == 0, told
    (line,) = ask(project.parent, "runs", **stores).out.splitlines()
    assert line.split()[1] == "finished"


def test_a_run_that_was_killed_goes_on_from_another_home(stores: dict[str, str], tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    with started(project.parent, "run", **stores) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("done     derive:orders"):
                process.send_signal(signal.SIGKILL)
                break
        process.wait(30)
    (project.parent / ".headrace").rename(project.parent / "elsewhere")
    said = ask(project.parent, "run", "--home", "elsewhere", **stores)
    assert said.code == 0, said.err
    again = {line.split()[1] for line in said.err.splitlines() if line.startswith("done")}
    assert not {"ingest:orders_raw", "ingest:shops", "derive:orders"} & again
    (line,) = ask(project.parent, "runs", "--home", "elsewhere", **stores).out.splitlines()
    assert said.out.startswith(line.split()[0])
    assert line.split()[1] == "finished"
