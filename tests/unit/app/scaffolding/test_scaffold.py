"""The first description out of one file: what is decided, what is said, and that the file written loads and fits its data."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from headrace.app.loading import load_project
from headrace.app.scaffolding.errors import ProjectExists, UnknownTarget, UnusableTarget
from headrace.app.scaffolding.scaffold import Scaffold, scaffold
from headrace.expressions import DType, infer
from headrace.ingest.column_types import dtype_of
from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.sources import read_source
from headrace.spec.model import Model
from headrace.spec.sources import File
from headrace.spec.split import ByTime, Random
from headrace.spec.tables import Events
from headrace.training.errors import EmptyPart
from headrace.training.splits import SplitRows, split_rows

N = 300
Made = tuple[Scaffold, Model, str]
Make = Callable[..., Made]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write columns to a file, scaffold it, load what was written, and check that every expression fits the file's types."""

    def build(columns: dict[str, object], target: str, name: str = "data.csv", **options: str) -> Made:
        frame = pl.DataFrame(columns)
        file = tmp_path / name
        frame.write_parquet(file) if name.endswith(".parquet") else frame.write_csv(file, **options)  # type: ignore[call-overload]
        made = scaffold(file, target, tmp_path / "project")
        (model,) = load_project(Path(made.path)).models
        _check_fits(model, tmp_path / "project")
        return made, model, Path(made.path).read_text(encoding="utf-8")

    return build


def _check_fits(model: Model, root: Path) -> None:
    spine = model.features.spine
    assert isinstance(spine, Events)
    assert isinstance(spine.source, File)
    schema = read_source(spine.source, root).collect_schema()
    types: dict[str, DType] = {name: dtype_of(name, dtype) for name, dtype in schema.items()}
    assert set(model.features.given) <= set(types)
    assert all(infer(value, types) for value in model.features.values.values())
    assert infer(model.target, types)


def reasons(made: Scaffold) -> dict[str, str]:
    return {each.column: each.reason for each in made.left_out}


X = [(i * 7 % 101) / 10 for i in range(N)]
YES_NO = ["yes" if i % 7 < 2 else "no" for i in range(N)]


@pytest.mark.parametrize(
    ("values", "task", "target", "metric"),
    [
        ([i % 3 == 0 for i in range(N)], "binary", 'col("y")', "average_precision"),
        ([int(i % 3 > 0) for i in range(N)], "binary", 'col("y") == 1', "average_precision"),
        ([-1 if i % 3 == 0 else 1 for i in range(N)], "binary", 'col("y") == 1', "average_precision"),
        ([2.5 if i % 3 == 0 else 7.5 for i in range(N)], "binary", 'col("y") == 2.5', "average_precision"),
        (["No" if i % 3 == 0 else "Yes" for i in range(N)], "binary", 'col("y") == "Yes"', "average_precision"),
        (["ham" if i % 3 else "spam" for i in range(N)], "binary", 'col("y") == "spam"', "average_precision"),
        ([f"c{i % 3}" for i in range(N)], "multiclass", 'col("y")', "log_loss"),
        ([i % 10 for i in range(N)], "multiclass", 'col("y")', "log_loss"),
        ([i % 11 for i in range(N)], "regression", 'col("y")', "rmse"),
        ([i % 97 / 8 for i in range(N)], "regression", 'col("y")', "rmse"),
    ],
)
def test_the_target_says_the_task(make: Make, values: list[object], task: str, target: str, metric: str) -> None:
    made, model, text = make({"x": X, "y": values}, "y")
    assert (made.task, model.metric) == (task, metric)
    assert f"target={target}," in text
    assert (model.task == "multiclass") is (task == "multiclass" and isinstance(values[0], int))
    assert {candidate.name for candidate in model.candidates} == {
        "baseline",
        "gradient_boosting",
        "ridge" if task == "regression" else "logistic",
    }


def test_ids_constants_nulls_and_names_are_left_out_and_said_so(make: Make) -> None:
    columns = {
        "row": list(range(N)), "customer_id": [i * 37 % 90_001 for i in range(N)], "name": [f"n{i}" for i in range(N)], "empty": [None] * N,
        "same": ["x"] * N, "amount": [i * 37 % 90_001 for i in range(N)], "seen": [5 if i % 4 else None for i in range(N)],
        "town": [f"t{i % 40}" for i in range(N)], "y": YES_NO,
    }  # fmt: skip
    made, model, text = make(columns, "y")
    assert set(reasons(made)) == {"row", "customer_id", "name", "empty", "same"}
    assert made.features == ["amount", "seen_known", "town"]
    assert model.features.given == ("amount", "seen", "town")
    assert '# "name": col("name"),' in text
    assert "# same is left out: it is x throughout." in text


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("order_id", [i * 37 % 90_001 for i in range(N)], True),
        ("PassengerId", [i + 1 for i in range(N)], True),
        ("uuid", [f"u{i}" for i in range(N)], True),
        ("order_id", [i or None for i in range(N)], False),
        ("order_id", [f"u{i // 2}" for i in range(N)], False),
        ("row", list(range(N)), False),
        ("remark", [f"u{i}" for i in range(N)], False),
        ("paid", [f"u{i}" for i in range(N)], False),
        ("passport_no", [f"u{i}" for i in range(N)], False),
    ],
)
def test_a_column_that_names_rows_is_the_id(make: Make, name: str, values: list[object], found: bool) -> None:
    _, model, text = make({"x": X, name: values, "y": YES_NO}, "y")
    assert model.features.spine.id == ((name,) if found else ())
    assert ("# Different in every row" in text) is found


@pytest.mark.parametrize(
    ("column", "suspicious"),
    [
        ([{"yes": "paid", "no": "unpaid"}[y] for y in YES_NO], True),
        ([{"yes": "paid", "no": "unpaid"}[y] if i else "unpaid" for i, y in enumerate(YES_NO)], True),
        ([(100.0 if y == "yes" else 0.0) + x for x, y in zip(X, YES_NO, strict=True)], True),
        ([(8.0 if y == "yes" else 0.0) + x for x, y in zip(X, YES_NO, strict=True)], False),
        ([{"yes": "paid", "no": "unpaid"}[y] if i % 20 else "paid" for i, y in enumerate(YES_NO)], False),
        ([f"t{i % 140}" for i in range(N)], False),
    ],
)
def test_a_column_that_gives_a_class_away_is_suspected(make: Make, column: list[object], suspicious: bool) -> None:
    made, model, _ = make({"x": X, "clue": column, "y": YES_NO}, "y")
    assert reasons(made).get("clue", "").startswith("SUSPICIOUS") is suspicious
    assert ("clue" in model.features.given) is not suspicious


def test_a_column_with_the_order_of_a_number_is_suspected(make: Make) -> None:
    price = [i * i % 911 / 4 for i in range(N)]
    noisy = [value + (i * 53 % 97) for i, value in enumerate(price)]
    made, _, _ = make({"in_euro": [-3 * value**2 for value in price], "noisy": noisy, "price": price}, "price")
    assert list(reasons(made)) == ["in_euro"]


START = datetime(2024, 1, 1, tzinfo=UTC)


def test_a_time_splits_the_rows_and_is_when_the_question_is_asked(make: Make) -> None:
    sold = [(START + timedelta(hours=9 * i)).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(N)]
    born = [f"{1950 + i % 50}-03-{1 + i % 28:02d}" for i in range(N)]
    made, model, _ = make({"born": born, "sold": sold, "x": X, "y": YES_NO}, "y")
    assert (made.time_column, model.features.spine.time, str(model.features.as_of)) == ("sold", "sold", 'col("sold")')
    assert isinstance(model.split, ByTime)
    assert model.split.test == model.split.validation == timedelta(days=23)  # a fifth of 299 x 9 hours, rounded up
    assert made.features == ["born_weekday", "sold_weekday", "sold_hour", "x"]
    assert "sold" in model.features.given


@pytest.mark.parametrize(
    "moments",
    [
        [START + timedelta(hours=i) if i > 3 else None for i in range(N)],
        [START + timedelta(days=i % 15) for i in range(N)],
        [START + timedelta(days=2 * i if YES_NO[i] == "yes" else -i) for i in range(N)],
    ],
    ids=["with nulls", "too few", "one class at the end"],
)
def test_a_time_that_cannot_split_does_not(make: Make, moments: list[datetime | None]) -> None:
    made, model, _ = make({"at": moments, "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert made.time_column is None
    assert model.features.as_of is None
    assert isinstance(model.split, Random)


def each_day(hours_later: Callable[[int], float], days: int = 1) -> list[datetime]:
    return [START + timedelta(days=days * i, hours=hours_later(i)) for i in range(N)]


ORDERED = each_day(lambda i: 0)


@pytest.mark.parametrize("early_rows", [0, 14])
def test_the_date_that_comes_first_is_when_the_question_is_asked(make: Make, early_rows: int) -> None:
    shipped = each_day(lambda i: -5 if i < early_rows else 5 + i % 30)
    closed = [None if i % 3 else each for i, each in enumerate(each_day(lambda i: 90))]
    made, model, text = make({"closed": closed, "shipped": shipped, "ordered": ORDERED, "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert made.time_column == "ordered"
    assert set(reasons(made)) == {"shipped", "closed"}
    assert "comes after ordered and is known only then" in reasons(made)["shipped"]
    assert set(model.features.given) == {"ordered", "x"}
    assert "# ordered was chosen, for it is not later than shipped in at least 95 % of the rows." in text
    nulls = closed.count(None)
    assert f"# Not considered: closed ({nulls} of {len(closed)} rows have none)." in text


def test_without_a_date_that_comes_first_the_other_candidates_are_named(make: Make) -> None:
    other = each_day(lambda i: 30 if i % 2 else -30)
    made, model, text = make({"seen": other, "ordered": ORDERED, "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert (made.time_column, reasons(made)) == ("seen", {})
    assert set(model.features.given) == {"seen", "ordered", "x"}
    assert "# Other candidates: ordered. If the question is asked at one of them, name it in time=, as_of= and given=." in text


def test_a_copy_of_the_time_does_not_come_after_it(make: Make) -> None:
    made, _, _ = make({"ordered": ORDERED, "copy": ORDERED, "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert (made.time_column, reasons(made)) == ("ordered", {})


@pytest.mark.parametrize(("days", "features"), [(1, ["at_weekday", "x"]), (3, ["at_month", "at_weekday", "x"])])
def test_a_month_is_a_feature_only_of_two_years(make: Make, days: int, features: list[str]) -> None:
    made, _, text = make({"at": each_day(lambda i: 0, days), "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert made.features == features
    assert ("# at: no month, for its dates span less than two years" in text) is (days == 1)
    assert "was chosen" not in text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contact", [f"ann{i}@example.org" if i % 6 else "ann0x" for i in range(N)]),
        ("contact", [f"ann{i}@example.org" if i % 6 else None for i in range(N)]),
        ("E-Mail", [f"ann0{i % 5}" for i in range(N)]),
        ("customerEmail", [f"ann0{i % 5}" for i in range(N)]),
        ("phone", [4_930_000] * N),
        ("phone_2", [4_930_000 + i % 90 for i in range(N)]),
        ("holder's IBAN", [f"ann0{i % 5}" for i in range(N)]),
        ("SSN", [f"ann0{i % 5}" for i in range(N)]),
        ("PassportNumber", [f"ann0{i}" for i in range(N)]),
    ],
)
def test_personal_data_is_a_pseudonym_and_never_copied(make: Make, name: str, values: list[object]) -> None:
    made, model, text = make({name: values, "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert set(model.features.spine.personal) == {name}
    assert (made.features, model.features.given) == (["x"], ("x",))
    assert "personal data" in reasons(made)[name]
    assert "ann0" not in text
    assert "4930" not in text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contact", [f"a{i % 5}@example.org" if i % 2 else "none" for i in range(N)]),
        ("PhoneService", ["Yes" if i % 3 else "No" for i in range(N)]),
        ("microphones", [f"kind {i % 5}" for i in range(N)]),
    ],
)
def test_what_names_nobody_is_no_personal_data(make: Make, name: str, values: list[object]) -> None:
    _, model, _ = make({name: values, "x": X, "y": YES_NO}, "y")
    assert not model.features.spine.personal
    assert name in model.features.given


@pytest.mark.parametrize(
    ("written", "days", "found"),
    [
        ("%d/%m/%Y", 1, "%d/%m/%Y"),
        ("%m/%d/%Y %H:%M", 1, "%m/%d/%Y %H:%M"),
        ("%d.%m.%Y %H:%M:%S", 1, "%d.%m.%Y %H:%M:%S"),
        ("%Y/%m/%d", 1, "%Y/%m/%d"),
        ("%d-%b-%Y", 1, None),
    ],
)
def test_texts_that_look_like_dates_are_said_to(make: Make, written: str, days: int, found: str | None) -> None:
    texts = [each.strftime(written) for each in each_day(lambda i: i % 24, days)]
    made, _, text = make({"at": texts, "x": X, "y": YES_NO}, "y", name="data.parquet")
    assert made.features == ["x"]
    assert (f'    # columns={{"at": col("at").parse_datetime("{found}")}},' in text) is (found is not None)
    assert "AMBIGUOUS" not in text


def test_the_line_that_reads_dates_works_and_ambiguity_is_named(make: Make, tmp_path: Path) -> None:
    texts = [f"{1 + i % 12:02d}/{1 + i % 7:02d}/2024" if i else "soon" for i in range(N)]
    made, _, text = make({"at": texts, "till": texts, "x": X, "y": YES_NO}, "y")
    assert "AMBIGUOUS: %m/%d/%Y fits as well" in reasons(made)["at"]
    line = next(line for line in text.splitlines() if "# columns=" in line)
    Path(made.path).write_text(text.replace(line, line.replace("# ", "")), encoding="utf-8")
    (model,) = load_project(Path(made.path)).models
    assert set(model.features.spine.columns) == {"at", "till"}


def test_any_column_name_works(make: Make) -> None:
    strange = ['the "class"', "back\\slash", "for", "1st", "größe", "a b", "A-B", "a_b", "# no", "{x}", "line\nbreak", "'''", '"""']
    columns: dict[str, object] = {name: [(i * (k + 3)) % 29 / 2 for i in range(N)] for k, name in enumerate(strange)}
    made, model, _ = make({**columns, 'is "it"\n"""\\?': YES_NO}, 'is "it"\n"""\\?', name="data.parquet")
    assert set(model.features.given) == set(strange)
    assert len(set(made.features)) == len(strange)
    assert model.target.columns() == {'is "it"\n"""\\?'}


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found(make: Make, separator: str) -> None:
    made, _, _ = make({"x": X, "town": [f"t,{i % 5}" for i in range(N)], "y": YES_NO}, "y", separator=separator)
    assert made.features == ["x", "town"]


def test_a_text_among_numbers_is_null_and_among_texts_is_not(make: Make) -> None:
    made, model, text = make({"x": ["NA" if i % 9 == 0 else str(i / 7) for i in range(N)], "y": YES_NO}, "y")
    assert 'null_values=["NA"]' in text
    assert "11.3% null" in text
    assert made.features == ["x"]
    assert model.features.spine.name == "data"


def test_a_country_is_not_null(make: Make) -> None:
    _, _, text = make({"country": [("NA", "DE", "ZW")[i % 3] for i in range(N)], "y": YES_NO}, "y")
    assert "null_values" not in text


def test_the_path_is_relative_within_one_folder_and_whole_elsewhere(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": X, "y": YES_NO})
    for place in ("work/data.csv", "work/p/data.csv", "away/deep/data.csv"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        frame.write_csv(tmp_path / place)
    expected = {
        "work/data.csv": "../data.csv",
        "work/p/data.csv": "data.csv",
        "away/deep/data.csv": str((tmp_path / "away/deep/data.csv").resolve()),
    }
    for place, path in expected.items():
        made = scaffold(tmp_path / place, "y", tmp_path / "work" / "p")
        assert f'hr.File("{path}")' in Path(made.path).read_text()
        Path(made.path).unlink()


def test_nothing_is_overwritten(make: Make, tmp_path: Path) -> None:
    _, _, text = make({"x": X, "y": YES_NO}, "y")
    with pytest.raises(ProjectExists, match=r"project\.py is there already"):
        scaffold(tmp_path / "data.csv", "y", tmp_path / "project")
    assert (tmp_path / "project" / "project.py").read_text() == text


def test_a_misspelt_target_is_answered_with_the_nearest_name(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UnknownTarget, match="Did you mean 'late'") as caught:
        make({"x": X, "late": YES_NO}, "lat")
    assert "Valid: late, x" in str(caught.value)
    assert not (tmp_path / "project").exists()


def test_columns_that_spaces_separate_are_told(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("chins jumps\n5 60\n2 61\n", encoding="utf-8")
    with pytest.raises(UnknownTarget, match="read as one column, 'chins jumps': columns are separated by a comma"):
        scaffold(tmp_path / "data.csv", "jumps", tmp_path / "project")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([None] * N, "null in all 300 rows"),
        (["yes"] * N, 'it is "yes" in every row'),
        ([START + timedelta(days=i) for i in range(N)], "it is a datetime"),
        ([f"t{i % 60}" for i in range(N)], "60 different texts"),
        ([], "has no rows"),
        (["yes", "no"], '1 row has the value "(no|yes)", and training, validation and test need both values'),
        (["yes"] * 20 + ["no"] * 3 + [None], '3 rows have the value "no"'),
        ([1.5, None, 2.5, 0.5], "3 rows have a value"),
        (["a", "b", "c"], "3 rows have a value"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(make: Make, tmp_path: Path, values: list[object], problem: str) -> None:
    columns = {"x": X[: len(values)], "y": pl.Series(values, dtype=None if values and values[0] is not None else pl.String)}
    with pytest.raises(UnusableTarget, match=problem):
        make(columns, "y", name="data.parquet")
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(("values", "task"), [([True] * 5 + [False] * 4, "binary"), ([1.5, 2.5, 0.5, 3.5], "regression")])
def test_the_fewest_rows_that_are_taken_can_be_split_and_one_less_cannot(make: Make, values: list[object], task: str) -> None:
    _, model, _ = make({"x": X[: len(values)], "y": values}, "y")
    for seed in range(5):
        split_rows(model.split, rows_of(task, values), seed)
        with pytest.raises(EmptyPart):
            split_rows(model.split, rows_of(task, values[:-1]), seed)


def rows_of(task: str, target: list[object]) -> SplitRows:
    return SplitRows(task=task, target=pl.Series(target), arrival=pl.Series(range(len(target))))


def test_a_file_without_anything_to_learn_from_is_refused(make: Make) -> None:
    with pytest.raises(UnusableTarget, match="no other column"):
        make({"id": list(range(N)), "y": YES_NO}, "y")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"nowhere\.csv"):
        scaffold(tmp_path / "nowhere.csv", "y", tmp_path)


def test_how_a_file_is_written_is_detected_and_declared(tmp_path: Path) -> None:
    lines = ["größe;preis;wann;y"] + [
        f"{n};1.{n % 900 + 100},{n % 10}0;{n % 28 + 1:02d}.{n % 12 + 1:02d}.2024;{YES_NO[n]}" for n in range(N)
    ]
    lines[7] = lines[7].replace(lines[7].split(";")[1], "n/a")
    (tmp_path / "data.csv").write_bytes("\n".join(lines).encode("cp1252"))
    made = scaffold(tmp_path / "data.csv", "y", tmp_path / "project")

    (model,) = load_project(Path(made.path)).models
    source = model.features.spine.source  # type: ignore[attr-defined]
    assert made.reading == {
        "encoding": "cp1252", "null_values": ("n/a",), "separator": ";", "decimal": ",", "thousands": ".",
        "dates": {"wann": ("%d.%m.%Y",)},
    }  # fmt: skip
    assert all(getattr(source, name) == value for name, value in made.reading.items())
    assert made.time_column == "wann"
    assert "preis" in made.features


def test_what_may_be_meant_in_two_ways_is_not_declared(make: Make) -> None:
    made, _, text = make({"x": X, "price": [f"{n % 900 + 100},{n % 900 + 100}" for n in range(N)], "y": YES_NO}, "y")
    assert made.reading == {}
    assert "decimal" not in text


def test_a_target_that_is_personal_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": X, "who": [f"p{n % 3}@x.org" for n in range(N)], "phone": [f"{n % 3}555555" for n in range(N)]})
    frame.with_columns(pl.col("phone").cast(pl.String)).write_parquet(tmp_path / "data.parquet")
    with pytest.raises(UnusableTarget, match="e-mail addresses"):
        scaffold(tmp_path / "data.parquet", "who", tmp_path / "a")
    made = scaffold(tmp_path / "data.parquet", "phone", tmp_path / "b")
    assert "BY ITS NAME IT MAY BE PERSONAL" in Path(made.path).read_text()


def test_odd_values_are_told(make: Make) -> None:
    made, _, _ = make({"x": [*X[:-1], 9999.0], "y": YES_NO}, "y")
    assert [(each.column, each.kind) for each in made.findings] == [("x", "placeholder")]


SENTENCES = ("please send the whole parcel again", "nobody has ever seen the whole thing", "click here and win another parcel today")


def test_long_texts_become_their_length_and_the_common_words_in_them(make: Make) -> None:
    texts = [f'{SENTENCES[i * 7 % 3]}, says "number" {i}' for i in range(N)]
    made, model, text = make({"body": texts, "title": [f"Name {i}" for i in range(N)], "y": YES_NO}, "y")
    assert "body_length" in made.features
    assert {"body_has_please", "body_has_click"} <= set(made.features)
    assert "body_has_whole" not in made.features, "two thirds have it: it is too common to tell anything"
    assert not any(name.startswith("body_has_number") for name in made.features), "all have it"
    assert set(reasons(made)) == {"title"}
    assert model.features.given == ("body",)
    assert "chosen by how many texts have them, not by the target" in " ".join(text.split())


def test_words_of_long_texts_do_not_depend_on_the_target(tmp_path: Path) -> None:
    texts = [f"{SENTENCES[i * 7 % 3]} {i}" for i in range(N)]
    made = [scaffold_of({"body": texts, "y": answers}, tmp_path / name) for name, answers in (("a", YES_NO), ("b", YES_NO[::-1]))]
    assert made[0].features == made[1].features


def scaffold_of(columns: dict[str, object], folder: Path) -> Scaffold:
    folder.mkdir()
    pl.DataFrame(columns).write_csv(folder / "data.csv")
    return scaffold(folder / "data.csv", "y", folder / "project")


def test_a_file_of_the_target_alone_says_what_is_missing(make: Make) -> None:
    with pytest.raises(UnusableTarget, match="it is the only column"):
        make({"y": YES_NO}, "y")


def test_a_large_table_is_given_longer_to_search(make: Make) -> None:
    _, _, small = make({"x": X, "y": YES_NO}, "y")
    assert 'time="30s"' in small


def test_classes_and_columns_count_for_the_time_of_a_search(make: Make) -> None:
    columns = {f"x{place}": [(i * (place + 3)) % 97 for i in range(N)] for place in range(200)}
    _, _, wide = make({**columns, "y": [f"class {i * 7 % 41}" for i in range(N)]}, "y")
    assert 'time="1m"' in wide
