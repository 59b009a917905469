"""The text of a first `project.py`."""

import textwrap
from collections.abc import Mapping, Sequence

import msgspec

from headrace.app.scaffolding.columns import ColumnChoice
from headrace.app.scaffolding.misfits import Misfits
from headrace.app.scaffolding.names import as_table_name, one_line, quoted
from headrace.app.scaffolding.split import TimeChoice
from headrace.app.scaffolding.target import METRIC_OF_TASK, TargetChoice
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.profile import TableProfile
from headrace.spec.metrics import BINARY, MULTICLASS, REGRESSION
from headrace.spec.sources import File

_MOST_BOUNDS = 8
_READING = ("encoding", "null_values", "separator", "decimal", "thousands", "dates")
_WIDTH = 120
_SEARCH_TIMES = ((2_000_000, "30s"), (4_000_000, "1m"), (16_000_000, "2m"))
_LONGEST_SEARCH = "5m"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was decided. `source` has its path as it is to be written; `id` is the column that names a row, if there is one.

    `profile` is that of every n-th row where `every` says so, without those that are set aside for the texts of `misfits`; `looked_at`
    counts these in.
    """

    source: File
    name: str
    target: str
    profile: TableProfile
    choice: TargetChoice
    columns: tuple[ColumnChoice, ...]
    time: TimeChoice | None
    id: str | None = None
    every: int = 1
    misfits: tuple[Misfits, ...] = ()
    looked_at: int

    @property
    def used(self) -> tuple[ColumnChoice, ...]:
        """The columns that become features."""
        return tuple(column for column in self.columns if column.left_out is None and column.features)


def render(plan: Plan) -> str:
    """Return a `project.py` that imports nothing but Headrace."""
    parts = (_head(plan), _table(plan), _features(plan), _model(plan), _project(plan))
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(plan: Plan) -> list[str]:
    # Neither a backslash nor a double quote may stand in the docstring, whatever the column and the file are called.
    said = f"Predict {one_line(plan.target)} from {one_line(plan.source.path)}.".replace("\\", "/").replace('"', "'")
    its, columns = "its" if plan.every == 1 else "some", counted(len(plan.profile.columns), "column")
    rows = counted(plan.looked_at, "row") + (f" (one of every {plan.every:,})" if plan.every > 1 else "")
    return [
        f'"""{said}',
        "",
        f"Written by headrace init after a look at {its} {rows} and {columns}.",
        "It is yours now: headrace run carries it out.",
        '"""',
        "",
        "import headrace as hr",
        "from headrace import col",
        "",
    ]


def _table(plan: Plan) -> list[str]:
    found = detected(plan.source)
    options = [quoted(plan.source.path), *(f"{name}={_option(getattr(plan.source, name))}" for name in found)]
    lines = ["rows = hr.Events(", f"    {quoted(plan.name)},"]
    if found:
        lines += _wrapped(f"How its texts are written was told by a look at them: {', '.join(found)}.", "    # ")
    lines.append(f"    source=hr.File({', '.join(options)}),")
    if plan.id is not None:
        again = plan.profile.rows - plan.profile.column(plan.id).distinct
        differs = f"Different in all rows but {again:,}" if again else "Different in every row"
        lines.append(f"    # {differs}: rows that come again with the same one are duplicates, which are counted and left out.")
        lines.append(f"    id={quoted(plan.id)},")
    if plan.time is not None:
        lines += [line for reason in plan.time.reasons for line in _wrapped(reason, "    # ")]
        lines.append(f"    time={quoted(plan.time.column)},  # when it happened, and when it became known")
    lines += _types(plan)
    lines += _text_dates(plan)
    lines += _personal(plan)
    lines.append(
        "    # What the file promises; rows that break a rule are set aside with the reason. Ranges are those seen: keep what must hold."
    )
    lines.append("    expect=[")
    lines.append(f"        hr.rows(minimum={max(1, plan.profile.rows // 2)}),")
    lines += [f"        # hr.between({quoted(name)}, {low!r}, {high!r})," for name, low, high in _bounds(plan)]
    return [*lines, "    ],", ")", ""]


def detected(source: File) -> tuple[str, ...]:
    """Return the options of a source that are not as its name says."""
    usual = File(source.path, format=source.format)
    return tuple(name for name in _READING if getattr(source, name) != getattr(usual, name))


def _option(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {quoted(formats[0])}" for key, formats in value.items()) + "}"
    return f"[{', '.join(map(quoted, value))}]" if isinstance(value, tuple) else quoted(value)


def _types(plan: Plan) -> list[str]:
    pinned = {each.column: each for each in plan.misfits if not each.declared}
    if not pinned:
        return []
    told = ", ".join(f"{one_line(name)} in {counted(each.rows, 'row')} of {each.values:,}" for name, each in pinned.items())
    said = f"Nearly all their texts are of these types; rows with another text are set aside with the reason: {told}."
    return [
        *_wrapped(said, "    # "),
        f"    types={{{', '.join(f'{quoted(name)}: {quoted(each.kind.value)}' for name, each in pinned.items())}}},",
    ]


def _text_dates(plan: Plan) -> list[str]:
    read = [(quoted(each.column), quoted(each.date_format)) for each in plan.columns if each.date_format is not None]
    if not read:
        return []
    code = ", ".join(f"{name}: col({name}).parse_datetime({written})" for name, written in read)
    return [
        "    # Texts that look like dates, read in UTC (tz= names another zone); then time= and as_of= can name them.",
        f"    # columns={{{code}}},",
    ]


def _personal(plan: Plan) -> list[str]:
    names = [column.column for column in plan.columns if column.personal]
    if not names:
        return []
    comment = "    # Replaced at the door by keyed hashes, so that the values are never stored. Add what else says who somebody is."
    return [comment, "    personal={", *(f"        {quoted(name)}: hr.Pseudonym()," for name in names), "    },"]


def _bounds(plan: Plan) -> Sequence[tuple[str, object, object]]:
    personal = {column.column for column in plan.columns if column.personal}
    shown = (column for column in plan.profile.columns if column.name not in personal)
    numeric = (column for column in shown if column.type in (DType.INT, DType.FLOAT) and column.min is not None)
    return [(column.name, column.min, column.max) for column in numeric][:_MOST_BOUNDS]


def _features(plan: Plan) -> list[str]:
    used = plan.used
    given = [column.column for column in used]
    if plan.time is not None and plan.time.column not in given:
        given.append(plan.time.column)
    lines = ["features = hr.Features(", "    spine=rows,"]
    if plan.time is not None:
        lines.append(f"    as_of=col({quoted(plan.time.column)}),  # when the question is asked")
    lines += ["    # What whoever asks for a prediction supplies. Take out what is known only after the answer.", "    given=["]
    lines += [f"        {quoted(name)}," for name in given]
    lines += ["    ],", "    values={"]
    for column in plan.columns:
        mark = "" if column.left_out is None else "# "
        if column.left_out is not None:
            lines += _wrapped(f"{one_line(column.column)} is left out: {column.left_out}.", "        # ")
        if column.note is not None:
            lines += _wrapped(f"{one_line(column.column)}: {column.note}.", "        # ")
        comment = f"  # {column.comment}" if column.comment else ""
        lines += [f"        {mark}{quoted(name)}: {code},{comment}" for name, code in column.features]
    return [*lines, "    },", ")", ""]


def _wrapped(text: str, prefix: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False)


def _model(plan: Plan) -> list[str]:
    choice, metric = plan.choice, METRIC_OF_TASK[plan.choice.task]
    linear = "hr.Ridge()" if choice.task == REGRESSION else "hr.Logistic()"
    lines = ["model = hr.Model(", f"    {quoted(as_table_name(plan.target))},", "    features=features,"]
    lines += [line for comment in choice.comments for line in _wrapped(one_line(comment), "    # ")]
    lines.append(f"    target={choice.code},")
    if choice.states_task:
        lines.append(f"    task={quoted(choice.task)},")
    lines += _split(plan)
    lines += [
        f"    candidates=[hr.Baseline(), {linear}, hr.GradientBoosting()],",
        f'    tune=hr.Tune(trials=15, time="{_search_time(plan)}"),',
        f"    metric={quoted(metric)},",
    ]
    if choice.task == BINARY:
        lines.append("    # costs=hr.Outcomes(false_negative=10, false_positive=1),  # what mistakes cost; the threshold follows from it")
    lines.append('    gates=[hr.gate.beats("champion"), hr.gate.beats("baseline")],')
    return [*lines, ")", ""]


def _search_time(plan: Plan) -> str:
    """Return what a search may take, by the values that a round of trees looks at: with too little not even one trial comes to its end."""
    features = sum(len(column.features) for column in plan.used)
    trees = plan.profile.column(plan.target).distinct if plan.choice.task == MULTICLASS else 1
    looked_at = plan.profile.rows * plan.every * features * trees
    return next((time for most, time in _SEARCH_TIMES if looked_at <= most), _LONGEST_SEARCH)


def _split(plan: Plan) -> list[str]:
    if plan.time is not None:
        comment = f"    # By {one_line(plan.time.column)}: learn from the past, choose on what came after, judge on the newest fifth."
        return [comment, f"    split=hr.split.by_time(validation={quoted(plan.time.validation)}, test={quoted(plan.time.test)}),"]
    return ["    # At random, for there is no time to split by.", "    split=hr.split.random(validation=0.2, test=0.2),"]


def _project(plan: Plan) -> list[str]:
    return [f"project = hr.Project({quoted(plan.name)}, models=[model])"]
