from datetime import UTC, datetime

from headrace.ledger import freed, memo, naming, runs
from headrace.ledger.freed import NewFreed
from headrace.ledger.store import Ledger


def table(name: str, version: int, project: str = "shop") -> NewFreed:
    return NewFreed(project=project, kind=freed.TABLE, name=name, version=version, rule="versions=30d")


def test_what_was_freed_is_found_with_when_by_whom_and_why(ledger: Ledger) -> None:
    gone = NewFreed(
        project="shop", kind=freed.PREDICTIONS, name="log", rule="predictions=1d", details={"before": datetime(2026, 1, 1, tzinfo=UTC)}
    )
    with ledger.write("ana", "gc.free", "shop") as session:
        freed.record(session, [table("orders", 1), table("orders", 2), table("orders", 1, "other"), gone])
        freed.record(session, [NewFreed(project="other", kind=freed.BLOB, name="ab", rule="models=90d")])
    with ledger.read() as session:
        found = freed.find(session, "shop", freed.TABLE, "orders", 2)
        assert found is not None
        assert (found.actor, found.rule, found.version) == ("ana", "versions=30d", 2)
        assert freed.find(session, "shop", freed.TABLE, "orders", 3) is None
        assert freed.table_versions(session, "shop") == {("orders", 1), ("orders", 2)}
        expired = freed.find(session, "shop", freed.PREDICTIONS, "log")
        assert expired is not None
        assert datetime.fromisoformat(expired.details["before"]) == datetime(2026, 1, 1, tzinfo=UTC)
        blob = freed.find_blob(session, "ab")
        assert blob is not None
        assert blob.project == "other"
        assert freed.find_blob(session, "cd") is None


def test_what_steps_gave_is_told_apart_by_project_and_forgotten(ledger: Ledger) -> None:
    with ledger.write("ana", "run.start") as session:
        for project in ("shop", "other"):
            run = runs.start(session, runs.NewRun(project=project))
            memo.save(session, f"of {project}", "train", {"blob": project})
            runs.record_step(
                session, runs.Step(run_id=run.id, name="train", fingerprint=f"of {project}", state="done", finished=session.now)
            )
        memo.save(session, "of nobody", "train", {})
    with ledger.read() as session:
        mine, others = naming.remembered(session, "shop")
        assert naming.projects(session) == ("other", "shop")
    assert [each.fingerprint for each in mine] == ["of shop"]
    assert sorted(each.fingerprint for each in others) == ["of nobody", "of other"]
    with ledger.write("ana", "gc.free") as session:
        naming.forget(session, (f"of {name}" for name in ("shop", "nobody", "somebody")))
    with ledger.read() as session:
        assert memo.find(session, "of other") == {"blob": "other"}
        assert memo.find(session, "of shop") is None


def test_a_ledger_is_told_from_every_other(ledger: Ledger) -> None:
    assert ledger.identity() is None
    with ledger.write("ana", "first"):
        pass
    first = ledger.identity()
    with ledger.write("ana", "second"):
        pass
    assert first is not None
    assert ledger.identity() == first
