"""Fingerprints change when and only when the meaning does."""

import enum
import itertools
import subprocess
import sys
import types
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import UserError
from headrace.core.fingerprints import fingerprint

BASE = """
from math import sqrt
LIMIT = 3
CHOICES = {"EWR", "JFK", "LGA"}

def helper(x):
    return x + 1

def step(frame, factor=2):
    total = 0
    for row in frame:
        if row in ("a", "b") and helper(factor) > LIMIT:
            total += sqrt(factor)
        else:
            total -= 1
    try:
        total = total / LIMIT
    except ZeroDivisionError:
        total = None
    return [value for value in (total, None) if value in CHOICES]
"""

UNCHANGED = {
    "comment": BASE.replace("    total = 0\n", "    # a comment\n    total = 0  # another\n"),
    "blank lines": BASE.replace("    try:\n", "\n\n    try:\n"),
    "docstring": BASE.replace("factor=2):\n", 'factor=2):\n    """Say what it does."""\n'),
    "helper's docstring": BASE.replace("helper(x):\n", 'helper(x):\n    """Add."""\n'),
    "line breaks": BASE.replace(
        'if row in ("a", "b") and', 'if (row in (\n            "a",\n            "b",\n        )\n        and'
    ).replace("> LIMIT:", "> LIMIT):"),
    "pass": BASE.replace("    total = 0\n", "    pass\n    total = 0\n"),
    "moved down the file": "\n\n\nUNRELATED = 7\n\ndef unrelated():\n    return 8\n" + BASE,
    "order of definitions": BASE.replace("LIMIT = 3\n", "").replace("def helper", "LIMIT = 3\n\ndef helper"),
    "order of a set": BASE.replace('{"EWR", "JFK", "LGA"}', '{"LGA", "EWR", "JFK"}'),
    "annotations": BASE.replace("step(frame, factor=2):", "step(frame: list, factor: float = 2) -> list:"),
}

CHANGED = {
    "constant": BASE.replace("total = 0", "total = 1"),
    "type of constant": BASE.replace("total = 0", "total = 0.0"),
    "operator": BASE.replace("total -= 1", "total += 1"),
    "comparison": BASE.replace("> LIMIT:", ">= LIMIT:"),
    "default": BASE.replace("factor=2", "factor=3"),
    "keyword only": BASE.replace("frame, factor=2", "frame, *, factor=2"),
    "helper": BASE.replace("x + 1", "x + 2"),
    "global": BASE.replace("LIMIT = 3", "LIMIT = 4"),
    "global set": BASE.replace('"LGA"}', '"LGB"}'),
    "imported function": BASE.replace("from math import sqrt", "from math import log as sqrt"),
    "tuple constant": BASE.replace('("a", "b")', '("a", "c")'),
    "exception caught": BASE.replace("except ZeroDivisionError", "except TypeError"),
    "what try covers": BASE.replace("    try:\n        total = total / LIMIT\n", "    total = total / LIMIT\n    try:\n        pass\n"),
    "inner code": BASE.replace("value in CHOICES", "value not in CHOICES"),
    "attribute": BASE.replace("total += sqrt(factor)", "total += factor.real"),
    "generator": BASE.replace("return [value", "yield [value"),
}


def load(source: str, name: str = "step"):
    module = types.ModuleType("project_of_a_user")
    exec(compile(source, "project.py", "exec"), module.__dict__)
    return getattr(module, name)


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_means_the_same_has_the_same_fingerprint(name):
    assert UNCHANGED[name] != BASE
    assert fingerprint(load(UNCHANGED[name])) == fingerprint(load(BASE))


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_meaning_has_another_fingerprint(name):
    assert CHANGED[name] != BASE
    assert fingerprint(load(CHANGED[name])) != fingerprint(load(BASE))


def test_every_change_has_a_fingerprint_of_its_own():
    found = {name: fingerprint(load(source)) for name, source in CHANGED.items()}
    assert len(set(found.values())) == len(found)


CLOSURE = """
def outer(bound):
    def step(x):
        return x + bound
    return step
step = outer({})
"""


@given(st.integers(), st.integers())
def test_a_closed_over_value_counts(left, right):
    same = fingerprint(load(CLOSURE.format(left))) == fingerprint(load(CLOSURE.format(right)))
    assert same == (left == right)


CLASSES = """
import dataclasses, enum, functools
import msgspec

class Root:
    def scale(self):
        return 2

class Rule(Root):
    '''Says what it is.'''
    factor = 3
    __slots__ = ("a",)
    @staticmethod
    def fixed(x): return x
    @classmethod
    def made(cls): return cls
    @property
    def shown(self): return 4

@dataclasses.dataclass(frozen=True)
class Config:
    rate: float = 0.5
    names: list = dataclasses.field(default_factory=list)
    def twice(self): return self.rate * 2
    @functools.cached_property
    def kept(self): return 9

class Kind(enum.Enum):
    A = "a"
    def told(self): return 5

class Given(msgspec.Struct):
    count: int = 6

@functools.cache
def cached(x): return x + 7

def step(x):
    def inner(y):
        if y: return inner(y - 1)
        return again(y)
    class Local:
        '''Documented.'''
        value = 8
    return Rule(), CONFIG.twice(), Kind.A.told(), Given(), cached(1), JOIN(["a"]), inner(2), Local

def again(x): return step(x) if x else 0

CONFIG = Config()
JOIN = "-".join
KEY = functools.partial(cached, x=1)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return 2", "return 22"),
        ("factor = 3", "factor = 33"),
        ("return 4", "return 44"),
        ("return 5", "return 55"),
        ("count: int = 6", "count: int = 66"),
        ("x + 7", "x + 77"),
        ("value = 8", "value = 88"),
        ("return 9", "return 99"),
        ("rate: float = 0.5", "rate: float = 0.6"),
        ("self.rate * 2", "self.rate * 3"),
        ("default_factory=list", "default_factory=set"),
        ('"-".join', '"+".join'),
        ('A = "a"', 'A = "b"'),
        ("return x\n", "return -x\n"),
        ("if x else 0", "if x else 1"),
    ],
)
def test_classes_and_what_they_inherit_are_followed(old, new):
    assert old in CLASSES
    assert fingerprint(load(CLASSES.replace(old, new))) != fingerprint(load(CLASSES))


@pytest.mark.parametrize(("old", "new"), [("'''Says what it is.'''\n", "pass\n"), ("'''Documented.'''\n", "pass\n")])
def test_the_docstring_of_a_class_does_not_count(old, new):
    assert fingerprint(load(CLASSES.replace(old, new))) == fingerprint(load(CLASSES))


def test_a_module_of_the_users_is_followed_into_what_it_imports(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    numbers = itertools.count()

    def of(deep: str, shallow: str = "") -> str:
        name = f"user_rules_{next(numbers)}"
        (tmp_path / f"deep_{name}.py").write_text(deep)
        (tmp_path / f"{name}.py").write_text(f"{shallow}\nimport math\nfrom deep_{name} import LIMIT\ndef rule(x): return x > LIMIT\n")
        source = f"import {name} as rules\ndef step(x): return rules.rule(x)\n"
        # The names of the files differ so that nothing is cached; the name is part of the tree, so it is taken out.
        return _tree(load(source), name)

    assert of("LIMIT = 1") == of("'''Says.'''\nLIMIT = 1  # a comment", "'''Rules.'''")
    assert of("LIMIT = 1") != of("LIMIT = 2")
    assert of("LIMIT = 1") != of("LIMIT = 1", "EXTRA = 1")


def _tree(step, name: str) -> str:
    from headrace.core.modules import module_meaning

    meaning = module_meaning(step.__globals__["rules"])
    assert isinstance(fingerprint(step), str)
    return fingerprint([part.replace(name, "rules") for part in meaning])


@pytest.mark.parametrize("line", ["from {0} import rule", "import {0}", "import {0} as found", "from . import {0}"])
def test_what_a_function_imports_when_it_runs_is_followed(tmp_path, monkeypatch, line):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"late_rules_{abs(hash(line))}"
    package = "late_package" if line.startswith("from .") else ""
    (tmp_path / package).mkdir(exist_ok=True)
    (tmp_path / package / "__init__.py").write_text("")

    def of(rule: str) -> str:
        for each in [each for each in sys.modules if each.endswith(name)]:
            del sys.modules[each]
        (tmp_path / package / f"{name}.py").write_text(f"def rule(x): return {rule}\n")
        step = load(f"__package__ = {package!r}\ndef step(x):\n    {line.format(name)}\n    return lambda: rule(x)\n")
        return fingerprint(step)

    assert of("x + 1") == of("x + 1  # one more") != of("x + 2")


ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4) | st.binary(max_size=4)
PLAIN = st.recursive(
    ATOMS | st.frozensets(ATOMS, max_size=3),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


def spelled(value: object) -> object:
    """The value in a form in which Python's own equality is as strict as meaning is (1 is not True, 0.0 is not -0.0)."""
    match value:
        case dict():
            return ("dict", tuple((key, spelled(item)) for key, item in value.items()))
        case tuple():
            return ("tuple", tuple(spelled(item) for item in value))
        case frozenset():
            return ("set", frozenset(spelled(item) for item in value))
    return (type(value).__name__, repr(value))


@given(PLAIN, PLAIN)
def test_plain_values_are_equal_when_their_fingerprints_are(left, right):
    assert (fingerprint(left) == fingerprint(right)) == (spelled(left) == spelled(right))


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=5))
def test_a_read_only_view_means_the_same_as_its_dict(mapping):
    assert fingerprint(MappingProxyType(mapping)) == fingerprint(mapping)


class Colour(enum.StrEnum):
    RED = "red"


class Held(msgspec.Struct, frozen=True):
    build: object
    location: object = None


def test_values_of_every_kind_have_fingerprints_of_their_own():
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    values = [
        None,
        0,
        0.0,
        -0.0,
        False,
        "",
        b"",
        Decimal("1.0"),
        Decimal("1.00"),
        moment,
        moment.date(),
        moment.time(),
        UTC,
        timedelta(1),
        Colour.RED,
    ]
    values += [
        "red",
        1j,
        ...,
        (),
        [],
        {},
        frozenset(),
        Path("a"),
        len,
        int,
        Held(len),
        Held(sum),
        [[1], 2],
        [[1, 2]],
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
    ]
    assert len({fingerprint(value) for value in values}) == len(values)


def test_the_line_of_a_declaration_does_not_count():
    assert fingerprint(Held(len, location=("project.py", 3))) == fingerprint(Held(len, location=("project.py", 9)))


def test_a_struct_holds_functions():
    assert fingerprint(Held(load(BASE))) == fingerprint(Held(load(UNCHANGED["comment"]))) != fingerprint(Held(load(CHANGED["helper"])))


def test_members_of_a_set_do_not_run_together():
    assert fingerprint({("a", "b")}) != fingerprint({("a",), ("b",)})
    assert fingerprint(frozenset({"a\0b"})) != fingerprint(frozenset({"a", "b"}))


@pytest.mark.parametrize("value", [object(), open, iter([])])
def test_what_has_no_fingerprint_is_named_or_installed(value):
    if value is open:
        assert fingerprint(value) == fingerprint(open)
    else:
        with pytest.raises(UserError, match="cannot take the fingerprint of"):
            fingerprint(value)


def test_the_fingerprint_is_the_same_in_other_processes(tmp_path):
    project = tmp_path / "user_project.py"
    project.write_text(BASE + CLASSES.replace("def step(", "def other(").replace("step(x)", "other(x)"))
    script = "import user_project as p; from headrace.core.fingerprints import fingerprint as f; "
    script += "print(f(p.step, p.other, {'a', 'b', 'c', (1, 'x')}, p))"
    found = set()
    for seed in ("0", "1", "4242"):
        ran = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        found.add(ran.stdout)
    assert len(found) == 1
