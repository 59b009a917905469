from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from headrace.core.secrets import Secrets
from headrace.ingest.custom import as_pages, open_custom
from headrace.ingest.errors import ReadFailed, SourceChanged, SourceRefused
from headrace.ingest.readers import Page, reader_of
from headrace.spec.custom import Custom


def rows(read: Any, **options: Any) -> list[tuple[Any, ...]]:
    pages = reader_of(Custom(read, **options), Secrets({}), Path()).pages(None)
    return [row for page in pages for row in page.rows.rows()]


@pytest.mark.parametrize(
    "read",
    [
        lambda: [{"n": 1}, {"n": 2}],
        lambda: iter([[{"n": 1}], {"n": 2}]),
        lambda: pl.DataFrame({"n": [1, 2]}),
        lambda: pl.LazyFrame({"n": [1, 2]}),
        lambda: (frame for frame in (pl.DataFrame({"n": [1]}), {"n": 2})),
        lambda: pl.DataFrame({"n": [1, 2]}).to_arrow(),
        lambda: pl.DataFrame({"n": [1, 2]}).to_arrow().to_batches(),
    ],
)
def test_whatever_a_function_gives(read: Callable[[], Any]) -> None:
    assert rows(read) == [(1,), (2,)]


def test_a_key_that_a_row_has_not_is_null() -> None:
    assert rows(lambda: [{"a": 1}, {"b": 2}]) == [(1, None), (None, 2)]


def test_a_large_table_comes_in_pages() -> None:
    pages = open_custom(Custom(lambda: pl.DataFrame({"n": range(7)})), Secrets({}), Path(), page_rows=3).pages(None)
    assert [page.rows.height for page in pages] == [3, 3, 1]


def broken() -> Any:
    yield {"n": 1}
    raise KeyError("price")


def test_a_failure_is_the_users_own_line() -> None:
    with pytest.raises(ReadFailed, match=r"the function broken failed: KeyError: 'price'") as caught:
        rows(broken)
    assert caught.value.location is not None
    assert caught.value.location.file == __file__
    assert caught.value.location.line == broken.__code__.co_firstlineno + 2


def test_what_the_users_code_says_on_purpose_is_passed_on() -> None:
    def closed() -> Any:
        raise SourceRefused("the tape drive", "no tape", "Insert one.")

    with pytest.raises(SourceRefused, match="no tape"):
        rows(closed)


@pytest.mark.parametrize(("given", "words"), [(None, "it gave nothing"), ("text", "it gave a str"), ([1], "it gave a int")])
def test_what_is_no_row_is_refused(given: object, words: str) -> None:
    with pytest.raises(ReadFailed, match=words):
        rows(lambda: given)


def test_the_cursor_stands_in_each_row() -> None:
    with pytest.raises(SourceChanged, match="rows without 'at', the cursor"):
        rows(lambda after: [{"n": 1}], cursor="at")


def test_a_reader_gives_pages() -> None:
    class Tape:
        def pages(self, after: object) -> Any:
            yield {"n": 1}

    with pytest.raises(ReadFailed, match="where a Page with a Polars DataFrame is due"):
        rows(Tape())


def test_mappings_as_pages() -> None:
    pages = list(as_pages(({"n": n} for n in range(5)), page_rows=2))
    assert [page.rows["n"].to_list() for page in pages] == [[0, 1], [2, 3], [4]]
    assert all(isinstance(page, Page) for page in pages)


def test_rows_with_other_keys_are_known_again() -> None:
    given: list[dict[str, Any]] = [{"id": 1, "a": 1.5}, {"id": 2, "a": 5}]
    reader = reader_of(
        Custom(lambda since: [row for row in given if since is None or row["id"] >= since], cursor="id"), Secrets({}), Path()
    )
    cursor = list(reader.pages(None))[-1].cursor
    assert list(reader.pages(cursor)) == []
    given.append({"id": 3, "b": "x"})
    assert [page.rows["id"].to_list() for page in reader.pages(cursor)] == [[3]]
