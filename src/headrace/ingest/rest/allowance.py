"""What an API says is left of its allowance in the structured fields `RateLimit` and `RateLimit-Policy`.

draft-ietf-httpapi-ratelimit-headers-10: each policy is named by a string; `r` is what is left of its quota, `t` the seconds until it is
reset, and in the policy `w` the seconds of its window. Written as RFC 9651 lists, of which the parts that are used here are read.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_TEXT = r'"(?:[^"\\]|\\.)*"'
_PARAMETER = re.compile(rf";[ ]*([a-z*][a-z0-9_.*-]*)(?:=({_TEXT}|[^\",; ]+))?")
_MEMBER = re.compile(rf"[ \t]*({_TEXT}|[^\",; \t]+)((?:{_PARAMETER.pattern})*)[ \t]*(?:,|$)")
_WHOLE = re.compile(r"[0-9]{1,15}")


class Allowance(NamedTuple):
    """What is left of one quota, and the seconds until there is more; None where it is not said."""

    left: int | None
    seconds: int | None


def read_allowances(headers: Mapping[str, str]) -> list[Allowance]:
    """Return each quota that `RateLimit` tells of; a field that is no list of that kind tells of none."""
    policies = dict(_members(headers.get("RateLimit-Policy", "")))
    return [
        Allowance(_whole(told, "r"), _whole(told, "t") if "t" in told else _whole(policies.get(name, {}), "w"))
        for name, told in _members(headers.get("RateLimit", ""))
    ]


def _members(field: str) -> list[tuple[str, dict[str, str]]]:
    """Return the members of a list with their parameters; none at all if the list is not well-formed, as RFC 9651 asks."""
    found, position = [], 0
    while position < len(field):
        member = _MEMBER.match(field, position)
        if member is None:
            return []
        found.append((member[1], dict(_PARAMETER.findall(member[2]))))
        position = member.end()
    return found


def _whole(parameters: Mapping[str, str], name: str) -> int | None:
    return int(parameters[name]) if _WHOLE.fullmatch(parameters.get(name, "")) else None
