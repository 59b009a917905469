"""What a store of online state must do. A test class inherits one of these.

`StoreConformance` wants the fixture `store`: an empty one, new for each test. `SharedStoreConformance` is for stores that several
processes share, and wants the fixture `store_url` in its place: where an empty one is.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

import pytest

from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stores.opening import open_store
from headrace.testing import stores_at_work
from headrace.testing.stores_at_work import increment, increment_often, number_seen

SECONDS = 60
"""How long the processes of a test may take, on a machine that has much to do."""
KEYS = (b"", b"\x00", b"a", b"a\x00", b"a\x00b", b"ab", b"a:b", b"\xff" * 400, b"\x00" * 400, bytes(range(256)), "é*[?]{}".encode())
SPACES = ("a", "a:", "a:b", "out/trips", "é*[?]", "s" * 150)


def _walked(store: StateStore, space: str, most: int = 1000, between: Callable[[], None] = lambda: None) -> list[Any]:
    found, walked = [], store.walk(space, most=most)
    while True:
        assert len(walked.records) <= most
        found += [(key, list(fields)) for key, fields in walked.records]
        if walked.after is None:
            return found
        between()
        walked = store.walk(space, walked.after, most)


def _in_threads(*work: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def guarded(each: Callable[[], None]) -> None:
        try:
            each()
        except BaseException as error:  # noqa: BLE001  raised below, by the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=[each]) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    if failures:
        raise failures[0]


class StoreConformance:
    """The contract of `headrace.features.stores`, point by point."""

    def test_what_is_not_there_is_empty(self, store: StateStore) -> None:
        """And may be removed."""
        assert store.read([("a", b"k"), ("a", b"l")], ["m"]) == ([[], []], [None])
        assert store.fields([("a", b"k")]) == [[]]
        assert store.marks("") == {}
        assert list(store.walk("a").records) == []
        assert store.walk("a").after is None
        store.clear("a")
        store.commit(Commit(marks={"m": None}, drop=[Field("a", b"k", b"f")]))
        store.commit(Commit())
        assert store.read([], []) == ([], [])

    def test_records_of_all_spaces_and_keys_are_kept_apart(self, store: StateStore) -> None:
        """However alike they are."""
        names = (b"", b"\x00", b"\x00\x01", b"n" * 64)
        every = [Field(space, key, name) for space in SPACES for key in KEYS for name in names]
        store.commit(Commit(put=[(field, repr(field).encode()) for field in reversed(every)]))
        for space in SPACES:
            expected = {key: [(name, repr(Field(space, key, name)).encode()) for name in names] for key in KEYS}
            assert store.read([(space, key) for key in KEYS]) == ([[value for _, value in expected[key]] for key in KEYS], [])
            assert store.fields([(space, key) for key in KEYS]) == [expected[key] for key in KEYS]
            assert store.fields([(space, key) for key in KEYS], b"\x00") == [expected[key][1:3] for key in KEYS]
            assert dict(_walked(store, space, 3)) == expected
        assert store.marks("") == {}

    @pytest.mark.parametrize("value", [b"", b"\x00", b"x", bytes(range(256)) * 8000])
    def test_values_come_back_as_they_went_in(self, store: StateStore, value: bytes) -> None:
        """Of fields and of marks, none and two megabytes."""
        store.commit(Commit(put=[(Field("a", b"k", b"f"), value)], marks={"m": value}))
        assert store.read([("a", b"k")], ["m"]) == ([[value]], [value])
        assert store.marks("m") == {"m": value}

    def test_fields_are_replaced_dropped_and_in_the_order_of_their_names(self, store: StateStore) -> None:
        """What is dropped and put in one commit is there; a record without fields is not."""
        for name in (b"c", b"a", b"b"):
            store.commit(Commit(put=[(Field("a", b"k", name), b"old " + name)]))
        assert store.read([("a", b"k")])[0] == [[b"old a", b"old b", b"old c"]]
        fields = {name: Field("a", b"k", name) for name in (b"a", b"b", b"c")}
        store.commit(Commit(drop=[fields[b"a"], fields[b"b"]], put=[(fields[b"b"], b"1"), (fields[b"b"], b"2")]))
        assert store.fields([("a", b"k")]) == [[(b"b", b"2"), (b"c", b"old c")]]
        many = [(Field("a", b"many", b"%04d" % number), b"%d" % number) for number in range(5000)]
        store.commit(Commit(put=many))
        assert store.read([("a", b"many")])[0] == [[value for _, value in many]]
        store.commit(Commit(drop=[*fields.values(), *(field for field, _ in many)]))
        assert store.read([("a", b"k")])[0] == [[]]
        assert _walked(store, "a") == []

    def test_marks_are_found_by_their_beginnings(self, store: StateStore) -> None:
        """Whatever letters they have."""
        marks = {name: name.encode() for name in ("position/é/0", "position/é/1", "position*", "pos[i]", "x" * 400)}
        store.commit(Commit(marks=dict(marks)))
        assert store.marks("") == marks
        for prefix in ("position/", "position*", "pos[", "*", "x", "nothing"):
            assert store.marks(prefix) == {name: value for name, value in marks.items() if name.startswith(prefix)}
        store.commit(Commit(marks={"position*": None, "pos[i]": b"new"}))
        assert store.read([], ["position*", "pos[i]", "x" * 400]) == ([], [None, b"new", b"x" * 400])

    @pytest.mark.parametrize(("there", "expected"), [(None, b""), (b"", None), (b"1", None), (None, b"1"), (b"1", b"2")])
    def test_nothing_is_changed_if_a_mark_is_not_as_expected(self, store: StateStore, there: bytes | None, expected: bytes | None) -> None:
        """And the error names the mark."""
        field, other = Field("a", b"k", b"f"), Field("a", b"k", b"g")
        store.commit(Commit(marks={"fits": b"1", "moved": there}, put=[(field, b"old")]))
        refused = Commit(expect={"fits": b"1", "moved": expected}, marks={"fits": b"2", "moved": b"2"}, put=[(other, b"new")], drop=[field])
        with pytest.raises(MarkMoved, match="'moved'"):
            store.commit(refused)
        assert store.fields([("a", b"k")]) == [[(b"f", b"old")]]
        assert store.read([], ["fits", "moved"])[1] == [b"1", there]
        store.commit(Commit(expect={"fits": b"1", "moved": there, "none": None}, marks={"moved": b"3"}, drop=[field]))
        assert store.read([("a", b"k")], ["moved"]) == ([[]], [b"3"])

    @pytest.mark.parametrize("seed", range(4))
    def test_any_commits_leave_what_a_dictionary_would_hold(self, store: StateStore, seed: int) -> None:
        """Those refused change nothing; a space is cleared now and then."""
        random.seed(seed)
        model: dict[Field, bytes] = {}
        marks: dict[str, bytes] = {}
        for number in range(60):
            commit = _random_commit(number, marks)
            if any(marks.get(name) != value for name, value in commit.expect.items()):
                with pytest.raises(MarkMoved):
                    store.commit(commit)
            else:
                store.commit(commit)
                model = {field: value for field, value in model.items() if field not in commit.drop} | dict(commit.put)
                marks = {name: value for name, value in {**marks, **commit.marks}.items() if value is not None}
            if random.random() < 0.05:
                store.clear("a")
                model = {field: value for field, value in model.items() if field.space != "a"}
        assert store.marks("") == marks
        for space in ("a", "b"):
            expected: dict[bytes, list[tuple[bytes, bytes]]] = {}
            for field, value in sorted(model.items()):
                if field.space == space:
                    expected.setdefault(field.key, []).append((field.name, value))
            walked = _walked(store, space, random.choice([1, 2, 7]))
            assert len(walked) == len(expected)
            assert dict(walked) == expected

    def test_a_walk_meets_each_record_once_whatever_is_written_meanwhile(self, store: StateStore) -> None:
        """Records that stay come exactly once; those made or removed meanwhile at most once."""
        random.seed(7)
        stay = [b"%d" % random.randrange(10**9) for _ in range(300)]
        go = [b"go%d" % random.randrange(10**9) for _ in range(300)]
        store.commit(Commit(put=[(Field("a", key, b"f"), b"v") for key in (*stay, *go)]))
        numbers = count()

        def write() -> None:
            made = [(Field("a", b"%d" % random.randrange(10**9, 10**10), b"f"), b"v") for _ in range(20)]
            changed = [(Field("a", random.choice(stay), b"g%d" % next(numbers)), b"w")]
            store.commit(Commit(put=made + changed, drop=[Field("a", go.pop(), b"f") for _ in range(10)]))

        found = [key for key, _ in _walked(store, "a", 37, write)]
        assert len(found) == len(set(found))
        assert set(stay) < set(found)
        assert set(go) < set(found)

    def test_clearing_a_space_leaves_the_others_and_the_marks(self, store: StateStore) -> None:
        """Of more fields than are removed at once."""
        many = [(Field("a", b"%d" % number, b"f"), b"v") for number in range(25_000)]
        store.commit(Commit(put=[*many, (Field("b", b"1", b"f"), b"v"), (Field("a:", b"1", b"f"), b"v")], marks={"m": b"1"}))
        store.clear("a")
        assert _walked(store, "a") == []
        assert store.read([("a", b"7"), ("b", b"1"), ("a:", b"1")], ["m"]) == ([[], [b"v"], [b"v"]], [b"1"])
        store.commit(Commit(put=many[:1]))
        assert _walked(store, "a") == [(b"0", [(b"f", b"v")])]

    def test_threads_see_whole_commits(self, store: StateStore) -> None:
        """While another thread writes."""

        def write() -> None:
            for _ in range(60):
                increment(store)

        def read() -> None:
            while number_seen(store) < 60:
                pass

        _in_threads(write, read, read, read)

    def test_threads_that_expect_marks_never_lose_a_change(self, store: StateStore) -> None:
        """Whoever comes second is told so."""

        def write() -> None:
            increment_often(store, 20)

        _in_threads(write, write, write)
        assert number_seen(store) == 60


def _random_commit(number: int, marks: dict[str, bytes]) -> Commit:
    def field() -> Field:
        return Field(random.choice("ab"), b"%d" % random.randrange(8), b"%d" % random.randrange(4))

    name = random.choice("xyz")
    return Commit(
        expect={name: marks.get(name) if random.random() < 0.8 else b"other"},
        marks={name: random.choice([None, b"%d" % number])},
        put=[(field(), b"%d" % number) for _ in range(random.randrange(6))],
        drop=[field() for _ in range(random.randrange(6))],
    )


class SharedStoreConformance(StoreConformance):
    """What holds besides where several processes use a store."""

    kills = 20

    @pytest.fixture
    def store(self, store_url: str) -> Iterator[StateStore]:
        """A store at the place."""
        store = open_store(store_url)
        yield store
        store.close()

    def test_who_opened_it_before_anything_was_written_sees_what_another_writes(self, store_url: str) -> None:
        """And who opens it afterwards, when all others have closed it, too."""
        reader = open_store(store_url)
        assert number_seen(reader) == 0
        writer = open_store(store_url)
        increment(writer)
        assert number_seen(reader) == 1
        writer.close()
        writer.close()
        assert number_seen(reader) == 1
        reader.close()
        again = open_store(store_url)
        assert number_seen(again) == 1
        again.close()

    def test_processes_see_whole_commits(self, store: StateStore, store_url: str) -> None:
        """In the order in which they were made."""
        with _at_work("read", store_url, 2) as readers:
            for _ in range(200):
                increment(store)
            _ended(*readers)

    def test_processes_that_expect_marks_never_lose_a_change(self, store: StateStore, store_url: str) -> None:
        """They write in turn."""
        with _at_work("increment", store_url, 2) as writers:
            _ended(*writers)
        assert number_seen(store) == 120
        assert len(store.fields([("all", b"")])[0]) == 120

    def test_a_writer_that_is_killed_leaves_its_last_commit_whole(self, store: StateStore, store_url: str) -> None:
        """By `kill -9`, so many times, at any moment; the next one goes on from there."""
        random.seed(11)
        for _ in range(self.kills):
            with _at_work("increment for ever", store_url) as (writer,):
                assert writer.stdout is not None
                told = [writer.stdout.readline()]
                time.sleep(random.random() * 0.03)
                writer.kill()
                # Not by communicate(), which does not see what readline() has read ahead.
                told += writer.stdout.read().split("\n")
                said = writer.stderr.read() if writer.stderr is not None else ""
            assert any(told), said
            returned = max(int(each) for each in told if each.strip())
            seen = number_seen(store)
            numbers = [int(value) for value in store.read([("all", b"")])[0][0]]
            assert returned <= seen <= len(numbers) <= returned + 1, "what was returned is there, and at most what was being made"
            assert numbers == list(range(1, len(numbers) + 1))


@contextmanager
def _at_work(task: str, url: str, workers: int = 1) -> Iterator[list["subprocess.Popen[str]"]]:
    """Run so many processes that begin a task at the same moment; they are gone afterwards."""
    command, pipe = [sys.executable, "-m", stores_at_work.__name__, url, task], subprocess.PIPE
    with ExitStack() as stack:
        started = []
        for _ in range(workers):
            process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))  # noqa: S603  our own
            stack.callback(process.kill)
            started.append(process)
        for each in started:
            assert each.stdout is not None
            if not each.stdout.readline():
                raise AssertionError(each.communicate(timeout=SECONDS)[1])
        for each in started:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        yield started


def _ended(*processes: "subprocess.Popen[str]") -> None:
    for each in processes:
        said = each.communicate(timeout=SECONDS)[1]
        assert each.returncode == 0, said
