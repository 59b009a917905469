"""Pieces of generated code, and how operations that do not simply pass on nulls are written."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol


class Code(NamedTuple):
    """An expression text; `guards` are the names of which none may be None where it is evaluated; `depth` is how far it nests."""

    text: str
    guards: tuple[str, ...] = ()
    atomic: bool = True
    depth: int = 0

    @property
    def guarded(self) -> str:
        """The text, None where a guard is."""
        if not self.guards or self.guards == (self.text,):
            return self.text
        return f"(None if {any_none(self.guards)} else {self.text})"


class Names(Protocol):
    """Gives names to values."""

    def named(self, code: Code) -> Code:
        """Return the same value as a name or literal."""
        ...

    def keep(self, text: str, may_be_null: bool) -> Code:
        """Write an assignment of a text to a new name, and return the name."""
        ...


def any_none(guards: Iterable[str]) -> str:
    """Return the test that one of the names is None."""
    return " or ".join(f"{guard} is None" for guard in dict.fromkeys(guards))


def none_none(guards: Iterable[str]) -> str:
    """Return the test that none of the names is None."""
    return " and ".join(f"{guard} is not None" for guard in dict.fromkeys(guards))


def null_test(code: Code, negated: bool) -> Code:
    """Write is_null or is_not_null: a value is null exactly where one of its guards is."""
    if not code.guards:
        return Code(str(negated))
    return Code(f"({none_none(code.guards) if negated else any_none(code.guards)})", (), False, 1)


def _kleene(operator: str, decisive: str, other: str) -> "Form":
    def form(names: Names, arguments: list[Code]) -> Code:
        left, right = arguments
        if not left.guards and not right.guards:
            return Code(f"({left.text} {operator} {right.text})", (), False, 1 + max(left.depth, right.depth))
        left, right = names.named(left), names.named(right)
        decided = f"{left.text} is {decisive} or {right.text} is {decisive}"
        return names.keep(f"{decisive} if {decided} else None if {any_none((*left.guards, *right.guards))} else {other}", True)

    return form


def _coalesce(names: Names, arguments: list[Code]) -> Code:
    text, nullable = "None", True
    for argument in reversed(arguments):
        if not argument.guards:
            text, nullable = argument.text, False
        elif text == "None":
            text = argument.guarded
        else:
            text = f"({argument.text} if {none_none(argument.guards)} else {text})"
    return names.keep(text, nullable)


def _when(names: Names, arguments: list[Code]) -> Code:
    condition, value, other = arguments
    test = f"{none_none(condition.guards)} and {condition.text}" if condition.guards else condition.text
    text = f"({value.guarded} if {test} else {other.guarded})"
    if value.guards or other.guards:
        return names.keep(text, True)
    return Code(text, (), False, 1 + max(argument.depth for argument in arguments))


def _extreme(function: str) -> "Form":
    def form(names: Names, arguments: list[Code]) -> Code:
        text = f"{function}({', '.join(argument.guarded for argument in arguments)})"
        return names.keep(text, all(argument.guards for argument in arguments))

    return form


Form = Callable[[Names, list[Code]], Code]
FORMS: dict[str, Form] = {
    "and": _kleene("and", "False", "True"),
    "or": _kleene("or", "True", "False"),
    "coalesce": _coalesce,
    "when": _when,
    "max_of": _extreme("greatest"),
    "min_of": _extreme("least"),
    "max_of_float": _extreme("greatest_float"),
    "min_of_float": _extreme("least_float"),
}
