"""What an embedded store meets besides what its contract says: forks, killed processes, and disks."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from headrace.core.storage import DiskFull, NotWritable
from headrace.features.stores.contract import Commit, Field
from headrace.features.stores.embedded import EmbeddedStore
from headrace.features.stores.errors import MarkMoved, StoreFault, StoreUnusable
from headrace.features.stores.lmdb_file import fault

_HOLD = """
import sys, lmdb
environment = lmdb.open(sys.argv[1], map_size=1 << 40, max_readers=1024)
with environment.begin(write=sys.argv[2] == "writing"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(folder)
    yield store
    store.close()


def changed(number: int, size: int = 1) -> Commit:
    before = b"%d" % (number - 1) if number > 1 else None
    return Commit(
        expect={"number": before}, marks={"number": b"%d" % number}, put=[(Field("a", b"k", b"f"), (b"%d" % number).rjust(size, b"0"))]
    )


def kill_holding(folder: Path, what: str, announced: int = 0) -> None:
    """Kill a process that is inside a transaction."""
    command = [sys.executable, "-c", _HOLD, str(folder), what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        if announced:
            set_announced(folder, announced)
        process.kill()


def set_announced(folder: Path, transaction: int) -> None:
    """Leave the number of the last transaction as a process does that is killed before it has set it."""
    with (folder / "lock.mdb").open("r+b") as file:
        head = file.read(256)
        places = [at for at in range(8, 256, 8) if head[at : at + 8] == (transaction + 1).to_bytes(8, sys.byteorder)]
        assert len(places) == 1, "where LMDB keeps it"
        os.pwrite(file.fileno(), transaction.to_bytes(8, sys.byteorder), places[0])


def test_a_commit_that_was_made_and_not_announced_is_seen_by_who_takes_over(folder: Path, store: EmbeddedStore) -> None:
    numbers = range(1, 40)
    for number in numbers:
        store.commit(changed(number))
    with store._file.reading() as transaction:
        last = transaction.id()
    kill_holding(folder, "writing", announced=last - 1)
    assert store.read([], ["number"]) == ([], [b"38"])
    assert store.marks("number") == {"number": b"39"}
    assert store.read([("a", b"k")], ["number"]) == ([[b"39"]], [b"39"])
    store.commit(changed(40))


def test_readers_that_were_killed_do_not_make_the_file_grow(folder: Path, store: EmbeddedStore) -> None:
    """What they saw need not be kept any more."""
    store.commit(changed(1, 100_000))
    kill_holding(folder, "reading")
    for number in range(2, 100):
        store.commit(changed(number, 100_000))
    assert (folder / "data.mdb").stat().st_size < 1_500_000


def test_a_reader_that_takes_its_time_sees_what_it_began_with(folder: Path, store: EmbeddedStore) -> None:
    """And nobody waits for anybody."""
    store.commit(changed(1))
    walked = store.walk("a", most=1)
    with store._file.reading() as transaction:
        name = next(key for key, value in transaction.cursor() if value == b"1" and key.endswith(b"kf"))
        for number in range(2, 50):
            store.commit(changed(number))
        assert transaction.get(name) == b"1"
    assert walked.records[0][1] == [(b"f", b"1")]
    assert store.read([("a", b"k")])[0] == [[b"49"]]


def test_a_child_of_a_fork_is_told_to_be_started_anew(folder: Path, store: EmbeddedStore) -> None:
    """It can use neither what its parent opened nor a store of its own."""
    child = os.fork()
    if not child:
        told = 0
        for use in (lambda: store.read([], ["number"]), lambda: EmbeddedStore(folder).marks("")):
            try:
                use()
            except StoreUnusable as error:
                told += "forked" in str(error) and "spawn" in str(error)
        os._exit(7 if told == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    store.commit(changed(1))


def test_a_commit_that_finds_no_room_changes_nothing(folder: Path, store: EmbeddedStore) -> None:
    """The limit of a file's length stands for a disk's."""
    store.commit(changed(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(StoreFault, match="Input/output error"):
            store.commit(changed(2, 4 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.read([("a", b"k")], ["number"]) == ([[b"1"]], [b"1"])
    store.commit(changed(2, 4 << 20))


def test_faults_of_disks_are_told_as_such() -> None:
    assert isinstance(fault("write to", "state", lmdb.DiskError("mdb_put: No space left on device")), DiskFull)
    assert isinstance(fault("open", "state", lmdb.ReadonlyError("mdb_env_open: Permission denied")), NotWritable)
    assert isinstance(fault("open", "state", lmdb.Error("/state/data.mdb: Read-only file system")), NotWritable)
    assert isinstance(fault("read", "state", lmdb.PanicError("mdb_txn_begin")), StoreFault)


def test_a_file_in_the_place_of_the_folder_is_told(folder: Path) -> None:
    folder.write_text("x", encoding="utf-8")
    with pytest.raises(StoreUnusable, match="Name a folder"):
        EmbeddedStore(folder)


def test_a_foreign_file_is_told_and_left(folder: Path) -> None:
    folder.mkdir()
    (folder / "data.mdb").write_bytes(b"somebody's" * 1000)
    with pytest.raises(StoreUnusable, match="no state of Headrace"):
        EmbeddedStore(folder)
    assert (folder / "data.mdb").read_bytes() == b"somebody's" * 1000


def test_a_layout_of_another_version_is_told(folder: Path) -> None:
    EmbeddedStore(folder).close()
    with lmdb.open(str(folder)) as environment, environment.begin(write=True) as transaction:
        transaction.put((2).to_bytes(4, "big"), b"2")
    with pytest.raises(StoreUnusable, match="its layout is b'2', and this version of Headrace reads b'1'"):
        EmbeddedStore(folder)


def test_stores_of_one_folder_share_its_file_until_the_last_is_closed(folder: Path) -> None:
    first, second = EmbeddedStore(folder), EmbeddedStore(folder.parent / "." / "state")
    first.close()
    first.close()
    second.commit(changed(1))
    second.close()
    with pytest.raises(StoreFault, match="closed"):
        second.read([], ["number"])
    third = EmbeddedStore(folder)
    with pytest.raises(MarkMoved):
        third.commit(changed(1))
    third.close()
