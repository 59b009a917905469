"""The relational schema: a new ledger is made from it, an older one brought to it by `migrations/`. A test proves that the two agree.

A name means the same in every table: values are converted by the name of their column (`KIND_OF`), or of the parameter that stands for it.
"""

from headrace.ledger.ddl import Check, Column, Index, PrimaryKey, Table, Unique
from headrace.ledger.types import Kind


def _key(name: str, kind: Kind = Kind.NAME) -> Column:
    return Column(name, kind, key=True)


def _id() -> Column:
    return _key("id")


def _name(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.NAME, null)


def _moment(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.MOMENT, null)


def _count(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.COUNT, null)


def _seconds(name: str) -> Column:
    return Column(name, Kind.FLOAT)


def _json(name: str) -> Column:
    return Column(name, Kind.JSON)


def _of(name: str, table: str, *, null: bool = False, indexed: bool = True) -> Column:
    return Column(name, Kind.NAME, null, references=table, indexed=indexed)


run = Table(
    "run", _id(), _name("project"), _name("kind"), _name("state"), _name("actor"), _name("code"), _count("seed"),
    _moment("started"), _moment("finished", null=True), Column("error", Kind.TEXT, null=True), _json("details"), _json("summary"),
    Index(("project", "id")), Index(("state", "project")),
)  # fmt: skip

step = Table(
    "step", _of("run_id", "run", indexed=False), _name("name"), _name("fingerprint"), _name("state"),
    _moment("started", null=True), _moment("finished"), _seconds("wall_seconds"), _seconds("cpu_seconds"), _count("peak_bytes"),
    _count("read_bytes"), _count("written_bytes"),
    Column("error", Kind.TEXT, null=True), _json("output"),
    PrimaryKey(("run_id", "name")), Index(("fingerprint",)),
)  # fmt: skip

memo = Table("memo", _key("fingerprint"), _name("step_name"), _json("output"), _moment("saved"))

table_version = Table(
    "table_version", _id(), _name("project"), _name("name"), _count("version"),
    _count("quarantine_version", null=True), _name("fingerprint"),
    _json("types"), _count("rows_in"), _count("accepted"), _count("quarantined"), _count("duplicates"), _json("profile"),
    _of("run_id", "run", null=True), _moment("created"),
    Check("no_row_lost", "rows_in = accepted + quarantined + duplicates"), Index(("project", "name", "id")),
)  # fmt: skip

landing = Table(
    "landing", _id(), _name("project"), _name("name"), _name("declaration"), _json("columns"), _json("pages"), _count("rows"),
    Column("cursor", Kind.JSON, null=True), _name("actor"), _moment("landed"), Index(("project", "name", "id")),
)  # fmt: skip

freed = Table(
    "freed", _id(), _name("project"), _name("kind"), _name("name"), _count("version", null=True),
    Column("rule", Kind.TEXT), _json("details"), _name("actor"), _moment("freed"),
    Index(("project", "kind", "name", "version")),
)  # fmt: skip

contract_result = Table(
    "contract_result", _of("table_version_id", "table_version", indexed=False),
    Column("position", Kind.NUMBER), _name("rule"), _name("severity"),
    Column("passed", Kind.FLAG), _count("failing_rows"), Column("message", Kind.TEXT),
    PrimaryKey(("table_version_id", "position")),
)  # fmt: skip

model_version = Table(
    "model_version", _id(), _name("project"), _name("model"), Column("number", Kind.NUMBER),
    _name("state"), _of("run_id", "run"),
    _name("candidate"), _name("task"), _name("fingerprint"), _name("bundle_fingerprint", null=True),
    _name("bundle_location", null=True), _json("details"),
    _moment("created"), _moment("promoted", null=True), _moment("retired", null=True),
    Unique(("project", "model", "number")), Index(("bundle_fingerprint",)),
    Index(("project", "model"), name="one_champion", unique=True, where="state = 'champion'"),
)  # fmt: skip

model_input = Table(
    "model_input", _of("model_version_id", "model_version", indexed=False), _of("table_version_id", "table_version"),
    PrimaryKey(("model_version_id", "table_version_id")),
)  # fmt: skip

evaluation = Table(
    "evaluation", _id(), _of("run_id", "run"), _of("model_version_id", "model_version", null=True), _name("model"),
    _name("candidate"), _name("split"),
    _count("rows"), _name("rows_fingerprint"), _json("details"), _moment("created"),
)  # fmt: skip

metric = Table(
    "metric", _of("evaluation_id", "evaluation", indexed=False), _name("name"),
    Column("value", Kind.FLOAT, null=True), Column("low", Kind.FLOAT, null=True), Column("high", Kind.FLOAT, null=True),
    PrimaryKey(("evaluation_id", "name")),
)  # fmt: skip

test_look = Table(
    "test_look", _name("test_fingerprint"), Column("number", Kind.NUMBER),
    _of("model_version_id", "model_version"), _name("actor"), _moment("looked"),
    PrimaryKey(("test_fingerprint", "number")), Unique(("test_fingerprint", "model_version_id")),
)  # fmt: skip

gate_result = Table(
    "gate_result", _of("model_version_id", "model_version", indexed=False),
    Column("position", Kind.NUMBER), _name("gate"),
    Column("passed", Kind.FLAG), Column("message", Kind.TEXT), _json("measured"), _moment("judged"),
    PrimaryKey(("model_version_id", "position")),
)  # fmt: skip

approval = Table(
    "approval", _id(), _of("model_version_id", "model_version", indexed=False), _name("identity"), _name("role"),
    Column("comment", Kind.TEXT), _moment("given"),
    Unique(("model_version_id", "identity")),
)  # fmt: skip

token = Table(
    "token", _id(), _name("identity"), _name("name"), Column("hash", Kind.NAME, unique=True),
    _name("issued_by"), _moment("issued"),
    _moment("revoked", null=True), Index(("identity",)),
)  # fmt: skip

charge = Table(
    "charge", _id(), _name("project"), _of("run_id", "run", null=True), _name("step", null=True), _name("model", null=True),
    _of("model_version_id", "model_version", null=True), _name("resource"), _seconds("quantity"), _name("unit"),
    Column("unit_price_usd", Kind.MONEY),
    Column("amount_usd", Kind.MONEY), _name("catalogue"), _moment("charged"),
    Index(("project", "model")),
)  # fmt: skip

prediction_batch = Table(
    "prediction_batch", _id(), _name("project"), _name("model"), _of("model_version_id", "model_version"),
    _name("source"), _count("predictions"),
    _seconds("cpu_seconds"), _seconds("wall_seconds"), _moment("first"), _moment("last"), _name("location"), _moment("recorded"),
    Index(("project", "model")),
)  # fmt: skip

audit = Table(
    "audit", _key("sequence", Kind.COUNT), _moment("moment"), _name("actor"),
    _name("action"), _name("subject"), _json("details"),
    _name("previous_hash"), Column("hash", Kind.NAME, unique=True), Index(("subject",)),
)  # fmt: skip

audit_head = Table(
    "audit_head", _key("id", Kind.NUMBER),
    Column("sequence", Kind.COUNT), _name("hash"),
    Check("one_row", "id = 1"),
)  # fmt: skip

TABLES = (
    run, step, memo, table_version, landing, freed, contract_result, model_version, model_input, evaluation, metric, test_look, gate_result,
    approval, token, charge, prediction_batch, audit, audit_head,
)  # fmt: skip
"""In an order in which they can be made: what is referred to comes first."""

KIND_OF = {column.name: column.kind for table in TABLES for column in table.columns}
