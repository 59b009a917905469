"""Where in the user's own code a declaration was written, so that an error can name file and line."""

import sys
from pathlib import Path
from types import FrameType
from typing import NamedTuple

_PACKAGE_DIRECTORY = str(Path(__file__).resolve().parents[1])


class Location(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def caller_location() -> Location | None:
    """Return the innermost line on the stack that is outside Headrace and the libraries, or None if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not (file.startswith((_PACKAGE_DIRECTORY, "<")) or "site-packages" in file or _is_launcher(frame.f_globals)):
            return Location(file, frame.f_lineno)
        frame = frame.f_back
    return None


def _is_launcher(scope: dict[str, object]) -> bool:
    """Tell whether code is the script that an installer wrote for our command: nobody's own line."""
    return (
        scope.get("__name__") == "__main__"
        and not str(scope.get("__file__", "")).endswith(".py")
        and "headrace" in str(scope.get("__file__"))
    )
