"""What goes wrong on the way: asked again where it may pass, told clearly where it does not, never a short table in silence."""

import pickle
import socket
import time

import pytest
from services.json_api import JsonApi, Reply
from urllib3 import HTTPHeaderDict

from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable
from headrace.ingest.rest.patience import reset_wait
from headrace.spec import auth
from headrace.spec.rest import REST

from .conftest import Asker

ROWS = [{"id": number, "name": "x" * 50} for number in range(40)]
FINE = Reply(ROWS)


@pytest.mark.parametrize(
    "trouble",
    [
        Reply({"error": "oops"}, 500), Reply(None, 502), Reply(None, 503), Reply({"error": "slow down"}, 429),
        Reply(None, 408), Reply(raw=b""),
        Reply(ROWS, hang_up=True), Reply(ROWS, cut=500), Reply(ROWS, cut=30, packed=True),
        Reply([{"id": 1}], headers={"Content-Length": "100", "Connection": "close"}),
        Reply(raw=b'[{"id": 1}, {"id": 2'), Reply(None, 403, {"X-RateLimit-Remaining": "0"}), Reply(None, 403, {"RateLimit": '"day";r=0'}),
        Reply(raw=b'b\r\n[{"id": 1}, \r\n', headers={"Transfer-Encoding": "chunked", "Connection": "close"}),
    ],
)  # fmt: skip
def test_what_may_pass_is_asked_again(api: JsonApi, asker: Asker, trouble: Reply) -> None:
    api.answers(trouble, trouble, FINE)
    assert asker.rows(REST(api.url)) == ROWS
    assert len(api.asked) == 3
    assert 0.25 <= asker.waits[0] <= 0.5 <= asker.waits[1] <= 1.0


def test_after_the_last_attempt_it_says_where_how_often_and_what(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply({"error": "out of order"}, 503))
    with pytest.raises(SourceUnreachable) as caught:
        asker.rows(REST(api.url, retries=2))
    assert caught.value.retried
    assert str(caught.value).startswith(f"{caught.value.location}: {api.url} cannot be reached: it answers 503 Service Unavailable")
    assert 'out of order"}) (tried 3 times).' in str(caught.value)
    assert len(api.asked) == 3
    assert len(asker.waits) == 2
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_half_an_answer_is_never_a_short_table(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS, cut=200))
    with pytest.raises(SourceUnreachable, match="the answer broke off"):
        asker.rows(REST(api.url, retries=1))


def test_an_answer_cut_off_in_its_json_is_never_a_short_table(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(raw=b'[{"email": "ana@example.org"}, {"id": 2'))
    with pytest.raises(SourceChanged, match=r"is no JSON .* it begins as JSON does \(tried 2 times\)") as caught:
        asker.rows(REST(api.url, retries=1))
    assert "ana" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
def test_a_refusal_is_not_asked_again(api: JsonApi, asker: Asker, status: int) -> None:
    api.answers(Reply({"error": "no"}, status))
    with pytest.raises(SourceRefused, match=f"it answers {status} .*no"):
        asker.rows(REST(api.url))
    assert len(api.asked) == 1


def test_an_expired_token_says_what_to_check(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply({"error": "token expired"}, 401))
    with pytest.raises(SourceRefused, match="token expired") as caught:
        asker.rows(REST(api.url, auth=auth.bearer("${TOKEN}")))
    assert "expired or been revoked" in caught.value.remedy


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"RateLimit-Reset": "9"}, 9.0),
        ({"X-RateLimit-Reset": "11"}, 11.0),
        ({"RateLimit": '"default";r=0;t=13'}, 13.0),
        ({"RateLimit": '"a, day";r=0;t=40;pk=:cHsdsRa894==:, "burst";r=0;t=2, "hour";r=9;t=3000'}, 40.0),
        ({"RateLimit": '"burst";r=0', "RateLimit-Policy": '"hour";q=1000;w=3600, "burst";q=10;w=5;qu="requests"'}, 5.0),
        ({"RateLimit": '"default";r=0;t=13', "RateLimit-Reset": "99"}, 13.0),
        ({"Retry-After": "7", "RateLimit": '"default";r=0;t=13'}, 7.0),
        ({"RateLimit": '"default";r=50;t=30'}, 0.5),
        ({"RateLimit": '"default;r=0;t=30'}, 0.5),
        ({"RateLimit": '"default";r=0;t=soon'}, 0.5),
        ({"RateLimit": '"default";r=0;t=-3, ,'}, 0.5),
        ({"RateLimit": '"default";r=0;t=3' + ";pk=:cA==:" * 1000 + ' "'}, 0.5),
        ({"Retry-After": "soon"}, 0.5),
        ({"X-RateLimit-Reset": "inf"}, 0.5),
        ({"X-RateLimit-Reset": "nan"}, 0.5),
        ({"Retry-After": "9" * 5000}, 0.5),
    ],
)
def test_it_waits_as_long_as_it_is_asked_to(api: JsonApi, asker: Asker, headers: dict[str, str], waited: float) -> None:
    api.answers(Reply(None, 429, headers), FINE)
    assert asker.rows(REST(api.url)) == ROWS
    assert asker.waits == [pytest.approx(waited, rel=0.5 if waited < 1 else 0)]


def test_it_does_not_wait_for_hours(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(None, 429, {"Retry-After": "7200"}))
    with pytest.raises(SourceUnreachable, match="asks to wait 2h, which is longer") as caught:
        asker.rows(REST(api.url))
    assert "after that time" in caught.value.remedy
    assert asker.waits == []


@pytest.mark.parametrize("headers", [{"Retry-After": "9" * 30}, {"X-RateLimit-Reset": "1e300"}])
def test_a_wait_longer_than_can_be_told_is_told_as_long(api: JsonApi, asker: Asker, headers: dict[str, str]) -> None:
    api.answers(Reply(None, 429, headers))
    with pytest.raises(SourceUnreachable, match="longer than Headrace waits"):
        asker.rows(REST(api.url))


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_moment_of_reset_is_in_seconds_or_in_milliseconds(unit: int) -> None:
    wait = reset_wait(HTTPHeaderDict({"X-RateLimit-Reset": f"{(time.time() + 3600) * unit:.0f}"}))
    assert wait is not None
    assert 3000 < wait <= 3601


@pytest.mark.parametrize("headers", [{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3"}, {"RateLimit": '"default";r=0;t=3'}])
def test_with_nothing_left_of_the_allowance_it_waits_before_it_is_refused(api: JsonApi, asker: Asker, headers: dict[str, str]) -> None:
    api.answers(Reply(ROWS, headers=headers))
    assert asker.rows(REST(api.url)) == ROWS
    assert asker.waits == [3.0]


def test_nobody_there(asker: Asker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnreachable, match=r"Connection refused.*\(tried 2 times\)"):
        asker.rows(REST(f"http://127.0.0.1:{port}/x", retries=1))


def test_no_answer_within_the_time_limit(asker: Asker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, and says nothing
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        with pytest.raises(SourceUnreachable, match="no answer within the time limit"):
            asker.rows(REST(url, retries=0, timeout="50ms"))


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, api: JsonApi, asker: Asker, status: int) -> None:
    monkeypatch.setattr("headrace.ingest.rest.connection._PARTS", 1)  # a bound made small
    api.answers(Reply(ROWS, status, pause_seconds=0.02))
    with pytest.raises(SourceUnreachable, match=r"one answer took longer than 0.1 s \(tried once\)"):
        asker.rows(REST(api.url, retries=0, timeout="100ms"))


def test_a_page_for_people_is_not_asked_for_again(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(raw=b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(SourceChanged, match="of type text/html is no JSON") as caught:
        asker.rows(REST(api.url))
    assert "sign-in page" in caught.value.remedy
    assert len(api.asked) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_larger_than_the_bound_is_given_up(api: JsonApi, asker: Asker, packed: bool) -> None:
    api.answers(Reply(raw=b"[" + b" " * (3 << 20) + b"]", packed=packed))
    with pytest.raises(SourceRefused, match="larger than 1 MiB") as caught:
        asker.rows(REST(api.url, max_response_mb=1))
    assert "max_response_mb" in caught.value.remedy
    assert len(api.asked) == 1


def test_packed_answers_are_unpacked(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS, packed=True))
    assert asker.rows(REST(api.url)) == ROWS
    assert "gzip" in api.asked[0].headers["Accept-Encoding"]


def test_a_redirect_on_the_same_server_is_followed(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(None, 301, {"Location": "/v2/orders"}), FINE)
    assert asker.rows(REST(api.url, auth=auth.bearer("${TOKEN}"))) == ROWS
    assert [asked.path for asked in api.asked] == ["/v1/orders", "/v2/orders"]


def test_a_redirect_to_another_server_is_not_followed(api: JsonApi, asker: Asker) -> None:
    port = api.url.partition(":")[2].partition("/")[0]
    api.answers(Reply(None, 302, {"Location": f"http://localhost:{port}/elsewhere?token=hush-token"}))
    with pytest.raises(SourceRefused, match="it redirects to http://localhost") as caught:
        asker.rows(REST(api.url, auth=auth.bearer("${TOKEN}")))
    assert len(api.asked) == 1
    assert "hush" not in str(caught.value)


def test_redirects_in_a_circle_end(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(None, 307, {"Location": "/v1/orders"}))
    with pytest.raises(SourceRefused, match="redirects more than 5 times"):
        asker.rows(REST(api.url))


def test_a_certificate_that_nobody_vouches_for_is_refused(asker: Asker, api: JsonApi) -> None:
    with pytest.raises(SourceRefused, match="TLS"):
        asker.rows(REST(api.url.replace("http:", "https:")))


@pytest.mark.parametrize(
    ("value", "rows", "problem"),
    [
        ({"data": []}, "data.items", "there is nothing under 'data.items'; the answer is an object with the keys 'data'"),
        ({"error": "no such shop"}, "", "as the answer there is no list of rows but an object"),
        ([1, 2], "", "row 1 as the answer is a number, not an object"),
        ({"items": [{"id": 1}, None]}, "items", "row 2 under 'items' is null"),
        ({"items": "none"}, "items", "no list of rows but a text"),
    ],
)
def test_an_answer_of_another_shape_is_told(api: JsonApi, asker: Asker, value: object, rows: str, problem: str) -> None:
    api.answers(Reply(value))
    with pytest.raises(SourceChanged) as caught:
        asker.rows(REST(api.url, rows=rows))
    assert problem in str(caught.value)
    assert "rows=" in caught.value.remedy


@pytest.mark.parametrize("reply", [Reply([]), Reply({"items": None}), Reply(raw=b"", status=204), Reply(None)])
def test_no_rows_are_no_pages(api: JsonApi, asker: Asker, reply: Reply) -> None:
    api.answers(reply)
    assert asker.rows(REST(api.url, rows="items" if reply.value == {"items": None} else "")) == []
