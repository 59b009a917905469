"""Who is on the team and who must agree."""

from headrace.spec.declaration import Declaration, NamedDeclaration, as_names
from headrace.spec.errors import InvalidOption


class Person(NamedDeclaration, frozen=True, kw_only=True):
    """A member of the team. `name` is the identity that `HEADRACE_USER` or a token gives."""

    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("roles", as_names(self.roles))


class Approve(Declaration, frozen=True, kw_only=True):
    """So many people with a role, other than the one who ran the training, must approve before a model is served."""

    role: str
    count: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 1:
            raise InvalidOption("count of Approve()", self.count, "at least 1", location=self.location)
