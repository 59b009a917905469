import itertools
import sqlite3
from datetime import timedelta

import pytest

from headrace.core.clock import FixedClock
from headrace.ledger import audit, models, tables
from headrace.ledger.errors import IllegalTransition, NoSuchRecord
from headrace.ledger.models import ModelVersion, NewModelVersion
from headrace.ledger.store import Ledger
from headrace.ledger.tables import NewTableVersion

PATHS = {
    models.CANDIDATE: (),
    models.REJECTED: (models.REJECTED,),
    models.AWAITING_APPROVAL: (models.AWAITING_APPROVAL,),
    models.APPROVED: (models.AWAITING_APPROVAL, models.APPROVED),
    models.CHAMPION: (models.APPROVED, models.CHAMPION),
    models.RETIRED: (models.APPROVED, models.CHAMPION, models.RETIRED),
}


def create(ledger: Ledger, run_id: str, model: str = "late", project: str = "flights") -> ModelVersion:
    new = NewModelVersion(
        project=project, model=model, run_id=run_id, candidate="GradientBoosting", task="binary", details={"threshold": 0.3}
    )
    with ledger.write("rita", "model.create") as session:
        return models.create(session, new)


def move(ledger: Ledger, version_id: str, state: str) -> ModelVersion:
    with ledger.write("rita", "model.state") as session:
        if state == models.CHAMPION:
            return models.promote(session, version_id)
        return models.change_state(session, version_id, state)


def test_versions_are_numbered_for_each_model_of_a_project(ledger: Ledger, run_id: str) -> None:
    made = [create(ledger, run_id), create(ledger, run_id), create(ledger, run_id, "early"), create(ledger, run_id, project="trains")]
    assert [version.label for version in made] == ["late@1", "late@2", "early@1", "late@1"]
    with ledger.read() as session:
        assert models.find(session, "flights", "late", 2) == made[1]
        assert models.find(session, "flights", "late", 3) is None
        assert models.latest(session, "flights", "late") == made[1]
        assert models.latest(session, "flights", "none") is None
        assert models.list_versions(session, "flights") == (made[2], made[1], made[0])
        assert models.list_versions(session, "flights", "late", state="champion") == ()


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(PATHS, PATHS)))
def test_only_legal_states_follow(ledger: Ledger, run_id: str, present: str, wanted: str) -> None:
    version = create(ledger, run_id)
    for state in PATHS[present]:
        version = move(ledger, version.id, state)
    assert version.state == present
    if wanted in models.TRANSITIONS[present]:
        assert move(ledger, version.id, wanted).state == wanted
    else:
        with pytest.raises(IllegalTransition, match=f"'{present}'"):
            move(ledger, version.id, wanted)


def test_a_champion_is_not_made_by_a_change_of_state(ledger: Ledger, run_id: str) -> None:
    version = move(ledger, create(ledger, run_id).id, models.APPROVED)
    with ledger.write("rita", "model.state") as session, pytest.raises(IllegalTransition):
        models.change_state(session, version.id, models.CHAMPION)


def test_promotion_retires_the_champion_before_it(ledger: Ledger, clock: FixedClock, run_id: str) -> None:
    first, second = (move(ledger, create(ledger, run_id).id, models.APPROVED) for _ in range(2))
    other = move(ledger, move(ledger, create(ledger, run_id, "early").id, models.APPROVED).id, models.CHAMPION)
    move(ledger, first.id, models.CHAMPION)
    with ledger.read() as session:
        assert models.champion(session, "flights", "late").id == first.id
    move(ledger, second.id, models.CHAMPION)
    with ledger.read() as session:
        champion, before = models.champion(session, "flights", "late"), models.get(session, first.id)
        assert models.champion(session, "flights", "early").id == other.id
        (row, *_) = audit.entries(session)
    assert (champion.id, champion.promoted) == (second.id, clock.now())
    assert (before.state, before.retired) == ("retired", clock.now())
    assert [(step["version"], step["to"]) for step in row.details["transitions"]] == [(first.id, "retired"), (second.id, "champion")]


def test_the_store_itself_refuses_two_champions(ledger: Ledger, run_id: str) -> None:
    create(ledger, run_id)
    create(ledger, run_id)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), ledger.write("rita", "wrong") as session:
        session.run("UPDATE model_version SET state = 'champion'")


def test_what_a_version_was_made_from_is_kept(ledger: Ledger, run_id: str) -> None:
    counts = {"rows_in": 1, "accepted": 1, "quarantined": 0, "duplicates": 0}
    with ledger.write("rita", "model.create") as session:
        made_from = [
            tables.record(session, NewTableVersion(project="flights", name=name, version=0, fingerprint=name, types={}, **counts))
            for name in ("weather", "flights")
        ]
        new = NewModelVersion(project="flights", model="late", run_id=run_id, candidate="Logistic", task="binary")
        version = models.create(session, new, tuple(each.id for each in (*made_from, made_from[0])))
    with ledger.read() as session:
        assert models.table_versions(session, version.id) == (made_from[1], made_from[0])


def test_a_bundle_is_attached_and_found(ledger: Ledger, run_id: str) -> None:
    version = create(ledger, run_id)
    with ledger.write("rita", "bundle.write") as session:
        models.attach_bundle(session, version.id, "b0b", "bundles/late-1")
    with ledger.read() as session:
        found = models.get(session, version.id)
    assert (found.bundle_fingerprint, found.bundle_location) == ("b0b", "bundles/late-1")


def test_an_unknown_version_is_named(ledger: Ledger) -> None:
    with ledger.read() as session, pytest.raises(NoSuchRecord, match="mod_x"):
        models.get(session, "mod_x")


def test_the_newest_version_is_the_one_with_the_greatest_number_even_where_the_clock_went_back(
    ledger: Ledger, run_id: str, clock: FixedClock
) -> None:
    create(ledger, run_id)
    clock.moment -= timedelta(hours=1)
    second = create(ledger, run_id)
    with ledger.read() as session:
        assert models.latest(session, "flights", "late") == second
