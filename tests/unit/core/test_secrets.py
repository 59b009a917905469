"""Secrets by name."""

from pathlib import Path

import pytest

from headrace.core.secrets import SecretMissing, Secrets, placeholders


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
