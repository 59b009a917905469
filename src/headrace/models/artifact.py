"""A trained model at rest: JSON and plain files, nothing that executes."""

from typing import Any, Literal, Self

import msgspec

from headrace.models.errors import BrokenArtifact

Kind = Literal["numeric", "categorical", "boolean"]
FAMILIES = ("constant", "linear", "hoeffding_tree", "lightgbm")
"""The simplest first: of equally good candidates that one is chosen."""


class ModelColumn(msgspec.Struct, frozen=True):
    """One input. `categories` are the levels that a categorical column knows; a level's place there is its code."""

    name: str
    kind: Kind
    categories: tuple[str, ...] = ()


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to score.

    Attributes:
        task: `binary`, `multiclass` or `regression`.
        family: `constant`, `linear`, `hoeffding_tree` or `lightgbm`.
        columns: the inputs, in the order of the matrix.
        classes: the labels in the order of the scores; `("false", "true")` for binary, empty for regression.
        files: the parameters, by file name: `.npy` arrays, JSON or LightGBM's text.
        details: facts for people (hyper-parameters, rounds); JSON, not needed to score.

    >>> parts = Artifact(task="regression", family="constant", columns=(), classes=(), files={"values.npy": b""}, details={})
    >>> Artifact.from_header(parts.header(), parts.files) == parts
    True
    """

    task: str
    family: str
    columns: tuple[ModelColumn, ...]
    classes: tuple[str, ...]
    files: dict[str, bytes]
    details: dict[str, Any]

    def header(self) -> dict[str, Any]:
        """Return all but the files, as JSON values."""
        parts = {name: getattr(self, name) for name in self.__struct_fields__ if name != "files"}
        header: dict[str, Any] = msgspec.to_builtins(parts)
        return header

    @classmethod
    def from_header(cls, header: dict[str, Any], files: dict[str, bytes]) -> Self:
        """Return the artifact of a header and its files.

        Raises:
            msgspec.ValidationError: if the header is not one.
        """
        return msgspec.convert({**header, "files": files}, cls)

    def file(self, name: str) -> bytes:
        """Return the bytes of one file.

        Raises:
            BrokenArtifact: if it is not there.
        """
        if name not in self.files:
            raise BrokenArtifact(self.family, name, "is missing")
        return self.files[name]
