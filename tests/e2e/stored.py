"""Everything that a project keeps, as text to be searched: the rows of its database, the files of its home, the objects of its bucket."""

from pathlib import Path

import psycopg
from obstore.store import S3Store
from services.s3 import S3


def dumped(url: str) -> str:
    """Return every row of every table of every schema of the database as text."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert {"public", "dbos"} <= {schema for schema, _ in names}
        rows = [connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall() for schema, name in names]  # type: ignore[arg-type]
    return "\n".join(map(str, rows))


def files_of(folder: Path) -> list[str]:
    """Return the content of every file of a folder."""
    return [path.read_text(encoding="latin-1") for path in folder.rglob("*") if path.is_file()]


def objects_of(lake: str, s3: S3) -> list[str]:
    """Return the content of every object of a lake, `s3://bucket/prefix`."""
    bucket, _, prefix = lake.removeprefix("s3://").partition("/")
    store = S3Store(bucket, **s3.options, client_options={"allow_http": True})
    paths = [meta["path"] for batch in store.list(f"{prefix}/") for meta in batch]
    assert {path.split("/")[1] for path in paths} == {"lake", "blobs"}
    return [bytes(store.get(path).bytes()).decode("latin-1") for path in paths]
