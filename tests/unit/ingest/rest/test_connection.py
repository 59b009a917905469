"""The way to an API: proxies that the environment names, and addresses in headers."""

import pytest
from services.json_api import JsonApi, Reply

from headrace.ingest.errors import SourceRefused, SourceUnreachable
from headrace.ingest.rest.addresses import next_link, same_origin, with_query, without_secrets
from headrace.ingest.rest.paths import MISSING, find
from headrace.spec import auth
from headrace.spec.rest import REST

from .conftest import Asker

ROWS = [{"id": 1}]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_proxy_is_asked_for_what_is_elsewhere(api: JsonApi, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", api.url.replace("http://", "http://ada:secret%21@").removesuffix("/v1/orders"))
    api.answers(Reply(ROWS))
    assert asker.rows(REST("http://api.example.com/v1/orders")) == ROWS
    assert api.asked[0].headers["Host"] == "api.example.com"
    assert api.asked[0].headers["proxy-authorization"] == "Basic YWRhOnNlY3JldCE="


def test_no_proxy_is_asked_for_what_is_on_this_machine(api: JsonApi, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    api.answers(Reply(ROWS))
    assert asker.rows(REST(api.url, auth=auth.bearer("${TOKEN}"))) == ROWS


def test_hosts_of_no_proxy_are_asked_directly(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    source = REST("http://api.invalid/", retries=0)
    with pytest.raises(SourceUnreachable, match="the proxy that the environment names fails"):
        asker.rows(source)
    monkeypatch.setenv("NO_PROXY", "api.invalid")
    with pytest.raises(SourceUnreachable, match="its name is not known"):
        asker.rows(source)


def test_a_proxy_of_another_kind_is_refused(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(SourceRefused, match="the proxy that the environment names cannot be used"):
        asker.rows(REST("http://api.invalid/"))


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('<https://a/?p=2>; rel="next", <https://a/?p=9>; rel="last"', "https://a/?p=2"),
        ('<https://a/1>; rel="prev"; title="a, <b>; rel=next", <https://a/3>; title="x"; REL=NEXT', "https://a/3"),
        ('<https://a/?x=1,2;3>; rel="start next"', "https://a/?x=1,2;3"),
        ('<https://a/>; rel="prev"', None),
        ('<https://a/>; rel="nextish"', None),
        ("", None),
    ],
)
def test_the_next_address_in_a_link_header(header: str, address: str | None) -> None:
    assert next_link(header) == address


def test_parameters_replace_those_of_the_same_name() -> None:
    assert with_query("https://a/b?x=1&y=&x=2#c", {"x": "é &", "z": "3"}) == "https://a/b?y=&x=%C3%A9+%26&z=3"


def test_what_sounds_secret_is_not_shown() -> None:
    shown = without_secrets("https://ada:pw@a:8/b?api_key=1&page=2&X-Amz-Signature=3&sig=4")
    assert shown == "https://a:8/b?api_key=***&page=2&X-Amz-Signature=***&sig=***"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://a:443/x", True),
        ("https://A/", True),
        ("http://a/", False),
        ("https://a:444/", False),
        ("https://a.b/", False),
        ("https://[oops/", False),
    ],
)
def test_one_server_is_a_scheme_a_host_and_a_port(other: str, same: bool) -> None:
    assert same_origin("https://a/", other) is same


def test_keys_may_have_dots() -> None:
    value = {"a": {"b": 1}, "a.b": {"c.d": 2}, "x": [1]}
    assert find(value, "a.b.c.d") == 2
    assert find(value, "a.b") == {"c.d": 2}
    assert (find(value, "a.c"), find(value, "x.0"), find([], "a")) == (MISSING, MISSING, MISSING)
