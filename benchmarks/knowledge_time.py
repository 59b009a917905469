"""What knowledge time is worth: the flights example as it is declared, against the same with knowledge time switched off.

Switched off, every column counts as known when its row happened (a flight's delay at its scheduled minute, a weather report at the start
of its hour): what a join on event time does. Three scores on the same validation rows:

- honest: trained and judged on features with knowledge time;
- promised: trained and judged on the leaking features, as its own validation would report;
- served: that leaking model on the features that it would really have been given two hours before departure.

Same tables, same rows, same trees and seed; only the features' values differ. Intervals are bootstraps of the rows,
which treat rows as independent: percentile for scores, basic for differences, which are paired.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

import headrace as hr
from benchmarks.report import Line, as_json, table, versions
from headrace import col
from headrace.app.handle import ProjectHandle
from headrace.app.steps.comparing import newest_tables
from headrace.app.store import lake_of
from headrace.core.seeds import derive_seed
from headrace.expressions import DType, Expr
from headrace.expressions.polars_backend import to_polars
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.ledger import tables as ledger_tables
from headrace.models.artifact import Artifact
from headrace.spec.features import Features, Lookup
from headrace.spec.model import Model
from headrace.spec.tables import Table
from headrace.stats.bootstrap import Interval
from headrace.training.budget import Caps
from headrace.training.evaluation import ScoredRows, compare, evaluate, score_rows
from headrace.training.splits import VALIDATION, Parts, SplitRows, split_rows
from headrace.training.train import TrainRequest, train_candidate

FLIGHTS = Path(__file__).resolve().parents[1] / "examples" / "flights" / "project.py"
# One setting of the trees and no search: what differs between the models is then the features and nothing else.
TREES = hr.GradientBoosting(num_leaves=31, learning_rate=0.1, min_child_samples=20, reg_lambda=1.0, rounds=150)


@dataclass(frozen=True)
class Rows:
    """The spine with what every model here shares."""

    model: Model
    spine: pl.DataFrame
    tables: Mapping[str, pl.LazyFrame]
    types: Mapping[str, Mapping[str, DType]]
    target: pl.Series
    parts: Parts
    seed: int


@dataclass(frozen=True)
class Outcome:
    """One set of features, measured. Differences are in the metric; above zero the first is better."""

    features: str
    rows: int
    honest: Interval
    promised: Interval
    served: Interval
    promised_minus_served: Interval
    honest_minus_served: Interval


def measure(home: Path) -> list[Outcome]:
    """Measure the example's own features, then the same with more delays of arrival among them."""
    handle = hr.load(FLIGHTS, home=str(home))
    try:
        rows = prepare(handle)
    finally:
        handle.close()
    declared = rows.model.features
    return [
        outcome("as the example declares them", declared, rows),
        outcome("with recent delays on arrival", with_arrival_delays(declared), rows),
    ]


def prepare(handle: ProjectHandle) -> Rows:
    """Make the example's tables, by a run of the project with nothing but its baseline to train, and split its rows."""
    workspace = handle.workspace
    model = workspace.project.models[0]
    quick = msgspec.structs.replace(model, candidates=(hr.Baseline(),), gates=(), approve=None)
    workspace.project = msgspec.structs.replace(workspace.project, models=(quick,))
    handle.run()
    spine_table = model.features.spine
    with workspace.ledger.read() as session:
        versions_of = {each.name: ledger_tables.latest(session, workspace.project.name, each.name) for each in model.features.tables()}
    types = {name: {column: DType(kind) for column, kind in found.types.items()} for name, found in versions_of.items() if found}
    plan = FeaturePlan.build(model.features, types[spine_table.name], types)
    tables = newest_tables(workspace, plan)
    newest = versions_of[spine_table.name]
    assert newest is not None
    spine = lake_of(workspace).tables.scan(spine_table.name, newest.version).sort("_arrival").collect()
    asked = plan.as_of_expression()
    assert asked is not None
    known = spine_table.column_known("arr_delay")
    assert known is not None
    answers = spine.select(target=to_polars(model.target, types[spine_table.name]), asked=to_polars(asked, plan.given), known=pl.col(known))
    parts = split_rows(
        model.split,
        SplitRows(task="binary", target=answers["target"], time=answers["asked"], target_known=answers["known"]),
        derive_seed(workspace.project.seed, model.name, "split"),
    )
    return Rows(model, spine, tables, types, answers["target"], parts, derive_seed(workspace.project.seed, model.name, "knowledge_time"))


def outcome(title: str, features: Features, rows: Rows) -> Outcome:
    """Train on the features with and without knowledge time, and judge."""
    metric = rows.model.metric
    known = computed(features, rows)
    leaking = computed(without_knowledge_time(features), rows)
    honest_model, leaking_model = trained(known, rows), trained(leaking, rows)
    honest, promised, served = judged(honest_model, known, rows), judged(leaking_model, leaking, rows), judged(leaking_model, known, rows)

    def value(scored: ScoredRows) -> Interval:
        return evaluate(scored, seed=rows.seed, metrics=(metric,)).metrics[metric]

    return Outcome(
        features=title,
        rows=len(honest.target),
        honest=value(honest),
        promised=value(promised),
        served=value(served),
        promised_minus_served=compare(metric, promised, served, seed=rows.seed),
        honest_minus_served=compare(metric, honest, served, seed=rows.seed),
    )


def computed(features: Features, rows: Rows) -> pl.DataFrame:
    """Return the features of every row of the spine."""
    plan = FeaturePlan.build(features, rows.types[features.spine.name], rows.types)
    return compute(plan, rows.spine.lazy(), rows.tables)


def trained(features: pl.DataFrame, rows: Rows) -> Artifact:
    """Train the trees on the train rows; the validation rows stop them early, as in any run."""
    return train_candidate(
        TrainRequest(
            candidate=TREES,
            task="binary",
            metric=rows.model.metric,
            features=features,
            target=rows.target,
            parts=rows.parts,
            caps=Caps(trials=1, seconds=600.0),
            seed=rows.seed,
        )
    ).artifact


def judged(artifact: Artifact, features: pl.DataFrame, rows: Rows) -> ScoredRows:
    """Score the validation rows."""
    places = rows.parts.rows(VALIDATION)
    return score_rows(artifact, features[places], rows.target[places])


def without_knowledge_time(features: Features) -> Features:
    """Return the same features over tables whose every column is known when its row happened."""

    def forgetful(node: Expr) -> Expr | None:
        return msgspec.structs.replace(node, table=known_at_once(node.table)) if isinstance(node, Lookup) else None

    values = {name: value.substitute(forgetful) for name, value in features.values.items()}
    return msgspec.structs.replace(features, spine=known_at_once(features.spine), values=values)


def known_at_once(declared: Table) -> Table:
    """Return the table without its `known`."""
    return msgspec.structs.replace(declared, known=None)


def with_arrival_delays(features: Features) -> Features:
    """Return the features with what many would add: how flights arrived lately from here, by carrier and on the same route."""
    flights, delay = features.spine, col("arr_delay")
    more = {
        "origin_arrivals_3h": hr.window(flights, delay.mean(), by="origin", over="3h"),
        "carrier_arrivals_3h": hr.window(flights, delay.mean(), by=["carrier", "origin"], over="3h"),
        "route_arrivals_12h": hr.window(flights, delay.mean(), by=["origin", "dest"], over="12h"),
        "dest_late_6h": hr.window(flights, (delay >= 30).mean(), by="dest", over="6h"),
    }
    return msgspec.structs.replace(features, values={**features.values, **more})


def lines(home: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    return [line for each in measure(home) for line in _lines_of(each)]


def _lines_of(each: Outcome) -> list[Line]:
    told = [
        (f"honest: knowledge time, {each.rows:,} rows", each.honest),
        ("promised: switched off, own validation", each.promised),
        ("served: that model on what is known", each.served),
        ("promised minus served", each.promised_minus_served),
        ("honest minus served", each.honest_minus_served),
    ]
    return [Line("knowledge time", f"{each.features}; {what}", _text(interval)) for what, interval in told]


def _text(interval: Interval) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--home", type=Path, help="keep the tables here and use them again; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        measured = measure(arguments.home or Path(folder))
    if arguments.json:
        print(as_json(msgspec.to_builtins(measured)))
        return
    print(versions("headrace", "polars", "lightgbm"))
    print(table([line for each in measured for line in _lines_of(each)]))


if __name__ == "__main__":
    main()
