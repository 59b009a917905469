from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from headrace.core.errors import SystemFault
from headrace.ingest import edge
from headrace.ingest.edge import Advance, edge_at
from headrace.ingest.errors import SourceChanged
from headrace.ingest.python_rows import frame_of


def follow(rows: list[tuple[object, object]], after: str | None = None) -> tuple[list[object], str]:
    advance = Advance("the source", "at", edge_at(after))
    fresh = advance.unseen(pl.DataFrame(rows, schema=["at", "what"], orient="row"))
    assert advance.edge is not None
    return fresh["what"].to_list(), advance.edge.cursor()


@pytest.mark.parametrize(
    "values",
    [(1, 2, 3), (0.5, 1.5, 2.5), ("a", "b", "c"), (date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)),
     tuple(datetime(2024, 1, day, 12, 0, 0, 123456, UTC) for day in (1, 2, 3)), tuple(datetime(2024, 1, day) for day in (1, 2, 3))],  # noqa: DTZ001
)  # fmt: skip
def test_what_was_seen_at_the_edge_is_left_out_and_nothing_else(values: tuple[object, object, object]) -> None:
    first, second, third = values
    seen, cursor = follow([(first, "a"), (second, "b"), (second, "c")])
    assert seen == ["a", "b", "c"]
    assert edge_at(cursor) == edge_at(edge_at(cursor).cursor())  # type: ignore[union-attr]
    late, cursor = follow([(second, "late"), (second, "b"), (second, "c"), (third, "d")], cursor)
    assert late == ["late", "d"]
    assert follow([(third, "d")], cursor)[0] == []


def test_equal_rows_count_as_often_as_they_were_seen() -> None:
    _, cursor = follow([(1, "x"), (1, "x")])
    fresh, cursor = follow([(1, "x"), (1, "x"), (1, "x")], cursor)
    assert fresh == ["x"]
    assert follow([(1, "x")] * 4, cursor)[0] == ["x"]


def test_the_edge_may_stretch_over_pages() -> None:
    advance = Advance("the source", "at", None)
    for what in "abc":
        advance.unseen(pl.DataFrame({"at": [7], "what": [what]}))
    assert advance.edge is not None
    assert follow([(7, "c"), (7, "a"), (7, "new"), (7, "b")], advance.edge.cursor())[0] == ["new"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(2, "a"), (1, "b")], "do not come in the order"),
        ([(1, "a"), (None, "b")], "has no value of 'at'"),
        ([(True, "a")], "a cursor has whole numbers"),
        ([(1.0, "a"), (float("inf"), "b")], "the value inf, after which nothing comes"),
        ([(1.0, "a"), (float("nan"), "b")], "the value nan, after which nothing comes"),
    ],
)
def test_what_is_no_growing_column_is_refused(rows: list[tuple[object, object]], words: str) -> None:
    with pytest.raises(SourceChanged, match=words):
        follow(rows)


def test_a_later_page_may_not_go_back() -> None:
    _, cursor = follow([(5, "a")])
    with pytest.raises(SourceChanged, match="do not come in the order"):
        follow([(4, "b")], cursor)
    with pytest.raises(SourceChanged, match="do not come in the order"):
        follow([("x", "b")], cursor)


def test_too_many_rows_with_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "MOST_AT_THE_EDGE", 3)  # a bound made small
    with pytest.raises(SourceChanged, match=r"more than 3 rows have 1 in 'at'"):
        follow([(1, "a")] * 4)


@pytest.mark.parametrize("cursor", ["rubbish", '{"kind":"int"}', 7])
def test_a_damaged_position_is_said(cursor: object) -> None:
    with pytest.raises(SystemFault, match="is no position"):
        edge_at(cursor)  # type: ignore[arg-type]


def test_a_row_is_known_whatever_rows_lie_near_it() -> None:
    def numbers(*rows: tuple[int, object], after: str | None = None) -> tuple[list[int], str]:
        frame, _ = frame_of(["at", "n"], rows)
        advance = Advance("the source", "at", edge_at(after))
        fresh = advance.unseen(frame, rows)
        assert advance.edge is not None
        return fresh["at"].to_list(), advance.edge.cursor()

    day = date(2024, 1, 1)
    for first, at_edge in ((1.5, 5), ("x", 5), ("x", 5.0), (datetime(2024, 1, 1, 12), day), (None, "x"), (True, 1), (2, Decimal("1.50"))):  # noqa: DTZ001
        _, cursor = numbers((1, first), (2, at_edge))
        assert numbers((2, at_edge), after=cursor)[0] == []
        assert numbers((2, at_edge), (2, "other"), (3, 0.5), after=cursor)[0] == [2, 3]


def test_numbers_and_dates_that_are_equal_are_one_whatever_their_type() -> None:
    def seen(value: object, other: object) -> bool:
        _, cursor = follow([(1, value)])
        return follow([(1, other)], cursor)[0] == []

    assert seen(5, 5.0)
    assert seen(date(2024, 1, 1), datetime(2024, 1, 1))  # noqa: DTZ001
    assert not seen(5, "5")
    assert not seen(1, True)


def test_a_column_that_was_added_makes_no_row_new() -> None:
    _, cursor = follow([(1, "a"), (2, "b"), (2, "c")])
    advance = Advance("the source", "at", edge_at(cursor))
    rows = pl.DataFrame({"more": [7, 0, 0, None], "what": ["b", "c", "d", "b"], "at": [2, 2, 2, 2]})
    assert advance.unseen(rows).rows() == [(7, "b", 2), (0, "d", 2)]
    assert advance.edge is not None
    again = Advance("the source", "at", edge_at(advance.edge.cursor()))
    assert again.unseen(rows.reverse()).is_empty()
    assert again.unseen(pl.DataFrame({"at": [3], "what": ["e"], "new": [1]})).height == 1
    assert again.edge is not None
    assert again.edge.columns == ("at", "what", "new")


def test_a_column_that_is_null_may_be_left_out() -> None:
    _, cursor = follow([(1, "a"), (2, None)])
    advance = Advance("the source", "at", edge_at(cursor))
    assert advance.unseen(pl.DataFrame({"at": [2]})).is_empty()
