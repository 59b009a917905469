"""Whose line it was: the user's own code is called inside a boundary that says so."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.core.locations import Location

_LIBRARIES = ("site-packages", str(Path(__file__).resolve().parents[1]))


def blamed(error: Exception, called: Callable[..., Any]) -> Location | None:
    """Return the innermost line of the user's own on the way to an error, else the first line of what was called."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in _LIBRARIES) and not frame.filename.startswith("<")]
    # A LazyFrame fails when it is collected, after the function has returned: then its first line is the best that is known.
    return Location(own[-1].filename, own[-1].lineno or 0) if own else first_line(called)


def first_line(called: Callable[..., Any]) -> Location | None:
    """Return where a function begins, if it is written in Python."""
    code = getattr(called, "__code__", None)
    return Location(code.co_filename, code.co_firstlineno) if code else None
