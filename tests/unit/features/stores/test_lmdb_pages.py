"""Files that were cut off or garbled are told before LMDB maps them, and whole ones never are."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from headrace.features.stores.contract import Commit, Field
from headrace.features.stores.embedded import EmbeddedStore
from headrace.features.stores.errors import StoreDamaged
from headrace.features.stores.lmdb_file import fault
from headrace.features.stores.lmdb_pages import missing_pages

_PAGE = 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """That of a store with some hundred pages."""
    store = EmbeddedStore(tmp_path)
    store.commit(Commit(put=[(Field("a", b"%d" % number, b"f"), b"x" * 3000) for number in range(300)], marks={"m": b"1"}))
    store.close()
    return tmp_path / "data.mdb"


def some_commits(environment: lmdb.Environment) -> Iterator[None]:
    """Such as leave pages at the end of the file that were taken and given back, so that they were never written."""
    chance = random.Random(1)
    for _ in range(80):
        with environment.begin(write=True) as transaction:
            for _ in range(chance.randint(1, 40)):
                transaction.put(b"%d" % chance.randrange(500), bytes(chance.choice((10, 700, 60_000))))
            for key in range(500 if chance.random() < 0.2 else chance.randint(1, 40)):
                transaction.delete(b"%d" % key)
        yield


@pytest.mark.parametrize("left", [0.02, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_off_is_told_and_left(file: Path, left: float) -> None:
    """Whoever opened it was killed by the system before."""
    assert not missing_pages(file)
    size = int(file.stat().st_size * left)
    os.truncate(file, size)
    with pytest.raises(StoreDamaged, match=r"is damaged: pages that it needs are not there \(it has [\d,]+ of [\d,]+\)") as caught:
        EmbeddedStore(file.parent)
    assert "Move that folder away, then run headrace stream" in caught.value.remedy
    assert file.stat().st_size == size


def test_zeros_in_the_place_of_its_pages_are_told(file: Path) -> None:
    size = file.stat().st_size
    os.truncate(file, 2 * _PAGE)
    os.truncate(file, size)
    with pytest.raises(StoreDamaged, match="from which others are found, is none"):
        EmbeddedStore(file.parent)


def test_a_file_may_be_shorter_than_its_last_page(tmp_path: Path) -> None:
    """Where that one is free: an alarm there would stop a state that is whole."""
    shorter, told = 0, []
    with lmdb.open(str(tmp_path), map_size=1 << 30, metasync=False, sync=False) as environment:
        for _ in some_commits(environment):
            told.append(missing_pages(tmp_path / "data.mdb"))
            shorter += (tmp_path / "data.mdb").stat().st_size < (environment.info()["last_pgno"] + 1) * _PAGE
    assert shorter
    assert not any(told)


def test_no_file_and_none_of_ours_are_for_lmdb_to_tell(tmp_path: Path) -> None:
    file = tmp_path / "data.mdb"
    assert not missing_pages(file)
    for content in (b"", b"x" * 50, b"somebody's" * 1000):
        file.write_bytes(content)
        assert not missing_pages(file)


def test_what_is_found_garbled_as_it_is_read_is_damage(tmp_path: Path) -> None:
    """And not a store that is away, which would be tried again for ever."""
    assert isinstance(fault("read", str(tmp_path), lmdb.CorruptedError("mdb_get")), StoreDamaged)
    assert isinstance(fault("read", str(tmp_path), lmdb.PageNotFoundError("mdb_get")), StoreDamaged)
