"""Both learners: put down and taken up again, held to River's own, cut short, and refused without their library."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from river import evaluate, linear_model, metrics, optim, preprocessing, tree

from headrace.models.artifact import Artifact
from headrace.models.errors import BrokenArtifact
from headrace.models.hoeffding import tree_row
from headrace.models.predictor import load_predictor
from headrace.training.budget import Budget, Caps
from headrace.training.errors import LearnerNeedsExtra
from headrace.training.online.logistic import LogisticLearner
from headrace.training.online.progressive import Lessons, learn_rows
from headrace.training.online.trainer import HoeffdingTrainer, OnlineLogisticTrainer
from headrace.training.online.tree import HoeffdingLearner

GROWING = {"grace_period": 50, "delta": 0.05, "tau": 0.05, "max_depth": 5}
RATES = {"learning_rate": 0.05, "l2": 1.0}
KINDS = [(HoeffdingTrainer, HoeffdingLearner, GROWING), (OnlineLogisticTrainer, LogisticLearner, RATES)]
ENOUGH = Caps(trials=1, seconds=600)


def fit(trainer, dataset, parameters):
    return trainer(dataset).fit(parameters, Budget(ENOUGH), lambda share, line: None)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("trainer", "learner", "parameters"), KINDS)
def test_a_learner_that_was_put_down_goes_on_as_one_that_never_was(dataset, trainer, learner, parameters, classes):
    data = dataset(classes)
    never, again = trainer(data).learner(parameters), trainer(data).learner(parameters)
    for number, (row, target) in enumerate(zip(data.train.matrix.tolist(), data.train.target.tolist(), strict=True)):
        if number % 331 == 17:
            again = learner.restored(data.artifact(trainer.family, again.files(), {}))
        assert again.score(row) == never.score(row)
        never.learn(row, target)
        again.learn(row, target)
    assert again.learned == never.learned == len(data.train.target)
    assert again.files() == never.files()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("trainer", "parameters"), [(trainer, parameters) for trainer, _, parameters in KINDS])
def test_the_artifact_scores_as_the_learner_does(dataset, trainer, parameters, classes):
    data = dataset(classes)
    learner = trainer(data).learner(parameters)
    learn_rows(learner, data.train, Lessons(len(data.train.target), data.moments), lambda learned: True)
    predictor = load_predictor(data.artifact(trainer.family, learner.files(), {}))
    scores = np.array([learner.score(row) for row in data.train.matrix.tolist()])
    if trainer is HoeffdingTrainer:
        np.testing.assert_array_equal(predictor.scores(data.train.matrix), scores)
    else:
        np.testing.assert_allclose(predictor.scores(data.train.matrix), scores, rtol=1e-12)


@pytest.mark.parametrize(("trainer", "parameters"), [(trainer, parameters) for trainer, _, parameters in KINDS])
def test_each_of_two_named_classes_has_a_score(dataset, trainer, parameters):
    data = replace(dataset(), task="multiclass", classes=("no", "yes"))
    artifact = fit(trainer, data, parameters)
    again = KINDS[[kind for kind, _, _ in KINDS].index(trainer)][1].restored(artifact)
    said = np.array([again.score(row) for row in data.train.matrix.tolist()])
    np.testing.assert_allclose(load_predictor(artifact).scores(data.train.matrix), said, rtol=1e-12)
    assert said.shape == (len(data.train.target), 2)


def as_river_takes_it(row):
    return {place: value for place, value in enumerate(row) if value is not None}


@pytest.mark.parametrize("classes", [2, 3])
def test_the_tree_is_rivers_own_and_so_is_its_progressive_validation(dataset, classes):
    """River shows an answer at its very moment, we after it: here no two moments are the same."""
    data = dataset(classes)
    own = HoeffdingTrainer(data).learner(GROWING)
    asked, scores = learn_rows(own, data.train, Lessons(len(data.train.target), data.moments), lambda learned: True)
    river = tree.HoeffdingTreeClassifier(nominal_attributes={2, 3}, binary_split=True, **GROWING)
    rows, order = tree_row(data.columns), np.argsort(data.moments.asked, kind="stable")
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    known, questions = (data.moments.known * 2 + 1).tolist(), (data.moments.asked * 2).tolist()

    def stream():
        for row in order.tolist():
            yield as_river_takes_it(rows(data.train.matrix[row].tolist())) | {"row": row}, int(data.train.target[row])

    class WithoutRow:
        """River's tree, which is not to see by which row it is asked."""

        _supervised = True

        def learn_one(self, x, y):
            river.learn_one({place: value for place, value in x.items() if place != "row"}, y)

        def predict_proba_one(self, x):
            return river.predict_proba_one({place: value for place, value in x.items() if place != "row"})

        predict_one = predict_proba_one

    told = evaluate.iter_progressive_val_score(
        dataset=stream(),
        model=WithoutRow(),
        metric=Anything(),
        moment=lambda x: begin + timedelta(microseconds=questions[x["row"]]),
        delay=lambda x, y: timedelta(microseconds=known[x["row"]] - questions[x["row"]]),
        step=1,
        yield_predictions=True,
    )
    by_river = [each["Prediction"] for each in told]
    assert river.summary["n_branches"] >= 3
    assert river.summary == own._tree.summary
    answered = dict(zip(asked.tolist(), scores.tolist(), strict=True))
    in_order_of_answers = np.argsort(data.moments.known, kind="stable").tolist()
    compared = 0
    for row, votes in zip(in_order_of_answers, by_river, strict=True):
        if row in answered:
            expected = votes.get(1, 0.0) if classes == 2 else [votes.get(code, 0.0) for code in range(classes)]
            assert answered[row] == expected
            compared += 1
    assert compared > len(data.train.target) * 0.9


class Anything(metrics.base.Metric):
    """A metric of nothing: predictions are what is asked for."""

    def update(self, y_true, y_pred, w=1.0):
        pass

    def revert(self, y_true, y_pred, w=1.0):
        pass

    def get(self):
        return 0.0

    def works_with(self, model):
        return True

    @property
    def bigger_is_better(self):
        return True

    @property
    def requires_labels(self):
        return False


def test_the_logistic_regression_takes_the_steps_of_rivers(dataset):
    """River's weights lag by one gradient behind its own z and n; asked after a step without a gradient they are the same."""
    data = dataset(2)
    own = LogisticLearner.new(data.columns, 1, RATES)
    scaler = preprocessing.StandardScaler()
    river = linear_model.LogisticRegression(optimizer=optim.FTRLProximal(alpha=0.05, beta=1.0, l1=0.0, l2=1.0), intercept_lr=0.0)
    for row, target in zip(data.train.matrix.tolist(), data.train.target.tolist(), strict=True):
        numbers = {place: row[place] for place in (0, 1, 2) if row[place] == row[place]}
        scaler.learn_one(numbers)
        x = scaler.transform_one(numbers) | {"bias": 1.0, ("level", str(row[3])): 1.0}
        x |= {("missing", place): 1.0 for place in (0, 1, 2) if row[place] != row[place]}
        river.optimizer.step(river._weights, dict.fromkeys(x, 0.0))
        river.learn_one(x, target == 1.0)
        own.learn(row, target)
    river.optimizer.step(river._weights, dict.fromkeys(river.weights, 0.0))
    assert own._weights[0][0] == pytest.approx(river.weights["bias"], rel=1e-9)
    assert own._weights[0][1] == pytest.approx(river.weights[0], rel=1e-9)
    assert own._weights[0][7] == pytest.approx(river.weights["level", "0.0"], rel=1e-9)
    assert abs(own._weights[0][1]) > 0.1


@pytest.mark.parametrize(("trainer", "parameters"), [(trainer, parameters) for trainer, _, parameters in KINDS])
def test_what_is_measured_on_the_way_is_better_than_a_guess_and_rises(dataset, trainer, parameters):
    details = fit(trainer, dataset(2), parameters).details
    found = details["progressive"]
    assert details["trained_rows"] == 800
    assert found["rows"] + found["unlearned"] == 800
    assert found["metrics"]["roc_auc"] > 0.75
    assert found["pieces"][-1]["metrics"]["log_loss"] < found["pieces"][0]["metrics"]["log_loss"]


@pytest.mark.parametrize(("trainer", "parameters"), [(trainer, parameters) for trainer, _, parameters in KINDS])
def test_a_spent_budget_ends_the_lessons(dataset, trainer, parameters):
    artifact = trainer(dataset(2)).fit(parameters, Budget(Caps(trials=1, seconds=0.0)), lambda share, line: None)
    assert artifact.details["trained_rows"] == 500
    assert 0 < artifact.details["progressive"]["rows"] < 800


def test_numbers_beyond_all_bounds_do_no_harm(dataset):
    for trainer, _, parameters in KINDS:
        learner = trainer(dataset(2)).learner(parameters)
        for number in range(400):
            learner.learn([(-1) ** number * 1e308, np.inf, 1.0, 1.0], float(number % 2))
        assert 0.0 <= learner.score([1e308, -np.inf, 0.0, -1.0]) <= 1.0


@pytest.mark.parametrize(("trainer", "learner", "parameters"), KINDS)
def test_an_artifact_that_holds_no_learner_is_refused(dataset, trainer, learner, parameters):
    artifact = fit(trainer, dataset(2), parameters)
    name = next(name for name in artifact.files if name in ("tree.json", "learner.json"))
    for content in (b"{", b"{}"):
        with pytest.raises(BrokenArtifact, match=name):
            learner.restored(Artifact.from_header(artifact.header(), artifact.files | {name: content}))


def test_a_tree_of_other_columns_is_refused(dataset):
    artifact = fit(HoeffdingTrainer, dataset(2), GROWING)
    header = artifact.header() | {"columns": artifact.header()["columns"][:1]}
    with pytest.raises(BrokenArtifact, match="other columns"):
        load_predictor(Artifact.from_header(header, artifact.files))


def test_without_river_the_tree_says_what_to_install(dataset, monkeypatch):
    monkeypatch.delitem(sys.modules, "headrace.training.online.tree")
    monkeypatch.setitem(sys.modules, "river.proba", None)
    with pytest.raises(LearnerNeedsExtra, match=r"headrace\[online\]"):
        HoeffdingTrainer(dataset(2)).learner(GROWING)
