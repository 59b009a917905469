"""The lake of a project: its tables, and the blobs that all projects of a home share."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from headrace.lake.blobs import Blobs
from headrace.lake.place import place
from headrace.lake.tables import Tables
from headrace.lake.upkeep import Turn, Upkeep, alone


class Lake:
    """`<home>/lake/<project>/<table>` and `<home>/blobs`, where `home` is a folder or a URL such as `s3://bucket/prefix`.

    `options` are for a URL: region, endpoint, access_key_id, secret_access_key, session_token. Its bucket must be there. Nothing else is
    made until something is written. Thread safe; several processes may share one lake, and of two that commit the same version of a table
    one is first and the other writes again on top. `turn` is held by who makes few files of many, or deletes old rows (`upkeep`): where
    several processes do that, it is a lock among them.

    >>> import tempfile, polars
    >>> lake = Lake(tempfile.mkdtemp(), "flights")
    >>> lake.tables.write("planes", polars.DataFrame({"seats": [55, 149]})).rows
    2
    >>> lake.tables.scan("planes").collect()["seats"].to_list()
    [55, 149]
    >>> lake.blobs.get(lake.blobs.put(b"abc"))
    b'abc'
    """

    def __init__(self, home: str | Path, project: str, options: Mapping[str, str] | None = None, turn: Turn = alone) -> None:
        root = place(home, options)
        self.tables = Tables(root.child("lake", project))
        self.upkeep = partial(Upkeep, root.child("lake", project), turn)
        self.blobs = Blobs(root.child("blobs"))
