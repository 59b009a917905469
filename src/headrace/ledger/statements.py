"""Statements that are put together: what a table's columns say, and conditions of which some are left out.

Only names of the schema and of fields come into their texts; every value is a parameter.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from headrace.ledger.ddl import Table


@cache
def insertion(table: Table, columns: tuple[str, ...]) -> str:
    """Return the statement that adds a row with these columns."""
    names, parameters = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({parameters})"  # noqa: S608  names of the schema


@cache
def removal(table: Table) -> str:
    """Return the statement that removes the row with a primary key."""
    return f"DELETE FROM {table.name} WHERE {_equal(table.key)}"  # noqa: S608  names of the schema


@cache
def selection(table: Table, *, without: str = "") -> str:
    """Return the statement that reads all rows, by the names of the columns: a newer version that adds one is not noticed by this one."""
    return f"SELECT {', '.join(each.name for each in table.columns if each.name != without)} FROM {table.name}"  # noqa: S608  as above


@cache
def newest(table: Table) -> str:
    """Return the statement that reads the greatest id."""
    return f"SELECT max(id) AS id FROM {table.name}"  # noqa: S608  a name of the schema


def matching(statement: str, wanted: Mapping[str, Any], rest: str = "") -> str:
    """Return a statement for the rows whose columns have the wanted values, where None says that any will do. `rest` comes after it."""
    names = [name for name, value in wanted.items() if value is not None]
    return " ".join(part for part in (statement, "WHERE" if names else "", _equal(names), rest) if part)


def listed(name: str, values: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the condition that a column is one of some values, and its parameters."""
    parameters = {f"{name}_{number}": value for number, value in enumerate(values)}
    return f"{name} IN ({', '.join(f':{each}' for each in parameters)})", parameters


def _equal(names: Iterable[str]) -> str:
    return " AND ".join(f"{name} = :{name}" for name in names)
