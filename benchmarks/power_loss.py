"""`python -m benchmarks.power_loss [COMMITS]`: what a loss of power can leave of an embedded store, tried on disks of every kind.

The writes and syncs of a process that makes commits are recorded (by `strace`, which must be installed). A loss of power after any of them
leaves all that was synced before, and of each sector of 512 bytes written since then the old or the new, as chance has it. Each such file
is opened, and must hold one commit whole: the newest that was returned, or the one before. The same is done with syncing switched off, to
see that the trial can fail. Exit code 1 if the store was ever in pieces.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from headrace.core.errors import HeadraceError
from headrace.features.stores.contract import Commit, Field
from headrace.features.stores.embedded import EmbeddedStore

_SECTOR, _RECORDS, _KEPT, _TRIES = 512, 30, 7, 8
_MEMORY = Path("/dev/shm")  # where syncs cost nothing: disks are made up here anyway
_CALL = re.compile(r"\d+ +(pwrite64|writev|fdatasync|lseek|write)\((\d+)(?:<([^>]*)>)?(.*)\) += (\d+)")
_BYTES = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_WORK = """
import sys
from pathlib import Path
import lmdb
if sys.argv[3] == "unsynced":
    synced = lmdb.open
    lmdb.open = lambda *names, **options: synced(*names, **options | {"sync": False})
from benchmarks.power_loss import work
work(Path(sys.argv[1]), int(sys.argv[2]))
"""


class Written(NamedTuple):
    """Bytes put into the file; `returned` is how many commits had returned by then."""

    at: int
    data: bytes
    returned: int


def work(folder: Path, commits: int) -> None:
    """Make commits, and print the number of each when it has returned."""
    store = EmbeddedStore(folder)
    for number in range(1, commits + 1):
        value = b"%0300d" % number
        put = [(Field("records", b"%d" % random.randrange(10**6), b"f"), value) for _ in range(10)]
        put += [(Field("same", b"%d" % record, b"f"), value) for record in range(_RECORDS)]
        put.append((Field("newest", b"%09d" % number, b"f"), value))
        drop = [Field("newest", b"%09d" % (number - _KEPT), b"f")]
        store.commit(Commit(marks={"number": b"%d" % number}, put=put, drop=drop))
        print(f"returned {number}", flush=True)


def losses(folder: Path, commits: int, how: str) -> Iterator[str]:
    """Yield what each loss of power left: "" for a whole store, else what is wrong with it."""
    synced, since = bytearray(), []
    for number, call in enumerate(_recorded(folder, commits, how)):
        if call is None:
            for each in since:
                _put(synced, each.at, each.data)
            since = []
            continue
        since.append(call)
        for turn in range(_TRIES):
            yield _opened(folder / "after", _lost(synced, since, random.Random(f"{number} {turn}")), call.returned)


def _recorded(folder: Path, commits: int, how: str) -> Iterator[Written | None]:
    """Yield what was written, in order, and None for each sync."""
    log = folder / "calls"
    python = [sys.executable, "-c", _WORK, str(folder / "store"), str(commits), how]
    watched = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-e", "trace=pwrite64,writev,write,fdatasync,lseek", "-o", str(log), *python]
    subprocess.run(watched, check=True, capture_output=True)
    returned, place = 0, 0
    for found in map(_CALL.match, log.read_text(encoding="utf-8").splitlines()):
        if found is None:
            continue
        name, descriptor, path, rest, result = found.groups()
        data = b"".join(bytes.fromhex(part.replace("\\x", "")) for part in _BYTES.findall(rest))
        of_file = bytes.fromhex(path.replace("\\x", "")).endswith(b"data.mdb") if path else False
        if name == "write" and descriptor == "1" and data.startswith(b"returned"):
            returned = int(data.split()[1])
        elif of_file and name == "fdatasync":
            yield None
        elif of_file and name == "lseek":
            place = int(result)
        elif of_file and name == "pwrite64":
            yield Written(int(rest.rsplit(",", 1)[1]), data[: int(result)], returned)
        elif of_file and name == "writev":
            yield Written(place, data[: int(result)], returned)


def _lost(synced: bytearray, since: list[Written], chance: random.Random) -> bytes:
    """Return the file with some sectors of what was written since the last sync."""
    left, share = bytearray(synced), chance.random()
    for each in since:
        start = 0
        while start < len(each.data):
            end = min(len(each.data), start + _SECTOR - (each.at + start) % _SECTOR)
            if chance.random() < share:
                _put(left, each.at + start, each.data[start:end])
            start = end
    return bytes(left)


def _put(file: bytearray, at: int, data: bytes) -> None:
    file.extend(bytes(max(0, at + len(data) - len(file))))
    file[at : at + len(data)] = data


def _opened(folder: Path, data: bytes, returned: int) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "data.mdb").write_bytes(data)
    heard, told = os.pipe()
    child = os.fork()  # what is in pieces may crash whoever looks
    if not child:
        try:
            os.write(told, _look(folder).encode())
        finally:
            os._exit(0)
    os.close(told)
    with os.fdopen(heard, encoding="utf-8") as answer:
        said = answer.read() or "it crashed"
    os.waitpid(child, 0)
    if not returned and "no state of Headrace" in said:
        return ""  # the file was being made, and held nothing
    return "" if said.isdecimal() and int(said) >= returned - 1 else f"after {returned} commits: {said[:200]}"


def _look(folder: Path) -> str:
    """Return the number of the commit that is there whole, or what is wrong."""
    try:
        store = EmbeddedStore(folder)
        number = int(store.marks("number").get("number", b"0"))
        same, newest, every = store.walk("same").records, store.walk("newest").records, store.walk("records", most=10**6).records
        assert {int(value) for _, fields in same for _, value in fields} == ({number} if number else set()), "not one commit"
        assert sorted(int(key) for key, _ in newest) == list(range(max(1, number - _KEPT + 1), number + 1)), "fields are missing"
        assert all(int(value) <= number for _, fields in every for _, value in fields), "fields are newer than the mark"
        store.commit(Commit(marks={"number": b"next"}))
    except (HeadraceError, AssertionError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return str(number)


def main(commits: int) -> int:
    """Try both, and return the exit code."""
    broken = {}
    for how in ("synced", "unsynced"):
        with tempfile.TemporaryDirectory(prefix="headrace-power-", dir=_MEMORY if _MEMORY.exists() else None) as folder:
            told = list(losses(Path(folder), commits if how == "synced" else min(commits, 5), how))
        broken[how] = [each for each in told if each]
        print(f"{how}: {len(told)} losses of power, {len(broken[how])} left it in pieces or older {broken[how][:2]}", flush=True)
    return 1 if broken["synced"] or not broken["unsynced"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12))
