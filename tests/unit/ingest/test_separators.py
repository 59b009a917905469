import pytest

from headrace.ingest.separators import likely_separator


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["a,b", "1,2"], ","), (["a;b,c", "1;2,5", "3;4"], ";"), (["a;b", "1,5;2"], ";"), (["a\tb"], "\t"), (["a|b", '"x|y"|2'], "|"),
        (["a", "b"], None), (["text;more", "x", "y"], None), ([], None),
    ],
)  # fmt: skip
def test_the_separator_cuts_all_lines_alike(lines, separator):
    assert likely_separator(lines) == separator
