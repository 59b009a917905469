"""What a piece of work used."""

import dataclasses
from decimal import Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work used: whole microseconds and bytes, so that parts add up exactly.

    `cpu_us`: CPU time, user and system, children included. `wall_us`: from start to end. `memory_byte_us`: memory held, in bytes
    times microseconds. `peak_rss_bytes`: the process's largest resident set meanwhile, other work in it included. `read_bytes` and
    `written_bytes`: what went through read and write calls, cached or not, sockets included. None: the system does not tell.
    """

    cpu_us: int = 0
    wall_us: int = 0
    memory_byte_us: int | None = None
    peak_rss_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None

    @property
    def cpu_seconds(self) -> float:
        """CPU time in seconds."""
        return self.cpu_us / 1e6

    @property
    def wall_seconds(self) -> float:
        """Time from start to end in seconds."""
        return self.wall_us / 1e6

    def __add__(self, other: "Usage") -> "Usage":
        """What both used together: wall times add up as if one came after the other, peaks give the higher one."""
        return Usage(
            self.cpu_us + other.cpu_us,
            self.wall_us + other.wall_us,
            _sum(self.memory_byte_us, other.memory_byte_us),
            max((peak for peak in (self.peak_rss_bytes, other.peak_rss_bytes) if peak is not None), default=None),
            _sum(self.read_bytes, other.read_bytes),
            _sum(self.written_bytes, other.written_bytes),
        )


def _sum(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else left + right


def seconds(microseconds: int) -> Decimal:
    """Return microseconds as seconds, exactly."""
    return Decimal(microseconds).scaleb(-6)


def gib(size_bytes: int) -> Decimal:
    """Return bytes as GiB, to the precision of the decimal context (28 digits unless changed)."""
    return Decimal(size_bytes) / Decimal(2**30)
