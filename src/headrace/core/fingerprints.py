"""Fingerprints: the same meaning gives the same text of 64 hexadecimal digits; a changed meaning gives another.

Values are written in one canonical form and hashed with SHA-256. A function is its compiled code (so that a comment, a blank line
or a docstring changes nothing), its defaults, what it closes over and the globals it names, followed through the user's own code;
installed packages count as their name and version.
"""

import ast
import dis
import functools
import hashlib
import importlib.metadata
import inspect
import sys
import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path

import msgspec

from headrace.core.errors import UserError

_PACKAGE_DIRECTORY = str(Path(__file__).resolve().parents[1])


def fingerprint(*parts: object) -> str:
    """Return the fingerprint of some values, in order.

    Takes None, bool, int, float, str, bytes, Decimal, dates, durations, enums, lists, tuples, sets, mappings, msgspec structs (fields
    named `location` do not count) and functions.

    Raises:
        UserError: for a value of any other type, which it names.
    """
    digest = hashlib.sha256()
    for chunk in _chunks(parts, ()):
        digest.update(f"{len(chunk)}:".encode())
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(value: object, seen: tuple[int, ...]) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if value is None or isinstance(value, bool | int | float | Decimal | str) and not isinstance(value, Enum):
        yield repr(value).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, Enum):
        yield from (type(value).__qualname__.encode(), value.name.encode())
    elif isinstance(value, datetime | date):
        yield value.isoformat().encode()
    elif isinstance(value, timedelta):
        yield f"{value.days} {value.seconds} {value.microseconds}".encode()
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            if name != "location":
                yield name.encode()
                yield from _chunks(getattr(value, name), seen)
    elif isinstance(value, Mapping):
        yield from _sorted_chunks(value.items(), seen)
    elif isinstance(value, list | tuple):
        yield str(len(value)).encode()
        for item in value:
            yield from _chunks(item, seen)
    elif isinstance(value, set | frozenset):
        yield from _sorted_chunks(value, seen)
    elif isinstance(value, types.ModuleType):
        yield from _module_chunks(value)
    elif isinstance(value, types.CodeType):
        yield from _code_chunks(value, seen)
    elif isinstance(value, functools.partial):
        yield from _chunks((value.func, value.args, value.keywords), seen)
    elif isinstance(value, types.MethodType):
        yield from _chunks((value.__func__, value.__self__), seen)
    elif callable(value) or isinstance(value, staticmethod | classmethod | property):
        yield from _callable_chunks(value, seen)
    else:
        raise UserError(
            f"cannot take the fingerprint of a {type(value).__module__}.{type(value).__qualname__}: {value!r:.80}",
            remedy="A step may close over plain values (numbers, texts, dates, lists, mappings), functions, classes and modules.",
        )


def _sorted_chunks(items: object, seen: tuple[int, ...]) -> Iterator[bytes]:
    each = sorted(b"\0".join(_chunks(item, seen)) for item in items)  # type: ignore[attr-defined]
    yield str(len(each)).encode()
    yield from each


def _callable_chunks(value: object, seen: tuple[int, ...]) -> Iterator[bytes]:
    if id(value) in seen:
        yield b"recursion"
        return
    seen = (*seen, id(value))
    module = getattr(value, "__module__", None) or "builtins"
    if _is_installed(module):
        yield f"{module}.{getattr(value, '__qualname__', repr(value))} {_version(module)}".encode()
    elif isinstance(value, type):
        for name, member in sorted(vars(value).items()):
            if name not in ("__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__"):
                yield name.encode()
                yield from _chunks(member, seen)
    elif isinstance(value, staticmethod | classmethod):
        yield from _chunks(value.__func__, seen)
    elif isinstance(value, property):
        yield from _chunks((value.fget, value.fset), seen)
    else:
        function = inspect.unwrap(value)  # type: ignore[arg-type]
        if not isinstance(function, types.FunctionType):
            raise UserError(f"cannot take the fingerprint of {value!r}", remedy="Pass a plain function.")
        yield from _code_chunks(function.__code__, seen, docstring=function.__doc__)
        closure = inspect.getclosurevars(function)
        yield from _chunks((function.__defaults__, function.__kwdefaults__, closure.nonlocals), seen)
        scope = function.__globals__
        for name in sorted(_global_names(function.__code__)):
            if name in scope:
                yield name.encode()
                yield from _chunks(scope[name], seen)


def _code_chunks(code: types.CodeType, seen: tuple[int, ...], docstring: str | None = None) -> Iterator[bytes]:
    constants = list(code.co_consts)
    if docstring is not None and not code.co_name.startswith("<") and constants and constants[0] == docstring:
        constants[0] = None
    yield code.co_code
    yield " ".join((*code.co_names, "/", *code.co_varnames, "/", *code.co_freevars)).encode()
    for constant in constants:
        nested = constant.co_consts[0] if isinstance(constant, types.CodeType) and constant.co_consts else None
        if isinstance(constant, types.CodeType):
            yield from _code_chunks(constant, seen, docstring=nested if isinstance(nested, str) else None)
        else:
            yield from _chunks(constant, seen)


def _global_names(code: types.CodeType) -> set[str]:
    names = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names


def _module_chunks(module: types.ModuleType) -> Iterator[bytes]:
    if _is_installed(module.__name__):
        yield f"{module.__name__} {_version(module.__name__)}".encode()
        return
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body and ast.get_docstring(node, clean=False) is not None:
            body[0] = ast.Pass()
    yield ast.dump(tree).encode()


@functools.cache
def _is_installed(module_name: str) -> bool:
    """Tell whether a module is the standard library's, an installed package's or Headrace's own, rather than the user's."""
    top = module_name.partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return True
    module = sys.modules.get(module_name)
    file = getattr(module, "__file__", None)
    return bool(file) and ("site-packages" in str(file) or str(file).startswith(_PACKAGE_DIRECTORY))


@functools.cache
def _version(module_name: str) -> str:
    top = module_name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(top), "__version__", ""))
