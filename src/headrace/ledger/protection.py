"""What keeps the audit append-only: triggers, and one row for its head.

As they stand now, for a new ledger. What the migrations execute is written there, and stays as it was: who changes a statement here adds a
migration that does the same to ledgers that exist.
"""

from headrace.ledger.database import Connection
from headrace.ledger.ddl import SQLITE

GENESIS = "0" * 64
"""What stands for the hash before the first."""

_SQLITE_TRIGGERS = (
    "CREATE TRIGGER audit_is_never_updated BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_head_only_advances BEFORE UPDATE ON audit_head WHEN NEW.id <> OLD.id OR NEW.sequence <> OLD.sequence + 1 "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    # INSERT OR REPLACE fires no DELETE trigger
    "CREATE TRIGGER audit_is_only_appended_to BEFORE INSERT ON audit WHEN NOT EXISTS "
    "(SELECT 1 FROM audit_head WHERE NEW.sequence = sequence + 1 AND NEW.previous_hash = hash) "
    "OR EXISTS (SELECT 1 FROM audit WHERE hash = NEW.hash) "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head WHEN EXISTS (SELECT 1 FROM audit_head) "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
)
_POSTGRES_TRIGGERS = (
    "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
    "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
    "CREATE TRIGGER audit_head_only_advances BEFORE UPDATE ON audit_head FOR EACH ROW "
    "WHEN (NEW.id <> OLD.id OR NEW.sequence <> OLD.sequence + 1) EXECUTE FUNCTION refuse_audit_change()",
    "CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE OR TRUNCATE ON audit_head "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
)


def protect_audit(connection: Connection) -> None:
    """Write the head of an audit without rows, and make the triggers."""
    connection.run("INSERT INTO audit_head (id, sequence, hash) VALUES (1, 0, :hash)", {"hash": GENESIS})
    for statement in _SQLITE_TRIGGERS if connection.dialect is SQLITE else _POSTGRES_TRIGGERS:
        connection.run(statement, {})
