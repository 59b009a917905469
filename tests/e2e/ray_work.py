"""What workers of a cluster are asked to do by `ray_checks`: at the top of a module, so that it is sent by its name."""

import os
import signal
import time
from pathlib import Path

import polars as pl

from headrace.core.errors import UserError
from headrace.features.shared import Shared


class Odd(Exception):
    """An error that cannot be sent: it takes two words, and leads to a function."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")
        self.way_back = lambda: None


def square(number: int) -> int:
    return number * number


def fault(kind: str) -> None:
    if kind == "user":
        raise UserError("a part is wrong.", remedy="Mend it.")
    if kind == "value":
        raise ValueError("no such thing")
    if kind == "odd":
        raise Odd("very", "odd")
    if kind == "exit":
        raise SystemExit("enough")
    raise pl.exceptions.PanicException("a defect")


def die_once(mark: str) -> int:
    """Be killed the first time, leaving a mark."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 7


def count_and_fail(mark: str) -> None:
    with Path(mark).open("a", encoding="utf-8") as file:
        file.write("x")
    raise ValueError("again and again")


def sleep_long(mark: str) -> None:
    Path(mark).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(600)


def tell_secret(shared: Shared) -> None:
    with shared.opened():
        raise ValueError(f"the store refused {dict(shared.lake.options)['secret_access_key']}")
