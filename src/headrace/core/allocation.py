"""How the C library hands out memory, where it is glibc's."""

import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES, _MAPPED_BYTES = 64 << 20, 32 << 20


def reuse_freed_memory() -> None:
    """Make this process use memory anew that it freed, instead of giving it back and asking for it again. For a process of our own.

    Columns are made and dropped hundreds of times a second. As it is, each thread frees them to an arena of its own, which gives them back
    to the system at once; the system hands out and clears the same pages again: a quarter of the CPU time of a lookup. One arena holds
    less, too, since what one thread has freed another may use. The thresholds are those that glibc itself comes to. What the environment
    says (`MALLOC_ARENA_MAX`, `GLIBC_TUNABLES`) stays; elsewhere than on glibc nothing is done.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    import ctypes  # kept out of start-up: looking at things needs none of it

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl has none
        return
    for parameter, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _KEPT_BYTES), (_MMAP_THRESHOLD, _MAPPED_BYTES)):
        mallopt(parameter, value)
