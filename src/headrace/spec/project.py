"""The project, with the checks that need to see several declarations at once."""

from headrace.expressions.types import INT_MAX, INT_MIN
from headrace.spec.declaration import NamedDeclaration, check_kind, check_plain_name
from headrace.spec.errors import InvalidOption, SpecError, UnknownName
from headrace.spec.learning import Learning
from headrace.spec.model import Model
from headrace.spec.people import Person
from headrace.spec.retention import Retention
from headrace.spec.scoring import Scoring
from headrace.spec.tables import Table, with_parents
from headrace.spec.visibility import check_features


class Project(NamedDeclaration, frozen=True, kw_only=True):
    """The whole description. Constructing one checks everything that can be checked without reading data.

    Attributes:
        streams: what `headrace stream` does beside filling tables: the models that answer as questions come, and those that go on learning.
    """

    models: tuple[Model, ...]
    streams: tuple[Scoring | Learning, ...] = ()
    team: tuple[Person, ...] = ()
    seed: int = 0
    retention: Retention | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("models", tuple(self.models))
        self._set("streams", tuple(self.streams))
        self._set("team", tuple(self.team))
        check_plain_name("the project's name", self)
        for model in self.models:
            check_kind("a model of Project()", model, Model, "hr.Model(...)", self.location)
        for person in self.team:
            check_kind("a person of Project()'s team", person, Person, "a person, such as hr.Person('ana')", self.location)
        if type(self.seed) is not int or not INT_MIN <= self.seed <= INT_MAX:
            raise InvalidOption("seed of Project()", self.seed, "a whole number of 64 bits, such as 7", location=self.location)
        self._check_names("model", self.models)
        self._check_names("person", self.team)
        self._check_tables()
        for model in self.models:
            check_features(model.features)
            self._check_approval(model)
        self._check_streams()

    def tables(self) -> tuple[Table, ...]:
        """Every table that a model needs, inputs before what is made from them."""
        found: dict[int, Table] = {}
        for model in self.models:
            for table in model.features.tables():
                for each in with_parents(table):
                    found.setdefault(id(each), each)
        return tuple(found.values())

    @property
    def retained(self) -> Retention:
        """How long what is no longer in use stays, whether that was written or not."""
        return self.retention or Retention(location=self.location)

    @property
    def scorings(self) -> tuple[Scoring, ...]:
        """The models that answer as questions come."""
        return tuple(each for each in self.streams if isinstance(each, Scoring))

    @property
    def learnings(self) -> tuple[Learning, ...]:
        """The models that go on learning as rows come."""
        return tuple(each for each in self.streams if isinstance(each, Learning))

    def model(self, name: str) -> Model:
        """Return a model by name.

        Raises:
            UnknownName: if there is none.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownName("model", name, [model.name for model in self.models])

    def _check_names(self, kind: str, named: tuple[Model, ...] | tuple[Person, ...]) -> None:
        seen: dict[str, object] = {}
        for each in named:
            if each.name in seen:
                raise SpecError(f"two {kind}s are called {each.name!r}.", remedy="Rename one.", location=each.location)
            seen[each.name] = each

    def _check_tables(self) -> None:
        seen: dict[str, Table] = {}
        for table in self.tables():
            if table.name in seen:
                raise SpecError(
                    f"two tables are called {table.name!r}.",
                    remedy="Rename one, or declare it once and use the same value.",
                    location=table.location,
                )
            seen[table.name] = table

    def _check_streams(self) -> None:
        seen: set[tuple[type, str]] = set()
        for each in self.streams:
            kind = type(each).__name__
            if not isinstance(each, Scoring | Learning):
                raise InvalidOption("streams= of Project()", kind, "hr.Scoring(...) or hr.Learning(...)", location=self.location)
            if each.model not in self.models:
                raise UnknownName(
                    "model", each.model.name, [model.name for model in self.models], where=f"{kind}: ", location=each.location
                )
            if (type(each), each.model.name) in seen:
                remedy = "Put their targets into one to=." if isinstance(each, Scoring) else "Take one of them out."
                raise SpecError(f"two {kind}() are of the model {each.model.name!r}.", remedy=remedy, location=each.location)
            seen.add((type(each), each.model.name))
        self._check_targets()

    def _check_targets(self) -> None:
        """Hold scorings that share a table to one way of telling its rows apart: else no column would say whose a row is."""
        first: dict[str, Scoring] = {}
        for each in self.scorings:
            for target in each.tables:
                other = first.setdefault(target.name, each)
                if other.names != each.names:
                    columns = "; ".join(", ".join(names) or "none" for names in (other.names, each.names))
                    raise SpecError(
                        f"the predictions of {other.model.name!r} and {each.model.name!r} go to one table, {target.place.split()[-1]},"
                        f" and their rows are told apart by other columns: {columns}.",
                        remedy="Give each a ToTable of its own.",
                        location=target.location,
                    )

    def _check_approval(self, model: Model) -> None:
        if model.approve is None:
            return
        able = [person.name for person in self.team if model.approve.role in person.roles]
        if len(able) < model.approve.count:
            raise SpecError(
                f"model {model.name!r} needs {model.approve.count} with the role {model.approve.role!r}; the team has {len(able)}.",
                remedy=f"Add to the project, for example: team=[hr.Person('ana', roles=[{model.approve.role!r}])].",
                location=model.approve.location,
            )
