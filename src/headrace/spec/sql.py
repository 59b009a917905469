"""Rows out of a database."""

from headrace.core.secrets import has_plain_password, placeholders
from headrace.spec.asked import Asked
from headrace.spec.declaration import as_names
from headrace.spec.errors import InvalidOption, SpecError


class _Database(Asked, frozen=True):
    url: str


class SQL(_Database, frozen=True, kw_only=True):
    """A table of a database, or what a query gives: any that SQLAlchemy has a dialect for.

    Attributes:
        url: as SQLAlchemy writes it; a SQLite path is relative to the folder of `project.py`. Secrets stand in it as `${NAME}`.
        table: the table or view to read, with its schema before a dot if need be.
        query: a SELECT in the place of `table`.
        cursor: a column that only grows (an id, the time of the last change). With it only rows at or after the last one seen are asked
            for, and those seen before are left out; without it everything is asked for each time.
        order_by: the columns whose order makes the same rows come in the same order; default: the primary key of `table`, else all
            columns. A `cursor` comes before them.

    >>> SQL("postgresql://reader:${SALES_PASSWORD}@db/sales", table="orders", cursor="order_id").place
    'postgresql://reader:${SALES_PASSWORD}@db/sales, table orders'
    """

    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    order_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("order_by", as_names(self.order_by))
        if (self.table is None) == (self.query is None):
            given = "both" if self.table else "neither"
            raise SpecError(f"SQL takes a table= or a query=; here it has {given}.", remedy="Give one of them.", location=self.location)
        if "://" not in self.url and not placeholders(self.url):
            expected = "a URL such as postgresql://reader:${PASSWORD}@host/database or sqlite:///shop.db"
            raise InvalidOption("the url of SQL", self.url, expected, location=self.location)
        if has_plain_password(self.url):
            raise SpecError(
                "the url of SQL has a password in it, which would be kept wherever the project is.",
                remedy="Write ${NAME} in its place, and set the environment variable NAME, or NAME_FILE to a file that holds it.",
                location=self.location,
            )

    @property
    def place(self) -> str:
        return f"{self.url}, {f'table {self.table}' if self.table else 'a query'}"
