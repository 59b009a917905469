"""Where raw data comes from."""

import os
from pathlib import Path

from headrace.spec.declaration import Declaration, as_names
from headrace.spec.errors import InvalidOption

FORMATS = ("csv", "jsonl", "parquet", "arrow")
_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip
_PACKED = (".gz", ".zip")


class Source(Declaration, frozen=True, kw_only=True):
    """A place that rows are read from."""


class _FilePath(Source, frozen=True):
    path: str


class File(_FilePath, frozen=True, kw_only=True):
    """A file of rows: CSV (plain, .gz or .zip), JSON lines (the same), Parquet or Arrow.

    `path` is relative to the folder of `project.py`. `format` is taken from the name unless given. `null_values` are the texts that
    mean null in a CSV, beside the empty one; `separator` is a CSV's delimiter (a tab for .tsv unless given).

    >>> File("flights.csv.zip", null_values="NA").format
    'csv'
    """

    format: str = ""
    null_values: tuple[str, ...] = ()
    separator: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("path", os.fspath(self.path))
        self._set("null_values", as_names(self.null_values))
        stem = Path(self.path.lower())
        inner = Path(stem.stem) if stem.suffix in _PACKED else stem
        if not self.format:
            self._set("format", _SUFFIXES.get(inner.suffix, "csv" if stem.suffix == ".zip" else ""))
        if self.format not in FORMATS:
            raise InvalidOption(
                f"the format of File({self.path!r})",
                self.format,
                f"a name that ends in {', '.join(_SUFFIXES)}, or format= one of {', '.join(FORMATS)}",
                location=self.location,
            )
        if not self.separator:
            self._set("separator", "\t" if inner.suffix == ".tsv" else ",")
        if len(self.separator.encode()) != 1:
            raise InvalidOption(f"the separator of File({self.path!r})", self.separator, "one ASCII character", location=self.location)
