"""Files that are not there, not whole, or not what they are said to be."""

import base64
import gzip
import io
import zipfile
from functools import partial

import polars as pl
import xlsxwriter

from broken_inputs.kinds import Counts, Kind, Step, declares, gone, holds, steps
from broken_inputs.place import HEADER, Place, csv, good, objects, orders

# A zip with a password, which Python's library cannot write.
_LOCKED = base64.b64decode(
    "UEsDBAoACQAAADEzdl28vLo7GAAAAAwAAAAFABwAYS5jc3ZVVAkAA92KAmvdigJrdXgLAAEEAAAAAAQAAAAApoDFTX1Do7s73K0xrj3Le902e8Uz+3Q+UEsHCLy8ujsY"
    "AAAADAAAAFBLAQIeAwoACQAAADEzdl28vLo7GAAAAAwAAAAFABgAAAAAAAEAAACkgQAAAABhLmNzdlVUBQAD3YoCa3V4CwABBAAAAAAEAAAAAFBLBQYAAAAAAQABAEsA"
    "AABnAAAAAAA="
)


def zipped(method: int = zipfile.ZIP_DEFLATED, **contents: str) -> bytes:
    """Return a zip of CSV files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(f"{name}.csv", content)
    return packed.getvalue()


def typed() -> pl.DataFrame:
    """Return the orders with the types that files like Parquet know."""
    return pl.DataFrame(objects()).with_columns(pl.col("placed", "settled").str.to_datetime(time_zone="UTC"))


def parquet(frame: pl.DataFrame | None = None) -> bytes:
    """Return the orders, or what is given, as Parquet."""
    written = io.BytesIO()
    (typed() if frame is None else frame).write_parquet(written)
    return written.getvalue()


def arrow() -> bytes:
    """Return the orders as an Arrow file."""
    written = io.BytesIO()
    typed().write_ipc(written)
    return written.getvalue()


def workbook(*sheets: str) -> bytes:
    """Return an Excel workbook with the orders in each sheet."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        for name in sheets:
            sheet = book.add_worksheet(name)
            for line, row in enumerate([HEADER, *(each.values() for each in objects())]):
                sheet.write_row(line, 0, row)
    return written.getvalue()


def as_file(name: str, broken: bytes, whole: bytes) -> dict[str, Step]:
    """Declare a file of another name, broken and then whole."""
    return {"breaks": steps(declares(f'hr.File("{name}")'), holds(broken, name)), "mends": holds(whole, name)}


def _folder_in_its_place(place: Place) -> None:
    (place.folder / "orders.csv").unlink()
    place.write("orders.csv/january.csv", csv())


def _days(place: Place) -> None:
    place.declare('hr.Folder("days/*.csv", differing="refuse")')
    for name, part in (("1.csv", orders()[:20]), ("2.csv", orders()[20:])):
        place.write(f"days/{name}", csv(part))


_ZIP, _GZ, _PARQUET, _ARROW = zipped(orders=csv()), gzip.compress(csv().encode()), parquet(), arrow()
_STORED = zipped(zipfile.ZIP_STORED, orders=csv())
_NESTED = parquet(typed().with_columns(address=pl.struct(city=pl.lit("Ulm"))))
_zip, _gz = partial(as_file, "orders.csv.zip", whole=_ZIP), partial(as_file, "orders.csv.gz", whole=_GZ)
_parquet, _excel = partial(as_file, "orders.parquet", whole=_PARQUET), partial(as_file, "orders.xlsx", whole=workbook("orders"))

FILES = (
    Kind(
        "The file's name is misspelt",
        declares('hr.File("order.csv")'),
        ("project.py:4: there is no file order.csv.\n  Did you mean 'orders.csv'? Valid: orders.csv, project.py."),
        "Correct the path.",
    ),
    Kind(
        "The file is gone since the last run",
        gone(),
        "project.py:4: there is no file orders.csv.\n  Valid: project.py.",
        "Put it back.",
        before=good,
    ),
    Kind(
        "A folder stands where the file should be",
        _folder_in_its_place,
        "project.py:4: orders.csv is a folder.\n  Name one file of it: january.csv.",
        "Name a file of it, or use `hr.Folder`.",
    ),
    Kind(
        "The file is empty",
        holds(""),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is empty.\n"
            "  A CSV has at least a header line with the names of its columns."
        ),
        "Export it again.",
    ),
    Kind(
        "The file is empty since the last run",
        holds(""),
        (
            "step 'ingest:orders' failed: project.py:4: orders.csv is empty.\n"
            "  A CSV has at least a header line with the names of its columns."
        ),
        "Export it again.",
        before=good,
    ),
    Kind(
        "The name does not say what the file is",
        steps(declares('hr.File("orders.dat")'), holds(csv(), "orders.dat")),
        (
            "project.py:4: the format of File('orders.dat') cannot be ''.\n"
            "  Expected a name that ends in .csv, .tsv, .txt, .jsonl, .ndjson, .parquet, .pq, .arrow, .feather, .ipc, .xlsx, "
            ".xlsm, .xlsb, .xls, .ods, .avro, or format= one of csv, jsonl, parquet, arrow, excel, avro."
        ),
        "Add `format=`.",
        declares('hr.File("orders.dat", format="csv")'),
    ),
    Kind(
        "A zip that is cut off",
        **_zip(_ZIP[:300]),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.zip cannot be unpacked: File is not a zip file.\n"
            "  Pack it again, or give the plain file."
        ),
        fix="Copy it again.",
    ),
    Kind(
        "A zip whose bytes were damaged",
        **_zip(_STORED.replace(b"buyer7@", b"buyer8@")),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.zip cannot be unpacked: Bad CRC-32 for file 'orders.csv'.\n"
            "  Pack it again, or give the plain file."
        ),
        fix="Copy it again.",
    ),
    Kind(
        "A zip with nothing in it",
        **_zip(zipped()),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.zip holds no file.\n  A zip must hold exactly one; pack each by itself."
        ),
        fix="Pack it again.",
    ),
    Kind(
        "A zip with two files",
        **_zip(zipped(orders=csv(), shops="shop\n1\n")),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.zip holds 2 files: orders.csv, shops.csv.\n"
            "  A zip must hold exactly one; pack each by itself."
        ),
        fix="Pack the one by itself.",
    ),
    Kind(
        "A zip with a password",
        **_zip(_LOCKED),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.zip cannot be unpacked: File 'a.csv' is encrypted, password "
            "required for extraction.\n"
            "  Pack it again, or give the plain file."
        ),
        fix="Pack it without one.",
    ),
    Kind(
        "A gz that is cut off",
        **_gz(_GZ[:-50]),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.gz cannot be unpacked: Compressed file ended before the "
            "end-of-stream marker was reached.\n"
            "  Pack it again, or give the plain file."
        ),
        fix="Copy it again.",
    ),
    Kind(
        "A gz that is none",
        **_gz(csv().encode()),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.csv.gz cannot be unpacked: Not a gzipped file (b'or').\n"
            "  Pack it again, or give the plain file."
        ),
        fix="Pack it, or take `.gz` off its name.",
    ),
    Kind(
        "A Parquet file that is cut off",
        **_parquet(_PARQUET[:-100]),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.parquet cannot be read as parquet: Parquet magic bytes not found in "
            "footer. Either the file is corrupted or this is not a parquet file.\n"
            "  Check the file, or say what it is with format= (now 'parquet')."
        ),
        fix="Copy it again.",
    ),
    Kind(
        "A Parquet file damaged in the middle",
        **_parquet(_PARQUET[:200] + bytes(300) + _PARQUET[500:]),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.parquet cannot be read as parquet: Couldn't deserialize thrift: "
            "TProtocolException: Invalid data Deserializing page header failed.\n"
            "  Check the file, or say what it is with format= (now 'parquet')."
        ),
        fix="Copy it again.",
    ),
    Kind(
        "A CSV that is called Parquet",
        **_parquet(csv().encode()),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.parquet cannot be read as parquet: Parquet magic bytes not found in "
            "footer. Either the file is corrupted or this is not a parquet file.\n"
            "  Check the file, or say what it is with format= (now 'parquet')."
        ),
        fix="Give the file its right name, or `format=`.",
    ),
    Kind(
        "A nested column in Parquet",
        **_parquet(_NESTED),
        says=(
            "step 'ingest:orders' failed: the column 'address' is Struct({'city': String}); a table holds booleans, integers, "
            "floats, texts, datetimes and durations.\n"
            "  Leave 'address' out of the source, or write its parts there as columns of their own."
        ),
        fix="Write its parts as columns.",
    ),
    Kind(
        "An Arrow file that is cut off",
        **as_file("orders.arrow", _ARROW[:-100], _ARROW),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.arrow cannot be read as arrow: Not an Arrow file.\n"
            "  Check the file, or say what it is with format= (now 'arrow')."
        ),
        fix="Copy it again.",
    ),
    Kind(
        "A workbook with two sheets",
        **_excel(workbook("orders", "notes")),
        says=("step 'ingest:orders' failed: project.py:4: orders.xlsx has 2 sheets.\n  Say which with sheet=: 'orders', 'notes'."),
        fix="Name the sheet, or take the other out.",
    ),
    Kind(
        "A sheet that the workbook has not",
        steps(declares('hr.File("orders.xlsx", sheet="order")'), holds(workbook("orders"), "orders.xlsx")),
        ("step 'ingest:orders' failed: project.py:4: orders.xlsx has no sheet 'order'.\n  Did you mean 'orders'? Valid: orders."),
        "Correct `sheet=`.",
        declares('hr.File("orders.xlsx", sheet="orders")'),
    ),
    Kind(
        "A CSV that is called Excel",
        **_excel(csv().encode()),
        says=(
            "step 'ingest:orders' failed: project.py:4: orders.xlsx cannot be read as excel: Cannot detect file format.\n"
            "  Check the file: it must be an Excel workbook (.xlsx, .xls, .xlsb) or an .ods."
        ),
        fix="Give the file its right name, or `format=`.",
    ),
    Kind(
        "A folder with no file in it",
        declares('hr.Folder("days/*.csv")'),
        "project.py:4: there is no folder days.\n  Valid: .headrace, orders.csv, project.py.",
        "Correct the path, or put the files there.",
        _days,
    ),
    Kind(
        "One file of a folder has other columns",
        steps(_days, holds(csv(orders()[20:]).replace("amount", "total", 1), "days/2.csv")),
        (
            "step 'ingest:orders' failed: project.py:4: 2.csv has no 'amount' and has 'total' besides, unlike 1.csv.\n"
            "  Mend the file, or let columns be null where a file has them not: differing='union'."
        ),
        "Make the files alike, or allow the union.",
        _days,
    ),
    Kind(
        "One file of a folder is empty",
        steps(_days, holds("", "days/2.csv")),
        (
            "step 'ingest:orders' failed: project.py:4: days/2.csv is empty.\n"
            "  A CSV has at least a header line with the names of its columns."
        ),
        "Put the whole file there, or take it out.",
        _days,
    ),
    Kind(
        "Files overlap: a row is in two of them",
        steps(_days, holds(csv(orders()[19:]), "days/2.csv")),
        "41 rows in = 40 accepted + 0 quarantined + 1 duplicate",
        "Nothing: the first one stays. Or cut the files anew.",
        _days,
        0,
        Counts(40, 0, 1),
    ),
)
