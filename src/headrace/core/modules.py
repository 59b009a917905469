"""Whose code it is: installed code counts as its name and version, the user's own as what it says."""

import ast
import functools
import hashlib
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterable, Iterator
from pathlib import Path

_INSTALLED = (str(Path(__file__).resolve().parents[1]) + os.sep, str(Path(os.__file__).parent) + os.sep)
# Debian's own packages lie in the second.
_PACKAGES = ("site-packages", "dist-packages")


def is_installed(module_name: str) -> bool:
    """Tell whether a module is the standard library's, an installed package's or Headrace's own, rather than the user's."""
    file = getattr(sys.modules.get(module_name), "__file__", None)
    if file is None:
        return module_name != "__main__" and module_name.partition(".")[0] in sys.stdlib_module_names
    # By where it lies and not by its name: a user's `profile.py` or `code.py` is the user's.
    return _lies_installed(str(file))


def user_modules(names: Iterable[str]) -> Iterator[types.ModuleType]:
    """Yield the modules of these names that are the user's; what is no module is passed over. One not imported yet is imported."""
    for name in names:
        module = sys.modules.get(name) or _import_of_user(name)
        if module is not None and not is_installed(name):
            yield module


def imported(source: str, names: Iterable[str], level: int, package: str) -> list[str]:
    """Return the names that may be modules in `from source import names`, so many dots before it, written in a package."""
    base = importlib.util.resolve_name("." * level + source, package) if level else source
    return [base, *(f"{base}.{name}" for name in names)]


def installed_name(value: object) -> str:
    """Return what an installed function, class or other object is called, with the version of what it came in."""
    module = getattr(value, "__module__", None) or "builtins"
    return f"{module}.{getattr(value, '__qualname__', repr(value))} {_version(module)}"


def module_meaning(module: types.ModuleType) -> tuple[str, ...]:
    """Return what a module says: name and version if installed; else its syntax tree and those of the user's modules it imports."""
    found: dict[str, str] = {}
    _follow(module, found)
    return tuple(found.values())


def _follow(module: types.ModuleType, found: dict[str, str]) -> None:
    name = module.__name__
    if name in found:
        return
    file = getattr(module, "__file__", None)
    if is_installed(name) or file is None:
        found[name] = f"{name} {_version(name)}"
        return
    if not file.endswith(".py"):  # compiled: its bytes are its meaning
        found[name] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        return
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    imported = list(_imports(tree, module))
    _drop_docstrings(tree)
    found[name] = ast.dump(tree)
    for other in imported:
        _follow(other, found)


def _imports(tree: ast.Module, module: types.ModuleType) -> Iterator[types.ModuleType]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += imported(node.module or "", [alias.name for alias in node.names], node.level, module.__package__ or "")
    return user_modules(names)


def _lies_installed(file: str) -> bool:
    return file.startswith(_INSTALLED) or any(folder in file for folder in _PACKAGES)


def _import_of_user(name: str) -> types.ModuleType | None:
    """Import a module that was not yet, if it is the user's: the step that names it is about to. An installed one may be heavy."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
        if spec is None or spec.origin is None or not Path(spec.origin).is_absolute() or _lies_installed(spec.origin):
            return None
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 - no module, or one that will fail in the step's own boundary, which says whose fault it is
        return None


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            node.body = [statement for statement in node.body if not isinstance(statement, ast.Pass)]


@functools.cache
def _version(module_name: str) -> str:
    top = module_name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    from importlib import metadata  # it brings the whole of `email`, which a short command can do without

    try:
        return metadata.version(top)
    except metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(top), "__version__", ""))
