"""When rows are asked about, and when their answers become known."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.core.moments import moment_of

_BEGINNING, _END = -(2**62), 2**62


@dataclass(frozen=True)
class Moments:
    """Microseconds since 1970 (n,). Beyond any real time are the moments of rows that have none, in order of arrival."""

    asked: NDArray[np.int64]
    known: NDArray[np.int64]

    @classmethod
    def of(cls, asked: pl.Series, known: pl.Series) -> "Moments":
        """Return the moments of rows in order of arrival. A row that is asked at no moment comes before all others, its answer known at
        once; an answer that is known at no moment comes after all others."""
        places = np.arange(len(asked), dtype=np.int64)
        timeless = asked.is_null().to_numpy()
        asked_at = asked.dt.timestamp("us").fill_null(0).to_numpy()
        known_at = known.dt.timestamp("us").fill_null(0).to_numpy()
        known_at = np.where(known.is_null().to_numpy(), _END + places, known_at)
        return cls(np.where(timeless, _BEGINNING + places, asked_at), np.where(timeless, _BEGINNING + places, known_at))

    @classmethod
    def of_arrival(cls, rows: int) -> "Moments":
        """Return moments of rows that have none."""
        places = _BEGINNING + np.arange(rows, dtype=np.int64)
        return cls(places, places)

    def take(self, rows: NDArray[np.int64]) -> "Moments":
        """Return those of some rows."""
        return Moments(self.asked[rows], self.known[rows])

    @property
    def are_real(self) -> NDArray[np.bool_]:
        """Which rows (n,) have both moments."""
        return (self.asked > _BEGINNING // 2) & (self.known < _END // 2)

    def real(self) -> tuple[pl.Series, pl.Series]:
        """Return when rows were asked about and when their answers became known; null where there is no such moment."""
        kind = pl.Datetime("us", "UTC")
        asked = pl.Series(self.asked).set(pl.Series(self.asked < _BEGINNING // 2), None).cast(kind)
        return asked, pl.Series(self.known).set(pl.Series((self.known > _END // 2) | (self.known < _BEGINNING // 2)), None).cast(kind)

    def asked_at(self, row: int) -> datetime | None:
        """Return when a row was asked about."""
        microseconds = int(self.asked[row])
        return moment_of(microseconds) if microseconds > _BEGINNING // 2 else None
