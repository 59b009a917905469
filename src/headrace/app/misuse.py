"""What to tell of a mistake in `project.py` that Python found: which names there are, and what was called takes."""

import ast
import functools
import inspect
import re
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from headrace.core.errors import suggest
from headrace.expressions import Expr

_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'", re.IGNORECASE)
_ROOMS = re.compile(r"\b(?:headrace|datetime|decimal|collections)(?:\.[a-z_]+)*\.")
_HELP = "What a declaration takes: python -c 'import headrace as hr; help(hr.NAME)', with its NAME."
_ACCESSORS = ("str", "dt")


def remedy_of(error: Exception, module: types.ModuleType, line: int | None) -> str:
    """Return the next step after an error that a line of the module raised."""
    said = ""
    if isinstance(error, AttributeError) and error.name:
        said = _names(error.name, error.obj)
    elif isinstance(error, TypeError) and line is not None:
        said = _options(error, module, line)
    return said or "Mend that line and run the command again."


def _names(name: str, of: object) -> str:
    if isinstance(of, Expr):
        if name in _ACCESSORS:
            return "What is done with texts and moments stands on the expression itself, such as .upper() or .month()."
        return suggest(name, {each for each in dir(of) if not each.startswith("_")} - _INNER, limit=60)
    if not isinstance(of, types.ModuleType):
        return ""
    found = [each for each in dir(of) if not each.startswith("_")]
    if of.__name__.startswith("headrace."):  # of a module of declarations, what makes one: the rest is what it needs itself
        found = [each for each in found if each.islower() and getattr(getattr(of, each), "__module__", "") == of.__name__]
    return suggest(name, found)


_INNER = {*vars(Expr), "location", "name"}


def _options(error: TypeError, module: types.ModuleType, line: int) -> str:
    unexpected = _UNEXPECTED.search(str(error))
    if not unexpected and "argument" not in str(error) and not _rose_in_headrace(error):
        return ""
    option = unexpected.group(1) if unexpected else None
    calls = [called for called in _calls(module, line) if option is None or option in called[2]]
    if len(calls) != 1:
        return _HELP
    name, call, _ = calls[0]
    taken = [each for each in inspect.signature(call).parameters.values() if each.name != "location"]
    if option is not None:
        return suggest(option, [each.name for each in taken], limit=30)
    return f"{name} takes: {_ROOMS.sub('', ', '.join(map(str, taken))).replace('location=None, ', '')}."


def _rose_in_headrace(error: TypeError) -> bool:
    return Path(traceback.extract_tb(error.__traceback__)[-1].filename).is_relative_to(Path(__file__).parents[1])


def _calls(module: types.ModuleType, line: int) -> Iterator[tuple[str, Callable[..., Any], set[str | None]]]:
    """Yield what of Headrace is called on a line, by which name and with which options."""
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.lineno == line:
            name = ast.unparse(node.func)
            called = _found(module, name)
            if callable(called) and getattr(called, "__module__", "").startswith("headrace."):
                yield name, called, {each.arg for each in node.keywords}


def _found(module: types.ModuleType, name: str) -> object:
    try:
        return functools.reduce(getattr, name.split("."), module)
    except AttributeError:  # what is computed before it is called has no name to find it by
        return None
