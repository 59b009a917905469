from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl
import pytest

from headrace.ingest.derived import derive_table
from headrace.ingest.requests import DeriveRequest, Ingested, IngestRequest
from headrace.ingest.sources import open_source
from headrace.ingest.tables import ingest_table
from headrace.spec.sources import File
from headrace.spec.tables import Derived, Events

KEY = b"k" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Collected(NamedTuple):
    """An outcome with its rows in memory."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    outcome: Ingested

    def __getattr__(self, name):
        return getattr(self.outcome, name)


def collected(outcome):
    return Collected(outcome.accepted.collect(), outcome.quarantined.collect(), outcome)


@pytest.fixture
def ingest(tmp_path):
    """Write a file, ingest it as a table of events, and return the outcome."""

    def run(text, *, name="rows.csv", now=NOW, before=None, null_values=(), pinned=None, **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        table = Events("rows", source=File(name, null_values=null_values), **options)
        pins = before.source_types if before else pinned
        raw, previous = open_source(table.source, tmp_path), before.accepted.lazy() if before else None
        return collected(
            ingest_table(IngestRequest(table=table, raw=raw, now=now, pseudonym_key=KEY, scratch=tmp_path, pinned=pins, previous=previous))
        )

    return run


@pytest.fixture
def derive(tmp_path):
    """Derive a table from frames by a function, and return the outcome."""

    def run(build, *frames, pinned=None, **options):
        inputs = tuple(Events(f"input_{number}", source=File("x.csv")) for number, _ in enumerate(frames)) or (
            Events("x", source=File("x.csv")),
        )
        table = Derived("made", inputs=inputs, build=build, **options)
        return collected(
            derive_table(
                DeriveRequest(
                    table=table, inputs=tuple(frame.lazy() for frame in frames), now=NOW, pseudonym_key=KEY, scratch=tmp_path, pinned=pinned
                )
            )
        )

    return run
