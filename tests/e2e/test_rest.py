"""A project on an API that answers with JSON: asked for everything once, then only for what is new, and never a secret told."""

from pathlib import Path

import pytest
from services.json_api import Asked, JsonApi, Reply

from .command import call, run_command

TOKEN = "a-token-nobody-may-see"
PROJECT = """
import headrace as hr
from headrace import col

orders = hr.Events(
    "orders",
    source=hr.REST(
        "{url}",
        rows="data.orders",
        headers={{"Api-Version": "2026-10-01"}},
        auth=hr.auth.bearer("${{SHOP_TOKEN}}"),
        paging=hr.paging.cursor("next_cursor", size=("limit", 100)),
        cursor="updated_at",
        since="updated_after",
        flatten="customer",
        timezone="Europe/Berlin",
        retries=1,
    ),
    id="order",
    time="placed",
    known={{"returned": "updated_at"}},
)
features = hr.Features(spine=orders, as_of=col("placed"), given=["amount", "placed"], values={{"amount": col("amount")}})
model = hr.Model("returns", features=features, target=col("returned"), split=hr.split.random(0.2, 0.2), candidates=[hr.Baseline()],
                 metric="log_loss")
project = hr.Project("shop", models=[model])
"""


def order(number: int) -> dict[str, object]:
    day, minute = divmod(number, 1000)
    return {
        "order": number,
        "placed": f"2026-07-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00",
        "amount": number / 4,
        "returned": number % 3 == 0,
        "customer": {"city": "Ulm" if number % 2 else None, "tags": ["new"]},
        "updated_at": f"2026-08-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:30Z",
    }


class Shop:
    """Answers with orders updated at a time or later, a hundred a page, to whoever has the token."""

    def __init__(self, api: JsonApi) -> None:
        self.orders = [order(number) for number in range(250)]
        self.token = TOKEN
        api.answer = self.answer

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {self.token}":
            return Reply({"error": f"token {asked.headers.get('Authorization')} has expired"}, 401)
        found = [each for each in self.orders if str(each["updated_at"]) >= asked.query.get("updated_after", "")]
        start = int(asked.query.get("cursor", 0))
        more = start + 100 if start + 100 < len(found) else None
        return Reply({"data": {"orders": found[start : start + 100]}, "next_cursor": more})


@pytest.fixture
def shop(api: JsonApi) -> Shop:
    return Shop(api)


@pytest.fixture
def project(tmp_path: Path, api: JsonApi, shop: Shop) -> Path:
    file = tmp_path / "project.py"
    file.write_text(PROJECT.format(url=api.url), encoding="utf-8")
    return file


def test_the_second_run_has_nothing_to_do_and_the_third_asks_only_for_what_is_new(project: Path, api: JsonApi, shop: Shop) -> None:
    first = run_command(project, "run", SHOP_TOKEN=TOKEN)
    assert "250 rows in = 250 accepted + 0 quarantined + 0 duplicates" in first.out + first.err
    assert len(api.asked) == 3
    api.asked.clear()
    second = run_command(project, "run", SHOP_TOKEN=TOKEN)
    assert "0 new rows, 250 in all" in second.out + second.err
    assert [asked.query for asked in api.asked] == [{"limit": "100", "updated_after": "2026-08-01T04:09:30Z"}]
    assert "accepted" not in second.out + second.err
    shop.orders += [order(number) for number in range(250, 260)]
    third = run_command(project, "run", SHOP_TOKEN=TOKEN)
    assert "10 new rows, 260 in all" in third.out + third.err
    assert "260 rows in = 260 accepted + 0 quarantined + 0 duplicates" in third.out + third.err


def test_an_expired_token_ends_the_run_without_being_told(project: Path, shop: Shop) -> None:
    run_command(project, "run", SHOP_TOKEN=TOKEN)
    shop.token = "another"
    said = call(project.parent, "run", SHOP_TOKEN=TOKEN)
    assert said.code == 1
    assert "it answers 401 Unauthorized" in said.err
    assert "has expired" in said.err
    assert "Check the secret that auth= names" in said.err
    kept = b"".join(path.read_bytes() for path in project.parent.rglob("*") if path.is_file())
    assert TOKEN not in said.out + said.err
    assert TOKEN.encode() not in kept


def test_a_field_that_is_gone_is_refused(project: Path, shop: Shop, api: JsonApi) -> None:
    run_command(project, "run", SHOP_TOKEN=TOKEN)
    project.write_text(project.read_text().replace("2026-10-01", "2026-11-01"))
    for each in shop.orders:
        each["value"] = each.pop("amount")
    said = call(project.parent, "run", SHOP_TOKEN=TOKEN)
    assert said.code == 1
    assert "'amount'" in said.err
    assert "updated_after" not in api.asked[-1].query  # another version of the API is asked for everything
