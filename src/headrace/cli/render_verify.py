"""How what verifying features found is shown to people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.app.agreement_reports import AgreementReport, DifferingPrediction, PlayedLine, ReplayedFeature, ReplayedModel, ServedVersion
from headrace.cli.columns import columns
from headrace.core.units import counted

_NOTHING = "Nothing was compared: no question was asked as of that time, and no prediction made."
_VERDICTS = {True: "Features agree.", False: "Features DISAGREE: see the rows above."}


def verified(report: AgreementReport) -> str:
    """Every model's features, what was served, and the verdict."""
    parts = [*map(_model, report.models), *map(_served, report.served)]
    compared = any(each.rows for each in report.models) or any(each.predictions for each in report.served)
    verdict = _VERDICTS[report.agrees] if compared else _NOTHING
    return "\n\n".join([*parts, f"{verdict} ({report.seconds:.1f} s)"])


def _model(model: ReplayedModel) -> str:
    span = "" if model.first is None or model.last is None else f", as of {_moment(model.first)} to {_moment(model.last)}"
    lines = [f"{model.model}: {counted(model.rows, 'question')}{span}, asked of batch, of a stream and online ({model.seconds:.1f} s)"]
    lines += columns([_table(each) for each in model.tables], indent=2)
    table = [["feature", "type", "rows compared", "null", "stream differs", "online differs", "worst difference"]]
    table += [_feature(each) for each in model.features]
    lines += ["", *columns(table, indent=2), ""]
    values = sum(each.rows for each in model.features)
    differing = model.mismatches
    told = f"{differing:,} differ" if differing else "all the same"
    lines.append(f"  {counted(values, 'value')} of batch held to a stream's and to those online: {told}.")
    return "\n".join([*lines, *(line for each in model.features for line in _examples(each))])


def _table(table: PlayedLine) -> list[str]:
    how = "always known, given as it is" if table.rows is None else f"{counted(table.rows, 'row')} played as they became known"
    return [table.table, f"version {table.version}", how]


def _feature(each: ReplayedFeature) -> list[str]:
    worst = f"{each.worst:.1e}" if each.worst else "-"
    return [each.feature, each.dtype, f"{each.rows:,}", f"{each.nulls:,}", f"{each.stream:,}", f"{each.online:,}", worst]


def _examples(feature: ReplayedFeature) -> list[str]:
    return [
        f"  {feature.feature}, {each.execution}: {_value(each.found)}; batch: {_value(each.batch)}; {_values(each.question)}"
        for each in feature.examples
    ]


def _served(version: ServedVersion) -> str:
    lines = [
        f"served by {version.version}: {counted(version.predictions, 'prediction')}, {version.same:,} from the features that batch has now"
    ]
    causes = [[f"{count:,}", cause] for cause, count in version.explained.items()]
    causes += [[f"{version.unexplained:,}", "UNEXPLAINED"]] if version.unexplained else []
    lines += columns(causes, indent=2)
    if version.features:
        told = ", ".join(f"{name} {count:,}" for name, count in version.features.items())
        lines.append(f"  values that differ: {told}")
    lines += [line for each in version.examples for line in _prediction(each)]
    return "\n".join([*lines, *(f"  {note}" for note in version.notes)])


def _prediction(each: DifferingPrediction) -> list[str]:
    head = f"  {each.prediction_id}  {each.explanation}: made {_moment(each.moment)}, asked as of {_moment(each.as_of)}"
    return [head, *(f"    {name}: served {_value(value)}; batch now {_value(each.batch[name])}" for name, value in each.served.items())]


def _values(question: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in question.items())


def _value(value: object) -> str:
    return "null" if value is None else _moment(value) if isinstance(value, datetime) else str(value)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
