"""Predictions made as questions come: which model answers, and where the answers go."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from headrace.core.errors import UserError
from headrace.core.units import parse_duration
from headrace.spec.addresses import check_address
from headrace.spec.auth import require_placeholder
from headrace.spec.declaration import Declaration, NamedDeclaration, as_mapping, check_plain_name
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.followed import Followed
from headrace.spec.kafka_options import check_options, check_servers
from headrace.spec.tables import Entity, Events

WAITS = ("now", "complete")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TARGETS = "hr.ToTable(...), hr.ToKafka(...) or hr.Webhook(...)"
ANSWER_COLUMNS = ("prediction_id", "as_of", "predicted", "model", "version", "prediction", "score", "decision", "probabilities")
"""Those of what is told of a prediction, beside the columns that tell the spine's rows apart."""
_TAKEN = ("log", "unanswered", "late", "quarantine")


class Target(Declaration, frozen=True, kw_only=True):
    """Where predictions go."""

    @property
    def place(self) -> str:
        """What to call it before people; without secrets."""
        raise NotImplementedError  # each kind of target does


class ToTable(NamedDeclaration, Target, frozen=True):
    """A table of the lake with a row a prediction, each exactly once: `predictions/<name>`.

    It has `_arrival` and the id or key of the row that was the question, `prediction_id`, `as_of`, `predicted`, `model`, `version`, and
    `prediction` for a regression, else `score` and `decision`; with more than two classes also `probabilities`, a text of JSON. It gets
    columns that it lacks, where a model becomes one of another kind, or another model goes there too.

    >>> ToTable("late_scores").place
    'the table predictions/late_scores'
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        check_plain_name("the name of ToTable", self)
        if self.name in _TAKEN:
            expected = f"another name: {', '.join(_TAKEN)} are Headrace's own beside it"
            raise InvalidOption("the name of ToTable", self.name, expected, location=self.location)

    @property
    def place(self) -> str:
        return f"the table predictions/{self.name}"


class _Topic(Target, frozen=True):
    topic: str


class ToKafka(_Topic, frozen=True, kw_only=True):
    """A topic of a broker that speaks Kafka's protocol: a message a prediction, JSON, with the prediction's id as its key.

    Each at least once, and those of a partition of the spine in their order, into one partition of the topic. While it is away they wait,
    up to 64 MB; the oldest beyond that are given up, and told.

    Attributes:
        topic: it must be there.
        servers: the brokers to ask first, as `host:port`, separated by commas.
        options: librdkafka's own settings, as those of `hr.Kafka`. Secrets as `${NAME}`.

    >>> ToKafka("late.scores", servers="localhost:9092").place
    'the topic late.scores at localhost:9092'
    """

    servers: str
    options: Mapping[str, str] = _NOTHING

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("options", as_mapping(self.options))
        if not self.topic.strip():
            raise InvalidOption("the topic of ToKafka", self.topic, "its name", location=self.location)
        check_servers("ToKafka", self.servers, self.location)
        check_options(self.options, self.location)

    @property
    def place(self) -> str:
        return f"the topic {self.topic} at {self.servers}"


class _Address(Target, frozen=True):
    url: str


class Webhook(_Address, frozen=True, kw_only=True):
    """An address that is asked by POST for each prediction, with JSON, until it answers 2xx; at least once, in order a partition.

    While it is away they wait, up to 64 MB; the oldest beyond that are given up, and told.

    The header `Idempotency-Key` has the prediction's id. What is sent is signed as Standard Webhooks says: `webhook-id`,
    `webhook-timestamp`, and `webhook-signature`, an HMAC-SHA256 of both and the body under the secret.

    Attributes:
        url: https, or http on this machine.
        secret: `${NAME}`; one that begins with `whsec_` is taken as base64, any other as it is.
        timeout: how long it has to answer.

    >>> Webhook("https://shop.example/scores", secret="${SCORES_SECRET}").place
    'https://shop.example/scores'
    """

    secret: str
    timeout: str | timedelta = "10s"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_address("the address of Webhook", self.url, secret=True, location=self.location)
        require_placeholder("the secret of Webhook", self.secret, self.location)
        try:
            self._set("timeout", parse_duration(self.timeout))
        except (UserError, TypeError) as error:
            raise InvalidOption("the timeout of Webhook", self.timeout, "a duration such as '10s'", location=self.location) from error

    @property
    def place(self) -> str:
        return self.url


class Scoring(Followed, frozen=True, kw_only=True):
    """Each row that `headrace stream` takes into the spine of a model is a question, answered by the model's champion.

    It is asked as of the features' own `as_of`. Answers are logged as a server's are, whatever else is done with them.

    Attributes:
        to: where predictions go beside the log.
        wait: `now` answers from what is there; `complete` waits until no row that the features look at can still come: until the
            watermark of each table that they look into has reached the question's `as_of`. Features with a `max_staleness` are to wait.
    """

    to: tuple[Target, ...] = ()
    wait: str = "now"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("to", (self.to,) if isinstance(self.to, Target) else tuple(self.to))
        if self.wait not in WAITS:
            raise InvalidOption(
                f"wait= of Scoring({self.model.name})", self.wait, f"one of {', '.join(map(repr, WAITS))}", location=self.location
            )
        self.check_streamed("is asked about")
        self._check_freshness()
        self._check_targets()
        self._check_names()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that tell the spine's rows apart."""
        spine = self.model.features.spine
        assert isinstance(spine, Events | Entity)  # as all that are streamed
        return spine.key if isinstance(spine, Entity) else spine.id

    @property
    def tables(self) -> tuple[ToTable, ...]:
        """The tables that predictions go to."""
        return tuple(each for each in self.to if isinstance(each, ToTable))

    def _check_names(self) -> None:
        taken, spine = next((name for name in self.names if name in ANSWER_COLUMNS), None), self.model.features.spine.name
        if self.to and taken is not None:
            raise SpecError(
                f"the column {taken!r}, by which rows of {spine!r} are told apart, is called as one of predictions is.",
                remedy=f"Name a copy instead: columns={{'the_{taken}': col({taken!r})}}. Predictions have {', '.join(ANSWER_COLUMNS)}.",
                location=self.location,
            )

    def _check_freshness(self) -> None:
        """An answer that waited is as of its moment whatever comes; one that did not is asked of what there is, however old."""
        if self.wait == "now" and self.model.features.staleness_limits():
            raise SpecError(
                f"the features of {self.model.name!r} have a max_staleness, which answers that do not wait cannot keep.",
                remedy='wait="complete" answers when all that they look at is known; or take max_staleness out of the features.',
                location=self.location,
            )

    def _check_targets(self) -> None:
        places: set[str] = set()
        for each in self.to:
            if not isinstance(each, Target):
                raise InvalidOption(f"to= of Scoring({self.model.name})", type(each).__name__, _TARGETS, location=self.location)
            if each.place in places:
                raise SpecError(
                    f"the predictions of {self.model.name!r} go twice to {each.place}.",
                    remedy="Take one of the two out of to=.",
                    location=each.location,
                )
            places.add(each.place)
