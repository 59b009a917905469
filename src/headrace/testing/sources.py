"""What every reader of an asked source must do. A test class inherits `ReaderConformance` and gives the fixture `case`.

See `docs/how-to/write-a-source.md`.
"""

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.core.errors import HeadraceError
from headrace.ingest.errors import SourceRefused, SourceUnreachable
from headrace.ingest.landed import Landed, landed_table
from headrace.ingest.landing import Keeping, land
from headrace.ingest.readers import Cursor, Page, Reader

Row = dict[str, Any]

ROWS: tuple[Row, ...] = tuple(
    {"n": number, "word": word, "price": None if number % 5 == 3 else number / 4}
    for number, word in enumerate(["plain", 'with "quotes", a comma', "two\nlines", "Grüße, 東京", None, "", "0123", " spaces "] * 4)
)
"""What the source of a case holds at the beginning, in the order of `n`, which is its cursor if it has one."""


@dataclass(frozen=True)
class Case:
    """A source that holds `ROWS`.

    Attributes:
        reader: opens the reader under test, each time afresh.
        page_rows: the most rows that a page of it has; fewer than `ROWS` has.
        unreachable: opens one whose source does not answer.
        refusing: opens one that the source does not let in; None for a source that lets everybody in.
        add: puts rows into the source; None if it is not incremental.
        ties: whether a row that comes later with the cursor's last value is to be found.
        secrets: texts that no error may hold.
    """

    reader: Callable[[], Reader]
    page_rows: int
    unreachable: Callable[[], Reader] | None = None
    refusing: Callable[[], Reader] | None = None
    add: Callable[[Sequence[Row]], None] | None = None
    ties: bool = True
    secrets: tuple[str, ...] = ()


class ReaderConformance:
    """The contract of `headrace.ingest.readers.Reader`, point by point."""

    def test_everything_comes_in_order(self, case: Case) -> None:
        """All rows come, in their order, each value as it is."""
        assert _rows(case.reader().pages(None)) == list(ROWS)

    def test_asking_again_gives_the_same(self, case: Case) -> None:
        """Another reader of the same source gives the same rows and positions."""
        first, again = (list(case.reader().pages(None)) for _ in range(2))
        assert _rows(first) == _rows(again)
        assert [page.cursor for page in first] == [page.cursor for page in again]

    def test_one_reader_may_be_asked_twice(self, case: Case) -> None:
        """What one call left behind does not change the next."""
        reader = case.reader()
        assert _rows(reader.pages(None)) == _rows(reader.pages(None))

    def test_pages_are_bounded(self, case: Case) -> None:
        """No page has more rows than it may, so that memory stays bounded."""
        sizes = [page.rows.height for page in case.reader().pages(None)]
        assert max(sizes) <= case.page_rows < len(ROWS)
        assert sum(sizes) == len(ROWS)

    def test_stopping_half_way_harms_nothing(self, case: Case) -> None:
        """An iterator that is closed early lets go of what it opened."""
        pages: Any = case.reader().pages(None)
        next(pages)
        if hasattr(pages, "close"):
            pages.close()
        assert _rows(case.reader().pages(None)) == list(ROWS)

    def test_every_position_gives_the_rest(self, case: Case) -> None:
        """The cursor of each page, given back, has the rows after it and no others; without one, there is no position at all."""
        pages = list(case.reader().pages(None))
        if case.add is None:
            assert {page.cursor for page in pages} == {None}
            return
        seen = 0
        for page in pages:
            seen += page.rows.height
            if page.rows.height:
                assert isinstance(page.cursor, str | int | float)
                assert _rows(case.reader().pages(page.cursor)) == list(ROWS[seen:])

    def test_only_what_is_new_comes(self, case: Case) -> None:
        """After the last position there is nothing; then there is what was added."""
        if case.add is None:
            return
        last = _last(case.reader().pages(None))
        assert _rows(case.reader().pages(last)) == []
        new = {"n": len(ROWS), "word": "new", "price": 7.5}
        case.add([new])
        assert _rows(case.reader().pages(last)) == [new]

    def test_a_late_row_with_the_last_value_is_not_lost(self, case: Case) -> None:
        """Rows of one transaction share a moment, and may be seen in two answers."""
        if case.add is None or not case.ties:
            return
        last = _last(case.reader().pages(None))
        late = {"n": ROWS[-1]["n"], "word": "late", "price": None}
        case.add([late])
        assert _rows(case.reader().pages(last)) == [late]

    def test_it_lands(self, case: Case) -> None:
        """Landed twice, the rows are the same and mean the same."""
        blobs: dict[str, bytes] = {}
        first, again = (_land(case.reader(), blobs, None) for _ in range(2))
        assert first == again
        table = landed_table(first, blobs.__getitem__)
        assert [row for frame in table.chunks() for row in frame.select("n", "word", "price").iter_rows(named=True)] == list(ROWS)

    def test_what_was_landed_goes_on(self, case: Case) -> None:
        """Rows that came in two answers are kept as if they had come in one."""
        if case.add is None:
            return
        blobs: dict[str, bytes] = {}
        first = _land(case.reader(), blobs, None)
        case.add([{"n": len(ROWS) + 1, "word": "more", "price": 1.0}])
        assert _land(case.reader(), blobs, first).fingerprint == _land(case.reader(), blobs, None).fingerprint

    def test_a_source_that_does_not_answer_may_be_asked_again(self, case: Case) -> None:
        """That is what the type of the error says; and it has a next step."""
        if case.unreachable is not None:
            error = _failure(case.unreachable())
            assert isinstance(error, SourceUnreachable), repr(error)
            _check_error(error, case)

    def test_a_source_that_refuses_is_not_asked_again(self, case: Case) -> None:
        """Wrong credentials do not become right."""
        if case.refusing is not None:
            error = _failure(case.refusing())
            assert isinstance(error, SourceRefused), repr(error)
            _check_error(error, case)


def _rows(pages: Iterator[Page] | Sequence[Page]) -> list[Row]:
    return [{name: row.get(name) for name in ("n", "word", "price")} for page in pages for row in page.rows.iter_rows(named=True)]


def _last(pages: Iterator[Page]) -> Cursor:
    return [page.cursor for page in pages if page.cursor is not None][-1]


def _land(reader: Reader, blobs: dict[str, bytes], before: Landed | None) -> Landed:
    def put(data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        blobs[name] = data
        return name

    return land(reader, "the source", before, Keeping(put, blobs.__getitem__, lambda _: None))[0]


def _failure(reader: Reader) -> HeadraceError:
    try:
        list(reader.pages(None))
    except HeadraceError as error:
        return error
    raise AssertionError("it gave its rows")


def _check_error(error: HeadraceError, case: Case) -> None:
    assert error.remedy, "it says no next step"
    assert str(copy.deepcopy(error)) == str(error), "it does not survive the way to another process"
    for secret in case.secrets:
        assert secret not in f"{error}{error!r}{error.__dict__}{error.__cause__}", "it tells a secret"
