"""Run the examples and the pages' own commands, and write what came out into README, the examples' READMEs and docs.

Nothing between the markers is typed by hand: consoles are run in the order of the pages, tables are made from `headrace ... --json`, and
benchmarks are measured. Takes six to nine minutes, half of them the benchmark of knowledge time, and as long again for the ten tables.
Let nothing else run meanwhile: a busy machine cuts tuning short, and shows in start-up times.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pages import ROOT, Console, Part, parts, rewrite

from headrace.core.units import counted

PAGES = (
    "README.md",
    "examples/flights/README.md",
    "examples/wines/README.md",
    "docs/tutorial/first-model.md",
    "docs/how-to/start-from-a-file.md",
    "docs/how-to/contracts.md",
    "docs/how-to/features-on-time.md",
    "docs/how-to/messy-files.md",
    "docs/how-to/schema-changes.md",
    "docs/how-to/derived-tables.md",
    "docs/how-to/streams.md",
    "docs/how-to/corrections.md",
    "docs/how-to/approve.md",
    "docs/how-to/serve.md",
    "docs/how-to/verify-features.md",
    "docs/how-to/train-on-served.md",
    "docs/how-to/online-learning.md",
    "docs/how-to/prices.md",
    "docs/explanation/knowledge-time.md",
    "docs/explanation/fingerprints.md",
    "docs/explanation/honest-scores.md",
    "docs/explanation/ten-tables.md",
    "docs/explanation/bundle.md",
    "docs/explanation/ledger.md",
    "docs/explanation/architecture.md",
)
MODELS = {"flights": "late", "wines": "cultivar"}


@dataclass
class Writer:
    """Writes parts. `work` has a folder for each name that parts say they are `in`; an example of that name is copied there first."""

    work: Path
    benchmarks: bool
    _facts: dict[str, Any] = field(default_factory=dict)
    _console: Console | None = None
    _folder: Path | None = None

    def page(self, path: Path) -> None:
        """Write a page's parts anew."""
        print(f"\n=== {path.relative_to(ROOT)}", flush=True)
        self._folder = None
        text = path.read_text(encoding="utf-8")
        try:
            path.write_text(rewrite(text, self._write), encoding="utf-8")
        finally:
            self._leave()

    def _write(self, part: Part) -> str | None:
        if "in" in part.options:
            self._enter(part.options["in"])
        if part.name == "console":
            assert self._console is not None, "the first console of a page says where it is: in=NAME"
            return self._console.run(part)
        if part.name in _BENCHMARKS:
            return _BENCHMARKS[part.name](self._measured(part.name)) if self.benchmarks else None
        return _TABLES[part.name](self._model_report())

    def _enter(self, name: str) -> None:
        self._leave()
        self._folder = self.work / name
        example = ROOT / "examples" / name
        if not self._folder.exists():
            if example.is_dir():
                shutil.copytree(example, self._folder, ignore=shutil.ignore_patterns(".headrace", "*.csv", "__pycache__", "README.md"))
            else:
                self._folder.mkdir(parents=True)
        self._console = Console(self._folder, self.work)

    def _leave(self) -> None:
        if self._console is not None:
            self._console.close()
        self._console = None

    def _model_report(self) -> Mapping[str, Any]:
        assert self._folder is not None, "a table says which example it is of: in=NAME"
        command = [sys.executable, "-m", "headrace", "show", MODELS[self._folder.name], "--json"]
        report: Mapping[str, Any] = json.loads(subprocess.run(command, cwd=self._folder, capture_output=True, check=True).stdout)
        return report

    def _measured(self, name: str) -> Any:
        # The second run of flights is timed in the home that the README's console has made.
        homes = {"knowledge_time": "knowledge", "startup": "flights/.headrace"}
        module = _MODULES.get(name, name)
        options = ["--home", str(self.work / homes[module])] if module in homes else []
        if module not in self._facts:
            print(f"benchmarks.{module} ...", flush=True)
            command = [sys.executable, "-m", f"benchmarks.{module}", "--json", *options]
            self._facts[module] = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        return self._facts[module]


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (heading, ["---"] * len(heading), *rows))


def interval(measured: Mapping[str, Any]) -> str:
    """Return a value and its interval as text."""
    if measured["value"] is None:
        return "undefined"
    return f"{measured['value']:.4f} ({measured['low']:.4f} to {measured['high']:.4f})"


def candidates(report: Mapping[str, Any]) -> str:
    """The candidates on the validation rows, and the chosen one on the test rows."""
    metric = report["candidates"][0]["measured"]["metric"]
    rows = [
        [
            f"**{each['name']}**, chosen" if each["chosen"] else each["name"],
            interval(each["measured"]),
            str(each["trials"]),
            f"{each['seconds']:.1f}",
        ]
        for each in report["candidates"]
    ]
    looks = "first look" if report["looks"] == 1 else f"look {report['looks']}"
    tested = interval(next(each for each in report["test"] if each["metric"] == metric))
    rows.append([f"{report['candidate']} on the {report['test_rows']:,} sealed test rows, {looks}", tested, "", ""])
    return table(["candidate", f"{metric} (95% interval)", "trials", "seconds of search"], rows)


def test_metrics(report: Mapping[str, Any]) -> str:
    """Every metric on the test rows."""
    return table(["on the test rows", "value (95% interval)"], [[each["metric"], interval(each)] for each in report["test"]])


def gates(report: Mapping[str, Any]) -> str:
    """What the gates said."""
    return table(
        ["gate", "", "what was found"],
        [[each["gate"], "passed" if each["passed"] else "failed", each["message"]] for each in report["gates"]],
    )


def knowledge(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Three scores and two differences for each set of features."""
    rows = [
        ["honest: knowledge time, as declared", "honest"],
        ["promised: switched off, in its own validation", "promised"],
        ["served: that same model on what would really have been known", "served"],
        ["promised minus served", "promised_minus_served"],
        ["honest minus served", "honest_minus_served"],
    ]
    heading = [f"average precision on {outcomes[0]['rows']:,} validation rows", *(each["features"] for each in outcomes)]
    return table(heading, [[title, *(interval(each[name]) for each in outcomes)] for title, name in rows])


def startup(found: Mapping[str, float]) -> str:
    """Start-up times against their bounds."""
    return table(
        ["start-up, median", "measured", "bound"],
        [
            ["bare interpreter", f"{found['bare_ms']:.0f} ms", ""],
            ["`import headrace`, over the bare interpreter", f"{found['import_over_bare_ms']:.0f} ms", "150 ms"],
            ["`headrace --help`", f"{found['help_ms']:.0f} ms", "300 ms"],
            ["second `headrace run` of flights", f"{found['second_run_ms'] / 1000:.2f} s", "2 s"],
        ],
    )


def tables(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Scores on ten tables against a plain LightGBM."""
    rows = [
        [
            each["kind"],
            f"{each['rows']:,} x {each['columns']}",
            each["metric"],
            _three(each["headrace"]),
            f"{each['plain'][0]:.4g}",
            _three(each["difference"], "+"),
            each["verdict"],
        ]
        for each in outcomes
    ]
    return table(["kind", "rows x columns", "metric", "Headrace (95% interval)", "LightGBM", "better by (95% interval)", ""], rows)


def tables_costs(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Where the ten tables are from, what was chosen, and what it took."""
    rows = [
        [
            each["kind"],
            f"{each['name']}, from {each['origin']}",
            f"{each['candidate']} of {counted(each['features'], 'feature')}",
            f"{each['init_seconds']:.1f}",
            f"{each['run_seconds']:.1f}",
            f"{each['plain_seconds']:.1f}",
            f"{each['peak_mb']:.0f}",
        ]
        for each in outcomes
    ]
    return table(["kind", "table", "chosen", "seconds of init", "of run", "of LightGBM", "greatest memory, MB"], rows)


def _three(measured: Sequence[float], sign: str = "") -> str:
    value, low, high = (f"{each:{sign}.4g}" for each in measured)
    return f"{value} ({low} to {high})"


_TABLES = {"candidates": candidates, "test": test_metrics, "gates": gates}
_BENCHMARKS = {"knowledge": knowledge, "startup": startup, "tables": tables, "tables-costs": tables_costs}
_MODULES = {"knowledge": "knowledge_time", "tables-costs": "tables"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="which pages; default: all. Some continue where another left off: see --work")
    parser.add_argument("--without-benchmarks", action="store_true", help="leave measured tables as they are")
    parser.add_argument("--work", type=Path, help="run in this folder and keep it; default: a temporary one")
    arguments = parser.parse_args()
    pages = arguments.pages or PAGES
    for page in pages:
        parts((ROOT / page).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        work = (arguments.work or Path(folder)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        writer = Writer(work, not arguments.without_benchmarks)
        for page in pages:
            writer.page(ROOT / page)


if __name__ == "__main__":
    main()
