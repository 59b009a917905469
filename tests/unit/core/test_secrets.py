"""Secrets by name."""

from pathlib import Path

import pytest

from headrace.core.errors import UserError
from headrace.core.secrets import SecretMissing, Secrets, has_plain_password, masked, placeholders


def test_a_secret_comes_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n", encoding="utf-8")
    secrets = Secrets({"PLAIN": "hush", "TOKEN_FILE": str(tmp_path / "token")})
    assert secrets.fill("a ${PLAIN} b ${TOKEN} c") == "a hush b from a file c"
    assert secrets.redact("said hush, then from a file") == "said ***, then ***"


def test_what_was_not_given_out_is_not_redacted() -> None:
    assert Secrets({"PLAIN": "hush"}).redact("hush") == "hush"


@pytest.mark.parametrize("environment", [{}, {"A": ""}, {"A_FILE": "/nowhere/at/all"}])
def test_a_missing_secret_is_named_with_both_ways_to_give_it(environment: dict[str, str]) -> None:
    with pytest.raises(SecretMissing, match=r"\$\{A\}") as caught:
        Secrets(environment).fill("${A}")
    assert "A_FILE" in caught.value.remedy


def test_placeholders_are_named_in_order() -> None:
    assert placeholders("${B}:${A}@$C") == ("B", "A")


def test_a_password_in_a_url_may_hold_any_letter() -> None:
    secrets = Secrets({"WORD": "p@ss/w:rd?%", "HOST": "db"})
    assert secrets.fill_url("postgresql://ana:${WORD}@${HOST}/sales") == "postgresql://ana:p%40ss%2Fw%3Ard%3F%25@db/sales"
    assert secrets.redact("no p@ss/w:rd?% and no p%40ss%2Fw%3Ard%3F%25") == "no *** and no ***"


def test_a_placeholder_may_stand_for_a_whole_url_and_its_password_is_hidden_too() -> None:
    secrets = Secrets({"LEDGER": "postgresql://ana:p%40ss@db/sales"})
    assert secrets.fill_url("${LEDGER}") == "postgresql://ana:p%40ss@db/sales"
    assert secrets.redact("p%40ss p@ss") == "*** ***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:s3cret@host/db", "postgresql://ana:***@host/db"),
        ("postgresql://ana:s3@cr/et@host/db", "postgresql://ana:***@host/db"),
        ("postgresql://host/db?user=ana&password=s3cret&connect_timeout=3", "postgresql://host/db?user=ana&password=***&connect_timeout=3"),
        ("https://host/x?api_key=s3cret", "https://host/x?api_key=***"),
        ("postgresql://ana:${WORD}@host/db?password=${WORD}", "postgresql://ana:${WORD}@host/db?password=${WORD}"),
        ("postgresql://ana:x${WORD}@host/db", "postgresql://ana:***@host/db"),
        ("postgresql://ana@host:5432/db", "postgresql://ana@host:5432/db"),
        ("sqlite:////a@b/c:d.db", "sqlite:////a@b/c:d.db"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
    ],
)
def test_passwords_are_masked_and_placeholders_are_not(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert has_plain_password(url) == (url != shown)


def test_an_error_that_passes_loses_its_secrets_and_so_do_those_it_came_from() -> None:
    secrets = Secrets({"WORD": "hush"})
    secrets.fill("${WORD}")

    def fail() -> None:
        try:
            raise ValueError("hush inside", 7)
        except ValueError as error:
            raise UserError("hush outside.", remedy="Say hush.") from error

    with pytest.raises(UserError) as caught, secrets.kept_out_of_errors():
        fail()
    assert str(caught.value) == "*** outside.\n  Say ***."
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.args == ("*** inside", 7)


def test_what_ends_the_process_loses_its_secrets_too() -> None:
    secrets = Secrets({"WORD": "hush"})
    secrets.fill("${WORD}")
    with pytest.raises(SystemExit) as caught, secrets.kept_out_of_errors():
        raise SystemExit("no such host: hush")
    assert str(caught.value) == "no such host: ***"
