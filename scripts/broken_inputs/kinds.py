"""A kind of broken input: how to make it, what Headrace says of it, what becomes of the rows, and what mends it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from broken_inputs.place import ROWS, Place, good

Step = Callable[[Place], None]


class Counts(NamedTuple):
    """What became of the rows of the table."""

    accepted: int
    quarantined: int = 0
    duplicates: int = 0


ALL = Counts(ROWS)
NO_ROWS = (
    "step 'train:returned.baseline' failed: there is nothing to split: the table of the spine has no accepted rows.\n"
    "  headrace show TABLE tells how many rows came in, and why those that were set aside were."
)


@dataclass(frozen=True)
class Kind:
    """One kind of broken input.

    Attributes:
        what: what is broken, as a person would say it.
        breaks: breaks it, in a place where everything is good.
        says: what Headrace prints: the error with its remedy, or what the ingest step says at its end. Folders are left out of paths, and
            servers are called `api.example.com` and `db.example.com`.
        fix: what a person does next; `mends` does it, and the next run is completed with `mended` rows.
        code: the exit code.
        counts: what became of the rows; None where nothing is written.
        reasons: what is told of rows that are set aside.
        keeps: the id of an order as it must stand in the table.
        before: how things are for a run that is completed before the input breaks; None where there is none.
    """

    what: str
    breaks: Step
    says: str
    fix: str
    mends: Step = good
    code: int = 1
    counts: Counts | None = None
    reasons: tuple[str, ...] = ()
    before: Step | None = None
    mended: Counts = ALL
    keeps: str | None = None

    @property
    def rows(self) -> str:
        """What becomes of the rows, as a person would say it."""
        if self.counts is None:
            return "Nothing is written; the table stays as the last run left it." if self.before else "Nothing is written."
        parts = [f"{count} {word}" for word, count in self.counts._asdict().items() if count or word == "accepted"]
        told = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return ", ".join(parts) + told + "."


def steps(*each: Step) -> Step:
    """Do one after the other."""

    def all_of_them(place: Place) -> None:
        for step in each:
            step(place)

    return all_of_them


def holds(content: str | bytes, name: str = "orders.csv") -> Step:
    """Write a file."""
    return lambda place: place.write(name, content)


def declares(source: str = 'hr.File("orders.csv")', table: str = "", model: str = "") -> Step:
    """Write project.py with another source, or with more options of its table or its model."""
    return lambda place: place.declare(source, table, model)


def replaces(old: str, new: str) -> Step:
    """Replace a part of project.py."""
    return lambda place: place.replace("project.py", old, new)


def gone(name: str = "orders.csv") -> Step:
    """Remove a file."""
    return lambda place: (place.folder / name).unlink()
