"""REST sources: what is refused when they are declared."""

from datetime import timedelta

import pytest

from headrace.core.fingerprints import fingerprint
from headrace.core.units import parse_duration
from headrace.spec import auth, paging
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.rest import REST

URL = "https://api.example.com/v1/orders"


def test_what_is_written_is_kept() -> None:
    source = REST(URL, headers={"Api-Version": "7"}, flatten="customer", timeout="90s", auth=auth.bearer("${TOKEN}"))
    assert (source.flatten, source.timeout, source.place) == (("customer",), timedelta(seconds=90), URL)
    assert (source.secret, source.incremental) == (True, False)
    assert REST(URL, cursor="updated_at", since="after").incremental


@pytest.mark.parametrize(
    "make",
    [
        lambda: auth.bearer("s3cret"),
        lambda: auth.basic("ada", "s3cret"),
        lambda: auth.api_key("X-Key", "s3cret"),
        lambda: auth.client_credentials("https://id.example.com/token", "shop", "s3cret"),
        lambda: REST(URL, headers={"Authorization": "Bearer s3cret"}),
        lambda: REST(URL, headers={"X-Api-Key": "s3cret"}),
        lambda: REST(URL, params={"access_token": "s3cret"}),
        lambda: REST("https://ada:s3cret@api.example.com/"),
    ],
)
def test_a_secret_in_plain_is_refused_and_not_repeated(make) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert "s3cret" not in str(caught.value)
    assert "${" in caught.value.remedy
    assert str(caught.value.location).startswith(__file__)


@pytest.mark.parametrize(
    "url", ["api.example.com/v1", "ftp://api.example.com", "https://", f"{URL}?key=1", f"{URL}#a", "https://h:99999999/", "https://[oops/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidOption, match=r"the url of REST\(\)"):
        REST(url)


def test_secrets_do_not_travel_in_the_open() -> None:
    for options in ({"auth": auth.bearer("${T}")}, {"params": {"key": "${T}"}}, {"headers": {"X-Token": "${T}"}}):
        with pytest.raises(SpecError, match="over plain http"):
            REST("http://api.example.com/v1", **options)
        REST("http://127.0.0.1:8000/v1", **options)
    REST("http://api.example.com/v1")
    with pytest.raises(SpecError, match="over plain http"):
        auth.client_credentials("http://id.example.com/token", "shop", "${T}")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"cursor": "at"}, "has cursor= but not since="),
        ({"since": "after"}, "has since= but not cursor="),
        ({"order": "newest_first"}, "order"),
        ({"retries": -1}, "retries"),
        ({"max_response_mb": 0}, "max_response_mb"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "X-A"),
        ({"headers": {"X A": "b"}}, "X A"),
        ({"params": {"ids": [1]}}, "ids"),
        ({"auth": "${TOKEN}"}, "auth"),
        ({"paging": "page"}, "paging"),
        ({"timezone": "Mars/Base"}, "timezone"),
    ],
)
def test_other_options_are_checked(options: dict[str, object], problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        REST(URL, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: auth.api_key("X-Key", "${KEY}", where="cookie"),
        lambda: auth.client_credentials("https://id.example.com/token", "shop", "${S}", where="query"),
        lambda: paging.page(size=("per_page", 0)),
        lambda: paging.offset(size=("limit",)),
        lambda: paging.cursor("next", size="limit"),
    ],
)
def test_parts_are_checked(make) -> None:
    with pytest.raises(InvalidOption) as caught:
        make()
    assert str(caught.value.location).startswith(__file__)


def test_how_patiently_it_asks_does_not_change_what_is_asked() -> None:
    def meaning(**options: object) -> str:
        return fingerprint(REST(URL, **options).meaning)

    usual = meaning()
    assert meaning(timeout="5s", retries=1, max_response_mb=9, timezone="Europe/Berlin") == usual
    assert meaning(headers={"Api-Version": "8"}) != usual
    assert parse_duration("30s") == REST(URL).timeout
