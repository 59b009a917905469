"""Write docs/reference from the code: public names, expressions, commands, errors, settings, metrics, the HTTP API,
broken inputs, decisions.

What it writes is not kept in version control: `make docs` makes it anew.
"""

import argparse
import importlib
import inspect
import itertools
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import typer
from broken_inputs.catalogue import CATALOGUE
from error_messages import messages

import headrace
from headrace.app.settings import read_settings
from headrace.bundles.manifest import FORMAT, FeatureField, GivenField, Manifest
from headrace.cli import main as command_line
from headrace.core.errors import HeadraceError, UserError
from headrace.expressions import DType
from headrace.expressions.aggregates import Aggregate
from headrace.serving.openapi import openapi
from headrace.spec.metrics import METRICS

DOCS = Path(__file__).resolve().parents[1] / "docs"
HEADER = "<!-- Made by scripts/write_reference.py from the code. -->\n"
# What the tree offers to Headrace itself, not to who writes a description.
_INNER = {"children", "columns", "substitute", "to_json", "walk"}
_AGGREGATES = {"count", "distinct", "first", "last", "max", "mean", "min", "quantile", "std", "sum", "var"}
_SECTIONS = ("Attributes:", "Raises:", "Returns:", "Yields:")


def python_page() -> str:
    """Every public name of `headrace`."""
    parts = ["# Python names", "", "Everything here is `import headrace as hr`, then `hr.NAME`; `hr.gate` and `hr.split` are modules.", ""]
    for name in headrace.__all__:
        value = getattr(headrace, name)
        if name == "__version__" or name == "Expr":
            continue
        if isinstance(value, ModuleType):
            parts += [f"## hr.{name}", "", documented(value), ""]
            for inner, function in own_functions(value):
                parts += entry(f"hr.{name}.{inner}", function, "###")
        else:
            parts += entry(f"hr.{name}", value, "##")
            if value is headrace.ProjectHandle:
                for inner, member in own_members(value):
                    parts += entry(f"ProjectHandle.{inner}", member, "###")
    parts += ["## hr.Expr", "", documented(headrace.Expr), "", "Its operators and methods: [Expressions](expressions.md).", ""]
    parts += ["## hr.\\_\\_version\\_\\_", "", "The version, as text.", ""]
    return "\n".join(parts)


def expressions_page() -> str:
    """The methods of expressions and of their aggregates."""
    aggregates = [(name, member) for name, member in own_members(headrace.Expr) if name in _AGGREGATES]
    methods = [(name, member) for name, member in own_members(headrace.Expr) if name not in _INNER | _AGGREGATES]
    parts = [
        "# Expressions",
        "",
        'An expression starts from `col("name")` or `lit(value)` (also `from headrace import col, lit`) and means the same in batch and',
        "for one row. Null in, null out, except where a method says otherwise.",
        "",
        "Operators: `+ - * / // % **`, unary `-`; comparisons `== != < <= > >=`; on booleans `& | ~` with Kleene's rules for null.",
        "",
        "Functions are among the [Python names](python.md): `coalesce`, `concat`, `when`, `max_of`, `haversine_km`, and others.",
        "",
        f"Types: {', '.join(f'`{kind}`' for kind in DType)}.",
        "",
        "## Methods",
        "",
    ]
    for name, member in methods:
        parts += entry(name, member, "###")
    parts += ["## Aggregates", "", documented(Aggregate), "", "They have a value only in `hr.window(...)`.", ""]
    for name, member in aggregates:
        parts += entry(name, member, "###")
    return "\n".join(parts)


def command_page() -> str:
    """The help of every command."""
    parts = ["# Command line", "", documented(command_line).partition("\n\n")[2], ""]
    for words, command in commands():
        context = click.Context(command, info_name=" ".join(words), max_content_width=110, terminal_width=110)
        parts += [f"## {' '.join(words)}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(parts)


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command with its words, `headrace` itself first."""
    yield from _commands(("headrace",), typer.main.get_command(command_line.app))


def _commands(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _commands((*words, name), inner)


def errors_page() -> str:
    """Every error, room by room, with all that it says."""
    load_everything()
    errors = sorted(_below(HeadraceError), key=lambda each: (_room(each), each.__name__))
    told = messages(errors)
    parts = [
        "# Errors",
        "",
        "Every error says what failed, the value, what would be valid and the next step. «Words in these brackets» stand for what is known",
        "when it happens. A command that ends with an error says so on stderr and leaves with an exit code:",
        "",
        table(["code", "whose fault", "what to do"], _exit_codes()),
        "",
        "All survive pickling, and descend from `HeadraceError`.",
        "",
    ]
    for room, group in itertools.groupby((error for error in errors if told[error]), key=_room):
        parts += [f"## {room}", ""]
        for error in group:
            parts += [f"### {error.__name__}", "", f"{first_line(error)} {_fault(error)}", ""]
            parts += [f"- {_plain(each.problem)}" + (f"<br>→ {_plain(each.remedy)}" if each.remedy else "") for each in told[error]]
            parts += [""]
    return "\n".join(parts)


def _exit_codes() -> list[list[str]]:
    """The exit codes as the command line documents them, a line each."""
    return [
        [number, whose, what] for number, whose, what in re.findall(r"^    (\d+)\s+(.+?): (.+)$", documented(command_line), re.MULTILINE)
    ]


def _fault(error: type[HeadraceError]) -> str:
    """Whose fault it is, by its class."""
    return "(UserError, exit code 1)" if issubclass(error, UserError) else "(SystemFault, exit code 3)"


def _room(error: type[HeadraceError]) -> str:
    return error.__module__.split(".")[1]


def _below(error: type[HeadraceError]) -> Iterator[type[HeadraceError]]:
    """Yield every error of Headrace's own below this one, each once."""
    for inner in error.__subclasses__():
        if inner.__module__.startswith("headrace."):
            yield inner
            yield from _below(inner)


def _plain(text: str) -> str:
    """Return words as Markdown shows them, on one line."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_<>|`\[\]])", r"\\\1", text)


def load_everything() -> None:
    """Import every module, so that every error class is there."""
    for module in pkgutil.walk_packages(headrace.__path__, "headrace."):
        if "__main__" not in module.name and ".migrations." not in module.name:
            importlib.import_module(module.name)


def settings_page() -> str:
    """Every setting."""
    settings = read_settings(Path("project.py"), {})
    rows = [
        [f"`{each.name}`", f"`{each.value}`" if each.value else "", f"`HEADRACE_{each.name.upper()}`", each.meaning]
        for each in settings.values
    ]
    text = """# Settings

A setting comes from the command's option (`--home`), else from the environment, else from `headrace.toml` beside the project, else it is
the default. `headrace settings` prints each value and where it came from. Paths are relative to the project's folder.

{table}

Secrets in settings, and the options of a lake on an S3-protocol store (`[lake_options]`): [shared stores](../how-to/stores.md).

Beside these, `HEADRACE_USER` says who you are and `HEADRACE_TOKEN` proves it ([approvals and tokens](../how-to/approve.md)).
"""
    return text.format(table=table(["setting", "default", "environment", "meaning"], rows))


def metrics_page() -> str:
    """Every metric."""
    rows = [[f"`{name}`", ", ".join(kind.tasks), "greater" if kind.higher_is_better else "less"] for name, kind in METRICS.items()]
    return f"# Metrics\n\nFor `metric=` of a model and for gates.\n\n{table(['metric', 'tasks', 'better'], rows)}\n"


def http_page() -> str:
    """The HTTP API of a server with one binary model called `late`."""
    manifest = Manifest(
        format=FORMAT,
        project="flights",
        model="late",
        version="1",
        task="binary",
        classes=("false", "true"),
        threshold=0.5,
        given=(
            GivenField("carrier", DType.STRING),
            GivenField("scheduled", DType.DATETIME),
            GivenField("tailnum", DType.STRING, personal=True),
        ),
        features=(FeatureField("carrier", DType.STRING),),
        fingerprints={},
        requires={},
        files={},
    )
    described = openapi([manifest])
    parts = [
        "# HTTP",
        "",
        "A running server describes itself at `/openapi.json`, with the schema of its own models. This is that description for a model",
        "called `late` that is given `carrier`, `scheduled` and the personal `tailnum`.",
        "",
        "Bodies are JSON, sent with `Content-Type: application/json`.",
        "",
    ]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            parts += [f"## {method.upper()} {path}", "", f"{operation['summary']}.", ""]
            for parameter in operation.get("parameters", []):
                parts += [f"- query `{parameter['name']}`: {parameter['description']}"]
            if operation.get("parameters"):
                parts.append("")
            if method == "post":
                rows = [[status, answer["description"]] for status, answer in operation["responses"].items()]
                parts += [table(["status", "meaning"], rows), ""]
    parts += ["## Fields", ""]
    for name, schema in described["components"]["schemas"].items():
        rows = [[f"`{field}`", _kind(each), each.get("description", "")] for field, each in schema["properties"].items()]
        parts += [f"### {name}", "", table(["field", "type", ""], rows), ""]
    return "\n".join(parts)


def _kind(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "")
    return ", ".join(kinds) if isinstance(kinds, list) else str(kinds)


def decisions_page() -> str:
    """The decision records."""
    parts = ["# Decisions", "", "What was decided, on what evidence, and what was rejected.", ""]
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        parts.append(f"- [{title}](../decisions/{path.name})")
    return "\n".join([*parts, ""])


def broken_inputs_page() -> str:
    """What happens with every kind of broken input."""
    parts = [
        "# Broken inputs",
        "",
        "What Headrace does with an input that is broken: its words, the exit code of `headrace run`, what becomes of the rows, and what",
        "to do. Each line is run by a test, on real files, databases and an API: the words are compared letter by letter, the lake byte by",
        "byte where nothing is written, and after what the last column says the next run is completed. Folders are left out of paths, long",
        "lists are cut short, and servers are called `db.example.com` and `api.example.com`. The project is one table, `orders`, of forty",
        "rows with an id, a time, a time at which an answer became known and a personal column, and one model. Nothing that is said, in",
        "any of the lines, holds a personal value or a secret.",
        "",
        "Exit code 1 asks you to mend something, 3 to see that something works again, 0 says that the run was completed",
        "([all of them](errors.md)). Rows that are set aside wait in quarantine with the reason: [contracts](../how-to/contracts.md).",
        "",
    ]
    for group, kinds in CATALOGUE.items():
        rows = [[_plain(each.what), _words(each.says), str(each.code), _plain(each.rows), _marked(each.fix)] for each in kinds]
        parts += [f"## {group}", "", table(["what is broken", "what Headrace says", "exit code", "the rows", "what to do"], rows), ""]
    return "\n".join(parts)


def _words(text: str) -> str:
    """Return words of several lines as one cell of a table."""
    return "<br>".join(_plain(line) for line in text.splitlines())


def _marked(text: str) -> str:
    """Return words as Markdown shows them, in which code stands between backticks already."""
    return "`".join(part if number % 2 else _escaped(part) for number, part in enumerate(text.split("`")))


def entry(name: str, value: Any, level: str) -> list[str]:
    """Return a heading, the signature and the docstring of something."""
    if isinstance(value, property):
        return [f"{level} {name}", "", documented(value), ""]
    return [f"{level} {name}", "", "```python", signature(name, value), "```", "", documented(value), ""]


def signature(name: str, value: Any) -> str:
    """Return how something is called: without `self`, private defaults and the rooms that types come from."""
    called = inspect.signature(value)
    kept = [each for each in called.parameters.values() if each.name not in ("self", "location")]
    if inspect.isclass(value):
        called = called.replace(return_annotation=inspect.Signature.empty)
    text = f"{name}{called.replace(parameters=kept)}"
    text = re.sub(r"\b(?:headrace|collections|datetime|decimal|typing|pathlib)(?:\.[a-z_]+)*\.(?=[A-Za-z])", "", text)
    text = re.sub(r"Tune\(location=.*?cost_usd=None\)", "Tune()", text)
    return re.sub(r"mappingproxy\(\{\}\)", "{}", text).replace("'", '"').replace('"Expr"', "Expr")


def documented(value: Any) -> str:
    """Return a docstring as Markdown: sections as lists, examples as code."""
    lines, result, section, example = (inspect.getdoc(value) or "").splitlines(), [], False, False
    for line in lines:
        if line.strip() in _SECTIONS:
            result += [f"**{line.strip().rstrip(':')}**", ""]
            section = True
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, _, rest = line.strip().partition(": ")
            result.append(f"- `{name}`: {rest}" if rest else f"- {name}")
        elif section and line.startswith("     "):
            result[-1] += f" {line.strip()}"
        elif line.startswith(">>>") and not example:
            result += ["```python", line]
            example = True
        elif example and not line.strip():
            result += ["```", ""]
            example = False
        else:
            section = section and not line.strip()
            result.append(line)
    return "\n".join([*result, "```"] if example else result)


def first_line(value: Any) -> str:
    """Return the first line of a docstring of its own."""
    return (value.__doc__ or "").strip().partition("\n")[0]


def own_functions(module: ModuleType) -> Iterable[tuple[str, Callable[..., Any]]]:
    """Return the public functions that a module defines."""
    return [
        (name, each)
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    ]


def own_members(owner: type) -> Iterable[tuple[str, Any]]:
    """Return the public methods and properties of a class and its bases of ours."""
    return [
        (name, each)
        for name, each in inspect.getmembers(owner)
        if not name.startswith("_") and (inspect.isfunction(each) or isinstance(each, property))
    ]


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (heading, ["---"] * len(heading), *rows))


PAGES = {
    "python.md": python_page,
    "expressions.md": expressions_page,
    "command-line.md": command_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "http.md": http_page,
    "broken-inputs.md": broken_inputs_page,
    "decisions.md": decisions_page,
}


def write(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(HEADER + page(), encoding="utf-8")


def main() -> None:
    """Write the pages into the folder that the command line names."""
    parser = argparse.ArgumentParser(description=documented(sys.modules[__name__]), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS / "reference", help="where to write (default: docs/reference)")
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
