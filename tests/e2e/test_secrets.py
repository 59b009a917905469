"""What Headrace keeps holds neither a secret nor a plain personal value, but for the folder of keys."""

from pathlib import Path

import httpx

from .command import call, run_command, served

PERSONAL = (b"example.org", b"@example")


def test_no_plain_personal_value_and_no_secret_lies_in_the_home(copied: Path) -> None:
    orders = copied.parent / "orders.csv"
    refused_row = "x,s1,-5,secret@example.org,2024-03-30T00:00:00Z,2024-03-30T00:00:00Z,true\n"
    unreadable_row = "y,s1,five,secret@example.org,2024-03-30T00:00:00Z,2024-03-30T00:00:00Z,true\n"
    orders.write_text(orders.read_text(encoding="utf-8") + refused_row + unreadable_row, encoding="utf-8")
    run_command(copied, "run")
    token = run_command(copied, "token", "issue", "ben").out.strip()
    run_command(copied, "approve", "returned", "--comment", "fine", HEADRACE_TOKEN=token)
    (copied.parent / "ask.csv").write_text("shop,amount,email,placed\ns1,150.0,b4@example.org,2024-03-31T12:00:00Z\n", encoding="utf-8")
    run_command(copied, "predict", "returned", "ask.csv", "out.csv")
    (copied.parent / "bad.csv").write_text("shop,amount,email,placed\ns1,ten,b4@example.org,2024-03-31T12:00:00Z\n", encoding="utf-8")
    assert call(copied.parent, "predict", "returned", "bad.csv", "out.csv").code == 1
    with served(copied.parent) as url:
        question = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}
        assert httpx.post(f"{url}/predict", json=question).status_code == 200
        refused = httpx.post(f"{url}/predict", json={**question, "email": 7, "amount": "b4@example.org"})
        assert refused.status_code == 422
    home = copied.parent / ".headrace"
    keys = home / "keys"
    secrets = [path.read_bytes().strip() for path in keys.iterdir() if path.suffix == ".key"]
    assert len(secrets) >= 2
    read = 0
    for path in home.rglob("*"):
        if path.is_file() and keys not in path.parents:
            content = path.read_bytes()
            read += 1
            assert not any(word in content for word in PERSONAL), path
            assert not any(secret in content for secret in secrets), path
            assert token.encode() not in content, path
    assert read > 20
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.iterdir() if path.suffix == ".key")
