"""Arrays to and from `.npy` bytes, never with pickle."""

import io

import numpy as np
from numpy.typing import NDArray

from headrace.models.artifact import Artifact
from headrace.models.errors import BrokenArtifact


def array_bytes(array: NDArray[np.float64]) -> bytes:
    """Return an array as `.npy` bytes; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, dtype=np.float64), allow_pickle=False)
    return buffer.getvalue()


def load_array(artifact: Artifact, name: str) -> NDArray[np.float64]:
    """Return the array in one file of an artifact.

    Raises:
        BrokenArtifact: if it is missing or no plain array of float64.
    """
    try:
        array = np.lib.format.read_array(io.BytesIO(artifact.file(name)), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BrokenArtifact(artifact.family, name, f"is not a plain array ({error})") from error
    if array.dtype != np.float64:
        raise BrokenArtifact(artifact.family, name, "is not an array of float64")
    return array
