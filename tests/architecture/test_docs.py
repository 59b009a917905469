"""What the pages say exists: commands, names, links, and markers that generated parts can be written between."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import headrace

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "examples").rglob("*.md"), *DOCS.rglob("*.md")]
PAGES = [page for page in PAGES if page.parent != DOCS / "reference" and ".headrace" not in page.parts]
# A command stands in a console, in an indented block, or between backticks; prose about headrace does not.
_COMMAND = re.compile(r"(?:^\$ |^    |`|&& |\| |; )(?:\w+=\S+ )*headrace((?: [a-z][\w-]*)+)", re.MULTILINE)
_OPTION = re.compile(r"(?:^\$ |^    |`)(?:\w+=\S+ )*headrace((?: [a-z][\w-]*)+)((?: [^`\n]*)?)", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_NAME = re.compile(r"\bhr\.([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
_MODULES = ("gate", "split")


def script(name: str) -> ModuleType:
    """Load a module of `scripts/`."""
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


sys.path.append(str(ROOT / "scripts"))  # where they find each other
reference = script("write_reference")
pages = script("pages")
COMMANDS = {words[1:]: command for words, command in reference.commands()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference, made anew from the code."""
    folder = tmp_path_factory.mktemp("reference")
    reference.write(folder)
    return folder


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


def known_command(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the longest start of the words that is a command with a body of its own."""
    for length in range(len(words), 0, -1):
        if words[:length] in COMMANDS and not getattr(COMMANDS[words[:length]], "commands", {}):
            return words[:length]
    return None


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_command_named_exists(page: Path) -> None:
    for found in _COMMAND.findall(page.read_text(encoding="utf-8")):
        assert known_command(tuple(found.split())), f"{title(page)} names headrace{found}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_option_named_exists(page: Path) -> None:
    for found, rest in _OPTION.findall(page.read_text(encoding="utf-8")):
        words = known_command(tuple(found.split()))
        assert words, f"{title(page)} names headrace{found}"
        offered = {option for parameter in COMMANDS[words].params for option in parameter.opts} | {"--help"}
        used = set(re.findall(r"(?<!\S)--[a-z][\w-]*", rest.partition("|")[0]))
        assert used <= offered, f"{title(page)}: headrace{found} has no {sorted(used - offered)}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_public_name_used_exists(page: Path) -> None:
    for name, inner in _NAME.findall(page.read_text(encoding="utf-8")):
        if name == "NAME":
            continue
        assert name in headrace.__all__, f"{title(page)} uses hr.{name}"
        if name in _MODULES and inner:
            assert hasattr(getattr(headrace, name), inner), f"{title(page)} uses hr.{name}.{inner}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_links_resolve(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path = (page.parent / target).resolve() if target else page
        if path.parent == DOCS / "reference":
            assert path.name in reference.PAGES, f"{title(page)} links to {link}"
            continue
        assert path.exists(), f"{title(page)} links to {link}"
        assert not anchor or anchor in headings(path), f"{title(page)} links to {link}"


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_markers_are_well_formed(page: Path) -> None:
    for part in pages.parts(page.read_text(encoding="utf-8")):
        assert part.body.strip(), f"{title(page)}: the part {part.name} was never written; run make readme"


def test_every_page_with_a_generated_part_is_written() -> None:
    text = (ROOT / "scripts" / "write_readme.py").read_text(encoding="utf-8")
    for page in PAGES:
        if pages.parts(page.read_text(encoding="utf-8")):
            assert f'"{title(page)}"' in text, f"make readme does not write {title(page)}"


def test_a_marker_that_is_not_closed_is_refused() -> None:
    with pytest.raises(pages.MalformedPage):
        pages.parts("<!-- generated:console in=here -->\n```console\n$ true\n```\n")


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        inside = page.relative_to(DOCS).as_posix()
        assert inside in navigation or inside.startswith("decisions/"), f"{inside} is not in mkdocs.yml"
    for name in reference.PAGES:
        assert f"reference/{name}" in navigation


def test_every_public_name_is_in_the_reference(written: Path) -> None:
    text = (written / "python.md").read_text(encoding="utf-8").replace("\\_", "_")
    for name in headrace.__all__:
        assert f"## hr.{name}\n" in text, name
    methods = (written / "expressions.md").read_text(encoding="utf-8")
    for name, _ in reference.own_members(headrace.Expr):
        assert f"### {name}\n" in methods or name in reference._INNER, name


def test_every_command_is_in_the_reference(written: Path) -> None:
    text = (written / "command-line.md").read_text(encoding="utf-8")
    for words in COMMANDS:
        assert f"## {' '.join(('headrace', *words))}\n" in text


def test_every_error_is_in_the_reference_with_what_it_says_and_what_to_do(written: Path) -> None:
    text = (written / "errors.md").read_text(encoding="utf-8")
    told = reference.messages(list(reference._below(headrace.core.errors.HeadraceError)))
    for error, messages in told.items():
        if not messages:  # one that only groups others
            assert error.__subclasses__(), f"nothing raises {error.__name__}"
            continue
        assert f"### {error.__name__}\n" in text
        for message in messages:
            assert message.remedy, f"{error.__name__} does not say what to do: {message.problem}"


def test_the_error_reference_lists_every_exit_code(written: Path) -> None:
    text = (written / "errors.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == ["0", "1", "2", "3", "4", "130", "143"]


def test_every_kind_of_broken_input_is_in_the_reference(written: Path) -> None:
    rows = re.findall(r"^\| .* \| [013] \| .* \|$", (written / "broken-inputs.md").read_text(encoding="utf-8"), re.MULTILINE)
    kinds = [kind for group in reference.CATALOGUE.values() for kind in group]
    assert len({kind.what for kind in kinds}) == len(kinds) == len(rows) >= 100
    for kind, row in zip(kinds, rows, strict=True):
        assert row.startswith(f"| {reference._plain(kind.what)} | {reference._words(kind.says)} | {kind.code} | ")


def test_the_reference_names_no_place_on_a_machine(written: Path) -> None:
    for page in written.iterdir():
        assert str(ROOT) not in page.read_text(encoding="utf-8"), page.name


@pytest.mark.parametrize(
    "words", [words for words, command in COMMANDS.items() if words and not getattr(command, "commands", {})], ids=" ".join
)
def test_every_command_speaks_to_programs_and_shows_an_example(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    assert f"headrace {' '.join(words)}" in (command.help or "").partition("Example: ")[2]
