import hashlib
from collections.abc import Iterator

import polars as pl
import pytest

from headrace.ingest import landing
from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable, UnsupportedColumn
from headrace.ingest.landed import Landed, landed_table
from headrace.ingest.landing import Keeping, land
from headrace.ingest.readers import Cursor, Page


class Lines:
    """A source of numbers whose answers come in pages of a given size, and which fails where it is told to."""

    def __init__(self, count: int, size: int, *, incremental: bool = True, fails: tuple[int, ...] = (), fault: Exception | None = None):
        self.count, self.size, self.incremental = count, size, incremental
        self.fails = list(fails)
        self.fault = fault or SourceUnreachable("the source", "the line is dead")
        self.asked: list[Cursor] = []

    def pages(self, after: Cursor) -> Iterator[Page]:
        self.asked.append(after)
        for start in range(int(after or 0), self.count, self.size):
            if self.fails and start >= self.fails[0]:
                self.fails.pop(0)
                raise self.fault
            end = min(start + self.size, self.count)
            frame = pl.DataFrame({"n": range(start, end), "word": [f"w{n}" if n % 3 else None for n in range(start, end)]})
            yield Page(frame, end if self.incremental else None)


class Box:
    """Blobs in memory, and what was waited for and reported."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.waits: list[float] = []
        self.reports: list[int] = []

    @property
    def keeping(self) -> Keeping:
        return Keeping(self.put, self.blobs.__getitem__, self.reports.append, self.waits.append)

    def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self.blobs[name] = data
        return name

    def land(self, reader: object, before: Landed | None = None) -> Landed:
        return land(reader, "the source", before, self.keeping)[0]  # type: ignore[arg-type]

    def numbers(self, landed: Landed) -> list[int]:
        return [n for frame in landed_table(landed, self.blobs.__getitem__).chunks() for n in frame["n"]]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setattr(landing, "PAGE_ROWS", 10)  # a bound made small
    return Box()


@pytest.mark.parametrize("size", [1, 3, 10, 25, 100])
def test_pages_are_those_of_the_rows_whatever_the_answers_were(box: Box, size: int) -> None:
    landed = box.land(Lines(37, size))
    assert [page.rows for page in landed.pages] == [10, 10, 10, 7]
    assert landed.fingerprint == box.land(Lines(37, 37)).fingerprint
    assert box.numbers(landed) == list(range(37))


def test_many_small_answers_make_no_small_pages(box: Box) -> None:
    landed = box.land(Lines(1, 1))
    for count in range(2, 38):
        landed = box.land(Lines(count, 5), landed)
    assert [page.rows for page in landed.pages] == [10, 10, 10, 7]
    assert landed == box.land(Lines(37, 37))


def test_only_the_last_page_is_written_anew(box: Box) -> None:
    before = box.land(Lines(15, 5))
    after = box.land(Lines(30, 5), before)
    assert after.pages[0] == before.pages[0]
    assert [page.rows for page in after.pages] == [10, 10, 10]


def test_nothing_new_changes_nothing(box: Box) -> None:
    before = box.land(Lines(15, 5))
    reader = Lines(15, 5)
    assert box.land(reader, before) == before
    assert reader.asked == [15]


def test_an_answer_that_breaks_off_goes_on_where_it_stopped(box: Box) -> None:
    reader = Lines(30, 5, fails=(10, 20, 20))
    landed = box.land(reader)
    assert box.numbers(landed) == list(range(30))
    assert reader.asked == [None, 10, 20, 20]
    assert len(box.waits) == 3
    assert landed == box.land(Lines(30, 5))


def test_one_without_positions_begins_again(box: Box) -> None:
    reader = Lines(30, 5, incremental=False, fails=(10,))
    assert box.numbers(box.land(reader)) == list(range(30))
    assert reader.asked == [None, None]


def test_it_gives_up_after_three_more_times(box: Box) -> None:
    reader = Lines(30, 5, fails=(0, 0, 0, 0))
    with pytest.raises(SourceUnreachable):
        box.land(reader)
    assert len(reader.asked) == 4
    assert box.waits == sorted(box.waits)


@pytest.mark.parametrize(
    "fault",
    [SourceRefused("the source", "no", "Ask."), SourceUnreachable("the source", "busy", retried=True)],
    ids=["refused", "tried again already"],
)
def test_what_will_not_pass_is_not_asked_again(box: Box, fault: Exception) -> None:
    reader = Lines(30, 5, fails=(10,), fault=fault)
    with pytest.raises(type(fault)):
        box.land(reader)
    assert reader.asked == [None]


def test_what_comes_is_told(box: Box) -> None:
    box.land(Lines(12, 5))
    assert box.reports == [5, 10, 12]


class Frames:
    def __init__(self, *frames: pl.DataFrame, notes: tuple[str, ...] = ()) -> None:
        self.frames, self.notes = frames, notes

    def pages(self, after: Cursor) -> Iterator[Page]:
        return (Page(frame, None, self.notes) for frame in self.frames)


def test_columns_that_come_later_are_null_before(box: Box) -> None:
    landed = box.land(Frames(pl.DataFrame({"n": [1]}), pl.DataFrame({"b": ["x"], "n": [2]})))
    assert landed.columns == ("n", "b")
    assert [row for frame in landed_table(landed, box.blobs.__getitem__).chunks() for row in frame.rows()] == [(1, None), (2, "x")]


def test_a_column_without_values_in_a_page_takes_the_type_of_the_next(box: Box) -> None:
    landed = box.land(Frames(pl.DataFrame({"n": [None]}), pl.DataFrame({"n": [2]}), pl.DataFrame({"n": [None]})))
    assert [frame["n"].to_list() for frame in landed_table(landed, box.blobs.__getitem__).chunks()] == [[None, 2, None]]


def test_a_column_that_changes_its_type_begins_a_page(box: Box) -> None:
    landed = box.land(Frames(pl.DataFrame({"n": [1]}), pl.DataFrame({"n": ["two"]})))
    assert [frame["n"].to_list() for frame in landed_table(landed, box.blobs.__getitem__).chunks()] == [[1], ["two"]]


def test_no_rows_but_columns_are_a_table(box: Box) -> None:
    landed = box.land(Frames(pl.DataFrame({"n": []})))
    assert (landed.columns, landed.pages) == (("n",), ())
    assert landed_table(landed, box.blobs.__getitem__).names == ("n",)


def test_nothing_at_all_is_no_table(box: Box) -> None:
    with pytest.raises(SourceChanged, match="gave no rows, so its columns are not known"):
        box.land(Frames())


@pytest.mark.parametrize(("name", "words"), [("_arrival", "keeps for itself"), (" ", "without a name")])
def test_names_that_cannot_be(box: Box, name: str, words: str) -> None:
    with pytest.raises(SourceChanged, match=words):
        box.land(Frames(pl.DataFrame({name: [1]})))


def test_types_that_tables_do_not_hold_are_refused(box: Box) -> None:
    with pytest.raises(UnsupportedColumn, match="'n'"):
        box.land(Frames(pl.DataFrame({"n": [b"\0"]})))


def test_each_note_is_told_once(box: Box) -> None:
    frames = [pl.DataFrame({"n": [1]})] * 3
    assert land(Frames(*frames, notes=("n is odd",)), "the source", None, box.keeping)[1] == ("n is odd",)
