"""The Open Inference Protocol's tensors: their datatypes, and their values in row-major order."""

from collections.abc import Sequence
from typing import Any

from headrace.bundles.manifest import GivenField, Manifest
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.serving.errors import InvalidValue, MalformedRequest
from headrace.serving.fields import describe

_INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT8", "UINT16", "UINT32", "UINT64")
_NUMBERS = ("FP64", "FP32", "FP16", *_INTEGERS)

# The first is the one that metadata names; the others are taken too.
_ACCEPTED: dict[DType, tuple[str, ...]] = {
    DType.BOOL: ("BOOL",),
    DType.INT: _INTEGERS,
    DType.FLOAT: _NUMBERS,
    DType.STRING: ("BYTES",),
    DType.DATETIME: ("BYTES",),
    DType.DURATION: _NUMBERS,
}


def accepted_datatypes(field: GivenField) -> tuple[str, ...]:
    """Return the datatypes in which a given column may come; the first is the preferred one."""
    return ("BYTES", *_INTEGERS) if field.personal else _ACCEPTED[field.dtype]


def input_metadata(manifest: Manifest) -> list[dict[str, object]]:
    """Return the inputs as the protocol describes them: a tensor of one dimension a given column."""
    return [{"name": field.name, "datatype": accepted_datatypes(field)[0], "shape": [-1]} for field in manifest.given]


def output_metadata(manifest: Manifest) -> list[dict[str, object]]:
    """Return the outputs likewise: scores, the decision unless the model answers with a number, and the prediction id."""
    if manifest.task == "multiclass":
        scores: list[dict[str, object]] = [{"name": "probabilities", "datatype": "FP64", "shape": [-1, len(manifest.classes)]}]
    else:
        scores = [{"name": "score", "datatype": "FP64", "shape": [-1]}]
    if manifest.task != "regression":
        scores.append({"name": "decision", "datatype": "BOOL" if manifest.task == "binary" else "BYTES", "shape": [-1]})
    return [*scores, {"name": "prediction_id", "datatype": "BYTES", "shape": [-1]}]


def tensor_values(tensor: dict[str, Any], field: GivenField) -> list[object]:
    """Return a tensor's values, one a row: flat or nested data of the shape [n] or [n, 1].

    Raises:
        InvalidValue, MalformedRequest: naming the tensor and what is wrong with it.
    """
    accepted = accepted_datatypes(field)
    if tensor.get("datatype") not in accepted:
        raise InvalidValue(None, field.name, f"a tensor of datatype {' or '.join(accepted)}", f"of datatype {tensor.get('datatype')!r:.40}")
    shape, data = tensor.get("shape"), tensor.get("data")
    if not _is_shape(shape):
        raise InvalidValue(
            None, field.name, "of shape [n] or [n, 1]", f"of shape {shape!r:.40}", "Each given column is a tensor of its own."
        )
    if type(data) is not list:
        raise InvalidValue(None, field.name, "a tensor with its data as a list", f"without: data is {describe(data)}")
    flat = _flatten(data)
    length: int = shape[0]  # type: ignore[index]  # what is no shape is refused above
    if len(flat) != length:
        raise InvalidValue(None, field.name, f"{counted(length, 'value')}, as its shape says", counted(len(flat), "value"))
    return flat


def refuse_binary(parameters: object, where: str) -> None:
    """Refuse the protocol's binary extension.

    Raises:
        MalformedRequest: saying how clients turn it off.
    """
    if isinstance(parameters, dict) and any(str(name).startswith("binary_data") and value for name, value in parameters.items()):
        raise binary_refused(where)


def binary_refused(where: str) -> MalformedRequest:
    """Return the error that says how clients turn the binary extension off."""
    return MalformedRequest(
        f"{where} uses the binary tensor extension, which this server does not speak.",
        remedy="Send JSON: with tritonclient, pass binary_data=False to set_data_from_numpy and to InferRequestedOutput.",
    )


def _is_shape(shape: object) -> bool:
    return isinstance(shape, list) and all(type(size) is int for size in shape) and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1))


def _flatten(data: Sequence[Any]) -> list[object]:
    if any(type(value) is list for value in data):
        return [item for value in data for item in (value if type(value) is list else [value])]
    return list(data)
