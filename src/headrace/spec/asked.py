"""What the sources have in common that are asked for their rows: databases, HTTP interfaces, a user's own code."""

from headrace.spec.sources import Zoned

_HOW_TO_READ = frozenset(Zoned.__struct_fields__)


class Asked(Zoned, frozen=True, kw_only=True):
    """A source that is asked. What it answers is landed (kept as it came) before anything is made from it."""

    @property
    def place(self) -> str:
        """What to call it before people; without secrets."""
        raise NotImplementedError  # each kind of source does

    @property
    def meaning(self) -> dict[str, object]:
        """What of the declaration decides the rows that are landed: under another meaning everything is asked for anew."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in _HOW_TO_READ}
