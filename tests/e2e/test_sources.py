"""A project whose events come from Postgres by a cursor, one of whose entities lies in SQLite, and another in a folder of files."""

import json
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import headrace as hr
from headrace.app.sources import find_landing
from headrace.spec.tables import Events

from .command import ask, call, run_command, started
from .small_project import PROJECT, orders_csv, write_project

WORD = "a-w0rd-nobody-may-see"
DAYS = 60
TABLE = """CREATE TABLE orders (seq bigint PRIMARY KEY, order_id text, shop text, amount numeric(8, 2), email text, placed timestamptz,
    settled timestamptz, returned boolean) WITH (autovacuum_enabled = off)"""
# Once autovacuum has analysed a table, planning a query looks up the end of its index, which the server counts as a row that was fetched.
INSERT = "INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"


class Shop:
    """The databases and the files, and a project that reads them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.project = write_project(folder, DAYS)
        (folder / "orders.csv").unlink()
        self.orders = [line.split(",") for line in orders_csv(DAYS + 10).splitlines()[1:]]
        self.count = 0
        host = url.rpartition("@")[2]
        text = PROJECT.replace('hr.File("orders.csv")', f'hr.SQL("postgresql://guest:${{SHOP_WORD}}@{host}", table="orders", cursor="seq")')
        text = text.replace('hr.File("shops.csv")', 'hr.SQL("sqlite:///shops.db", query="SELECT shop, region, size FROM shops")')
        text = text.replace("features = hr.Features(", MALLS + "\nfeatures = hr.Features(").replace(
            '"hour": col', MALL_FEATURE + '"hour": col'
        )
        self.project.write_text(text, encoding="utf-8")
        with sqlite3.connect(folder / "shops.db") as shops:
            shops.execute("CREATE TABLE shops (shop text, region text, size integer)")
            shops.executemany("INSERT INTO shops VALUES (?, ?, ?)", [(f"s{n}", f"r{n % 2}", n + 1) for n in range(5)])
        shops.close()
        (folder / "shops.csv").unlink()
        self.write_rents("2023-12-01", 10)
        self.ask(TABLE)
        self.ask("GRANT SELECT ON orders TO guest")
        self.sell(DAYS * 30)

    def ask(self, statement: str, rows: list[list[str]] | None = None) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            if rows is not None:
                connection.cursor().executemany(statement, rows)  # type: ignore[arg-type]
                return []
            found = connection.execute(statement)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def sell(self, count: int) -> None:
        """Add so many orders."""
        some = self.orders[self.count : self.count + count]
        self.ask(INSERT, [[str(self.count + number), *order] for number, order in enumerate(some)])
        self.count += count

    def write_rents(self, day: str, rent: int) -> None:
        path = self.folder / "rents" / day / "rents.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("shop,rent\n" + "".join(f"s{n},{rent + n}\n" for n in range(5)), encoding="utf-8")

    def run(self, *arguments: str) -> tuple[str, str]:
        said = run_command(self.project, "run", *arguments, SHOP_WORD=WORD)
        assert WORD not in said.out + said.err
        return said.out, said.err

    def fetched(self) -> int:
        """How many rows of orders were ever read, by the server's own count."""
        found = self.ask("SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'orders'")
        return int(found[0][0])


MALLS = """
rents = hr.Entity("rents", source=hr.Folder("rents/{day:%Y-%m-%d}/*.csv"), key="shop", time="day")
"""
MALL_FEATURE = '"rent": hr.latest(rents, "rent", by="shop"),\n        '


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Iterator[Shop]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute(f"CREATE ROLE guest LOGIN PASSWORD '{WORD}'")  # type: ignore[arg-type]
        connection.execute("ALTER ROLE guest SET enable_seqscan = off")  # as on a table of a real size
    yield Shop(postgres_url, tmp_path / "shop")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY guest")
        connection.execute("DROP ROLE guest")


def test_a_life_on_databases_and_folders(shop: Shop) -> None:
    plan = shop.run("--dry-run")[0]
    assert "orders_raw (postgresql://guest:${SHOP_WORD}@" in plan
    assert "for everything: nothing was landed yet" in plan

    _, told = shop.run()
    assert "land:orders_raw" in told
    assert "1,800 rows; amount: decimals as floats" in told
    assert "5 rows in = 5 accepted" in told

    before = shop.fetched()
    out, told = shop.run()
    assert "Nothing to do" in out
    assert "0 new rows, 1,800 in all" in told
    assert shop.fetched() - before == 1, "the last row is looked at again, and no other"

    shop.sell(60)
    shop.write_rents("2024-02-01", 20)
    before = shop.fetched()
    out, told = shop.run()
    assert "60 new rows, 1,860 in all" in told
    assert shop.fetched() - before == 61
    assert "10 rows in = 10 accepted + 0 quarantined + 0 duplicates; 1 file new: 2024-02-01/rents.csv" in told
    assert "1,860 rows in" in told

    with sqlite3.connect(shop.folder / "shops.db") as shops:
        shops.execute("UPDATE shops SET size = 50 WHERE shop = 's4'")
    shops.close()
    out, told = shop.run()
    assert "done     ingest:shops" in told
    assert "reused   ingest:orders_raw" in told
    assert "Nothing to do" in shop.run()[0]


def test_a_folder_of_which_some_files_lack_a_column_says_so_for_as_long_as_the_version_is_the_newest(tmp_path: Path) -> None:
    project = write_project(tmp_path / "returns")
    project.write_text(project.read_text(encoding="utf-8").replace('hr.File("shops.csv")', 'hr.Folder("shops/*.csv")'), encoding="utf-8")
    rows = (project.parent / "shops.csv").read_text(encoding="utf-8").splitlines()
    (project.parent / "shops").mkdir()
    (project.parent / "shops" / "all.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (project.parent / "shops" / "new.csv").write_text("shop,region\ns9,r1\n", encoding="utf-8")
    note = "size is null in 1 of 2 files, without such a column: new.csv"
    assert note in ask(project.parent, "run").err
    assert "Nothing to do" in run_command(project, "run").out
    assert f"\n  {note}\n" in run_command(project, "show", "shops").out
    assert json.loads(run_command(project, "show", "shops", "--json").out)["notes"] == [note]


def test_a_source_that_is_away_stops_the_run_unless_it_goes_on_without(shop: Shop) -> None:
    said = call(shop.folder, "run", "--offline", SHOP_WORD=WORD)
    assert (said.code, "nothing was landed yet for table 'orders_raw'" in said.err) == (1, True)
    shop.run()
    shop.sell(30)
    wrong = call(shop.folder, "run", SHOP_WORD="wrong")
    assert wrong.code == 1
    assert "authentication failed" in wrong.err
    assert "postgresql://guest:${SHOP_WORD}@" in wrong.err
    missing = call(shop.folder, "run")
    assert missing.code == 1
    assert "Set the environment variable SHOP_WORD" in missing.err
    out, _ = shop.run("--offline")
    assert "Nothing to do" in out
    assert "NOT ASKED: orders_raw is as it was landed at" in out


def test_pages_that_the_lake_has_lost_are_asked_for_again(shop: Shop) -> None:
    shop.run()
    landed = landing_of(shop)
    blob = shop.folder / ".headrace" / "blobs" / landed.pages[0][0][:2] / landed.pages[0][0]
    blob.unlink()
    out, told = shop.run()
    assert "Nothing to do" in out
    assert "1,800 rows; what was landed before is gone from the lake, so everything was asked for" in told
    assert blob.exists()
    assert landing_of(shop).pages == landed.pages


def test_a_landing_that_is_killed_begins_as_it_did_before(shop: Shop) -> None:
    shop.run()
    before = landing_of(shop)
    shop.sell(60)
    with psycopg.connect(shop.url) as holder:
        holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with started(shop.folder, "run", SHOP_WORD=WORD) as process:
            waiting = threading.Event()
            while not waiting.wait(0.05) and process.poll() is None:
                if shop_waits(shop):
                    break
            process.send_signal(signal.SIGKILL)
            assert process.wait(30) == -signal.SIGKILL
    assert landing_of(shop) == before
    assert "60 new rows, 1,860 in all" in shop.run()[1]


def test_a_run_that_is_killed_goes_on_with_the_rows_it_began_with(shop: Shop) -> None:
    with started(shop.folder, "run", SHOP_WORD=WORD) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("done     ingest:orders_raw"):
                break
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    shop.sell(60)
    out, told = shop.run()
    assert "goes on with the rows it began with" in out
    assert "land:" not in told
    assert landing_of(shop).rows == 1800
    assert "60 new rows" in shop.run()[1]


def landing_of(shop: Shop) -> Any:
    handle = hr.load(shop.project)
    try:
        table = next(table for table in handle.workspace.project.tables() if isinstance(table, Events))
        return find_landing(handle.workspace, table)
    finally:
        handle.close()


def shop_waits(shop: Shop) -> bool:
    with psycopg.connect(shop.url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_stat_activity WHERE usename = 'guest' AND wait_event_type = 'Lock'").fetchall())
