import re
from pathlib import Path

from headrace.ledger import statements
from headrace.ledger.schema import charge, model_input, step
from headrace.ledger.statements import insertion, listed, matching, newest, removal, selection


def test_a_tables_statements_name_its_columns() -> None:
    assert insertion(step, ("run_id", "name")) == "INSERT INTO step (run_id, name) VALUES (:run_id, :name)"
    assert removal(step) == "DELETE FROM step WHERE run_id = :run_id AND name = :name"
    assert selection(model_input) == "SELECT model_version_id, table_version_id FROM model_input"
    assert selection(model_input, without="table_version_id") == "SELECT model_version_id FROM model_input"
    assert newest(charge) == "SELECT max(id) AS id FROM charge"


def test_no_statement_reads_whatever_columns_there_are() -> None:
    """A column that a newer version has added would be read into values that have no place for it."""
    modules = Path(statements.__file__).parent.glob("*.py")
    assert [path.name for path in modules if re.search(r"\* FROM", path.read_text(encoding="utf-8"))] == []


def test_a_condition_that_nobody_wants_is_left_out() -> None:
    assert matching("SELECT * FROM run", {"project": "p", "state": None, "kind": ""}, "LIMIT 1") == (
        "SELECT * FROM run WHERE project = :project AND kind = :kind LIMIT 1"
    )
    assert matching("SELECT * FROM run", {"project": None}) == "SELECT * FROM run"


def test_each_of_several_values_is_a_parameter() -> None:
    assert listed("name", ["a", "b'"]) == ("name IN (:name_0, :name_1)", {"name_0": "a", "name_1": "b'"})
