"""Every way from page to page, and none that never ends or ends too soon."""

import pytest
from services.json_api import Asked, JsonApi, Reply

from headrace.ingest.errors import SourceChanged, SourceRefused
from headrace.spec import auth, paging
from headrace.spec.rest import REST

from .conftest import Asker

ROWS = [{"id": number} for number in range(7)]


def by_page(asked: Asked) -> Reply:
    size, page = int(asked.query["per_page"]), int(asked.query["page"])
    return Reply({"data": {"items": ROWS[size * (page - 1) : size * page]}, "meta": {"total": len(ROWS)}})


def by_offset(asked: Asked) -> Reply:
    start = int(asked.query["offset"])
    return Reply(ROWS[start : start + min(3, int(asked.query["limit"]))])


def by_cursor(asked: Asked) -> Reply:
    start = int(asked.query.get("cursor", 0))
    return Reply({"items": ROWS[start : start + 3], "meta": {"next": start + 3 if start + 3 < len(ROWS) else None}})


def by_next_url(asked: Asked) -> Reply:
    start = int(asked.query.get("from", 0))
    more = {"@odata.nextLink": f"/v1/orders?from={start + 3}"} if start + 3 < len(ROWS) else {}
    return Reply({"value": ROWS[start : start + 3], **more})


def by_link_header(asked: Asked) -> Reply:
    start = int(asked.query.get("from", 0))
    link = f'</v1/orders?from=0>; rel="first", <?from={start + 3}>; rel="next last"'
    return Reply(ROWS[start : start + 3], headers={"Link": link} if start + 3 < len(ROWS) else {})


@pytest.mark.parametrize(
    ("answer", "options", "questions"),
    [
        (by_page, {"rows": "data.items", "paging": paging.page(size=("per_page", 3))}, 4),
        (by_page, {"rows": "data.items", "total": "meta.total", "paging": paging.page(size=("per_page", 3))}, 3),
        # It gives three although it is asked for five: a short page is not the last one.
        (by_offset, {"paging": paging.offset(size=("limit", 5))}, 4),
        (by_cursor, {"rows": "items", "paging": paging.cursor("meta.next")}, 3),
        (by_next_url, {"rows": "value", "paging": paging.next_url("@odata.nextLink")}, 3),
        (by_link_header, {"paging": paging.link_header()}, 3),
    ],
)  # fmt: skip
def test_all_rows_come_once_and_in_order(api: JsonApi, asker: Asker, answer, options, questions) -> None:
    api.answer = answer
    assert asker.rows(REST(api.url, **options)) == ROWS
    assert len(api.asked) == questions
    assert api.connections == 1  # kept open and used again


def test_without_paging_one_question_is_asked(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS))
    assert asker.rows(REST(api.url, params={"active": True, "v": 2})) == ROWS
    assert [asked.query for asked in api.asked] == [{"active": "true", "v": "2"}]


def test_the_first_page_has_the_number_that_is_said(api: JsonApi, asker: Asker) -> None:
    api.answer = lambda asked: Reply(ROWS[:2] if asked.query == {"p": "0"} else [])
    assert asker.rows(REST(api.url, paging=paging.page("p", first=0))) == ROWS[:2]


def test_an_api_that_does_not_know_the_page_parameter_is_found_out(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS))
    with pytest.raises(SourceChanged, match="same rows as the one before") as caught:
        asker.rows(REST(api.url, paging=paging.page()))
    assert len(api.asked) == 2
    assert "total=" in caught.value.remedy
    assert "page=2" in str(caught.value)


def test_a_cursor_that_does_not_move_is_found_out(api: JsonApi, asker: Asker) -> None:
    api.answer = lambda _: Reply({"items": [{"id": len(api.asked)}], "next": "abc"})
    with pytest.raises(SourceChanged, match="never end"):
        asker.rows(REST(api.url, rows="items", paging=paging.cursor("next")))
    assert len(api.asked) == 2


def test_links_in_a_circle_are_found_out(api: JsonApi, asker: Asker) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply([{"id": len(api.asked)}], headers={"Link": f"<?page={len(api.asked) % 3}>; rel=next"})

    api.answer = answer
    with pytest.raises(SourceChanged, match="never end"):
        asker.rows(REST(api.url, paging=paging.link_header()))


def test_a_number_of_rows_that_is_not_what_came_is_refused(api: JsonApi, asker: Asker) -> None:
    api.answer = lambda asked: Reply({"items": ROWS if asked.query["page"] == "1" else [], "total": "9"})
    with pytest.raises(SourceChanged, match="gives a count of 9 rows, but 7 came"):
        asker.rows(REST(api.url, rows="items", paging=paging.page(), total="total"))


@pytest.mark.parametrize(("total", "what"), [("count", "nothing"), ("items", "a list of 7")])
def test_a_total_must_be_a_number(api: JsonApi, asker: Asker, total: str, what: str) -> None:
    api.answers(Reply({"items": ROWS}))
    with pytest.raises(SourceChanged, match=f"no number of rows but {what}"):
        asker.rows(REST(api.url, rows="items", total=total))


@pytest.mark.parametrize("link", ["http://127.0.0.1:1/v1/orders?from=3", "https://api.example.com/v1/orders", "http://[::1]:1/"])
def test_the_next_page_on_another_server_is_not_asked_for(api: JsonApi, asker: Asker, link: str) -> None:
    api.answers(Reply({"items": ROWS, "next": link}))
    with pytest.raises(SourceRefused, match="on another server"):
        asker.rows(REST(api.url, rows="items", paging=paging.next_url(), auth=auth.bearer("${TOKEN}")))
    assert len(api.asked) == 1


def test_an_address_of_the_next_page_that_is_none_is_told(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply({"items": ROWS, "next": "http://[oops/"}))
    with pytest.raises(SourceChanged, match="for the next page is none"):
        asker.rows(REST(api.url, rows="items", paging=paging.next_url()))


def test_a_page_past_the_end_that_is_not_found_says_what_to_do(api: JsonApi, asker: Asker) -> None:
    api.answer = lambda asked: Reply(ROWS) if asked.query["page"] == "1" else Reply({"detail": "Invalid page."}, 404)
    with pytest.raises(SourceRefused, match=r"404 Not Found \(\{\"detail\": \"Invalid page.\"\}\)") as caught:
        asker.rows(REST(api.url, paging=paging.page()))
    assert "total=" in caught.value.remedy
