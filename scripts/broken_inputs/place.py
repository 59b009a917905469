"""Where inputs are broken: a folder with a project and its data, and servers for those who ask."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.json_api import JsonApi
from services.postgres import Postgres

PERSON = "@example.org"
"""What is in each e-mail address, which is personal and must never be told."""
SECRET = "a-w0rd-nobody-may-see"
PROJECT = """import headrace as hr
from headrace import col

source = {source}
orders = hr.Events("orders", source=source, id="order_id", time="placed", known={{"returned": "settled"}}, personal={{"email": hr.Pseudonym()}}{table})
features = hr.Features(spine=orders, as_of=col("placed"), given=["amount", "placed"], values={{"amount": col("amount")}})
model = hr.Model("returned", features=features, target=col("returned") == "yes", split=hr.split.random(0.2, 0.2), candidates=[hr.Baseline()],
                 metric="log_loss"{model})
project = hr.Project("shop", models=[model])
"""  # noqa: E501  a table's declaration on one line is what the catalogue's words name
HEADER = ("order_id", "amount", "items", "email", "placed", "settled", "returned")
ROWS = 40


@dataclass
class Place:
    """A folder, and `fixture`, which gives a server by its name. `holder` has a database locked."""

    folder: Path
    fixture: Callable[[str], Any]
    environment: dict[str, str] = field(default_factory=dict)
    holder: sqlite3.Connection | None = None

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file, with the folders that it lies in, in the place of whatever is there."""
        path = self.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a part of a file, which is there."""
        text = (self.folder / name).read_text()
        assert old in text, old
        self.write(name, text.replace(old, new))

    def declare(self, source: str = 'hr.File("orders.csv")', table: str = "", model: str = "") -> None:
        """Write project.py."""
        more = [f", {each}" if each else "" for each in (table, model)]
        self.write("project.py", PROJECT.format(source=source, table=more[0], model=more[1]))

    @property
    def api(self) -> JsonApi:
        """An API."""
        found: JsonApi = self.fixture("api")
        return found

    @property
    def postgres(self) -> Postgres:
        """A server of databases."""
        found: Postgres = self.fixture("postgres")
        return found

    @property
    def database(self) -> str:
        """The URL of a database of its own, with its password."""
        found: str = self.fixture("postgres_url")
        return found

    def plain(self, words: str) -> str:
        """Return what was said without what differs from one place to the next: the folder, ports, the names of databases."""
        told = words.replace(f"{self.folder}/", "").replace(str(self.folder), "the project's folder")
        told = re.sub(r"Valid: [^.]* and \d+ more\.", "Valid: ... and more.", told)
        told = re.sub(r"pn_[0-9a-f]{32}", "pn_...", told)
        told = re.sub(r"port \d+", "port 5432", told)
        told = re.sub(r"127\.0\.0\.1:\d+/test_\d+", "db.example.com/shop", told)
        return re.sub(r"http://127\.0\.0\.1:\d+", "https://api.example.com", told)


def orders() -> list[dict[str, str]]:
    """Return forty orders that are as they should be, as texts."""
    return [
        {
            "order_id": f"o{number}",
            "amount": f"{number + 10}.5",
            "items": str(number % 4 + 1),
            "email": f"buyer{number}{PERSON}",
            "placed": f"2026-01-{number % 28 + 1:02}T10:00:00Z",
            "settled": f"2026-02-{number % 28 + 1:02}T10:00:00Z",
            "returned": "yes" if number % 3 == 0 else "no",
        }
        for number in range(ROWS)
    ]


def objects() -> list[dict[str, object]]:
    """Return the same orders as JSON has them."""
    return [{**each, "amount": float(each["amount"]), "items": int(each["items"])} for each in orders()]


def csv(rows: list[dict[str, str]] | None = None, separator: str = ",") -> str:
    """Return orders as a CSV, with the columns of the first one."""
    rows = orders() if rows is None else rows
    return "".join(separator.join(line) + "\n" for line in (rows[0], *(each.values() for each in rows)))


def changed(*numbers: int, **values: str) -> str:
    """Return the CSV with these orders (all of them, if none is named) having other values."""
    return csv([{**each, **values} if number in numbers or not numbers else each for number, each in enumerate(orders())])


def without(*columns: str) -> str:
    """Return the CSV without some columns."""
    return csv([{name: value for name, value in each.items() if name not in columns} for each in orders()])


def renamed(old: str, new: str) -> str:
    """Return the CSV with a column that is called otherwise."""
    head, _, rest = csv().partition("\n")
    return f"{head.replace(old, new)}\n{rest}"


def json_lines() -> str:
    """Return the orders as JSON lines."""
    return "".join(json.dumps(each) + "\n" for each in objects())


def good(place: Place) -> None:
    """Everything is as it should be."""
    place.declare()
    place.write("orders.csv", csv())
