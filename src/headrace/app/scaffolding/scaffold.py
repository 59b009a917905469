"""A first description out of one file: read it, look at its columns, write a `project.py` that works and says why it is as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from msgspec.structs import replace

from headrace.app.reports import Report
from headrace.app.scaffolding.columns import ColumnChoice, choose_columns, find_id
from headrace.app.scaffolding.errors import NotAFile, NotWritten, ProjectExists, UnknownTarget, UnusableTarget
from headrace.app.scaffolding.misfits import say_misfits
from headrace.app.scaffolding.names import as_table_name, one_line
from headrace.app.scaffolding.personal import BY_VALUES, why_personal
from headrace.app.scaffolding.source import Read, read_file
from headrace.app.scaffolding.split import choose_time
from headrace.app.scaffolding.target import TargetChoice, check_rows, choose_target
from headrace.app.scaffolding.text import Plan, detected, render
from headrace.ingest.finding import Finding
from headrace.ingest.findings import find_oddities
from headrace.ingest.profile import ColumnProfile, profile_table

_MOST_TOLD = 5
_DATABASES = (".db", ".sqlite", ".sqlite3")


class LeftOut(Report, frozen=True, kw_only=True):
    """A column that is no feature, and why."""

    column: str
    reason: str


class Scaffold(Report, frozen=True, kw_only=True):
    """What was written. `time_column` is None where rows are split at random; `reading` are the source's options that were detected."""

    path: str
    rows: int
    target: str
    task: str
    time_column: str | None
    features: list[str]
    left_out: list[LeftOut]
    reading: dict[str, Any]
    findings: list[Finding]


def scaffold(file: Path, target: str, output: Path) -> Scaffold:
    """Profile a CSV, JSON lines, Parquet or Arrow file and write `output/project.py`, which runs as it is.

    Raises:
        ProjectExists: if that file is there; nothing is overwritten.
        UnknownTarget: if the file has no such column.
        UnusableTarget: if the column cannot be predicted, or nothing is left to predict it from.
        NotAFile: for a folder or a database.
        SourceUnreadable: if the file cannot be read.
        NotWritten: if the folder cannot be made, or does not take the file.
    """
    path = output / "project.py"
    if path.exists():
        raise ProjectExists(path)
    if file.is_dir() or file.suffix.lower() in _DATABASES:
        raise NotAFile(file)
    read = read_file(file)
    frame = read.rows
    if target not in frame.columns:
        raise UnknownTarget(target, file, frame.columns)
    plan = _decide(file, read, target, output)
    personal = [each.column for each in plan.columns if each.personal]
    found = find_oddities((frame,), plan.profile, identity=(plan.id,) if plan.id else (), personal=personal)
    _write(path, render(plan))
    return Scaffold(
        path=str(path),
        rows=read.looked_at,
        target=target,
        task=plan.choice.task,
        time_column=plan.time.column if plan.time else None,
        features=[name for column in plan.used for name, _ in column.features],
        left_out=[LeftOut(column=each.column, reason=each.left_out) for each in plan.columns if each.left_out is not None],
        reading={name: getattr(plan.source, name) for name in detected(plan.source)},
        findings=[
            *say_misfits([each for each in read.misfits if each.column not in personal], read.every),
            *_say_no_time(plan),
            *_say_again(plan),
            *found,
        ],
    )


def _say_no_time(plan: Plan) -> list[Finding]:
    rows = plan.profile.column(plan.time.column).nulls if plan.time else 0
    advice = "time= names it: rows without one are quarantined"
    return [Finding(column=plan.time.column, kind="no time", rows=rows, advice=advice)] if plan.time and rows else []


def _say_again(plan: Plan) -> list[Finding]:
    again = plan.profile.rows - plan.profile.column(plan.id).distinct if plan.id else 0
    advice = "id= names it: of rows with the same one the first stays, the others are dropped as duplicates"
    return [Finding(column=plan.id, kind="repeated id", rows=again, advice=advice)] if plan.id and again else []


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise NotWritten(path, error.strerror or str(error)) from error


def _decide(file: Path, read: Read, target: str, output: Path) -> Plan:
    frame = read.rows
    profile = profile_table(frame)
    choice = _checked_for_persons(choose_target(frame[target], profile.column(target)), profile.column(target), frame[target])
    time = choose_time(frame, profile, target)
    if time is None:
        check_rows(choice, target, frame[target])
    columns = choose_columns(frame, profile, target, choice, time)
    plan = Plan(
        source=replace(read.source, path=_path_from(output, file)),
        name=as_table_name(file.name.partition(".")[0]),
        target=target,
        profile=profile,
        choice=choice,
        columns=columns,
        time=time,
        id=find_id(profile, columns),
        every=read.every,
        misfits=read.misfits,
        looked_at=read.looked_at,
    )
    if not plan.used:
        raise _nothing_to_learn_from(target, columns)
    return plan


def _nothing_to_learn_from(target: str, columns: Sequence[ColumnChoice]) -> UnusableTarget:
    """Say why no other column tells anything about the target."""
    if not columns:
        return UnusableTarget(target, "it is the only column of the file", "Give a file that also has columns to predict it from.")
    told = "; ".join(f"{one_line(each.column)}: {each.left_out}" for each in columns[:_MOST_TOLD])
    more = f"; and {len(columns) - _MOST_TOLD} more" if len(columns) > _MOST_TOLD else ""
    return UnusableTarget(target, f"no other column can tell anything about it ({told}{more})", "Give a file with more columns.")


def _checked_for_persons(choice: TargetChoice, profile: ColumnProfile, values: pl.Series) -> TargetChoice:
    """Refuse a target whose values are personal; say so of one that is called as if they were."""
    why = why_personal(profile, values)
    if why is None:
        return choice
    if why == BY_VALUES:
        raise UnusableTarget(profile.name, f"{why}, and personal values are stored as pseudonyms only", "Choose another column.")
    return replace(choice, comments=(*choice.comments, "BY ITS NAME IT MAY BE PERSONAL: its values are stored as they are."))


def _path_from(output: Path, file: Path) -> str:
    """Return the file's path relative to the description where both lie together, so that the folder can be moved; else the whole path."""
    folder, whole = output.resolve(), file.resolve()
    if whole.is_relative_to(folder):
        return whole.relative_to(folder).as_posix()
    if whole.is_relative_to(folder.parent):
        return f"../{whole.relative_to(folder.parent).as_posix()}"
    return whole.as_posix()
