"""Looking for values that a person may want to judge: one pass over rows whose profile is known."""

from collections.abc import Iterable

import polars as pl

from headrace.ingest.finding import Finding
from headrace.ingest.oddities import ColumnOddities
from headrace.ingest.profile import TableProfile
from headrace.ingest.repeats import RepeatedRows


def find_oddities(
    frames: Iterable[pl.DataFrame],
    profile: TableProfile,
    *,
    identity: Iterable[str] = (),
    personal: Iterable[str] = (),
    arrival: str | None = None,
) -> tuple[Finding, ...]:
    """Return what is odd in rows given frame by frame: by column in their order, whole rows last.

    `profile` is that of the same rows; columns that it has not are passed over. `arrival` is the column that counts rows of the source
    from 0; without it they are counted here. Of personal columns and ids nothing is told.
    """
    hidden = frozenset(personal).union(identity)
    columns = {each.name: ColumnOddities(each, profile.rows) for each in profile.columns if each.name not in hidden}
    repeats, behind = RepeatedRows(profile, tuple(identity)), 0
    for frame in frames:
        for name, oddities in columns.items():
            oddities.see(frame[name])
        numbers = frame[arrival] + 1 if arrival else pl.int_range(behind + 1, behind + frame.height + 1, eager=True)
        repeats.see(frame, numbers)
        behind += frame.height
    return (*(finding for oddities in columns.values() for finding in oddities.findings()), *repeats.findings())
