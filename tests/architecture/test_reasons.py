"""What passes over a check says why on its line, and so does a method that is left to others."""

import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "headrace"
BARE = re.compile(r"(# type: ignore(\[[a-z, -]+\])?|# noqa(: [A-Z0-9, ]+)?|raise NotImplementedError)\s*$")


def test_whatever_is_passed_over_says_why() -> None:
    lines = ((path, line) for path in sorted(SOURCE.rglob("*.py")) for line in path.read_text(encoding="utf-8").splitlines())
    assert [f"{path.relative_to(SOURCE)}: {line.strip()}" for path, line in lines if BARE.search(line)] == []
