"""What the operating system says this process has used so far."""

import dataclasses
import os
import resource
import time
from pathlib import Path

_IO = Path("/proc/self/io")
_MEMORY = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Totals of this process since it began; `cpu_us` includes children that have ended. None: the system does not tell."""

    wall_us: int
    cpu_us: int
    read_bytes: int | None
    written_bytes: int | None


def read_totals() -> Reading:
    """Return the totals as of now."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_us = sum(round(part * 1e6) for part in (own.ru_utime, own.ru_stime, children.ru_utime, children.ru_stime))
    return Reading(time.perf_counter_ns() // 1000, cpu_us, *read_io())


def read_io(path: Path = _IO) -> tuple[int | None, int | None]:
    """Return the bytes that went through read and write calls, or (None, None) where the system does not tell."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        # Not Linux, or a container that hides it: unknown is not zero.
        return None, None
    counts = {name: int(value) for name, _, value in (line.partition(":") for line in lines)}
    return counts.get("rchar"), counts.get("wchar")


def read_rss(path: Path = _MEMORY) -> int | None:
    """Return the resident set in bytes, or None where the system does not tell."""
    try:
        return int(path.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return None
