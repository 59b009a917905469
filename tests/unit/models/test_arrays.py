import io

import numpy as np
import pytest

from headrace.models.arrays import array_bytes, load_array
from headrace.models.artifact import Artifact
from headrace.models.errors import BrokenArtifact


def holding(data: bytes) -> Artifact:
    return Artifact(task="regression", family="linear", columns=(), classes=(), files={"a.npy": data}, details={})


def test_arrays_come_back_and_equal_ones_give_equal_bytes():
    array = np.array([[1.0, np.nan], [-0.0, 5e-324]])
    assert array_bytes(array) == array_bytes(np.asfortranarray(array))
    np.testing.assert_array_equal(load_array(holding(array_bytes(array)), "a.npy"), array)


def test_pickled_objects_are_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BrokenArtifact, match="not a plain array"):
        load_array(holding(buffer.getvalue()), "a.npy")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"nonsense"])
def test_other_bytes_are_refused(data):
    with pytest.raises(BrokenArtifact):
        load_array(holding(data), "a.npy")


def test_another_type_of_number_is_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    with pytest.raises(BrokenArtifact, match="float64"):
        load_array(holding(buffer.getvalue()), "a.npy")
