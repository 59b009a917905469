"""What ingestion is asked, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from headrace.core.errors import SystemFault
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.profile import TableProfile
from headrace.ingest.raw import RawTable
from headrace.ingest.staging import Staged
from headrace.spec.tables import Derived, Entity, Events

ARRIVAL = "_arrival"
INGESTED_AT = "_ingested"
REASON, ROW = "_reason", "_row"


def unheard(rows: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What making a table takes whatever its rows come from.

    Attributes:
        now: the moment of ingestion, aware, UTC.
        pseudonym_key: the project's key for personal columns.
        scratch: an empty folder to stage rows in, which lasts as long as the answer is used.
        pinned: `Ingested.source_types` of the version before, if its `pins_fingerprint` was the same; None the first time.
        previous: the newest accepted rows, so that rows read again keep the moment at which they were first ingested.
        heard: called every now and then with the number of rows behind; what it raises ends the ingestion.
    """

    now: datetime
    pseudonym_key: bytes
    scratch: Path
    pinned: Mapping[str, DType] | None = None
    previous: pl.LazyFrame | None = None
    heard: Callable[[int], None] = unheard


@dataclass(frozen=True, kw_only=True)
class IngestRequest(Terms):
    """Read a source into a table.

    Attributes:
        table: the declaration.
        raw: the rows of its source.
        before: the profile of the version before, by which a renamed column is recognised.
    """

    table: Events | Entity
    raw: RawTable
    before: TableProfile | None = None


@dataclass(frozen=True, kw_only=True)
class DeriveRequest(Terms):
    """Make a table from tables; `inputs` are the accepted rows of `table.inputs`, in that order."""

    table: Derived
    inputs: tuple[pl.LazyFrame, ...]


class RuleResult(msgspec.Struct, frozen=True):
    """How a table met one rule of its contract.

    `failed` counts the rows that broke it (0 or 1 for a rule about the whole table), `checked` those that were looked at. `detail` says
    what was found, where a count does not. A result with the severity `info` is no rule: it says what was done or taken for granted.
    """

    rule: str
    severity: str
    failed: int
    checked: int
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether nothing broke it."""
        return self.failed == 0


@dataclass(frozen=True)
class Ingested:
    """The outcome; rows_in == accepted + quarantined + duplicates, always.

    Attributes:
        accepted: the table's rows, with `_arrival` (Int64, the position in the source) and `_ingested` (UTC), in source order.
        quarantined: `_arrival`, `_ingested`, `_reason` (texts joined by "; ") and `_row` (the row as JSON, personal columns pseudonymised).
        rows_in: rows read.
        duplicates: rows left out because one with the same id came before.
        types: the type of each accepted column, `_arrival` and `_ingested` included.
        source_types: the types to be pinned for the next time, by column of the source; null for one that had no value.
        results: one for each rule, Headrace's own first.
        profile: of the accepted rows, without `_arrival` and `_ingested`.
    """

    accepted: Staged
    quarantined: Staged
    rows_in: int
    duplicates: int
    types: dict[str, DType]
    source_types: dict[str, DType]
    results: tuple[RuleResult, ...]
    profile: TableProfile

    def __post_init__(self) -> None:
        total = self.accepted.height + self.quarantined.height + self.duplicates
        if total != self.rows_in:
            raise SystemFault(
                f"{counted(self.rows_in, 'row')} came in, but {self.accepted.height} accepted, {self.quarantined.height} quarantined"
                f" and {counted(self.duplicates, 'duplicate')} make {total:,}; nothing was written.",
                remedy="This is a defect of Headrace: please report it.",
            )
