"""Golden rows: feature values and the scores they gave, as an Arrow file; checked whenever a bundle is written or loaded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headrace.bundles.errors import GoldenMismatch, NotABundle
from headrace.bundles.manifest import FeatureField
from headrace.bundles.parts import Golden
from headrace.expressions import DType
from headrace.models.encoder import Encoder
from headrace.models.predictor import Predictor

# How many rows a writer should give, where the data has as many.
ROWS = 50
TOLERANCE = 1e-12
_FEATURE = "feature:"
_SCORE = "score:"
_ARROW: Mapping[DType, Any] = {
    DType.BOOL: pa.bool_(), DType.INT: pa.int64(), DType.FLOAT: pa.float64(), DType.STRING: pa.string(),
    DType.DATETIME: pa.timestamp("us", tz="UTC"), DType.DURATION: pa.duration("us"),
}  # fmt: skip


def encode_golden(golden: Golden, features: Sequence[FeatureField]) -> bytes:
    """Return the Arrow file: a `feature:NAME` column a feature, then a `score:I` column a score."""
    scores = np.asarray(golden.scores, dtype=np.float64).reshape(len(golden.rows), -1 if golden.scores.size else 0)
    columns = {_FEATURE + field.name: pa.array([row[field.name] for row in golden.rows], type=_ARROW[field.dtype]) for field in features}
    columns |= {f"{_SCORE}{index}": pa.array(scores[:, index].tolist(), type=pa.float64()) for index in range(scores.shape[1])}
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def decode_golden(data: bytes, where: str) -> Golden:
    """Return the rows and the scores (n, k).

    Raises:
        NotABundle: if they cannot be read, or there are none.
    """
    try:
        table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
    except pa.ArrowInvalid as error:
        raise NotABundle(where, f"golden.arrow cannot be read ({error})") from error
    names = [name for name in table.column_names if name.startswith(_FEATURE)]
    scores = [table.column(name).to_pylist() for name in table.column_names if name.startswith(_SCORE)]
    if not table.num_rows or not scores:
        raise NotABundle(where, "golden.arrow holds no rows")
    columns = [table.column(name).to_pylist() for name in names]
    plain = [name.removeprefix(_FEATURE) for name in names]
    rows = [dict(zip(plain, values, strict=True)) for values in zip(*columns, strict=True)]
    return Golden(rows, np.array(scores, dtype=np.float64).T)


def check_golden(golden: Golden, encoder: Encoder, predictor: Predictor, where: str) -> None:
    """Check that the model gives the golden scores, all rows at once and one by one, within 1e-12.

    Raises:
        GoldenMismatch: naming the first row that differs.
    """
    expected = np.asarray(golden.scores, dtype=np.float64).reshape(len(golden.rows), -1)
    vectors = [encoder.encode_row(row) for row in golden.rows]
    together = np.asarray(predictor.scores(np.stack(vectors)), dtype=np.float64).reshape(len(vectors), -1)
    single = np.array([np.ravel(predictor.score_row(vector)) for vector in vectors], dtype=np.float64)
    for found in (together, single):
        row = _first_difference(expected, found)
        if row is not None:
            raise GoldenMismatch(where, row, expected[row].tolist(), found[row].tolist())


def _first_difference(expected: NDArray[np.float64], found: NDArray[np.float64]) -> int | None:
    if expected.shape != found.shape:
        return 0
    same = np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True).all(axis=1)
    return None if same.all() else int(np.argmin(same))
