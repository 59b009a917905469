"""Point-in-time joins and windows against pandas, DuckDB and Feast: `python -m benchmarks.lookups joins` or `windows`.

Everyone starts from the same two Parquet files, events and questions, and ends with the answers in memory. Both are in the order of time,
as logs are and as `merge_asof` wants them; one join is of tables in no order, where sorting them, and putting answers back, is part of the
job. A hundred events and a hundred questions a key, spread over a year. All answer what Headrace means (docs/explanation): what became
known strictly before the question, nothing where the newest event is older than seven days; windows closed on the left, open on the right.
Every value is compared with ours.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.environments import PEERS, PeerMissing, peer
from benchmarks.racing import OURS, Turn, race, ratio, told
from benchmarks.report import Line, machine, table, versions

ROWS = (1_000_000, 10_000_000)
FEAST_ROWS = 100_000
TURNS = {100_000: 3, 1_000_000: 3, 10_000_000: 1}
LINEAR_BOUND, MEMORY_BOUND = 12.0, 4 << 30
BOUNDS = {"pandas": 5.0, "duckdb": 1.0, "feast": 20.0}
"""How many times as fast; nothing is promised against Feast on DuckDB, which is not its default."""
_TOLERANCE = 1e-9
_START, _YEAR_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1e6), 365 * 86_400_000


def write_tables(folder: Path, rows: int, shuffled: bool = False) -> None:
    """Write `events.parquet` and `questions.parquet`; the same number of rows is always the same two files."""
    rng = np.random.default_rng(7)

    def column(name: str) -> dict[str, object]:
        drawn = rng.integers(0, _YEAR_MS, rows)
        moments = (drawn if shuffled else np.sort(drawn)) * 1000 + _START
        return {"key": rng.integers(0, rows // 100, rows), name: pl.Series(moments).cast(pl.Datetime("us", "UTC"))}

    places = np.arange(rows)
    pl.DataFrame(column("time") | {"amount": np.round(rng.gamma(2.0, 30.0, rows), 2), "_arrival": places}).write_parquet(
        folder / "events.parquet"
    )
    pl.DataFrame(column("asked") | {"place": places}).write_parquet(folder / "questions.parquet")


def racers(job: str, rows: int) -> dict[str, list[str]]:
    """Return the commands of those who take part; a peer that cannot be had is left out, and said so."""
    found = {OURS: [sys.executable, "-m", "benchmarks.lookups_headrace", job]}
    peers = {"pandas": ("pandas", "lookups_pandas.py", job), "duckdb": ("duckdb", "lookups_duckdb.py", job)}
    if job == "joins":
        peers["feast-duckdb"] = ("feast", "lookups_feast.py", "duckdb")
        if rows <= FEAST_ROWS * 10:
            peers["feast"] = ("feast", "lookups_feast.py", "dask")
    for name, (environment, script, argument) in peers.items():
        try:
            found[name] = [peer(environment).python, "-W", "ignore", str(PEERS / script), argument]
        except PeerMissing as reason:
            print(reason, file=sys.stderr)
    return found


def measure(
    job: str,
    folder: Path,
    sizes: Sequence[int] = ROWS,
    turns: int | None = None,
    against: Sequence[str] | None = None,
    shuffled: bool = False,
) -> list[Line]:
    """Return the measurements of a job as lines of a table; `against` names some of the peers."""
    lines, ours = [], {}
    for rows in sizes:
        size = f"{rows:,} x {rows:,}{', in no order' if shuffled else ''}"
        work = folder / size
        work.mkdir()
        write_tables(work, rows, shuffled)
        taking_part = {name: command for name, command in racers(job, rows).items() if against is None or name in (OURS, *against)}
        run = race(taking_part, work, turns or TURNS.get(rows, 1))
        ours[rows] = run[OURS]
        lines.extend(_size_lines(job, size, run, work))
        for file in work.glob("*.parquet"):
            file.unlink()
    return [*lines, *_growth(job, ours)]


def _size_lines(job: str, size: str, run: Mapping[str, Sequence[Turn]], work: Path) -> list[Line]:
    peak, fault = max(each.peak_bytes for each in run[OURS]), any(each.fault for each in run[OURS])
    lines = [Line(job, f"{size}, {OURS}", told(run[OURS]), "< 4 GiB", peak < MEMORY_BOUND and not fault)]
    for name, theirs in run.items():
        if name == OURS:
            continue
        lines.append(Line(job, f"{size}, {name}", told(theirs)))
        times, cpu = ratio(run[OURS], theirs), ratio(run[OURS], theirs, "cpu_seconds")
        if times is not None:
            bound, value = BOUNDS.get(name), f"{times:.1f} x; of CPU {cpu:.1f} x"
            promised = ("", None) if bound is None else (f">= {bound:.0f} x", times >= bound)
            lines.append(Line(job, f"{size}, {name} over {OURS}", value, *promised))
            lines.append(_compared(job, f"{size}, {name}", work, name))
    return lines


def _compared(job: str, what: str, work: Path, name: str) -> Line:
    """Compare every value; a peer that dropped questions is told so, and compared where it answered."""
    ours, theirs = pl.scan_parquet(work / f"{OURS}.parquet"), pl.scan_parquet(work / f"{name}.parquet")
    names = [column for column in ours.collect_schema().names() if column != "place"]
    both = ours.join(theirs, on="place", how="inner", suffix=" theirs", validate="1:1")
    wrong = both.select(pl.len().alias("rows"), *(_differing(each) for each in names)).collect(engine="streaming")
    rows, asked = wrong["rows"].item(), ours.select(pl.len()).collect().item()
    count = sum(wrong[each].item() for each in names)
    dropped = f"; {asked - rows:,} of {asked:,} questions dropped" if rows != asked else ""
    return Line(job, f"{what}: values that differ, of {rows * len(names):,}", f"{count:,}{dropped}", "none", count == 0)


def _differing(name: str) -> pl.Expr:
    ours, theirs = pl.col(name).cast(pl.Float64), pl.col(f"{name} theirs").cast(pl.Float64).fill_nan(None)
    near = (ours - theirs).abs() <= _TOLERANCE * ours.abs().clip(1.0)
    return (~((ours.is_null() & theirs.is_null()) | near.fill_null(value=False))).sum().alias(name)


def _growth(job: str, ours: Mapping[int, Sequence[Turn]]) -> list[Line]:
    """What ten times the rows cost; twelve times is still called linear, for larger tables fit caches less."""
    small, large = ROWS
    if not all(rows in ours and not any(each.fault for each in ours[rows]) for rows in ROWS):
        return []
    one, ten = (min(each.cpu_seconds for each in ours[rows]) for rows in ROWS)
    what = f"CPU time of {large:,} rows over {small:,}, {OURS}"
    return [Line(job, what, f"{ten / one:.1f} x", f"<= {LINEAR_BOUND:.0f} x", ten / one <= LINEAR_BOUND)]


def joins(folder: Path) -> list[Line]:
    """Point-in-time joins, for the table of all benchmarks."""
    shuffled = measure("joins", folder, ROWS[:1], against=("pandas", "duckdb"), shuffled=True)
    return [*measure("joins", folder, (FEAST_ROWS, *ROWS)), *shuffled]


def windows(folder: Path) -> list[Line]:
    """Windows, for the table of all benchmarks."""
    return measure("windows", folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lookups", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job", choices=["joins", "windows"])
    parser.add_argument("--rows", type=int, action="append", help="how many events and questions; may be given again")
    parser.add_argument("--turns", type=int, help="how many turns; default: three, and one of ten million rows")
    parser.add_argument("--against", action="append", metavar="PEER", help="pandas, duckdb, feast-duckdb, feast or none; default: all")
    parser.add_argument("--shuffled", action="store_true", help="tables in no order")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        sizes, shuffled = arguments.rows or ROWS, arguments.shuffled
        told_lines = measure(arguments.job, Path(folder), sizes, arguments.turns, arguments.against, shuffled)
    print(versions("headrace", "polars", "numpy"), machine(), table(told_lines), sep="\n")


if __name__ == "__main__":
    main()
