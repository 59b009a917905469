import msgspec
import pytest

from headrace.ledger import tables
from headrace.ledger.errors import InconsistentCounts, NoSuchRecord
from headrace.ledger.store import Ledger
from headrace.ledger.tables import ContractResult, NewTableVersion

NEW = NewTableVersion(
    project="flights",
    name="weather",
    version=0,
    fingerprint="f0",
    types={"wind": "float", "at": "datetime"},
    rows_in=10,
    accepted=7,
    quarantined=2,
    duplicates=1,
    quarantine_version=0,
    profile={"wind": {"nulls": 1, "mean": 2.5}},
)


def test_a_version_comes_back_as_it_was(ledger: Ledger, run_id: str) -> None:
    results = [
        ContractResult(rule="not_null(wind)", severity="quarantine", passed=False, failing_rows=2, message="2 rows"),
        ContractResult(rule="between(wind)", severity="warn", passed=True, failing_rows=0),
    ]
    with ledger.write("ana", "table.record") as session:
        made = tables.record(session, msgspec.structs.replace(NEW, run_id=run_id), results)
    with ledger.read() as session:
        assert tables.get(session, made.id) == made
        assert made.types == {"wind": "float", "at": "datetime"}
        assert tables.contract_results(session, made.id) == tuple(results)


def test_latest_is_the_newest_of_its_table_and_project(ledger: Ledger) -> None:
    with ledger.write("ana", "table.record") as session:
        tables.record(session, NEW)
        newest = tables.record(session, msgspec.structs.replace(NEW, version=1, fingerprint="f1"))
        tables.record(session, msgspec.structs.replace(NEW, project="trains", version=9))
        tables.record(session, msgspec.structs.replace(NEW, name="planes", version=9))
    with ledger.read() as session:
        assert tables.latest(session, "flights", "weather") == newest
        assert tables.latest(session, "flights", "nothing") is None
        assert [each.version for each in tables.list_versions(session, "flights", "weather")] == [1, 0]


def test_a_lost_row_is_refused(ledger: Ledger) -> None:
    with ledger.write("ana", "table.record") as session, pytest.raises(InconsistentCounts, match=r"10 rows came in.* make 9"):
        tables.record(session, msgspec.structs.replace(NEW, duplicates=0))


def test_an_unknown_version_is_named(ledger: Ledger) -> None:
    with ledger.read() as session, pytest.raises(NoSuchRecord, match="tab_x"):
        tables.get(session, "tab_x")
