"""Nobody reads "1 rows": a number and its noun come from `core.units.counted`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "headrace"
NOUNS = re.compile(
    r" (new |sealed |test |different )*(rows|files|columns|steps|tables|runs|blobs|versions|features|gates|checks|trials|keys"
    r"|settings|duplicates|values|texts|groups|bytes|predictions|charges|operands|classes|pages|requests|sheets|people)\b"
)
NEVER_ONE = {
    "{len(members)}": "a zip with one file is read",
    "{len(names)}": "a workbook with one sheet is read",
    "{self.rows:,}": "a bound, which is large",
    "{minimum_support}": "a bound, which is large",
    "{profile.distinct}": "a column with one value is no target",
    "{profile.distinct:,}": "more than a bound",
    "{manifests[0].project}": "a name",
}


def hand_made() -> Iterator[str]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for value, words in zip(node.values, node.values[1:], strict=False) if isinstance(node, ast.JoinedStr) else ():
                if isinstance(value, ast.FormattedValue) and isinstance(words, ast.Constant) and NOUNS.match(str(words.value)):
                    shown = ast.unparse(ast.JoinedStr([value]))[2:-1]
                    if not shown.strip("{}:,_").isupper() and shown not in NEVER_ONE:
                        yield f"{path.relative_to(SOURCE)}:{node.lineno}: {shown}{words.value}"


def test_numbers_and_their_nouns_agree() -> None:
    assert list(hand_made()) == []
