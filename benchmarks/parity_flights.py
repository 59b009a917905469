"""Every flight of the year and every feature of the flights example, verified: batch, a stream and online, value by value.

    python -m benchmarks.parity_flights --home examples/flights/.headrace

prints the report that `headrace verify features` prints, and leaves with 1 if a value differs. Without a home that has run already, the
example is run first.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import headrace as hr
from benchmarks.report import Line, machine, versions
from headrace.app.agreement_reports import AgreementReport
from headrace.cli.render_verify import verified

FLIGHTS = Path(__file__).resolve().parents[1] / "examples" / "flights" / "project.py"


def measure(home: Path) -> AgreementReport:
    """Return the report of a home of the flights example, which is run first if it has not been."""
    handle = hr.load(FLIGHTS, home=str(home))
    try:
        handle.run()
        return handle.verify_features()
    finally:
        handle.close()


def lines(folder: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    report = measure(folder)
    (model,) = report.models
    values, differ = sum(each.rows for each in model.features), model.mismatches
    return [
        Line("parity", f"flights: values of {len(model.features)} features, batch = stream = online", f"{values:,}"),
        Line("parity", "of them differ", f"{differ:,}", "0", differ == 0),
        Line("parity", "seconds", f"{model.seconds:.0f}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity_flights", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="where the flights example has run; default: a new one")
    home = parser.parse_args().home
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        report = measure((home or Path(folder)).absolute())
    print(verified(report))
    print(versions("headrace", "polars", "lmdb"))
    print(machine())
    sys.exit(not report.agrees)


if __name__ == "__main__":
    main()
