"""What threads and processes of the suite of stores do: `python -m headrace.testing.stores_at_work URL TASK`.

It imports no test library: processes of it are started and killed by the dozen.
"""

import itertools
import sys
from collections.abc import Callable, Sequence

from headrace.features.stores.contract import Commit, Field, Key, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stores.opening import open_store

RECORDS: Sequence[Key] = [("numbers", b"%0400d" % number) for number in range(50)]
"""So many, of keys so long, that a server gets a question about all of them in more than one piece."""


def increment(store: StateStore) -> int:
    """Make a commit after which every record and both marks hold the next number, which is returned."""
    _, (last, _) = store.read([], ["number", "again"])
    number = int(last or b"0") + 1
    value = b"%d" % number
    put = [(Field(*record, name), value) for record in RECORDS for name in (b"first", b"second")]
    put.append((Field("all", b"", b"%09d" % number), value))
    store.commit(Commit(expect={"number": last}, marks={"number": value, "again": value}, put=put))
    return number


def increment_often(store: StateStore, times: int = 60) -> None:
    """Make so many commits, each again for as long as others are quicker."""
    done = 0
    while done < times:
        try:
            increment(store)
            done += 1
        except MarkMoved:
            pass


def number_seen(store: StateStore) -> int:
    """Return the number that the marks hold, having seen that every record is as the same commit left it."""
    records, (first, second) = store.read(RECORDS, ["number", "again"])
    assert first == second
    if first is None:
        return 0
    assert all(values == [first, first] for values in records), (first, records)
    return int(first)


def _increment_for_ever(store: StateStore) -> None:
    for _ in itertools.count():
        print(increment(store), flush=True)  # noqa: T201  the test counts them


def _read(store: StateStore) -> None:
    last, different = 0, 0
    while last < 150:
        seen = number_seen(store)
        assert seen >= last, (seen, last)
        different += seen != last
        last = seen
    assert different > 1, "it saw the writer at work"


_TASKS: dict[str, Callable[[StateStore], None]] = {
    "increment": increment_often,
    "increment for ever": _increment_for_ever,
    "read": _read,
}


def main(url: str, task: str) -> None:
    """Open the store, say so, wait for a line, and do the task."""
    store = open_store(url)
    print("ready", flush=True)  # noqa: T201  the test waits for it
    sys.stdin.readline()
    _TASKS[task](store)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
