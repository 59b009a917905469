"""Object stores that fail in the middle of a table that is read lazily: Polars tells of them, in words and by no class of its own.

HeadraceError
└── SystemFault
    ├── StoreUnread    it did not answer, or refused
    └── FileLost       a file that a table of the lake is made of is not there
"""

import re
from urllib.parse import unquote

from headrace.core.errors import SystemFault

_TOLD = re.compile(r"object-store error: (?P<words>.*) \(path: (?P<path>[^\n]*)\)(?P<causes>.*)", re.DOTALL)
# Said of a local file whose path would have to be encoded in a URL, such as one with a space.
_GONE = re.compile(r"No such file or directory \(os error \d+\): (?P<path>.*?\.parquet)\b")
_LOST = re.compile(r"Object at location (\S+) not found")
_OF_A_TABLE = re.compile(r"(?:^|/)lake/[^/]+/[^/]+/[^/]+\.parquet$")
_NUMBERED = re.compile(r"^ *\d+: ", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Where a store's client asks the machine it runs on for a key: it does so only when none is configured.
_MACHINES = re.compile(r"169\.254\.169\.254|169\.254\.170\.2|/latest/(?:api/token|meta-data)")
CREDENTIALS = (
    " No key is configured, and this machine has none to give: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or access_key_id and"
    " secret_access_key under [lake_options] in headrace.toml."
)
_REFUSAL = re.compile(r"(?:<\?xml[^>]*>\s*)?<Error>.*?<Code>(.*?)</Code>.*?<Message>(.*?)</Message>.*", re.DOTALL)


class StoreUnread(SystemFault):
    """The store of a table did not answer, or refused, while the table was read."""

    def __init__(self, where: str, why: str) -> None:
        keys = CREDENTIALS if asked_the_machine(why) else ""
        super().__init__(
            f"could not read {where}: {why}",
            remedy=f"Check that the store can be reached and lets these keys read, then run again: what was finished is kept.{keys}",
        )
        self.place = where


class FileLost(SystemFault):
    """A file that a table of the lake is made of is not there: it was removed by other means than Headrace's."""

    passing = False

    def __init__(self, table: str, file: str) -> None:
        super().__init__(
            f"the table at {table} has lost its file {file}.",
            remedy="headrace doctor tells what is lost, and headrace run makes it again; what no run makes, such as the log of predictions,"
            " comes from a backup. If headrace gc was at work, with a short --grace, only ask again.",
        )
        self.place = table


def store_fault(error: BaseException) -> SystemFault | None:
    """Return the fault that stands behind what Polars said of an object store, or None if it said nothing of one."""
    if not isinstance(error, OSError) and type(error).__name__ != "ComputeError":
        return None
    told = _TOLD.search(str(error))
    if told is None:
        gone = _GONE.search(str(error))
        return _lost(*gone["path"].rpartition("/")[::2]) if gone else None
    folder, _, file = unquote(told["path"].removeprefix("file://")).rpartition("/")
    lost = _LOST.search(told["words"])
    if not lost:
        causes = _NUMBERED.sub("", told["causes"].replace("Caused by:", ""))
        return StoreUnread(folder, in_a_line(in_a_line(told["words"]) + causes))
    return _lost(folder, unquote(lost[1]).rpartition("/")[2] or file)


def _lost(folder: str, file: str) -> FileLost | None:
    return FileLost(folder, file) if _OF_A_TABLE.search(f"{folder}/{file}") else None


def asked_the_machine(reason: object) -> bool:
    """Tell whether a store failed for want of a key: none was configured, and the machine's own service was asked for one."""
    return _MACHINES.search(str(reason)) is not None


def in_a_line(reason: object) -> str:
    """Return what a library said of a store without its colours, its arrows, its debugging and the store's XML."""
    text = _COLOUR.sub("", str(reason)).partition("\n\nDebug source")[0]
    lines = _REFUSAL.sub(r"\1: \2", text).splitlines()
    return " - ".join(told for line in lines if (told := line.strip(" \t↳")))
