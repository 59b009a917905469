"""Texts that are not written as they are declared: encodings, separators, quotes, lines, names of columns."""

from functools import partial

from broken_inputs.files import as_file
from broken_inputs.kinds import ALL, Kind, declares, holds
from broken_inputs.place import PERSON, changed, csv, json_lines, renamed

_UMLAUTS = changed(3, order_id="Öl-3")
_LINES = csv().splitlines()
_JSON = json_lines().splitlines()
_LONG_BYTES = 9 << 20
_json = partial(as_file, "orders.jsonl", whole=json_lines().encode())


def _line(number: int, content: str) -> str:
    """Return the CSV with another line in the place of one, the header being line 1."""
    return "\n".join([*_LINES[: number - 1], content, *_LINES[number:]]) + "\n"


def _json_line(number: int, content: str) -> bytes:
    return ("\n".join([*_JSON[: number - 1], content, *_JSON[number:]]) + "\n").encode()


TEXTS = (
    Kind(
        "CP1252 that is declared UTF-8",
        holds(_UMLAUTS.encode("cp1252")),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not written in UTF-8: the byte 0xd6 in line 5 is no part of "
            "such a text.\n"
            "  It is most likely cp1252, in which that byte is 'Ö': add encoding='cp1252' to the source."
        ),
        "Name the encoding.",
        declares('hr.File("orders.csv", encoding="cp1252")'),
    ),
    Kind(
        "UTF-16 that is declared UTF-8",
        holds(csv().encode("utf-16-le")),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not written in UTF-8: every other byte of it is zero.\n"
            "  It is most likely utf-16-le: add encoding='utf-16-le' to the source."
        ),
        "Name the encoding.",
        declares('hr.File("orders.csv", encoding="utf-16-le")'),
    ),
    Kind(
        "UTF-8 that is declared UTF-16",
        declares('hr.File("orders.csv", encoding="utf-16")'),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not written in UTF-16.\n"
            "  It is most likely utf-8: add encoding='utf-8' to the source."
        ),
        "Leave `encoding=` out.",
    ),
    Kind(
        "A byte order mark",
        holds(_UMLAUTS.encode("utf-8-sig")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Nothing: it is no part of the first name.",
        holds(_UMLAUTS),
        0,
        ALL,
        keeps="Öl-3",
    ),
    Kind(
        "Separated by semicolons",
        holds(csv(separator=";")),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv has one column, called "
            "'order_id;amount;items;email;placed;settled;returned': it seems to be separated by ';', not by ','.\n"
            "  Add separator=';' to the source."
        ),
        "Name the separator.",
        declares('hr.File("orders.csv", separator=";")'),
    ),
    Kind(
        "A row with too few fields",
        holds(_line(20, f"o18,28.5,3,buyer18{PERSON}")),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not a proper CSV: Row #20: Expected 7 columns, got 4.\n"
            "  Every row has the header's fields, separated by ','; a text with a separator or line break is quoted."
        ),
        "Mend the row.",
    ),
    Kind(
        "A row with too many fields",
        holds(_line(20, _LINES[19] + ",true,8")),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not a proper CSV: Row #20: Expected 7 columns, got 9.\n"
            "  Every row has the header's fields, separated by ','; a text with a separator or line break is quoted."
        ),
        "Mend the row.",
    ),
    Kind(
        "A quote that is never closed",
        holds(_line(20, '"' + _LINES[19])),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not a proper CSV: Row #20: Expected 7 columns, got 1.\n"
            "  Every row has the header's fields, separated by ','; a text with a separator or line break is quoted."
        ),
        "Close it.",
    ),
    Kind(
        "A quote in the last field that is never closed",
        holds(_line(41, _LINES[40].rpartition(",")[0] + ',"yes')),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not a proper CSV: the quote that opens the last field of row "
            "41 is never closed.\n"
            "  Close it, or write the quote twice if it is part of the text."
        ),
        "Close it.",
    ),
    Kind(
        "Separators, quotes and line breaks in quotes",
        holds(changed(3, order_id='"a, ""b""\nc"')),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Nothing: that is proper CSV.",
        code=0,
        counts=ALL,
        keeps='a, "b"\nc',
    ),
    Kind(
        "Line breaks of Windows",
        holds(csv().replace("\n", "\r\n")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Nothing.",
        code=0,
        counts=ALL,
    ),
    Kind(
        "NUL bytes in a text",
        holds(changed(3, order_id="o\0003")),
        "40 rows in = 40 accepted + 0 quarantined + 0 duplicates",
        "Nothing: they are kept as they are.",
        code=0,
        counts=ALL,
        keeps="o\0003",
    ),
    Kind(
        "A line longer than 4 MB",
        holds(_line(20, "x" * _LONG_BYTES)),
        (
            "step 'ingest:orders' failed: project.py:4: line 20 of orders.csv is longer than 4 MB.\n"
            "  Check that its lines end in line breaks, and what stands there."
        ),
        "Find out what wrote it.",
    ),
    Kind(
        "One line without an end, a header longer than 4 MB",
        holds("x" * _LONG_BYTES),
        (
            "step 'ingest:orders' failed: project.py:4: line 1 of orders.csv is longer than 4 MB.\n"
            "  Check that its lines end in line breaks, and what stands there."
        ),
        "Find out what wrote it.",
    ),
    Kind(
        "Two columns of one name",
        holds(renamed("items", "amount")),
        ("step 'ingest:orders' failed: project.py:4: orders.csv has several columns called 'amount'.\n  Rename all but one of each."),
        "Rename one.",
    ),
    Kind(
        "A column without a name",
        holds(renamed("items", "")),
        ("step 'ingest:orders' failed: project.py:4: column 3 of orders.csv has no name.\n  Name it in the header."),
        "Name it.",
    ),
    Kind(
        "A column with a name that Headrace keeps",
        holds(renamed("items", "_arrival")),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv has a column called '_arrival', a name that Headrace keeps for "
            "itself.\n"
            "  Rename it in the file."
        ),
        "Rename it.",
    ),
    Kind(
        "No header: the first row is a row",
        holds("\n".join(_LINES[1:]) + "\n"),
        (
            "step 'ingest:orders' failed: project.py:4: the first row of orders.csv seems to hold values, not the names of "
            "columns.\n"
            "  Write the names of the columns above it, on a line of their own."
        ),
        "Write the header.",
    ),
    Kind(
        "A quote of the header that is never closed",
        holds('"' + csv()),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is not a proper CSV: a quote of its header is never closed.\n"
            "  Every row has the header's fields, separated by ','; a text with a separator or line break is quoted."
        ),
        "Close it.",
    ),
    Kind(
        "A broken line in JSON lines",
        **_json(_json_line(20, '{"order_id": "o19", "email": "x' + PERSON)),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.jsonl cannot be read as jsonl: line 20 is no JSON (Unterminated "
            "string starting at).\n"
            "  Check the file, or say what it is with format= (now 'jsonl')."
        ),
        fix="Mend the line.",
    ),
    Kind(
        "A line of JSON lines that is no object",
        **_json(_json_line(20, "[1, 2]")),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.jsonl cannot be read as jsonl: line 20 is JSON, but no object.\n"
            "  Check the file, or say what it is with format= (now 'jsonl')."
        ),
        fix="Mend the line.",
    ),
    Kind(
        "A JSON list in the place of JSON lines",
        **_json(("[" + ",\n".join(_JSON) + "]").encode()),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.jsonl cannot be read as jsonl: line 1 is no JSON (Expecting value).\n"
            "  Check the file, or say what it is with format= (now 'jsonl')."
        ),
        fix="Write an object a line.",
    ),
)
