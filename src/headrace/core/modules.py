"""Whose code it is: installed code counts as its name and version, the user's own as what it says."""

import ast
import functools
import importlib.metadata
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path

_PACKAGE_DIRECTORY = str(Path(__file__).resolve().parents[1]) + os.sep


def is_installed(module_name: str) -> bool:
    """Tell whether a module is the standard library's, an installed package's or Headrace's own, rather than the user's."""
    top = module_name.partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return True
    file = getattr(sys.modules.get(module_name), "__file__", None)
    return bool(file) and ("site-packages" in str(file) or str(file).startswith(_PACKAGE_DIRECTORY))


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
            package = module.__package__ or ""
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            names += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    for name in names:
        if name in sys.modules and not is_installed(name):
            yield sys.modules[name]


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
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(top), "__version__", ""))
