"""Fingerprints: the same meaning gives the same text of 64 hexadecimal digits; a changed meaning gives another.

Values are written in one canonical form and hashed with SHA-256. A function is its compiled code (so that a comment, a blank line
or a docstring changes nothing), its defaults, what it closes over and the globals it names, followed through the user's own code;
installed packages count as their name and version.
"""

import dataclasses
import functools
import hashlib
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

import msgspec

from headrace.core.bytecode import global_names, imports, meaning_of_code
from headrace.core.errors import UserError
from headrace.core.modules import imported, installed_name, is_installed, module_meaning, user_modules

_Seen = tuple[int, ...]


def fingerprint(*parts: object) -> str:
    """Return the fingerprint of some values, in order.

    Takes None, bool, int, float, complex, str, bytes, Decimal, dates, times, zones, durations, paths, patterns, enums, lists, tuples,
    sets, mappings (whose order counts, as it does to whoever iterates), dataclasses, msgspec structs (fields named `location` do not
    count), functions, classes and modules.

    Raises:
        UserError: for a value of any other type, which it names.
    """
    return _digest(parts, ())


def _digest(value: object, seen: _Seen) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(value, seen):
        digest.update(f"{len(chunk)}:".encode())
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(value: object, seen: _Seen) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        # One kind for all: a read-only view means the same as the dict behind it.
        yield from (b"mapping", str(len(value)).encode())
        for key, item in value.items():
            yield from _chunks(key, seen)
            yield from _chunks(item, seen)
    elif isinstance(value, set | frozenset):
        # Iteration order differs between processes, so it cannot count. Digests, because chunks of different members must not run together.
        each = sorted(_digest(item, seen) for item in value)
        yield from (b"set", str(len(each)).encode(), "".join(each).encode())
    elif isinstance(value, type):
        yield from (b"class", *_code_of(value, _class_chunks, seen))
    elif callable(value) and not isinstance(value, Enum) and not _has_fields(value):
        yield from (b"callable", *_callable_chunks(value, seen))
    else:
        yield type(value).__name__.encode()
        yield from _value_chunks(value, seen)


def _value_chunks(value: object, seen: _Seen) -> Iterator[bytes]:
    match value:
        case Enum():
            yield from _chunks((type(value).__qualname__, value.name, value.value), seen)
            yield from _own_class_chunks(value, seen)
        case None | bool() | int() | float() | complex() | Decimal() | str() | types.EllipsisType():
            yield repr(value).encode()
        case bytes():
            yield value
        case datetime() | date() | time():
            yield value.isoformat().encode()
        case timedelta():
            yield f"{value.days} {value.seconds} {value.microseconds}".encode()
        case tzinfo() | PurePath():
            yield str(value).encode()
        case re.Pattern():
            yield from _chunks((value.pattern, value.flags), seen)
        case list() | tuple():
            yield str(len(value)).encode()
            for item in value:
                yield from _chunks(item, seen)
        case _ if _has_fields(value):
            yield from _chunks({name: getattr(value, name) for name in _field_names(value) if name != "location"}, seen)
            yield from _own_class_chunks(value, seen)
        case types.ModuleType():
            yield from _chunks(module_meaning(value), seen)
        case types.CodeType():
            for part in meaning_of_code(value):
                yield from _chunks(part, seen)
        case staticmethod() | classmethod():
            yield from _chunks(value.__func__, seen)
        case property():
            yield from _chunks((value.fget, value.fset), seen)
        case functools.cached_property():
            yield from _chunks(value.func, seen)
        case _:
            raise UserError(
                f"cannot take the fingerprint of a {type(value).__module__}.{type(value).__qualname__}: {value!r:.80}",
                remedy="A step may close over plain values (numbers, texts, dates, lists, mappings), functions, classes and modules.",
            )


def _own_class_chunks(value: object, seen: _Seen) -> Iterator[bytes]:
    """What the methods of a value of the user's own class do; a class of an installed package counts by its name alone."""
    if not is_installed(type(value).__module__):
        yield from _chunks(type(value), seen)


def _has_fields(value: object) -> bool:
    return isinstance(value, msgspec.Struct) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _field_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(value))


def _callable_chunks(value: object, seen: _Seen) -> Iterator[bytes]:
    if isinstance(value, functools.partial):
        yield from _chunks((value.func, value.args, value.keywords), seen)
    elif isinstance(value, types.MethodType):
        yield from _chunks((value.__func__, value.__self__), seen)
    elif isinstance(value, types.BuiltinMethodType) and not isinstance(value.__self__, types.ModuleType | None):
        yield from _chunks((value.__qualname__, value.__self__), seen)
    else:
        yield from _code_of(value, _function_chunks, seen)


def _code_of(value: object, describe: Callable[[object, _Seen], Iterator[bytes]], seen: _Seen) -> Iterator[bytes]:
    """The name of what is installed, the meaning of what is the user's; what is being described already, by how far up it stands."""
    if id(value) in seen:
        yield f"recursion {len(seen) - seen.index(id(value))}".encode()
    elif is_installed(getattr(value, "__module__", None) or "builtins"):
        yield installed_name(value).encode()
    else:
        yield from describe(value, (*seen, id(value)))


def _function_chunks(value: object, seen: _Seen) -> Iterator[bytes]:
    wrapped = getattr(value, "__wrapped__", None)
    if not isinstance(value, types.FunctionType):
        # What functools.cache and the like make: the cache means nothing, the function inside does.
        if wrapped is None:
            raise UserError(f"cannot take the fingerprint of {value!r}", remedy="Pass a plain function.")
        yield from _chunks(wrapped, seen)
        return
    yield from _chunks(value.__code__, seen)
    yield from _chunks((value.__defaults__, value.__kwdefaults__), seen)
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        yield name.encode()
        try:
            held = cell.cell_contents
        except ValueError:
            # A name that is not assigned yet means nothing yet.
            continue
        yield from _chunks(held, seen)
    for name in sorted(global_names(value.__code__)):
        if name in value.__globals__:
            yield name.encode()
            yield from _chunks(value.__globals__[name], seen)
    for source, names, level in imports(value.__code__):
        for module in user_modules(imported(source, names, level, value.__globals__.get("__package__") or "")):
            yield from _chunks(module, seen)


def _class_chunks(value: object, seen: _Seen) -> Iterator[bytes]:
    assert isinstance(value, type)
    yield from _chunks((value.__qualname__, value.__bases__), seen)
    if issubclass(value, Enum):
        yield from _chunks({name: member.value for name, member in value.__members__.items()}, seen)
    elif dataclasses.is_dataclass(value):
        yield from _chunks(_defaults(dataclasses.fields(value)), seen)
    elif issubclass(value, msgspec.Struct):
        yield from _chunks(_defaults(msgspec.structs.fields(value)), seen)
    for name, member in sorted(vars(value).items()):
        if _is_written(name, member, value):
            yield name.encode()
            yield from _chunks(member, seen)


def _defaults(fields: Iterable[Any]) -> list[tuple[str, list[object]]]:
    return [(field.name, [default for default in (field.default, field.default_factory) if not _is_absent(default)]) for field in fields]


def _is_absent(default: object) -> bool:
    return default is dataclasses.MISSING or default is msgspec.NODEFAULT


def _is_written(name: str, member: object, owner: type) -> bool:
    """Tell whether someone wrote a member down, rather than a decorator or a metaclass made it."""
    if isinstance(member, types.FunctionType):
        return member.__code__.co_filename != "<string>"
    made = isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType) or (issubclass(owner, Enum) and name.startswith("_"))
    return not (made or isinstance(member, owner) or (name.startswith("__") and name.endswith("__")))
