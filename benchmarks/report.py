"""How a benchmark tells what it measured: lines of a table, with the bound that was promised where there is one."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One measurement. `held` says whether a promised bound held; None where nothing is promised."""

    benchmark: str
    what: str
    value: str
    bound: str = ""
    held: bool | None = None


def table(lines: Sequence[Line]) -> str:
    """Return the lines in columns for people."""
    verdicts = {True: "held", False: "NOT HELD", None: ""}
    rows = [["benchmark", "measured", "value", "bound", ""], *([*list(asdict(line).values())[:4], verdicts[line.held]] for line in lines)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def versions(*packages: str) -> str:
    """Return what the numbers depend on: Python, the machine's kind and the packages' versions."""
    named = [f"{package} {importlib.metadata.version(package)}" for package in packages]
    return ", ".join([f"Python {platform.python_version()}", f"{platform.system()} {platform.machine()}", *named])


def machine() -> str:
    """Return what it runs on and how busy that was with other things: figures taken on a busy machine are worth only as ratios."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{os.cpu_count()} CPUs, {_processor()}, load {load}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in text.splitlines() if line.startswith("model name")), platform.processor())


def as_json(facts: object) -> str:
    """Return the facts for a program."""
    return json.dumps(facts, indent=2)
