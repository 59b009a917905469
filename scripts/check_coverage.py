"""Fail if a room that everything stands on is covered by tests below its bound. Reads the .coverage file of the last test run."""

import io
import json
import sys
import tempfile
from pathlib import Path

import coverage

BOUND = 90.0
ROOMS = ("core", "expressions", "spec", "engine", "features")


def main() -> None:
    """Print each room's line coverage and leave with 1 if one is below the bound."""
    covered = {room: percent(files) for room, files in by_room().items()}
    for room, value in sorted(covered.items()):
        print(f"  {room:<12} {value:5.1f} %" + ("  bound 90 %" if room in ROOMS else ""))
    low = [room for room in ROOMS if covered.get(room, 0.0) < BOUND]
    if low:
        sys.exit(f"coverage below {BOUND:.0f} %: {', '.join(low)}")


def by_room() -> dict[str, list[dict[str, int]]]:
    """Return each room's per-file counts."""
    data = coverage.Coverage()
    data.load()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "coverage.json"
        stdout, sys.stdout = sys.stdout, io.StringIO()
        try:
            data.json_report(outfile=str(target))
        finally:
            sys.stdout = stdout
        report = json.loads(target.read_text(encoding="utf-8"))
    rooms: dict[str, list[dict[str, int]]] = {}
    for file, facts in report["files"].items():
        parts = Path(file).parts
        if "headrace" in parts and len(parts) > parts.index("headrace") + 2:
            rooms.setdefault(parts[parts.index("headrace") + 1], []).append(facts["summary"])
    return rooms


def percent(files: list[dict[str, int]]) -> float:
    """Return covered lines as a share of all lines."""
    statements = sum(each["num_statements"] for each in files)
    return 100.0 * sum(each["covered_lines"] for each in files) / max(statements, 1)


if __name__ == "__main__":
    main()
