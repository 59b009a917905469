"""Run in the peer's environment: `features_spark.py FOLDER`: the windows of `ray_features` by PySpark on this machine's cores.

Once for each line that comes, with the seconds on a line; the totals are the last. The answers are Parquet, with the rows' numbers.
"""

import json
import shutil
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

SPANS = {"1h": 3_600_000_000, "1d": 86_400_000_000, "7d": 604_800_000_000}
ANSWERS = [f"{kind}_{over}" for over in SPANS for kind in ("count", "mean")]
folder = Path(sys.argv[1])
session = (
    SparkSession.builder.master("local[*]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "4g")
    .config("spark.sql.shuffle.partitions", "8")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .getOrCreate()
)
session.sparkContext.setLogLevel("ERROR")


def answers(source):
    found = source.withColumn("moment", f.unix_micros("time"))
    for over, span in SPANS.items():
        window = Window.partitionBy("key").orderBy("moment").rangeBetween(-span, -1)
        found = found.withColumn(f"count_{over}", f.count("amount").over(window)).withColumn(f"mean_{over}", f.mean("amount").over(window))
    return found.select("_arrival", *ANSWERS)


table = session.read.parquet(str(folder / "events.parquet"))
for _ in sys.stdin:
    shutil.rmtree(folder / "spark_out", ignore_errors=True)
    started = time.perf_counter()
    answers(table).write.parquet(str(folder / "spark_out"))
    print(time.perf_counter() - started, flush=True)
written = session.read.parquet(str(folder / "spark_out"))
totals = written.agg(*[f.sum(each) for each in ANSWERS]).first()
print(json.dumps([float(each) for each in totals]), flush=True)
session.stop()
