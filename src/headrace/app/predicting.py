"""Predicting files, frame by frame: a file may be larger than memory, and so may the tables that its features look into."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.app.answer_file import AnswerFile, check_output
from headrace.app.asked_file import GIVEN, WRITTEN, Questions, asked_source, keep_questions
from headrace.app.bundles import open_bundle
from headrace.app.champions import champion
from headrace.app.models import label
from headrace.app.prediction_frames import AnsweredFrame, answer_columns, asked_at, log_rows
from headrace.app.prediction_table import LakeSink, Used
from headrace.app.reports import PredictReport
from headrace.app.scratch import scratch
from headrace.app.settings import HERE
from headrace.app.spreading import PREDICT, shared_scratch
from headrace.app.steps.comparing import newest_tables, newest_versions
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.core.allocation import reuse_freed_memory
from headrace.core.ids import new_id, new_ids
from headrace.features.bucketed import compute_frames
from headrace.features.buckets import Bucket, bucket_rows
from headrace.features.frames import FRAME_ROWS, Bounds
from headrace.features.plan import FeaturePlan
from headrace.features.scattered_scores import scattered_scores
from headrace.features.shared import Rows
from headrace.ingest.dialect import dialect_of
from headrace.ingest.sources import open_source
from headrace.lake.frames import frame_bytes

SOURCE = "file"
Report = Callable[[int, int], None]


def predict_file(workspace: Workspace, model: str, rows: Path, output: Path, report: Report | None = None) -> PredictReport:
    """Predict a file of given columns with the model's champion; every prediction is logged as a server's are.

    Each row is asked as of the moment that the description's `as_of` gives for it. The output is the input with `prediction_id`, the score
    (or a probability for each class) and the decision beside it, in the input's order; it appears whole or not at all, after all of it is
    logged. `report` is told how many rows are answered, and of how many.

    Raises:
        UserError: if the rows cannot be answered as they are; nothing is logged then.
    """
    check_output(output, rows)
    reuse_freed_memory()
    version = champion(workspace, model)
    assert version.bundle_location is not None
    bundle = open_bundle(workspace, version.bundle_location)
    with scratch(workspace.settings.home) as folder:
        scorer = _Scorer(workspace, bundle)
        total = scorer.read(rows, output, folder)
        with AnswerFile(output) as file:
            done = 0
            for frame in scorer.frames(folder):
                file.write(frame)
                done += frame.height
                if report is not None:
                    report(done, total)
    return PredictReport(version=label(version), rows=total, output=str(output))


class _Scorer:
    """Answers the questions of one file."""

    def __init__(self, workspace: Workspace, bundle: Bundle) -> None:
        self._workspace, self._bundle = workspace, bundle
        self._plan = FeaturePlan.from_json(bundle.plan)
        self._sink = LakeSink(workspace, SOURCE)
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self, rows: Path, output: Path, folder: Path) -> int:
        """Keep the file in the folder, checked; return how many rows it has."""
        manifest = self._bundle.manifest
        source, given = asked_source(rows, self._workspace.project.model(manifest.model).features.spine), manifest.given
        raw = open_source(source, Path())
        personal = tuple(field.name for field in given if field.personal and field.name in raw.names)
        texts = source.format == "csv" and output.suffix == ".csv"
        inferred, key = personal if texts else raw.names, self._workspace.pseudonym_key()
        questions = Questions(given, self._plan.given, inferred, key, dialect_of(source))
        return keep_questions(raw, questions, folder / "asked")

    def frames(self, folder: Path) -> Iterator[pl.DataFrame]:
        """Yield the file's rows with their answers, each frame after it was logged."""
        scored = self._scored_here if self._workspace.settings.engine == HERE else self._scored_by_tasks
        with Bucket(folder / "asked", GIVEN) as given, Bucket(folder / "asked", WRITTEN) as written:
            for number, (features, scores) in enumerate(scored(folder)):
                asked = given.frame(number).select(list(self._plan.given))
                ids, answers = self._answer(asked, features, scores)
                yield written.frame(number).with_columns(pl.Series("prediction_id", ids, dtype=pl.String), *answers.get_columns())

    def _scored_here(self, folder: Path) -> Iterator[tuple[pl.DataFrame, NDArray[np.float64]]]:
        spine, bundle = bucket_rows(folder / "asked", GIVEN), self._bundle
        for features in compute_frames(self._plan, spine, newest_tables(self._workspace, self._plan), Bounds(folder)):
            yield features, bundle.predictor.scores(bundle.encoder.encode_frame(features))

    def _scored_by_tasks(self, folder: Path) -> Iterator[tuple[pl.DataFrame, NDArray[np.float64]]]:
        workspace, names = self._workspace, []
        tables = {name: Rows(name, version) for name, version in newest_versions(workspace, self._plan).items()}
        with shared_scratch(workspace, new_id("bat", workspace.clock.now()), PREDICT) as shared:
            with shared.opened() as opened, Bucket(folder / "asked", GIVEN) as given:
                for number, frame in enumerate(given):
                    names.append(f"asked/{number}")
                    opened.scratch.put(names[-1], frame_bytes(frame))
            questions = Rows(frames=tuple(names), frame_rows=FRAME_ROWS)
            yield from scattered_scores(workspace.executor, self._plan, shared, questions, tables, self._bundle.artifact)

    def _answer(self, given: pl.DataFrame, features: pl.DataFrame, scores: NDArray[np.float64]) -> tuple[list[str], pl.DataFrame]:
        bundle, moment = self._bundle, self._workspace.clock.now()
        answers = answer_columns(bundle.manifest, scores)
        decisions = answers["decision"] if "decision" in answers.columns else None
        ids = new_ids("prd", moment, features.height)
        if ids:
            names = (bundle.manifest.model, bundle.manifest.version)
            answered = AnsweredFrame(ids, *names, asked_at(self._plan, given), given, features, scores, decisions)
            log = log_rows(answered, SOURCE, moment)
            self._sink.keep(new_id("bat", moment), log, [Used(*names, len(ids), *self._use())])
        return ids, answers

    def _use(self) -> tuple[float, float]:
        """Return the CPU and wall seconds since the batch before, the first since the beginning."""
        wall, cpu = time.perf_counter(), time.process_time()
        used = cpu - self._cpu, wall - self._wall
        self._wall, self._cpu = wall, cpu
        return used
