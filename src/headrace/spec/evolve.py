"""What happens when a table's source changes its columns."""

from collections.abc import Mapping
from types import MappingProxyType

from headrace.spec.declaration import Declaration, as_mapping
from headrace.spec.errors import InvalidOption, SpecError

_CHOICES = {"add": ("accept", "ignore", "refuse"), "widen": ("quarantine", "accept", "refuse"), "remove": ("refuse", "null")}
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Evolve(Declaration, frozen=True, kw_only=True):
    """The rules by which a table follows its source. Each change that was made is a result of the contract.

    Attributes:
        add: a column that was not there before is accepted, ignored, or ends the run.
        widen: where whole numbers become numbers with decimals, rows that have some are set aside with the reason, or the whole column is
            read again as `float`, or the run ends. A type pinned in `types=` is never widened.
        remove: where a column is gone, the run ends, or the column stays and is null.
        rename: old names in the source and the ones they have now; files with either name are read alike.

    >>> Evolve(widen="accept", rename={"dep": "departed"}).add
    'accept'
    """

    add: str = "accept"
    widen: str = "quarantine"
    remove: str = "refuse"
    rename: Mapping[str, str] = _NOTHING

    def __post_init__(self) -> None:
        super().__post_init__()
        for option, choices in _CHOICES.items():
            if getattr(self, option) not in choices:
                expected = f"one of {', '.join(map(repr, choices))}"
                raise InvalidOption(f"{option} of Evolve()", getattr(self, option), expected, location=self.location)
        self._set("rename", as_mapping(self.rename))
        again = sorted(set(self.rename) & set(self.rename.values()))
        if again:
            raise SpecError(
                f"Evolve() renames {again[0]!r} and to {again[0]!r}.", remedy="Give each old name its newest one.", location=self.location
            )
