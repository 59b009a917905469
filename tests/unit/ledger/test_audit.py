import sqlite3
from pathlib import Path

import pytest

from headrace.core.errors import UserError
from headrace.ledger import audit
from headrace.ledger.audit import AuditHead
from headrace.ledger.errors import LedgerDamaged
from headrace.ledger.protection import GENESIS
from headrace.ledger.store import Ledger
from headrace.ledger.verification import AuditReport, verify_audit

TRIGGERS = ("audit_is_never_updated", "audit_is_never_deleted", "audit_head_only_advances", "audit_head_is_never_deleted")


@pytest.fixture
def ledger_of_five(ledger: Ledger) -> Ledger:
    for number in range(5):
        with ledger.write("ana", f"action {number}", f"subject {number}", number=number):
            pass
    return ledger


def tamper(ledger: Ledger, *statements: str) -> AuditReport:
    """Change the file as someone would who may change the schema, and verify."""
    connection = sqlite3.connect(ledger.url)
    for trigger in TRIGGERS:
        connection.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return verify_audit(ledger)


def test_an_untouched_chain_holds(ledger_of_five: Ledger) -> None:
    assert verify_audit(ledger_of_five) == AuditReport(5, ledger_of_five.head())


def test_an_empty_chain_holds(ledger: Ledger) -> None:
    assert verify_audit(ledger) == AuditReport(0, AuditHead(0, GENESIS))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'bob'",
        "DELETE FROM audit",
        "UPDATE audit_head SET sequence = 0",
        "UPDATE audit_head SET hash = 'x'",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit SELECT sequence, moment, 'bob', action, subject, details, previous_hash, hash FROM audit LIMIT 1",
        "INSERT OR REPLACE INTO audit SELECT 6, moment, 'b', '', '', '', (SELECT hash FROM audit_head), hash FROM audit LIMIT 1",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 3, 'x')",
    ],
)
def test_the_store_itself_refuses_to_change_it(ledger_of_five: Ledger, statement: str) -> None:
    connection = sqlite3.connect(ledger_of_five.url)
    with pytest.raises(sqlite3.Error, match="append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "change",
    ["actor = 'bob'", "action = 'x'", "subject = 'x'", "details = '{\"number\":7}'", "moment = '2025-01-01 00:00:00.000000'", "hash = 'x'"],
)
def test_an_edited_row_is_found(ledger_of_five: Ledger, change: str) -> None:
    report = tamper(ledger_of_five, f"UPDATE audit SET {change} WHERE sequence = 3")
    assert (report.whole, report.rows, report.broken_at) == (False, 2, 3)
    assert "not what was written" in report.reason


@pytest.mark.parametrize("change", ["details = '{oops'", "details = x'ff'", "moment = 'never'", "moment = 7"])
def test_a_row_that_cannot_be_read_is_one_that_was_edited(ledger_of_five: Ledger, change: str) -> None:
    report = tamper(ledger_of_five, f"UPDATE audit SET {change} WHERE sequence = 3")
    assert (report.whole, report.rows, report.broken_at) == (False, 2, 3)
    assert report.reason.startswith(f"row 3 is not what was written: its {change.split()[0]} is no ")
    with pytest.raises(LedgerDamaged, match="holds what nobody wrote"), ledger_of_five.read() as session:
        audit.entries(session)


def test_a_removed_row_is_found(ledger_of_five: Ledger) -> None:
    report = tamper(ledger_of_five, "DELETE FROM audit WHERE sequence = 3")
    assert (report.broken_at, report.reason) == (3, "row 3 is missing: row 4 comes after row 2")


def test_a_removed_row_is_found_when_the_rest_are_renumbered(ledger_of_five: Ledger) -> None:
    report = tamper(ledger_of_five, "DELETE FROM audit WHERE sequence = 3", "UPDATE audit SET sequence = sequence - 1 WHERE sequence > 3")
    assert report.broken_at == 3
    assert "hash of the row before" in report.reason


def test_removed_newest_rows_are_found(ledger_of_five: Ledger) -> None:
    report = tamper(ledger_of_five, "DELETE FROM audit WHERE sequence >= 4")
    assert (report.rows, report.broken_at) == (3, 4)
    assert "newest rows are missing" in report.reason


def test_everything_removed_is_found(ledger_of_five: Ledger) -> None:
    assert tamper(ledger_of_five, "DELETE FROM audit").broken_at == 1


def test_swapped_rows_are_found(ledger_of_five: Ledger) -> None:
    moves = [f"UPDATE audit SET sequence = {after} WHERE sequence = {before}" for before, after in ((2, 99), (3, 2), (99, 3))]
    assert tamper(ledger_of_five, *moves).broken_at == 2


def test_rows_cut_off_with_the_head_set_back_are_found_by_the_head_kept_outside(ledger_of_five: Ledger) -> None:
    kept = AuditHead.parse(str(ledger_of_five.head()))
    put_back = "UPDATE audit_head SET sequence = 3, hash = (SELECT hash FROM audit WHERE sequence = 3)"
    assert tamper(ledger_of_five, "DELETE FROM audit WHERE sequence > 3", put_back).whole
    report = verify_audit(ledger_of_five, kept)
    assert (report.broken_at, "kept outside says 5" in report.reason) == (4, True)


def test_a_rewritten_chain_is_found_by_the_head_kept_outside(ledger_of_five: Ledger, tmp_path: Path) -> None:
    kept = ledger_of_five.head()
    with Ledger.open(tmp_path / "other.db", ledger_of_five.clock) as rewritten:
        for number in range(6):
            with rewritten.write("bob", f"action {number}"):
                pass
        assert verify_audit(rewritten).whole
        report = verify_audit(rewritten, kept)
    assert (report.broken_at, "rewritten" in report.reason) == (5, True)


def test_a_head_with_another_hash_is_found(ledger_of_five: Ledger) -> None:
    report = tamper(ledger_of_five, "UPDATE audit_head SET hash = 'x'")
    assert (report.broken_at, "another hash" in report.reason) == (5, True)


def test_a_chain_kept_from_earlier_still_holds(ledger_of_five: Ledger) -> None:
    kept = ledger_of_five.head()
    with ledger_of_five.write("ana", "one more"):
        pass
    assert verify_audit(ledger_of_five, kept).whole


def test_details_of_any_shape_verify_as_they_are_read_back(ledger: Ledger) -> None:
    with ledger.write("ana", "odd", numbers={10: 1.0, 9: float("inf")}, text="é\n", many=(1, 2), none=None):
        pass
    assert verify_audit(ledger).whole


def test_entries_of_a_subject_come_newest_first(ledger_of_five: Ledger) -> None:
    with ledger_of_five.write("bob", "again", "subject 2"):
        pass
    with ledger_of_five.read() as session:
        assert [row.sequence for row in audit.entries(session, subject="subject 2")] == [6, 3]
        assert [row.sequence for row in audit.entries(session, limit=2)] == [6, 5]


@pytest.mark.parametrize("text", ["", "5", "x:" + "0" * 64, "5:abc", "5:" + "g" * 64])
def test_a_text_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="not the head"):
        AuditHead.parse(text)
