"""Reading a source to the end."""

from dataclasses import dataclass, field

import polars as pl
import pytest

from headrace.core.secrets import Secrets
from headrace.ingest.rest.reader import RestReader
from headrace.spec.rest import REST


@dataclass
class Asker:
    """Reads a source to the end, without waiting; `waits` are the seconds that it would have waited."""

    environment: dict[str, str]
    waits: list[float] = field(default_factory=list)

    def reader(self, source: REST) -> RestReader:
        return RestReader(source, Secrets(self.environment), self.waits.append)

    def rows(self, source: REST, after: str | None = None) -> list[dict[str, object]]:
        pages = [page.rows for page in self.reader(source).pages(after)]
        return pl.concat(pages, how="diagonal_relaxed").to_dicts() if pages else []

    def cursor(self, source: REST, after: str | None = None) -> str | None:
        pages = list(self.reader(source).pages(after))
        return str(pages[-1].cursor) if pages else None


@pytest.fixture
def asker() -> Asker:
    return Asker({"KEY": "k3y/+=", "TOKEN": "hush-token", "PASSWORD": "pass:wörd", "SECRET": "cl13nt secret"})
