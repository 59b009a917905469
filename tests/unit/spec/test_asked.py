import pytest

from headrace.spec.custom import Custom
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.sql import SQL

GOOD = [
    "sqlite:///shop.db",
    "postgresql://reader@db/sales",
    "postgresql://reader:${SALES_PASSWORD}@db:5432/sales?sslmode=require",
    "postgresql://${USER}:${A}@db/sales",
    "${SALES_URL}",
    "mysql+pymysql://db/sales?password=${P}",
]


@pytest.mark.parametrize("url", GOOD)
def test_urls(url: str) -> None:
    assert SQL(url, table="orders").place == f"{url}, table orders"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:hush@db/sales",
        "postgresql://reader:hush${A}@db/sales",
        "postgresql://:hush@db/sales",
        "mysql://db/s?password=hush",
    ],
)
def test_a_password_in_the_open_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SpecError, match=r"has a password in it.*\n.*Write \$\{NAME\}") as caught:
        SQL(url, table="orders")
    assert "hush" not in str(caught.value)


def test_a_table_or_a_query() -> None:
    for options in ({}, {"table": "a", "query": "SELECT 1"}):
        with pytest.raises(SpecError, match="takes a table= or a query="):
            SQL("sqlite:///shop.db", **options)
    with pytest.raises(InvalidOption, match=r"url of SQL cannot be 'shop.db'"):
        SQL("shop.db", table="orders")


def test_how_times_are_read_does_not_decide_what_is_asked() -> None:
    plain, zoned = (SQL("sqlite:///shop.db", table="a", **options) for options in ({}, {"timezone": "Europe/Berlin"}))
    assert plain.meaning == zoned.meaning
    assert plain.meaning != SQL("sqlite:///shop.db", table="a", cursor="n").meaning


def test_custom_takes_a_function_or_a_reader() -> None:
    class Tape:
        def pages(self, after):
            return iter(())

    assert Custom(Tape()).is_reader
    assert Custom(Tape()).place == "the reader Tape"
    with pytest.raises(InvalidOption, match="a function that gives rows"):
        Custom("rows.csv")
    with pytest.raises(InvalidOption, match="each of its pages tells"):
        Custom(Tape(), cursor="n")
