"""Which columns a first model uses, and how."""

import msgspec
import polars as pl

from headrace.app.scaffolding.leaks import suspicion
from headrace.app.scaffolding.long_text import is_long_text, long_text_features
from headrace.app.scaffolding.moments import NO_MONTH, parts_that_vary, spans_two_years
from headrace.app.scaffolding.names import distinct_name, is_called_a_lasting_id, may_be_row_id, one_line, quoted
from headrace.app.scaffolding.personal import why_personal
from headrace.app.scaffolding.split import TimeChoice
from headrace.app.scaffolding.target import TargetChoice
from headrace.app.scaffolding.text_dates import date_formats
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.profile import ColumnProfile, TableProfile

_NEARLY_UNIQUE = 0.5
_FEW_TEXTS = 20
_TOLD_APART = 0.99
_LONG_TEXT = (
    "long texts, of which these features tell the length and which common words are in them; the words were chosen by how many texts have "
    "them, not by the target. Words that say more can be added, and none of these need stay"
)


class ColumnChoice(msgspec.Struct, frozen=True):
    """A column: its features as (name, code) pairs, what to say about them, and why they are not used, if they are not.

    `note` says why there is no feature that might be expected. A personal column has no features, and nothing of its values is said.
    """

    column: str
    features: tuple[tuple[str, str], ...]
    comment: str
    left_out: str | None = None
    note: str | None = None
    personal: bool = False
    date_format: str | None = None


def choose_columns(
    frame: pl.DataFrame, profile: TableProfile, target: str, choice: TargetChoice, time: TimeChoice | None
) -> tuple[ColumnChoice, ...]:
    """Decide on every column but the target, in the file's order."""
    chosen: list[ColumnChoice] = []
    for column in profile.columns:
        if column.name == target:
            continue
        taken = {name for each in chosen for name, _ in each.features}
        decided = _personal_or_date(column, frame[column.name])
        if decided is None:
            reason = _why_not(column, frame[column.name]) or _known_later(column.name, time) or _suspected(frame, column, target, choice)
            decided = _choose(column, frame[column.name], taken, reason)
        chosen.append(decided)
    return tuple(chosen)


def _personal_or_date(column: ColumnProfile, values: pl.Series) -> ColumnChoice | None:
    if personal := why_personal(column, values):
        said = f"it is taken for personal data ({personal}), and stored as a pseudonym"
        return ColumnChoice(column.name, (), "", said, personal=True)
    formats = date_formats(values)
    return ColumnChoice(column.name, (), "", _say_dates(formats), date_format=formats[0]) if formats else None


def _say_dates(formats: tuple[str, ...]) -> str:
    said = f"its texts look like dates in the format {formats[0]}; to read them, use the columns= of the table"
    return f"{said}. AMBIGUOUS: {' and '.join(formats[1:])} fits as well; find out which it is" if len(formats) > 1 else said


def _choose(column: ColumnProfile, values: pl.Series, taken: set[str], reason: str | None) -> ColumnChoice:
    if reason is None and _is_nearly_unique(column, len(values) - column.nulls):
        return ColumnChoice(column.name, long_text_features(column.name, values, taken), "", note=_LONG_TEXT)
    features = _features(column, values, taken)
    note = NO_MONTH if column.type is DType.DATETIME and column.distinct > 1 and not spans_two_years(values) else None
    if not features and reason is None:
        reason = f"its weekday and hour never change; {note}" if note else "its month, weekday and hour never change"
    return ColumnChoice(column.name, features, _describe(column, len(values)), reason, note if reason is None else None)


def _known_later(column: str, time: TimeChoice | None) -> str | None:
    if time is None or column not in time.later:
        return None
    return f"it comes after {one_line(time.column)} and is known only then; take it in if it is a plan that was known before"


def find_id(profile: TableProfile, choices: tuple[ColumnChoice, ...]) -> str | None:
    """Return the first column that names a row: left out as an id, called one, with a value of its own in every row; None if there is none.

    Of texts it is enough that 99 % differ. Row numbers are none, for the next file begins at the first again.
    """
    left_out = {each.column for each in choices if each.left_out is not None and not each.personal}
    named = (column for column in profile.columns if column.name in left_out and is_called_a_lasting_id(column.name))
    return next((each.name for each in named if profile.rows > _FEW_TEXTS and _tells_apart(each, profile.rows)), None)


def _tells_apart(column: ColumnProfile, rows: int) -> bool:
    if column.type is DType.STRING:
        return not column.nulls and column.distinct >= _TOLD_APART * rows
    return column.type is DType.INT and column.distinct == rows


def _why_not(column: ColumnProfile, values: pl.Series) -> str | None:
    present = len(values) - column.nulls
    if not present:
        return "it is null throughout"
    if column.distinct == 1 and not column.nulls:
        return f"it is {_short(column.min)} throughout"
    if _is_nearly_unique(column, present) and not is_long_text(values):
        texts = f"{counted(column.distinct, 'different text')} in {counted(present, 'row')}"
        return f"{texts}: a name or an id, from which nothing general can be learnt"
    if column.type is DType.INT and column.distinct == present > _FEW_TEXTS and (may_be_row_id(column.name) or _counts_up(column, present)):
        return "a different integer in every row: an id or a row number, from which nothing general can be learnt"
    return None


def _is_nearly_unique(column: ColumnProfile, present: int) -> bool:
    return column.type is DType.STRING and column.distinct > max(_FEW_TEXTS, _NEARLY_UNIQUE * present)


def _counts_up(column: ColumnProfile, present: int) -> bool:
    return isinstance(column.min, int) and isinstance(column.max, int) and column.max - column.min + 1 == present


def _suspected(frame: pl.DataFrame, column: ColumnProfile, target: str, choice: TargetChoice) -> str | None:
    why = suspicion(frame[column.name], frame[target], choice)
    return f"SUSPICIOUS: {why}; take it in only if it is known before the question is asked" if why else None


def _features(column: ColumnProfile, values: pl.Series, taken: set[str]) -> tuple[tuple[str, str], ...]:
    code = f"col({quoted(column.name)})"
    if column.distinct == 1 and column.nulls:
        return ((distinct_name(f"{column.name} known", taken), f"{code}.is_not_null()"),)
    if column.type is DType.DURATION:
        return ((distinct_name(column.name, taken), f"{code}.total_hours()"),)
    if column.type is not DType.DATETIME:
        return ((distinct_name(column.name, taken), code),)
    return tuple((distinct_name(f"{column.name} {part}", taken), f"{code}.{part}()") for part in parts_that_vary(values))


def _describe(column: ColumnProfile, rows: int) -> str:
    share = column.nulls / rows
    nulls = (f", {share:.1%} null" if share >= 0.001 else f", {column.nulls} null") if column.nulls else ""
    if column.type in (DType.STRING, DType.BOOL):
        few = ", ".join(_short(each.value) for each in column.top[:3])
        return f"{counted(column.distinct, 'value')}: {few}{' ...' if column.distinct > 3 else ''}{nulls}"
    return f"{_short(column.min)} to {_short(column.max)}{nulls}"


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else one_line(str(value)).removesuffix("+00:00").removesuffix("T00:00:00")
    return text if len(text) <= 25 else f"{text[:22]}..."
