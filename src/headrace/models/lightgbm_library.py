"""LightGBM's C interface through ctypes, without the `lightgbm` package: its import takes 1.8 s and pulls scikit-learn."""

import ctypes
import functools
import importlib.util
import os
import struct
import threading
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.core.units import counted
from headrace.models.errors import LibraryFault

PROBABILITY, CONTRIBUTION = 0, 3
_FLOAT64, _ROW_MAJOR, _ALL_ROUNDS = 1, 1, 0
_SMALL = 10_000
_DOUBLES = ctypes.POINTER(ctypes.c_double)
_INT64 = ctypes.POINTER(ctypes.c_int64)
_int, _int32, _text, _pointer = ctypes.c_int, ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p
_FUNCTIONS: dict[str, tuple[object, ...]] = {
    "LGBM_BoosterLoadModelFromString": (_text, ctypes.POINTER(_int), ctypes.POINTER(_pointer)),
    "LGBM_BoosterGetNumFeature": (_pointer, ctypes.POINTER(_int)),
    "LGBM_BoosterFree": (_pointer,),
    "LGBM_BoosterPredictForMat": (_pointer, _pointer, _int, _int32, _int32, _int, _int, _int, _int, _text, _INT64, _DOUBLES),
    "LGBM_BoosterPredictForMatSingleRowFastInit": (_pointer, _int, _int, _int, _int, _int32, _text, ctypes.POINTER(_pointer)),
    "LGBM_BoosterPredictForMatSingleRowFast": (_pointer, _pointer, _INT64, _DOUBLES),
    "LGBM_FastConfigFree": (_pointer,),
}


def let_waiting_threads_sleep() -> None:
    """Set OMP_WAIT_POLICY=passive, unless the user has set it. To be called before LightGBM is first loaded, which reads it once.

    Otherwise threads that wait for each other keep their cores busy. On two cores with load 15, a round of 25,000 rows took two threads
    97 ms of CPU and 480 ms; so it takes them 4 ms and 8 ms. Results are the same.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@functools.cache
def load_library() -> ctypes.CDLL:
    """Load LightGBM's shared library from the installed package, whose code is not executed.

    Raises:
        LibraryFault: if it is not there, or the system cannot load it.
    """
    found = importlib.util.find_spec("lightgbm")
    folder = Path(str(found.origin)).parent if found else Path()
    paths = sorted(path for part in ("lib", "bin") for path in (folder / part).glob("lib_lightgbm.*")) if found else []
    if not paths:
        raise LibraryFault("the shared library of lightgbm was not found.")
    let_waiting_threads_sleep()
    try:
        library = ctypes.CDLL(str(paths[0]))
    except OSError as error:
        raise LibraryFault(f"the shared library of lightgbm cannot be loaded: {error}.") from error
    for name, arguments in _FUNCTIONS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, _int
    library.LGBM_GetLastError.restype = _text
    return library


def _check(library: ctypes.CDLL, status: int) -> None:
    if status != 0:
        raise LibraryFault(f"LightGBM failed: {library.LGBM_GetLastError().decode(errors='replace')}.")


class Booster:
    """A tree model in LightGBM's memory. Thread safe: LightGBM's predictions share a lock, and each thread has buffers of its own."""

    def __init__(self, text: str, width: int, outputs: int) -> None:
        self._library = library = load_library()
        rounds, features, handle = _int(), _int(), _pointer()
        _check(library, library.LGBM_BoosterLoadModelFromString(text.encode(), ctypes.byref(rounds), ctypes.byref(handle)))
        self.handle = handle
        weakref.finalize(self, library.LGBM_BoosterFree, handle)
        _check(library, library.LGBM_BoosterGetNumFeature(handle, ctypes.byref(features)))
        if features.value != width:
            raise LibraryFault(f"the tree model takes {counted(features.value, 'column')}, its artifact says {width}.")
        self.width, self.outputs = width, outputs
        self._thread = threading.local()

    def predict(self, matrix: NDArray[np.float64], kind: int) -> NDArray[np.float64]:
        """Return (n, outputs) probabilities or numbers, or (n, outputs * (p + 1)) contributions.

        Few rows stay on the calling thread, where starting others would cost more than they save.
        """
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        per_row = self.outputs * (self.width + 1 if kind == CONTRIBUTION else 1)
        result, written = np.empty((len(matrix), per_row)), ctypes.c_int64()
        if len(matrix):
            parameters = b"num_threads=1 verbosity=-1" if len(matrix) < _SMALL else b"verbosity=-1"
            status = self._library.LGBM_BoosterPredictForMat(
                self.handle, matrix.ctypes.data, _FLOAT64, len(matrix), self.width, _ROW_MAJOR, kind, 0, _ALL_ROUNDS, parameters,
                ctypes.byref(written), result.ctypes.data_as(_DOUBLES),
            )  # fmt: skip
            _check(self._library, status)
            if written.value != result.size:
                raise LibraryFault(f"LightGBM gave {counted(written.value, 'number')}, not {result.size:,}.")
        return result

    def predict_row(self, vector: list[float]) -> tuple[float, ...]:
        """Return the probabilities or numbers, one an output, of one row of `width` numbers."""
        row: RowCall | None = getattr(self._thread, "row", None)
        if row is None:
            row = self._thread.row = RowCall(self)
        return row(vector)


class RowCall:
    """One thread's way to score one row: buffers and a configuration set up once."""

    def __init__(self, booster: Booster) -> None:
        self._library = library = booster._library
        self._booster = weakref.ref(booster)
        self._input, self._output = (ctypes.c_double * booster.width)(), (ctypes.c_double * booster.outputs)()
        self._pack, self._unpack = struct.Struct(f"{booster.width}d").pack_into, struct.Struct(f"{booster.outputs}d").unpack
        self._written, configuration = ctypes.c_int64(), _pointer()
        status = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            booster.handle, PROBABILITY, 0, _ALL_ROUNDS, _FLOAT64, booster.width, b"num_threads=1 verbosity=-1", ctypes.byref(configuration)
        )
        _check(library, status)
        weakref.finalize(self, library.LGBM_FastConfigFree, configuration)
        self._predict = library.LGBM_BoosterPredictForMatSingleRowFast
        self._arguments = (configuration, ctypes.addressof(self._input), ctypes.byref(self._written), self._output)

    def __call__(self, vector: list[float]) -> tuple[float, ...]:
        self._pack(self._input, 0, *vector)
        _check(self._library, self._predict(*self._arguments))
        return self._unpack(self._output)
