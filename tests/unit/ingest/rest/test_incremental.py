"""Only what is new: asked for from where it was left off, and what comes again at the edge left out."""

import json

import pytest
from services.json_api import Asked, JsonApi, Reply

from headrace.ingest.errors import SourceChanged
from headrace.ingest.rest.position import Edge, Position, TooMuch, Unplaced, oldest_first, rank_of
from headrace.ingest.rest.reader import PAGE_ROWS
from headrace.spec import paging
from headrace.spec.rest import REST

from .conftest import Asker

Row = dict[str, object]


def row(number: int, at: object) -> Row:
    return {"id": number, "at": at}


def serve(api: JsonApi, rows: list[Row], *, newest_first: bool = False) -> None:
    """An API that answers, as many do, with what is at or after `since`."""

    def answer(asked: Asked) -> Reply:
        found = [each for each in rows if str(each["at"]) >= asked.query.get("since", "")]
        start = int(asked.query["offset"])
        return Reply((found[::-1] if newest_first else found)[start : start + 2])

    api.answer = answer


def source(api: JsonApi, **options: object) -> REST:
    return REST(api.url, paging=paging.offset(), cursor="at", since="since", **options)


@pytest.mark.parametrize("newest_first", [False, True])
def test_only_what_is_new_comes_and_rows_of_the_same_moment_come_once(api: JsonApi, asker: Asker, newest_first: bool) -> None:
    rows = [row(1, "2026-11-01"), row(2, "2026-11-02"), row(3, "2026-11-02")]
    serve(api, rows, newest_first=newest_first)
    asked = source(api, order="any" if newest_first else "oldest_first")
    assert sorted(each["id"] for each in asker.rows(asked)) == [1, 2, 3]
    after = asker.cursor(asked)
    assert asker.rows(asked, after) == []
    assert asker.cursor(asked, after) is None
    rows += [row(4, "2026-11-02"), row(5, "2026-11-03")]
    api.asked.clear()
    assert asker.rows(asked, after) == rows[3:]
    assert {each.query["since"] for each in api.asked} == {"2026-11-02"}
    assert asker.rows(asked, asker.cursor(asked, after)) == []


def test_a_row_that_changed_within_the_moment_comes_again(api: JsonApi, asker: Asker) -> None:
    rows: list[Row] = [row(1, "2026-11-01") | {"state": "new"}]
    serve(api, rows)
    after = asker.cursor(source(api))
    rows[0] = rows[0] | {"state": "paid"}
    assert asker.rows(source(api), after) == rows


def test_every_page_says_where_to_go_on(api: JsonApi, asker: Asker) -> None:
    rows = [row(number, number // 3) for number in range(2 * PAGE_ROWS + 5)]
    api.answer = lambda asked: Reply([each for each in rows if each["at"] >= int(asked.query.get("since", 0))])
    asked = REST(api.url, cursor="at", since="since")
    pages = list(asker.reader(asked).pages(None))
    assert [page.rows.height for page in pages] == [PAGE_ROWS, PAGE_ROWS, 5]
    for number, page in enumerate(pages):
        assert asker.rows(asked, page.cursor) == rows[PAGE_ROWS * (number + 1) :]


def test_rows_out_of_order_are_refused(api: JsonApi, asker: Asker) -> None:
    serve(api, [row(1, "2026-11-01"), row(2, "2026-11-02")], newest_first=True)
    with pytest.raises(SourceChanged, match=r"not in the order of 'at': '2026-11-01' comes after '2026-11-02'") as caught:
        asker.rows(source(api))
    assert "order='any'" in caught.value.remedy


@pytest.mark.parametrize(("value", "problem"), [(None, "None"), ({"x": 1}, "{'x': 1}"), (True, "True")])
@pytest.mark.parametrize("order", ["any", "oldest_first"])
def test_a_row_without_a_place_is_refused(api: JsonApi, asker: Asker, value: object, problem: str, order: str) -> None:
    api.answers(Reply([row(1, value)]))
    with pytest.raises(SourceChanged, match=f"its cursor is {problem}, which is neither"):
        asker.rows(REST(api.url, cursor="at", since="since", order=order))


@pytest.mark.parametrize("order", ["any", "oldest_first"])
def test_places_of_two_kinds_are_refused(api: JsonApi, asker: Asker, order: str) -> None:
    api.answers(Reply([row(1, "2026-11-01"), row(2, 17)]))
    with pytest.raises(SourceChanged, match="'at' is a time in one row and a number in another"):
        asker.rows(REST(api.url, cursor="at", since="since", order=order))


def test_more_rows_than_can_be_sorted_are_refused() -> None:
    with pytest.raises(TooMuch, match="the first 4 take"):
        list(oldest_first("at", [[row(number, number) for number in range(9)]], held_bytes=50))


@pytest.mark.parametrize(
    ("lower", "higher"),
    [(2, 10), (1.5, 2), ("9", "10"), ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5Z"), ("a", "b"),
     ("2026-11-22T12:00:00+02:00", "2026-11-22T11:00:00Z"), ("2026-11-22", "2026-11-22T00:00:01")],
)  # fmt: skip
def test_places_are_compared_by_what_they_mean(lower: object, higher: object) -> None:
    assert rank_of(lower) < rank_of(higher)


def test_equal_rows_count_one_by_one() -> None:
    twice = [row(1, 5), row(1, 5)]
    edge = Edge("at", None)
    assert list(edge.new_of(twice)) == twice
    assert edge.position is not None
    position = Position.decode(edge.position.encode())
    assert json.loads(edge.position.encode())["at"] == 5
    assert list(Edge("at", position).new_of([*twice, row(1, 5), row(0, 4)])) == [row(1, 5)]


def test_the_order_of_rows_holds_across_pages() -> None:
    edge = Edge("at", Position(3))
    assert list(edge.new_of([row(1, 1), row(2, 9)])) == [row(2, 9)]
    with pytest.raises(Unplaced, match="5 comes after 9"):
        list(edge.new_of([row(3, 5)]))


def test_a_first_value_in_the_parameters_gives_way_to_the_remembered_one(api: JsonApi, asker: Asker) -> None:
    serve(api, [row(1, "2026-10-01"), row(2, "2026-11-01")])
    asked = source(api, params={"since": "2026-10-15"})
    assert asker.rows(asked) == [row(2, "2026-11-01")]
    assert asker.rows(asked, asker.cursor(asked)) == []
    assert api.asked[-1].query["since"] == "2026-11-01"
