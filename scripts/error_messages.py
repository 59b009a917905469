"""What every error says, read from the source: where an error composes its message, and where one is raised with its words.

A value that is only known when it happens is shown by the name of what holds it, in guillemets: «column». A message that has several forms
gives one entry a form.
"""

import ast
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"
_FORMS = 6
_CALLS = {"suggest": "Did you mean «nearest»? Valid: «choices»."}
_COUNTS = ("counted", "every")
Forms = tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """One form of what an error says: the problem, and the next step ("" where there is none)."""

    problem: str
    remedy: str


@dataclass(frozen=True)
class _Scope:
    """What names stand for around an expression: assignments of its function, and texts that a caller handed in."""

    assigned: Mapping[str, tuple[ast.expr, ...]] = field(default_factory=dict)
    handed_in: Mapping[str, Forms] = field(default_factory=dict)


@dataclass(frozen=True)
class _Composer:
    """An error's constructor that composes the message: its parameters and the call of the constructor above."""

    parameters: tuple[str, ...]
    call: ast.Call
    scope: _Scope


def messages(errors: Iterable[type[Exception]]) -> dict[type[Exception], tuple[Message, ...]]:
    """Return the messages of each of these classes, in the order of the source."""
    names = {f"{error.__module__}.{error.__name__}": error for error in errors}
    modules = {_dotted(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    composers = {
        f"{dotted}.{node.name}": composer
        for dotted, module in modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and (composer := _composer(node))
    }
    found: dict[type[Exception], list[Message]] = {error: [] for error in errors}
    for dotted, module in modules.items():
        for name, call, scope in _raised(dotted, module, names):
            found[names[name]] += _composed(composers[name], call, scope) if name in composers else _message(call, scope)
    for name, error in names.items():
        if not found[error] and name in composers:
            found[error] += _message(composers[name].call, composers[name].scope)
    return {error: tuple(dict.fromkeys(told)) for error, told in found.items()}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def _composer(node: ast.ClassDef) -> _Composer | None:
    for function in node.body:
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            parameters = tuple(each.arg for each in (*function.args.args[1:], *function.args.kwonlyargs))
            for inner in ast.walk(function):
                if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "super().__init__" and inner.args:
                    return _Composer(parameters, inner, _Scope(_assigned(function)))
    return None


def _raised(dotted: str, module: ast.Module, names: Mapping[str, object]) -> Iterator[tuple[str, ast.Call, _Scope]]:
    """Yield each place where one of these errors is made, with its full name."""
    known = {node.name: f"{dotted}.{node.name}" for node in module.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            known |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    seen: set[ast.Call] = set()
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        scope = _Scope(_assigned(function))
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node not in seen and (node.args or node.keywords):
                seen.add(node)
                if (name := known.get(node.func.id, "")) in names:
                    yield name, node, scope


def _assigned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, tuple[ast.expr, ...]]:
    found: dict[str, tuple[ast.expr, ...]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            for left, right in zip(target.elts, value.elts, strict=True) if both else [(target, value)]:  # type: ignore[attr-defined]
                if isinstance(left, ast.Name):
                    found[left.id] = (*found.get(left.id, ()), right)
    return found


def _composed(composer: _Composer, call: ast.Call, scope: _Scope) -> list[Message]:
    """Return the messages of an error whose constructor composes them of what it is handed."""
    handed = [*zip(composer.parameters, call.args, strict=False), *((each.arg, each.value) for each in call.keywords if each.arg)]
    texts = {name: _forms(value, scope) for name, value in handed if _says_something(value, scope)}
    return _message(composer.call, _Scope(composer.scope.assigned, texts))


def _message(call: ast.Call, scope: _Scope) -> list[Message]:
    remedy = next((each.value for each in call.keywords if each.arg == "remedy"), None)
    problems = _forms(call.args[0], scope) if call.args else ("«problem»",)
    remedies = _forms(remedy, scope) if remedy is not None else ("",)
    return [Message(problem, following) for problem, following in itertools.product(problems, remedies)][:_FORMS]


def _forms(node: ast.expr, scope: _Scope) -> Forms:
    """Return the texts that an expression may have."""
    match node:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.JoinedStr(values=parts):
            return _joined([_forms(part, scope) for part in parts])
        case ast.FormattedValue(value=inner):
            return _forms(inner, scope)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _joined([_forms(left, scope), _forms(right, scope)])
        case ast.IfExp(body=body, orelse=orelse):
            return (*_forms(body, scope), *_forms(orelse, scope))
        case ast.BoolOp(op=ast.Or(), values=values):
            return next((forms for each in values if _says_something(each, scope) for forms in [_forms(each, scope)]), ("«…»",))
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            return (_CALLS[name],)
        case ast.Call(func=ast.Name(id=name), args=[number, noun, *many]) if name in _COUNTS:
            nouns = _forms(many[0], scope) if many else tuple(f"{form}s" for form in _forms(noun, scope))
            return tuple(f"{'all ' if name == 'every' else ''}«{_named(number)}» {form}" for form in nouns)
        case ast.Call(func=ast.Attribute(value=ast.Dict(values=values), attr="get"), args=[_, default]):
            return tuple(form for each in (*values, default) for form in _forms(each, scope))
        case ast.Subscript(value=ast.Dict(values=values)):
            return tuple(form for each in values for form in _forms(each, scope))
        case ast.Name(id=name) if name in scope.handed_in:
            return scope.handed_in[name]
        case ast.Name(id=name) if _says_something(node, scope):
            inner_scope = _Scope({}, scope.handed_in)
            return tuple(form for each in scope.assigned[name] for form in _forms(each, inner_scope))
    return (f"«{_named(node)}»",)


def _says_something(node: ast.expr, scope: _Scope) -> bool:
    """Tell whether an expression is words, rather than a value that is put into words elsewhere."""
    match node:
        case ast.JoinedStr():
            return True
        case ast.Constant(value=value):
            return isinstance(value, str)
        case ast.IfExp(body=body, orelse=orelse):
            return _says_something(body, scope) or _says_something(orelse, scope)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _says_something(left, scope) or _says_something(right, scope)
        case ast.Call(func=ast.Name(id=name)):
            return name in _CALLS or name in _COUNTS
        case ast.Call(func=ast.Attribute(value=ast.Dict(), attr="get")) | ast.Subscript(value=ast.Dict()):
            return True
        case ast.Name(id=name):
            return name in scope.handed_in or any(_says_something(each, _Scope()) for each in scope.assigned.get(name, ()))
    return False


def _joined(parts: list[Forms]) -> Forms:
    return tuple("".join(each) for each in itertools.islice(itertools.product(*parts), _FORMS))


def _named(node: ast.expr) -> str:
    """Return a name for a value: the last word of how it is reached."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner]) | ast.Call(func=ast.Name(id="map"), args=[_, inner]):
            return _named(inner)
        case ast.Call(func=ast.Attribute(value=value), args=[]) | ast.Subscript(value=value):
            return _named(value)
        case ast.Call(args=[first, *_]):
            return _named(first)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name.strip("_")
        case ast.GeneratorExp(generators=[each, *_]) | ast.ListComp(generators=[each, *_]):
            return _named(each.iter)
        case ast.BinOp(left=left):
            return _named(left)
    return "…"
