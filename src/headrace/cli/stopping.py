"""Ctrl-C and SIGTERM: the command says so and is gone within a second, whatever it is doing.

Python runs a signal's handler in the main thread, between two of its instructions: not while that thread computes in a library or
waits for one that does, and at the end the interpreter waits for threads that nobody can stop. So the operating system's own
handler also writes the signal's number into a pipe, and a thread that sleeps on the pipe ends the process when the main thread has not
ended it after half a second, or at once when the signal comes a second time.

Ending a process where it stands (`os._exit`) leaves nothing half-written: ledger and workflows are transactions with a log, a table's
version is one commit, blobs, bundles and predictions appear by renaming what is whole. It is what `kill -9` does, which the tests do
inside every step; only what was printed is flushed first.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_SECONDS = 0.5
_FLUSH_SECONDS = 0.2
_SHOW_CURSOR = "\x1b[?25h"

_told = threading.Lock()


class Stop:
    """What was heard. `code` is the exit code of the signal that came, or None."""

    def __init__(self) -> None:
        self.code: int | None = None
        self._ears, mouth = os.pipe()
        os.set_blocking(mouth, False)
        for number in _SIGNALS:
            signal.signal(number, self._raise)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="stop", daemon=True).start()

    def leave(self) -> NoReturn:
        """End the process now, with the signal's exit code."""
        leave(self.code or INTERRUPTED, tell)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.code is None:
            self.code = 128 + number
            raise KeyboardInterrupt

    def _watch(self) -> None:
        while (number := os.read(self._ears, 1)[0]) not in _SIGNALS:
            pass
        select.select([self._ears], [], [], _PATIENCE_SECONDS)
        self.code = 128 + number
        self.leave()


def leave(code: int, last_words: Callable[[], None] = lambda: None) -> NoReturn:
    """End the process now, what was printed flushed, whatever its threads do."""
    # A reader that does not read would keep what is flushed, and us, for ever.
    timer = threading.Timer(_FLUSH_SECONDS, os._exit, [code])
    timer.daemon = True
    timer.start()
    last_words()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def tell() -> None:
    """Say, once, that the command was interrupted, and show a cursor that a progress display had hidden."""
    if _told.acquire(blocking=False):
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
        sys.stderr.write(f"{cursor}interrupted; run the command again to go on where it stopped.\n")


def release() -> None:
    """Give the signals back to whoever comes next: a server ends in its own order, and takes the time it needs."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
