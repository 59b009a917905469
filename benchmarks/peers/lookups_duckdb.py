"""Run in the peer's environment: `lookups_duckdb.py JOB FOLDER NAME`: joins by ASOF LEFT JOIN, windows by RANGE.

An ASOF join takes one inequality, so that an event is too old is said afterwards. Windows end at rows of their own table, so the questions
are put among the events, as rows without an amount; DuckDB's ranges hold both their edges, and end a microsecond before the question.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

job, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
EVENTS, QUESTIONS = f"'{folder}/events.parquet'", f"'{folder}/questions.parquet'"
SPANS = {"1h": "1 hour", "1d": "1 day", "7d": "7 day"}
AGGREGATES = ("count", "sum", "mean", "min", "max")


def joins() -> str:
    return f"""
        SELECT place, CASE WHEN asked - time <= INTERVAL 7 DAY THEN amount END AS amount
        FROM {QUESTIONS} AS questions ASOF LEFT JOIN {EVENTS} AS events ON questions.key = events.key AND asked > time"""


def windows() -> str:
    columns = ", ".join(f"{each}(amount) OVER w{over} AS {each}_{over}" for over in SPANS for each in AGGREGATES)
    frame = "PARTITION BY key ORDER BY moment RANGE BETWEEN INTERVAL {} PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING"
    named = ", ".join(f"w{over} AS ({frame.format(span)})" for over, span in SPANS.items())
    return f"""
        SELECT * FROM (
            SELECT place, {columns}
            FROM (
                SELECT key, time AS moment, amount, NULL AS place FROM {EVENTS}
                UNION ALL SELECT key, asked, NULL, place FROM {QUESTIONS})
            WINDOW {named})
        WHERE place IS NOT NULL"""


connection = duckdb.connect()
started, cpu = time.perf_counter(), time.process_time()
answers = connection.sql({"joins": joins, "windows": windows}[job]()).to_arrow_table()
taken = [time.perf_counter() - started, time.process_time() - cpu]
connection.sql("SELECT * FROM answers").write_parquet(str(folder / f"{name}.parquet"))
print(json.dumps(taken))
