"""Rows in many files."""

import re

from headrace.core.errors import UserError
from headrace.expressions.formats import check_format
from headrace.spec.errors import InvalidOption
from headrace.spec.sources import Written

_PLACEHOLDER = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
DIFFERING = ("union", "refuse")


class Folder(Written, frozen=True, kw_only=True):
    """Files of one format, taken in the order of their names as one table.

    `path` is relative to the folder of `project.py`. `*` and `?` stand for any part of a name, `**` for any folders, `{name}` for a part
    of a name that becomes a text column, and `{name:%Y-%m-%d}` for one that becomes a date. The options are those of `hr.File`.

    Attributes:
        differing: what becomes of files whose columns differ: with `union` a column that a file has not is null in its rows, which is
            said; `refuse` ends the run and names the first file that differs.

    >>> Folder("sales/{day:%Y-%m-%d}/*.csv").placeholders
    {'day': '%Y-%m-%d'}
    """

    differing: str = "union"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_one_of("differing", self.differing, DIFFERING)
        names = [name for name, _ in _PLACEHOLDER.findall(self.path)]
        for name in names:
            if not _NAME.fullmatch(name) or names.count(name) > 1:
                expected = "placeholders with a name of their own each: letters, digits and underscores, a letter first"
                raise InvalidOption(f"the path of {type(self).__name__}", self.path, expected, location=self.location)
        for written in filter(None, self.placeholders.values()):
            try:
                check_format(written)
            except UserError as error:
                error.location = error.location or self.location
                raise

    @property
    def placeholders(self) -> dict[str, str]:
        """The columns that the path gives, each with the format of its dates; with none for a text."""
        return dict(_PLACEHOLDER.findall(self.path))

    @property
    def parts(self) -> tuple[str, ...]:
        """The path as it is written, and the name of a placeholder, by turns."""
        pieces = _PLACEHOLDER.split(self.path)
        return tuple(piece for number, piece in enumerate(pieces) if number % 3 != 2)
