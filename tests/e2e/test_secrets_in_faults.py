"""Every fault that a store, a source or a step may meet, with secrets that are known to the test: no output, record or file tells one."""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from services.postgres import Postgres
from services.s3 import S3

from .command import Said, ask, environment, started
from .small_project import write_project
from .stored import dumped, files_of, objects_of

WORD = "c0rrect@h0rse/b%ttery:st@ple"
"""The password of the ledger, in letters that a URL must encode."""
WRONG = "wr0ng@h0rse/b%ttery"
TELLING = """    import os

    raise {error}(f"it says {{os.environ['LEDGER_WORD']}} and {{os.environ['AWS_SECRET_ACCESS_KEY']}}")
"""
HEAD = "def with_region(orders: pl.LazyFrame, shops: pl.LazyFrame) -> pl.LazyFrame:\n"
QUESTION = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}
DEFECT = """
import sys
from headrace.app.handle import ProjectHandle
from headrace.cli.main import main

def broken(handle, limit):
    handle.workspace.ledger, handle.workspace.lake_options  # what was given out is known
    raise RuntimeError(f"a library says {told}")

told, sys.argv, ProjectHandle.runs = sys.argv[1:], ["headrace", "runs"], broken
main()
"""
CLOSED = "127.0.0.1:1"


@pytest.fixture
def stores(postgres: Postgres, s3: S3) -> dict[str, str]:
    """The variables of an operator: a ledger with a role of its own, a lake in a bucket."""
    database = postgres.database().rpartition("/")[2]
    role = f"teller_{database}"
    with psycopg.connect(postgres.url(database), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{WORD}'")  # type: ignore[arg-type]
        connection.execute(f"GRANT ALL ON DATABASE {database} TO {role}")  # type: ignore[arg-type]
        connection.execute(f"GRANT ALL ON SCHEMA public TO {role}")  # type: ignore[arg-type]
    ledger = f"postgresql://{role}:${{LEDGER_WORD}}@127.0.0.1:{postgres.port}/{database}"
    return {"HEADRACE_LEDGER": ledger, "HEADRACE_LAKE": f"{s3.bucket()}/team", "LEDGER_WORD": WORD, **s3.environment}


def test_no_fault_tells_a_secret(stores: dict[str, str], s3: S3, tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    folder, text, said = project.parent, project.read_text(encoding="utf-8"), []
    plain = stores["HEADRACE_LEDGER"].replace("${LEDGER_WORD}", quote(WORD, safe=""))
    wrong_key = s3.secret[::-1]
    (tmp_path / "notes").mkdir()
    stores["TMPDIR"] = str(tmp_path / "notes")

    def tell(codes: tuple[int, ...], *command: str, user: str = "ana", **changed: str) -> Said:
        said.append(ask(folder, *command, user=user, **(stores | changed)))
        assert said[-1].code in codes, (command, changed, said[-1])
        return said[-1]

    for error in ("ValueError", "SystemExit"):  # a step whose words hold them
        project.write_text(text.replace(HEAD, HEAD + TELLING.format(error=error)), encoding="utf-8")
        assert "it says *** and ***" in tell((1,), "run").err
    project.write_text(text, encoding="utf-8")
    tell((0,), "run")
    tell((0,), "runs", "--json")
    tell((0,), "approve", "returned", "--comment", "fine", user="ben")
    faults: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("run",), {"LEDGER_WORD": WRONG}),
        (("doctor", "--json"), {"HEADRACE_LEDGER": plain.replace(quote(WORD, safe=""), quote(WRONG, safe=""))}),
        (("doctor", "--json"), {"HEADRACE_LEDGER": re.sub(r"127\.0\.0\.1:\d+", CLOSED, stores["HEADRACE_LEDGER"])}),
        (("run",), {"AWS_SECRET_ACCESS_KEY": wrong_key}),
        (("doctor", "--json"), {"AWS_SECRET_ACCESS_KEY": wrong_key}),
        (("gc", "--yes", "--json"), {"AWS_SECRET_ACCESS_KEY": wrong_key}),
        (("run",), {"AWS_ENDPOINT_URL": f"http://{CLOSED}"}),
    ]
    with ThreadPoolExecutor(4) as several:
        waited = [several.submit(tell, (1, 3), *command, **fault) for command, fault in faults]
        healthy = (("settings",), ("settings", "--json"), ("doctor", "--json"), ("status", "--json"))
        waited += [several.submit(tell, (0,), *command, HEADRACE_LEDGER=plain) for command in healthy]
        for each in waited:
            each.result()

    source = f'hr.SQL("postgresql://reader:${{LEDGER_WORD}}@{CLOSED}/shop", query="SELECT 1")'
    project.write_text(text.replace('hr.File("shops.csv")', source), encoding="utf-8")
    tell((3,), "run")
    project.write_text(text, encoding="utf-8")

    noted = subprocess.run(
        [sys.executable, "-c", DEFECT, plain, s3.secret], cwd=folder, env=environment(**stores), capture_output=True, text=True
    )
    assert noted.returncode == 4
    said.append(Said(4, noted.stdout, noted.stderr))

    with started(folder, "serve", "--port", "0", **stores) as process:  # the log of predictions cannot be kept
        assert process.stdout is not None
        url = next(found.group() for line in process.stdout if (found := re.search(r"http://[\w.:]+", line)))
        s3.stop()
        try:
            assert httpx.post(f"{url}/predict", json=QUESTION).status_code == 200
            deadline = time.monotonic() + 60
            while not (status := httpx.get(f"{url}/metadata")).json()["prediction_log"].get("error") and time.monotonic() < deadline:
                time.sleep(0.2)
            said.append(Said(0, status.text, ""))
        finally:
            s3.start()
        process.terminate()
        said.append(Said(0, *process.communicate(timeout=60)))
    assert "could not" in said[-1].err

    secrets = {form for each in (WORD, WRONG, s3.secret, wrong_key) for form in (each, quote(each, safe=""), quote(each))}
    notes = files_of(tmp_path / "notes")
    assert "a library says" in "".join(notes)
    kept = [dumped(plain), *files_of(folder / ".headrace"), *objects_of(stores["HEADRACE_LAKE"], s3), *notes]
    for told in (*(each.out + each.err for each in said), *kept):
        found = [secret for secret in secrets if secret in told]
        assert not found, told[max(0, told.index(found[0]) - 300) : told.index(found[0])]
