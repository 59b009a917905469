"""Whose code it is."""

import importlib
import sys
import types

import msgspec

from headrace.core import errors
from headrace.core.modules import installed_name, is_installed, module_meaning, user_modules


def test_libraries_and_headrace_are_installed_and_projects_are_not():
    assert is_installed("json")
    assert is_installed("msgspec")
    assert is_installed(errors.__name__)
    assert not is_installed("a_project_that_nobody_imported")
    assert not is_installed(__name__)


def test_installed_things_count_as_name_and_version():
    assert installed_name(len) == f"builtins.len {sys.version_info.major}.{sys.version_info.minor}"
    assert installed_name(msgspec.json.Encoder).endswith(f"Encoder {msgspec.__version__}")


def test_a_module_without_a_file_counts_as_its_name():
    assert module_meaning(types.ModuleType("made_up")) == ("made_up ",)


def test_relative_imports_and_circles_are_followed(tmp_path, monkeypatch):
    package = tmp_path / "user_package_of_rules"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from . import b\nfrom .b import TWO\n")
    (package / "b.py").write_text("from user_package_of_rules import a\nTWO = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import user_package_of_rules.a as first

    meaning = module_meaning(first)
    assert len(meaning) == 3
    assert any("TWO" in part and "Constant(value=2)" in part for part in meaning)
    for name in [name for name in sys.modules if name.startswith("user_package_of_rules")]:
        del sys.modules[name]


def test_a_users_module_named_as_one_of_the_standard_library_is_the_users(tmp_path, monkeypatch):
    (tmp_path / "nturl2path.py").write_text("RATE = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "nturl2path", raising=False)
    module = importlib.import_module("nturl2path")
    monkeypatch.setitem(sys.modules, "nturl2path", module)
    assert not is_installed("nturl2path")
    assert "Constant(value=2)" in module_meaning(module)[0]


def test_only_the_users_own_modules_are_imported_to_be_followed(tmp_path, monkeypatch):
    (tmp_path / "rules_of_a_user.py").write_text("RATE = 2\n")
    (tmp_path / "broken_rules_of_a_user.py").write_text("raise OSError\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "this", raising=False)
    names = ["rules_of_a_user", "rules_of_a_user.RATE", "broken_rules_of_a_user", "this", "nowhere.to_be_found", ""]
    assert [module.__name__ for module in user_modules(names)] == ["rules_of_a_user"]
    assert "this" not in sys.modules
    del sys.modules["rules_of_a_user"]


def test_a_compiled_module_of_the_user_counts_as_its_bytes(tmp_path):
    compiled = types.ModuleType("kernel_of_a_user")
    compiled.__file__ = str(tmp_path / "kernel_of_a_user.so")
    (tmp_path / "kernel_of_a_user.so").write_bytes(b"\x7fELF\xff one")
    before = module_meaning(compiled)
    (tmp_path / "kernel_of_a_user.so").write_bytes(b"\x7fELF\xff two")
    assert len(before) == 1
    assert module_meaning(compiled) != before
