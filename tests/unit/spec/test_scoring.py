"""Scoring as declared: which rows are asked about, and where predictions may go."""

import msgspec
import pytest

from headrace.expressions import col
from headrace.expressions.aggregates import count
from headrace.spec import split
from headrace.spec.candidates import Logistic
from headrace.spec.errors import InvalidOption, SpecError, UnknownName
from headrace.spec.features import Features, window
from headrace.spec.model import Model
from headrace.spec.project import Project
from headrace.spec.scoring import Scoring, ToKafka, ToTable, Webhook
from headrace.spec.sources import File
from headrace.spec.streams import Replay
from headrace.spec.tables import Events


def model(source: object = None, name: str = "late", ids: str | list[str] = (), table: str = "rows") -> Model:
    rows = Events(table, source=source or Replay(File("rows.csv")), time="at", id=ids)
    return Model(
        name,
        features=Features(spine=rows, given=["at", "km"], as_of=col("at"), values={"km": col("km")}),
        target=col("late"),
        split=split.by_time(validation="1d", test="1d", purge="1h"),
        candidates=[Logistic()],
        metric="roc_auc",
    )


def test_one_target_or_several_are_taken() -> None:
    assert Scoring(model(), to=[ToTable("scores")]).tables == (ToTable("scores"),)
    assert Scoring(model(), to=ToTable("scores")).wait == "now"
    assert Scoring(model()).to == ()


def test_rows_that_are_not_streamed_are_no_questions() -> None:
    with pytest.raises(SpecError, match="'rows', which the model 'late' is asked about, are not streamed"):
        Scoring(model(File("rows.csv")))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"wait": "later"}, "one of 'now', 'complete'"),
        ({"to": ["scores"]}, r"hr.ToTable\(...\), hr.ToKafka\(...\) or hr.Webhook\(...\)"),
        ({"to": [ToTable("a"), ToTable("a")]}, "go twice to the table predictions/a"),
        ({"model": "late"}, "an hr.Model of the project"),
    ],
)
def test_what_cannot_be_is_told(wrong: dict[str, object], said: str) -> None:
    with pytest.raises((InvalidOption, SpecError), match=said):
        Scoring(**{"model": model(), **wrong})  # type: ignore[arg-type]  # wrong on purpose


def test_ids_that_are_called_as_columns_of_predictions_are_refused_where_somebody_is_told() -> None:
    """Two columns of one name would stop the worker at the first answer."""
    with pytest.raises(SpecError, match="the column 'version', by which rows of 'rows' are told apart") as refused:
        Scoring(model(ids=["order", "version"]), to=ToTable("scores"))
    assert "columns={'the_version': col('version')}" in refused.value.remedy
    assert Scoring(model(ids=["order", "version"])).names == ("order", "version")


@pytest.mark.parametrize("name", ["log", "unanswered", "late", "quarantine", "a/b", ""])
def test_names_that_no_table_of_predictions_can_have(name: str) -> None:
    with pytest.raises(InvalidOption):
        ToTable(name)


def test_secrets_are_not_written_plainly_and_do_not_travel_so() -> None:
    with pytest.raises(SpecError, match=r"\$\{"):
        Webhook("https://shop.example/scores", secret="hush")
    with pytest.raises(SpecError, match="plain http"):
        Webhook("http://shop.example/scores", secret="${S}")
    with pytest.raises(InvalidOption):
        Webhook("ftp://shop.example/scores", secret="${S}")
    with pytest.raises(InvalidOption, match="10s"):
        Webhook("https://shop.example/scores", secret="${S}", timeout="0s")
    with pytest.raises(SpecError, match="host:port") as told:
        ToKafka("scores", servers="kafka://me:hush@broker")
    assert "hush" not in str(told.value)
    with pytest.raises(InvalidOption):
        ToKafka(" ", servers="broker:9092")
    assert Webhook("http://127.0.0.1:80/scores", secret="${S}").place == "http://127.0.0.1:80/scores"


def test_a_project_scores_its_own_models_each_once() -> None:
    late, other = model(), model(name="other")
    project = Project("p", models=[late], streams=[Scoring(late)])
    assert project.streams[0].model is late
    with pytest.raises(UnknownName, match="other"):
        msgspec.structs.replace(project, streams=(Scoring(other),))
    with pytest.raises(SpecError, match="two Scoring"):
        Project("p", models=[late], streams=[Scoring(late), Scoring(late)])


def test_two_scorings_of_one_table_tell_its_rows_apart_by_the_same_columns() -> None:
    late, other = model(ids="a"), model(name="other", ids="a", table="others")
    both = [Scoring(each, to=ToTable("scores")) for each in (late, other)]
    assert len(Project("p", models=[late, other], streams=both).streams) == 2
    other = model(name="other", ids=["b", "a"], table="others")
    both[1] = Scoring(other, to=[ToTable("more"), ToTable("scores")])
    said = r"'late' and 'other' go to one table, predictions/scores, and their rows are told apart by other columns: a; b, a"
    with pytest.raises(SpecError, match=said):
        Project("p", models=[late, other], streams=both)


def test_features_with_an_age_that_they_may_have_are_not_answered_at_once() -> None:
    dated = model()
    rows = dated.features.spine
    values = {"before": window(rows, count(), by="km", over="1d")}
    features = Features(spine=rows, given=["at", "km"], as_of=col("at"), values=values, max_staleness="5m")
    with pytest.raises(SpecError, match="the features of 'late' have a max_staleness") as refused:
        Scoring(msgspec.structs.replace(dated, features=features))
    assert 'wait="complete"' in refused.value.remedy
    assert Scoring(msgspec.structs.replace(dated, features=features), wait="complete").wait == "complete"
