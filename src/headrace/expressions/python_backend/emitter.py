"""The generator: typed primitives to the lines of one Python function.

Each value is an expression text with the names that must not be None for it to be one (its guards). Operations that give null just for
null operands are nested into one expression under one merged test; only what is used twice, or may be null by itself, gets a name.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.codes import FORMS, Code, null_test
from headrace.expressions.python_backend.option_templates import OPTION_TEMPLATES
from headrace.expressions.python_backend.templates import MAY_BE_NULL, SCOPE, TEMPLATES, WITH_LITERAL
from headrace.expressions.types import Value
from headrace.expressions.userfunctions import checked

_DEEPEST = 12


class Emitter:
    """Writes the body of a function; `scope` holds the constants and functions that the lines name.

    `fold` computes what reads no column, once; None: it is left to the lines.
    """

    def __init__(self, roots: Iterable[Typed], fold: Callable[[Typed], Value] | None) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, object] = dict(SCOPE)
        self._fold = fold
        self._codes: dict[int, Code] = {}
        self._uses = _count_uses(roots)
        self._counter = 0

    def emit(self, node: Typed) -> Code:
        """Return the code of a value, after writing the lines that it stands on."""
        if id(node) not in self._codes:
            code = self._produce(node)
            if self._uses[id(node)] > 1 or code.depth > _DEEPEST:
                code = self.named(code)
            self._codes[id(node)] = code
        return self._codes[id(node)]

    def named(self, code: Code) -> Code:
        """Return the same value as a name or literal."""
        return code if code.atomic else self.keep(code.guarded, bool(code.guards))

    def keep(self, text: str, may_be_null: bool) -> Code:
        """Write an assignment of a text to a new name, and return the name."""
        name = self._fresh("v")
        self.lines.append(f"{name} = {text}")
        return Code(name, (name,) if may_be_null else ())

    def _produce(self, node: Typed) -> Code:
        if node.is_literal:
            return self._literal(node.value)
        if node.constant and self._fold is not None:
            return self._literal(self._fold(node))
        if node.operation == "column":
            name = self._fresh("c")
            self.lines.append(f"{name} = row[{node.options['name']!r}]")
            return Code(name, (name,))
        arguments = [self.emit(argument) for argument in node.arguments]
        if node.operation in FORMS:
            return FORMS[node.operation](self, arguments)
        if node.operation in ("is_null", "is_not_null"):
            return null_test(arguments[0], negated=node.operation == "is_not_null")
        if node.operation == "udf":
            function = self._constant(checked(node.options["function"], node.options["name"], node.dtype))
            return self.keep(f"{function}({', '.join(argument.guarded for argument in arguments)})", True)
        return self._strict(node, arguments)

    def _strict(self, node: Typed, arguments: list[Code]) -> Code:
        """Write an operation that is null where an operand is."""
        template, may_be_null = self._template(node)
        for position, argument in enumerate(arguments):
            if template.count(f"{{{position}}}") > 1:
                arguments[position] = self.named(argument)
        temporary = self._fresh("t") if "{t}" in template else ""
        text = template.format(*(argument.text for argument in arguments), t=temporary)
        guards = tuple(dict.fromkeys(guard for argument in arguments for guard in argument.guards))
        code = Code(text, guards, False, 1 + max(argument.depth for argument in arguments))
        return self.keep(code.guarded, True) if may_be_null else code

    def _template(self, node: Typed) -> tuple[str, bool]:
        """Return how the operation is written, and whether it may be null where no operand is."""
        if node.operation in OPTION_TEMPLATES:
            return OPTION_TEMPLATES[node.operation](self._constant, node), node.operation in MAY_BE_NULL
        if node.operation == "concat":
            return f"({' + '.join(f'{{{number}}}' for number in range(len(node.arguments)))})", False
        right = node.arguments[-1]
        # -1 is left out: the least integer divided by it wraps around
        if node.operation in WITH_LITERAL and right.is_literal and right.value and right.value == right.value and right.value != -1:
            return WITH_LITERAL[node.operation], False
        return TEMPLATES[node.operation], node.operation in MAY_BE_NULL

    def _literal(self, value: Value) -> Code:
        if value is None:
            return Code("null", ("null",))
        if isinstance(value, bool | str):
            return Code(repr(value))
        if isinstance(value, int | float) and value - value == 0:
            return Code(repr(value) if value >= 0 and repr(value)[0] != "-" else f"({value!r})")
        return Code(self._constant(value))

    def _constant(self, value: object) -> str:
        """Bind a value, and return its name."""
        name = self._fresh("k")
        self.scope[name] = value
        return name

    def _fresh(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}{self._counter}"


def _count_uses(roots: Iterable[Typed]) -> Counter[int]:
    """Return how often each part is used, so that what is used twice is computed once."""
    uses: Counter[int] = Counter()
    pending = list(roots)
    while pending:
        node = pending.pop()
        uses[id(node)] += 1
        if uses[id(node)] == 1:
            pending.extend(node.arguments)
    return uses
