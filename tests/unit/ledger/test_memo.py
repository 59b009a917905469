from headrace.ledger import memo
from headrace.ledger.store import Ledger


def test_an_output_is_found_by_its_fingerprint(ledger: Ledger) -> None:
    with ledger.write("ana", "memo.save") as session:
        memo.save(session, "f1", "ingest", {"rows": 3, "part": [1.5, None]})
    with ledger.read() as session:
        assert memo.find(session, "f1") == {"rows": 3, "part": [1.5, None]}
        assert memo.find(session, "f2") is None


def test_saving_again_replaces(ledger: Ledger) -> None:
    for rows in (1, 1, 2):
        with ledger.write("ana", "memo.save") as session:
            memo.save(session, "f1", "ingest", {"rows": rows})
    with ledger.read() as session:
        assert memo.find(session, "f1") == {"rows": 2}


def test_many_are_found_at_once(ledger: Ledger) -> None:
    with ledger.write("ana", "memo.save") as session:
        for number in range(1200):
            memo.save(session, f"f{number}", "s", {"n": number})
    with ledger.read() as session:
        assert memo.find_many(session, [f"f{number}" for number in range(100, 2000)]) == {f"f{n}": {"n": n} for n in range(100, 1200)}
        assert memo.find_many(session, []) == {}
