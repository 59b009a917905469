"""Headrace's stages, each in a process of its own: `python -m benchmarks.large.headrace_stage STAGE FOLDER`.

`sample` runs the whole life of the project on the small table that lies there; `ingest` and `features` run those steps of it on the
large one; `score` predicts the large file with the model of the sample.
"""

import json
import sys
from pathlib import Path

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.champions import champion
from headrace.app.handle import ProjectHandle
from headrace.app.lifecycle import build_graph
from headrace.app.recording import LedgerMemo
from headrace.costs.prices import Prices
from headrace.engine.execution import execute
from headrace.engine.graph import Graph
from headrace.engine.options import ExecuteOptions
from headrace.ledger import runs
from headrace.ledger.runs import NewRun

STEPS = {"ingest": ("ingest",), "features": ("ingest", "lookup", "features")}


def run_steps(handle: ProjectHandle, kinds: tuple[str, ...]) -> None:
    """Run the steps of some kinds, as `headrace run` does but no further."""
    workspace = handle.workspace
    graph = build_graph(workspace, Prices.load(None).vcpu_second)
    chosen = Graph([step for name, step in graph.steps.items() if name.partition(":")[0] in kinds])
    with workspace.ledger.write("benchmark", "run.start") as session:
        run_id = runs.start(session, NewRun(project=workspace.project.name, code=chosen.fingerprint, seed=0, details={})).id
    memo = LedgerMemo(workspace, [step.fingerprint for step in chosen.steps.values()])
    result = execute(
        chosen, ExecuteOptions(run_id=run_id, memo=memo, store_url=workspace.workflows_url, workers=workspace.settings.workers)
    )
    for name, end in result.ends.items():
        print(f"{name}: {end.outcome} in {end.seconds:.1f} s; {end.summary}")


def export_model(handle: ProjectHandle, folder: Path) -> None:
    """Write the champion down for the peers: what it reads, and LightGBM's own file."""
    version = champion(handle.workspace, "comes_back")
    assert version.bundle_location is not None
    artifact = open_bundle(handle.workspace, version.bundle_location).artifact
    (text,) = (data for name, data in artifact.files.items() if name.endswith(".txt"))
    (folder / "model.txt").write_bytes(text)
    columns = [{"name": column.name, "levels": list(column.categories)} for column in artifact.columns]
    (folder / "model.json").write_text(json.dumps(columns))


def main() -> None:
    stage, folder = sys.argv[1], Path(sys.argv[2])
    handle = hr.load(folder / "project.py")
    try:
        if stage == "sample":
            handle.run()
            export_model(handle, folder)
        elif stage == "score":
            print(handle.predict("comes_back", folder / "orders.csv", folder / "headrace.csv"))
        else:
            run_steps(handle, STEPS[stage])
    finally:
        handle.close()


if __name__ == "__main__":
    main()
