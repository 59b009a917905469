"""The tutorial, followed to the letter: its commands in an empty folder, and what they print held to what the page says they print."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))
from pages import Console, Part, parts  # noqa: E402  a script, found by its folder

TUTORIAL = ROOT / "docs" / "tutorial" / "first-model.md"
# What differs from one reader to the next: ids, hashes, moments, and every figure that a clock or a processor has a part in.
_VARYING = (
    (re.compile(r"\b(prd|run)_[0-9a-z]{10,}"), r"\1_ID"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "HASH"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+\+00:00)?"), "MOMENT"),
    (re.compile(r"(?<![\w.])[+-]?\d[\d,]*(\.\d+)?(e-?\d+)?"), "N"),
    (re.compile(r"(?<=\s)[+-]{1,20}$"), "BAR"),
    (re.compile(r"[ \t]+"), " "),
)


def told(console: str) -> list[str]:
    """Return the lines of a console without what varies."""
    lines = []
    for line in console.strip().splitlines():
        for pattern, word in _VARYING:
            line = pattern.sub(word, line)
        lines.append(line.strip())
    return lines


def test_every_command_does_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    consoles: list[Part] = [part for part in parts(TUTORIAL.read_text(encoding="utf-8")) if part.name == "console"]
    assert len(consoles) > 5
    console = Console(tmp_path / "work", tmp_path / "work")
    try:
        for part in consoles:
            assert told(console.run(part)) == told(part.body)
    finally:
        console.close()
