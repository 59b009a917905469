"""Errors of the lake.

UserError
├── UnknownTable       no such table, or no such version of it
├── InvalidTableName   a name that cannot be a table's
└── SchemaConflict     rows whose columns do not fit the table, or that the lake cannot hold
SystemFault
├── LakeFault          the store failed or refused
├── CommitConflict     other writers kept winning
├── AppendMoved        somebody else has appended in the same name
├── UnknownBlob        no blob has this hash
└── CorruptBlob        a blob's bytes are not those of its hash
"""

from collections.abc import Iterable

from headrace.core.errors import SystemFault, UserError
from headrace.core.object_stores import CREDENTIALS, asked_the_machine, in_a_line


class UnknownTable(UserError):
    """No such table, or no such version of it."""

    def __init__(self, name: str, location: str, version: int | None = None, newest: int | None = None) -> None:
        if newest is None:
            super().__init__(f"the lake has no table {name!r} at {location}.", remedy="Run the project first: `headrace run`.")
        else:
            super().__init__(
                f"the table {name!r} has no version {version}; its newest is {newest}.",
                remedy=f"Ask for one of 0 to {newest}. It is kept at {location}.",
            )
        self.name = name


class InvalidTableName(UserError):
    """A name that cannot be a table's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} cannot be the name of a table.",
            remedy="Use letters, digits, - and _, in one part or in two with / between, such as 'flights/quarantine'.",
        )


class SchemaConflict(UserError):
    """Rows whose columns do not fit the table, or that the lake cannot hold."""

    def __init__(self, name: str, differences: Iterable[str], remedy: str) -> None:
        super().__init__(f"the rows do not fit the table {name!r}: {'; '.join(differences)}.", remedy=remedy)


class LakeFault(SystemFault):
    """The store failed or refused."""

    def __init__(self, action: str, location: str, reason: object) -> None:
        keys = CREDENTIALS if asked_the_machine(reason) else ""
        super().__init__(
            f"could not {action} {location}: {in_a_line(reason)}",
            remedy=f"Check that the place exists, can be reached and may be written, then run again.{keys}",
        )
        self.place = location


class CommitConflict(SystemFault):
    """Other writers kept winning."""

    def __init__(self, name: str, attempts: int) -> None:
        super().__init__(
            f"the table {name!r} was changed by other writers {attempts} times while this one tried to commit; nothing was written.",
            remedy="Run again.",
        )


class AppendMoved(SystemFault):
    """Somebody else has appended in the same name."""

    def __init__(self, table: str, app: str, last: int | None) -> None:
        super().__init__(
            f"another process appends to the table {table!r} in the name of {app!r}; its last number is {last}. Nothing was written.",
            remedy="It goes on from there; start this one again if it should too.",
        )


class UnknownBlob(SystemFault):
    """No blob has this hash."""

    passing = False

    def __init__(self, sha256: str, location: str) -> None:
        super().__init__(
            f"no blob {sha256} is kept at {location}.",
            remedy="It was removed or the lake is another one: run the project again to make it anew.",
        )


class CorruptBlob(SystemFault):
    """A blob's bytes are not those of its hash."""

    passing = False

    def __init__(self, sha256: str, found: str, location: str) -> None:
        super().__init__(
            f"the blob {sha256} at {location} holds bytes whose hash is {found}.",
            remedy="The storage damaged or someone changed it: delete it and run the project again.",
        )
