"""How a table is declared, and the statements that make it. Constraints and indexes get the names that the migrations give them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from headrace.ledger.types import Kind


class Dialect(NamedTuple):
    """In what the SQL of the two stores differs, as far as the ledger uses it: words for kinds of columns, and what locks a row."""

    words: Mapping[Kind, str]
    row_lock: str


_WORDS = {
    Kind.NAME: "VARCHAR",
    Kind.TEXT: "TEXT",
    Kind.NUMBER: "INTEGER",
    Kind.COUNT: "BIGINT",
    Kind.FLOAT: "FLOAT",
    Kind.FLAG: "BOOLEAN",
    Kind.MOMENT: "DATETIME",
    Kind.MONEY: "TEXT",
    Kind.JSON: "TEXT",
}
# On SQLite BEGIN IMMEDIATE has already made writers wait.
SQLITE = Dialect(_WORDS, "")
POSTGRES = Dialect({**_WORDS, Kind.MOMENT: "TIMESTAMP WITH TIME ZONE"}, "FOR UPDATE")


class Column(NamedTuple):
    """A column. `references` names the table whose `id` it holds; `key` says that it alone is the primary key."""

    name: str
    kind: Kind
    null: bool = False
    references: str = ""
    indexed: bool = False
    unique: bool = False
    key: bool = False


class PrimaryKey(tuple[str, ...]):
    """The columns of a primary key that has several."""


class Unique(tuple[str, ...]):
    """Columns that are unique together."""


class Check(NamedTuple):
    """A condition that every row meets."""

    name: str
    condition: str


class Index(NamedTuple):
    """An index. With `where` it is of the rows that meet a condition."""

    columns: tuple[str, ...]
    name: str = ""
    unique: bool = False
    where: str = ""


class Table:
    """A table as declared. Columns come in the order of their declaration."""

    def __init__(self, name: str, *parts: Column | PrimaryKey | Unique | Check | Index) -> None:
        self.name = name
        self.columns = tuple(part for part in parts if isinstance(part, Column))
        self._parts = parts
        alone = tuple(column.name for column in self.columns if column.key)
        self.key: tuple[str, ...] = next((part for part in parts if isinstance(part, PrimaryKey)), alone)

    def statements(self, dialect: Dialect) -> Iterator[str]:
        """Give the statements that make it."""
        lines = [f"{each.name} {dialect.words[each.kind]}{'' if each.null else ' NOT NULL'}" for each in self.columns]
        yield f"CREATE TABLE {self.name} (\n\t" + ", \n\t".join((*lines, *self._constraints())) + "\n)"
        yield from map(self._index, self._indexes())

    def _constraints(self) -> Iterator[str]:
        yield f"CONSTRAINT pk_{self.name} PRIMARY KEY ({', '.join(self.key)})"
        for part in self._parts:
            if isinstance(part, Column) and part.references:
                yield f"CONSTRAINT fk_{self.name}_{part.name} FOREIGN KEY({part.name}) REFERENCES {part.references} (id)"
            if isinstance(part, Column) and part.unique:
                yield self._unique((part.name,))
            if isinstance(part, Unique):
                yield self._unique(part)
            if isinstance(part, Check):
                yield f"CONSTRAINT ck_{self.name}_{part.name} CHECK ({part.condition})"

    def _unique(self, columns: tuple[str, ...]) -> str:
        return f"CONSTRAINT uq_{self.name}_{'_'.join(columns)} UNIQUE ({', '.join(columns)})"

    def _indexes(self) -> Iterator[Index]:
        for part in self._parts:
            if isinstance(part, Column) and part.indexed:
                yield Index((part.name,))
            if isinstance(part, Index):
                yield part

    def _index(self, index: Index) -> str:
        name = index.name or f"ix_{self.name}_{'_'.join(index.columns)}"
        condition = f" WHERE {index.where}" if index.where else ""
        return f"CREATE {'UNIQUE ' * index.unique}INDEX {name} ON {self.name} ({', '.join(index.columns)}){condition}"
