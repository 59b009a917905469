"""Who asks: proof in its place, renewed when it expires, and never seen by anyone else."""

import base64
import logging
from urllib.parse import parse_qsl

import pytest
from services.json_api import Asked, JsonApi, Reply

from headrace.core.secrets import SecretMissing
from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable
from headrace.spec import auth, paging
from headrace.spec.errors import SpecError
from headrace.spec.rest import REST

from .conftest import Asker

ROWS = [{"id": 1}]


def token_server(api: JsonApi, tokens: list[Reply], good: str) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/token"):
            return tokens.pop(0)
        right = asked.headers.get("Authorization") == f"Bearer {good}"
        return Reply(ROWS) if right else Reply({"error": "expired", "given": asked.headers.get("Authorization")}, 401)

    api.answer = answer


def a_token(text: str, **more: object) -> Reply:
    return Reply({"access_token": text, "token_type": "Bearer", **more})


def credentials(api: JsonApi, **options: str) -> auth.ClientCredentials:
    return auth.client_credentials(api.url.replace("orders", "token"), "shop", "${SECRET}", **options)


def test_a_key_in_a_header(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS))
    assert asker.rows(REST(api.url, auth=auth.api_key("X-Api-Key", "${KEY}"))) == ROWS
    assert api.asked[0].headers["X-Api-Key"] == "k3y/+="


def test_a_key_in_the_query_of_every_page(api: JsonApi, asker: Asker) -> None:
    api.answer = lambda asked: Reply(ROWS, headers={} if "page" in asked.query else {"Link": "<?page=2&api_key=other>; rel=next"})
    source = REST(api.url, auth=auth.api_key("api_key", "${KEY}", where="query"), paging=paging.link_header())
    with pytest.raises(SourceChanged) as caught:  # both pages have the same rows
        asker.rows(source)
    assert [asked.query["api_key"] for asked in api.asked] == ["k3y/+=", "k3y/+="]
    assert "k3y" not in str(caught.value)


def test_a_bearer_token(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS))
    assert asker.rows(REST(api.url, auth=auth.bearer("${TOKEN}"))) == ROWS
    assert api.asked[0].headers["Authorization"] == "Bearer hush-token"


def test_a_user_and_a_password_in_unicode(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS))
    assert asker.rows(REST(api.url, auth=auth.basic("Ada", "${PASSWORD}"))) == ROWS
    kind, _, coded = api.asked[0].headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(coded).decode()) == ("Basic", "Ada:pass:wörd")


def test_secrets_in_headers_and_params_and_the_address(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply(ROWS))
    asker.environment["WHERE"] = api.url
    assert asker.rows(REST("${WHERE}", headers={"Api-Version": "3", "X-Token": "${TOKEN}"}, params={"key": "${KEY}"})) == ROWS
    assert (api.asked[0].headers["X-Token"], api.asked[0].headers["Api-Version"]) == ("hush-token", "3")
    assert api.asked[0].query == {"key": "k3y/+="}


def test_an_address_out_of_the_environment_is_held_to_the_rules(asker: Asker) -> None:
    asker.environment["WHERE"] = "http://api.example.com/v1"
    with pytest.raises(SpecError, match="plain http"):
        asker.reader(REST("${WHERE}", auth=auth.bearer("${TOKEN}")))


def test_client_credentials_get_a_token_once_for_all_pages(api: JsonApi, asker: Asker) -> None:
    pages = {"1": [{"id": 1}], "2": [{"id": 2}], "3": []}
    api.answer = lambda asked: a_token("t1", expires_in=3600) if asked.method == "POST" else Reply(pages[asked.query["page"]])
    assert asker.rows(REST(api.url, auth=credentials(api, scope="orders:read"), paging=paging.page())) == [{"id": 1}, {"id": 2}]
    assert [asked.method for asked in api.asked] == ["POST", "GET", "GET", "GET"]
    assert dict(parse_qsl(api.asked[0].body)) == {"grant_type": "client_credentials", "scope": "orders:read"}
    assert base64.b64decode(api.asked[0].headers["Authorization"].partition(" ")[2]) == b"shop:cl13nt+secret"


def test_client_credentials_in_the_body(api: JsonApi, asker: Asker) -> None:
    token_server(api, [a_token("t1")], "t1")
    assert asker.rows(REST(api.url, auth=credentials(api, where="body"))) == ROWS
    assert dict(parse_qsl(api.asked[0].body))["client_secret"] == "cl13nt secret"
    assert "Authorization" not in api.asked[0].headers


def test_a_token_that_has_expired_is_renewed_once(api: JsonApi, asker: Asker) -> None:
    token_server(api, [a_token("old"), a_token("new")], "new")
    assert asker.rows(REST(api.url, auth=credentials(api))) == ROWS
    assert [asked.method for asked in api.asked] == ["POST", "GET", "POST", "GET"]


def test_a_token_is_renewed_before_it_expires(api: JsonApi, asker: Asker) -> None:
    pages = {"1": [{"id": 1}], "2": []}
    api.answer = lambda asked: a_token("t1", expires_in="0") if asked.method == "POST" else Reply(pages[asked.query["page"]])
    assert asker.rows(REST(api.url, auth=credentials(api), paging=paging.page())) == [{"id": 1}]
    assert [asked.method for asked in api.asked] == ["POST", "GET", "POST", "GET"]


@pytest.mark.parametrize("lasts", [None, "", "soon", "²", "-1"])
def test_a_token_of_which_nobody_says_how_long_it_lasts_is_used_until_it_is_refused(api: JsonApi, asker: Asker, lasts: str | None) -> None:
    api.answer = lambda asked: a_token("t1", expires_in=lasts) if asked.method == "POST" else Reply(ROWS)
    assert asker.rows(REST(api.url, auth=credentials(api))) == ROWS
    assert [asked.method for asked in api.asked] == ["POST", "GET"]


def test_a_token_that_is_never_good_enough_is_refused_without_being_shown(api: JsonApi, asker: Asker) -> None:
    token_server(api, [a_token("first-token"), a_token("second-token")], "third")
    with pytest.raises(SourceRefused, match=r'expired.*"given": "Bearer \*\*\*"'):
        asker.rows(REST(api.url, auth=credentials(api)))
    assert len(api.asked) == 4


def test_a_token_server_that_refuses(api: JsonApi, asker: Asker) -> None:
    token_server(api, [Reply({"error": "invalid_client", "echo": "cl13nt secret and cl13nt+secret"}, 401)], "t")
    with pytest.raises(SourceRefused, match="invalid_client") as caught:
        asker.rows(REST(api.url, auth=credentials(api)))
    assert "client_secret" in caught.value.remedy
    assert "cl13nt" not in str(caught.value)


@pytest.mark.parametrize("reply", [{"token": "x"}, {"access_token": "x", "token_type": "mac"}, {"access_token": ""}, ["x"]])
def test_a_token_server_that_gives_no_token(api: JsonApi, asker: Asker, reply: object) -> None:
    token_server(api, [Reply(reply)], "t")
    with pytest.raises(SourceChanged, match="no access_token of type bearer"):
        asker.rows(REST(api.url, auth=credentials(api)))


def test_the_client_secret_is_not_sent_on_by_a_redirect(api: JsonApi, asker: Asker) -> None:
    token_server(api, [Reply(None, 307, {"Location": "/elsewhere"})], "t")
    with pytest.raises(SourceRefused, match="it redirects"):
        asker.rows(REST(api.url, auth=credentials(api)))
    assert len(api.asked) == 1


def test_a_missing_secret_is_named_before_anything_is_asked(api: JsonApi, asker: Asker) -> None:
    with pytest.raises(SecretMissing, match="NOWHERE"):
        asker.rows(REST(api.url, auth=auth.bearer("${NOWHERE}")))
    assert api.asked == []


def test_a_secret_of_two_lines_is_refused_without_being_shown(api: JsonApi, asker: Asker) -> None:
    asker.environment["TOKEN"] = "one\r\nX-Evil: two"
    with pytest.raises(SourceRefused) as caught:
        asker.rows(REST(api.url, auth=auth.bearer("${TOKEN}")))
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("where", ["header", "query"])
def test_no_secret_is_in_errors_or_logs(api: JsonApi, asker: Asker, where: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.answer = lambda asked: Reply({"you_sent": [asked.query, asked.headers]}, 500)
    with pytest.raises(SourceUnreachable) as caught:
        asker.rows(REST(api.url, retries=1, auth=auth.api_key("X-Key", "${KEY}", where=where)))
    assert "/v1/orders" in caplog.text
    told = [str(caught.value), caplog.text, repr(caught.value.__cause__)]
    assert not [text for text in told if "k3y" in text]
    assert "***" in str(caught.value)
    assert not logging.getLogger("urllib3.connectionpool").filters
