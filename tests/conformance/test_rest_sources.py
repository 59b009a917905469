"""The contract of sources that are asked, for an API that answers with JSON."""

import json
from collections.abc import Sequence

import pytest
from services.json_api import Asked, JsonApi, Reply

from headrace.core.secrets import Secrets
from headrace.ingest.rest.reader import RestReader
from headrace.spec import auth, paging
from headrace.spec.paging import Paging
from headrace.spec.rest import REST
from headrace.testing.sources import ROWS, Case, ReaderConformance, Row

PAGE_ROWS, API_ROWS = 7, 5


def orders(rows: list[Row], token: str):
    """An API with every way of paging, sorted by `n`, that answers with what is at or after `since`."""

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {token}":
            return Reply({"error": "who are you?", "headers": asked.headers}, 401)
        found = [row for row in rows if row["n"] >= int(asked.query.get("since", 0))]
        start = int(asked.query.get("from", 0)) + API_ROWS * (int(asked.query.get("page", 1)) - 1)
        more = start + API_ROWS if start + API_ROWS < len(found) else None
        since = f"&since={asked.query['since']}" if "since" in asked.query else ""
        link = {"Link": f'<?from={more}{since}>; rel="next"'} if more else {}
        return Reply({"rows": found[start : start + API_ROWS], "next": more}, headers=link)

    return answer


@pytest.mark.parametrize(
    "pages",
    [paging.page(), paging.offset("from"), paging.cursor("next", "from"), paging.link_header()],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize(("cursor", "order"), [(None, "oldest_first"), ("n", "oldest_first"), ("n", "any")])
class TestRest(ReaderConformance):
    @pytest.fixture
    def case(self, api: JsonApi, pages: Paging, cursor: str | None, order: str) -> Case:
        rows: list[Row] = json.loads(json.dumps(ROWS))
        right, wrong = "right-token", "wrong-token"
        api.answer = orders(rows, right)

        def add(more: Sequence[Row]) -> None:
            rows.extend(more)
            rows.sort(key=lambda row: row["n"])

        def reader(url: str, token: str) -> RestReader:
            source = REST(
                url, rows="rows", auth=auth.bearer("${TOKEN}"), paging=pages, cursor=cursor, since="since" if cursor else None, order=order
            )
            return RestReader(source, Secrets({"TOKEN": token}), lambda _: None, PAGE_ROWS)

        return Case(
            lambda: reader(api.url, right),
            PAGE_ROWS,
            unreachable=lambda: reader("http://127.0.0.1:1/", right),
            refusing=lambda: reader(api.url, wrong),
            add=add if cursor else None,
            secrets=(right, wrong),
        )
