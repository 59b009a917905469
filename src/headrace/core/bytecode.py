"""The meaning of compiled code, without where it stands or what it is commented with.

Instructions refer to constants by their place in a table that a docstring shifts, and to each other by offsets that it stretches.
Here each refers to the constant itself, and a jump to the number of the instruction it lands on.
"""

import dis
import inspect
import types
from collections.abc import Iterator

_IGNORED = ("NOP", "CACHE", "EXTENDED_ARG", "RESUME")
_NAMED = frozenset((*dis.hasname, *dis.haslocal, *dis.hasfree))
_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))
_CONSTANTS = frozenset(dis.hasconst)
_KIND_FLAGS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
    | inspect.CO_ITERABLE_COROUTINE
)


def meaning_of_code(code: types.CodeType) -> Iterator[object]:
    """Yield what the code does: its signature, its instructions with their constants (code among them), what its `try` blocks cover."""
    yield (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & _KIND_FLAGS,
        list(code.co_varnames[: _parameters(code)]),
    )
    bytecode = dis.Bytecode(code)
    steps = [step for step in bytecode if step.opname not in _IGNORED]
    number = _numbers(bytecode, steps)
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        if following is not None and following.opname == "STORE_NAME" and following.argval == "__doc__":
            # The docstring of a class is an ordinary assignment in its body.
            continue
        if step.opname == "STORE_NAME" and step.argval == "__doc__":
            continue
        yield step.opname
        if step.opcode in _CONSTANTS:
            yield code.co_consts[step.arg or 0]  # and not argval, which dis leaves unknown for keyword names
        elif step.opcode in _JUMPS:
            yield number.get(step.argval, len(steps))
        else:
            yield step.argrepr if step.opcode in _NAMED else f"{step.arg} {step.argrepr}"
    for entry in bytecode.exception_entries:  # type: ignore[attr-defined]  # missing from typeshed
        yield [number.get(offset, len(steps)) for offset in (entry.start, entry.end, entry.target)] + [entry.depth, entry.lasti]


def global_names(code: types.CodeType) -> set[str]:
    """Return the global names that the code and the code inside it read."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= global_names(constant)
    return names


def imports(code: types.CodeType) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield what the code and the code inside it import when they run: a module, the names taken from it, the dots before it."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _IGNORED]
    for level, names, step in zip(steps, steps[1:], steps[2:], strict=False):
        if step.opname == "IMPORT_NAME":
            yield step.argval, names.argval or (), level.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from imports(constant)


def _parameters(code: types.CodeType) -> int:
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + stars


def _numbers(bytecode: dis.Bytecode, steps: list[dis.Instruction]) -> dict[int, int]:
    """Return, for the offset of each instruction, the number of the first one from there on that counts."""
    order = {step.offset: number for number, step in enumerate(steps)}
    numbers: dict[int, int] = {}
    following = len(steps)
    for step in reversed(list(bytecode)):
        following = order.get(step.offset, following)
        numbers[step.offset] = following
    return numbers
