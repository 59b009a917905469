"""The root of every error that Headrace raises on purpose.

Each room has its own `errors.py` whose classes descend from these two:

    HeadraceError
    ├── UserError      the description, the data or the call is at fault; trying again changes nothing
    └── SystemFault    the machine, a store or a network is at fault; trying again may help

A message says what failed, with the offending value, the valid choices and the next step to take.
"""

import difflib
from collections.abc import Iterable

from headrace.core.locations import Location


class HeadraceError(Exception):
    """What failed and what to do next.

    `problem` is one or two sentences with the offending value in them. `remedy` is the next step. `location` is the line of the
    user's own file that is to blame, where there is one. Errors survive pickling whatever their constructor takes.
    """

    def __init__(self, problem: str, *, remedy: str = "", location: Location | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.location = location

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.problem}" + (f"\n  {self.remedy}" if self.remedy else "")

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive, (type(self), self.args, dict(self.__dict__)))


class UserError(HeadraceError):
    """The description, the data or the call is at fault; trying again changes nothing."""


class SystemFault(HeadraceError):
    """The machine, a store or a network is at fault; trying again may help.

    `passing` says whether it may help soon: a run tries a step again whose fault may pass, and does not where somebody must act first.
    """

    passing: bool = True


def _revive(cls: type[HeadraceError], args: tuple[object, ...], state: dict[str, object]) -> HeadraceError:
    error = cls.__new__(cls)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


_LONGEST_NAME = 200


def closest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like `name`, or None if none is near."""
    # Cut, since the search reads every letter of a name that may have come in a request: a second for 4 MB.
    known = list(choices)
    found = difflib.get_close_matches(name[:_LONGEST_NAME], known, n=1, cutoff=0.6)
    return found[0] if found else next((each for each in known if each.casefold() == name.casefold()), None)


def suggest(name: str, choices: Iterable[str], limit: int = 12) -> str:
    """Return a sentence that names the nearest valid choice and lists what there is."""
    known = sorted(choices)
    near = closest(name, known)
    listed = ", ".join(known[:limit]) + (f" and {len(known) - limit} more" if len(known) > limit else "")
    hint = f"Did you mean {near!r}? " if near else ""
    return f"{hint}Valid: {listed}." if known else f"{hint}There are none."
