import hashlib
import pickle

import pytest

from headrace.lake.errors import CorruptBlob, LakeFault, UnknownBlob
from headrace.lake.lake import Lake


@pytest.fixture
def blobs(tmp_path):
    return Lake(tmp_path, "shop").blobs


def test_bytes_are_kept_under_their_hash(blobs, tmp_path):
    sha256 = blobs.put(b"abc")

    assert sha256 == hashlib.sha256(b"abc").hexdigest()
    assert blobs.get(sha256) == b"abc"
    assert blobs.exists(sha256)
    assert (tmp_path / "blobs" / sha256[:2] / sha256).read_bytes() == b"abc"


def test_the_same_bytes_are_kept_once_and_no_other_file_is_left(blobs, tmp_path):
    assert blobs.put(b"abc") == blobs.put(b"abc")

    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_no_bytes_are_bytes_too(blobs):
    assert blobs.get(blobs.put(b"")) == b""


def test_what_is_not_there_is_said_so_and_no_folder_is_made(blobs, tmp_path):
    assert not blobs.exists("ab" * 32)
    with pytest.raises(UnknownBlob):
        blobs.get("ab" * 32)
    assert list(tmp_path.iterdir()) == []
    blobs.put(b"abc")
    assert not blobs.exists("ab" * 32)
    with pytest.raises(UnknownBlob):
        blobs.get("ab" * 32)


def test_damage_is_noticed_at_reading_and_mended_by_putting_again(blobs, tmp_path):
    sha256 = blobs.put(b"abc")
    (tmp_path / "blobs" / sha256[:2] / sha256).write_bytes(b"abd")

    with pytest.raises(CorruptBlob, match=hashlib.sha256(b"abd").hexdigest()) as caught:
        blobs.get(sha256)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert blobs.put(b"abc") == sha256
    assert blobs.get(sha256) == b"abc"


def test_a_store_that_fails_is_a_fault(blobs, tmp_path):
    sha256 = hashlib.sha256(b"abc").hexdigest()
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / sha256[:2]).write_text("a file where the folder should be")

    with pytest.raises(LakeFault, match="could not keep a blob"):
        blobs.put(b"abc")
    with pytest.raises((LakeFault, UnknownBlob)):
        blobs.get(sha256)
