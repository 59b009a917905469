"""The relational schema: a new ledger is made from it, an older one brought to it by `migrations/`. A test proves that the two agree."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from headrace.ledger.types import Json, Moment, Money

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_IS_CHAMPION = text("state = 'champion'")


def _id() -> Column[str]:
    return Column("id", String, primary_key=True)


def _name(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, String, nullable=null)


def _moment(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Moment, nullable=null)


def _count(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _seconds(name: str, *, null: bool = False) -> Column[float]:
    return Column(name, Float, nullable=null)


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False)


def _of(name: str, table: str, *, null: bool = False, indexed: bool = True) -> Column[str]:
    return Column(name, String, ForeignKey(f"{table}.id"), nullable=null, index=indexed)


run = Table(
    "run", metadata, _id(), _name("project"), _name("kind"), _name("state"), _name("actor"), _name("code"), _count("seed"),
    _moment("started"), _moment("finished", null=True), Column("error", Text), _json("details"), _json("summary"),
    Index(None, "project", "id"), Index(None, "state", "project"),
)  # fmt: skip

step = Table(
    "step", metadata, _of("run_id", "run", indexed=False), _name("name"), _name("fingerprint"), _name("state"),
    _moment("started", null=True), _moment("finished"), _seconds("wall_seconds"), _seconds("cpu_seconds"), _count("peak_bytes"),
    _count("read_bytes"), _count("written_bytes"),
    Column("error", Text), _json("output"),
    PrimaryKeyConstraint("run_id", "name"), Index(None, "fingerprint"),
)  # fmt: skip

memo = Table("memo", metadata, Column("fingerprint", String, primary_key=True), _name("step_name"), _json("output"), _moment("saved"))

table_version = Table(
    "table_version", metadata, _id(), _name("project"), _name("name"), _count("version"),
    _count("quarantine_version", null=True), _name("fingerprint"),
    _json("types"), _count("rows_in"), _count("accepted"), _count("quarantined"), _count("duplicates"), _json("profile"),
    _of("run_id", "run", null=True), _moment("created"),
    CheckConstraint("rows_in = accepted + quarantined + duplicates", name="no_row_lost"), Index(None, "project", "name", "id"),
)  # fmt: skip

landing = Table(
    "landing", metadata, _id(), _name("project"), _name("name"), _name("declaration"), _json("columns"), _json("pages"), _count("rows"),
    Column("cursor", Json), _name("actor"), _moment("landed"), Index(None, "project", "name", "id"),
)  # fmt: skip

freed = Table(
    "freed", metadata, _id(), _name("project"), _name("kind"), _name("name"), _count("version", null=True),
    Column("rule", Text, nullable=False), _json("details"), _name("actor"), _moment("freed"),
    Index(None, "project", "kind", "name", "version"),
)  # fmt: skip

contract_result = Table(
    "contract_result", metadata, _of("table_version_id", "table_version", indexed=False),
    Column("position", Integer, nullable=False), _name("rule"), _name("severity"),
    Column("passed", Boolean, nullable=False), _count("failing_rows"), Column("message", Text, nullable=False),
    PrimaryKeyConstraint("table_version_id", "position"),
)  # fmt: skip

model_version = Table(
    "model_version", metadata, _id(), _name("project"), _name("model"), Column("number", Integer, nullable=False),
    _name("state"), _of("run_id", "run"),
    _name("candidate"), _name("task"), _name("fingerprint"), _name("bundle_fingerprint", null=True),
    _name("bundle_location", null=True), _json("details"),
    _moment("created"), _moment("promoted", null=True), _moment("retired", null=True),
    UniqueConstraint("project", "model", "number"), Index(None, "bundle_fingerprint"),
    Index("one_champion", "project", "model", unique=True, sqlite_where=_IS_CHAMPION),
)  # fmt: skip

model_input = Table(
    "model_input", metadata, _of("model_version_id", "model_version", indexed=False), _of("table_version_id", "table_version"),
    PrimaryKeyConstraint("model_version_id", "table_version_id"),
)  # fmt: skip

evaluation = Table(
    "evaluation", metadata, _id(), _of("run_id", "run"), _of("model_version_id", "model_version", null=True), _name("model"),
    _name("candidate"), _name("split"),
    _count("rows"), _name("rows_fingerprint"), _json("details"), _moment("created"),
)  # fmt: skip

metric = Table(
    "metric", metadata, _of("evaluation_id", "evaluation", indexed=False), _name("name"),
    Column("value", Float), Column("low", Float), Column("high", Float), PrimaryKeyConstraint("evaluation_id", "name"),
)  # fmt: skip

test_look = Table(
    "test_look", metadata, _name("test_fingerprint"), Column("number", Integer, nullable=False),
    _of("model_version_id", "model_version"), _name("actor"), _moment("looked"),
    PrimaryKeyConstraint("test_fingerprint", "number"), UniqueConstraint("test_fingerprint", "model_version_id"),
)  # fmt: skip

gate_result = Table(
    "gate_result", metadata, _of("model_version_id", "model_version", indexed=False),
    Column("position", Integer, nullable=False), _name("gate"),
    Column("passed", Boolean, nullable=False), Column("message", Text, nullable=False), _json("measured"), _moment("judged"),
    PrimaryKeyConstraint("model_version_id", "position"),
)  # fmt: skip

approval = Table(
    "approval", metadata, _id(), _of("model_version_id", "model_version", indexed=False), _name("identity"), _name("role"),
    Column("comment", Text, nullable=False), _moment("given"),
    UniqueConstraint("model_version_id", "identity"),
)  # fmt: skip

token = Table(
    "token", metadata, _id(), _name("identity"), _name("name"), Column("hash", String, nullable=False, unique=True),
    _name("issued_by"), _moment("issued"),
    _moment("revoked", null=True), Index(None, "identity"),
)  # fmt: skip

charge = Table(
    "charge", metadata, _id(), _name("project"), _of("run_id", "run", null=True), _name("step", null=True), _name("model", null=True),
    _of("model_version_id", "model_version", null=True), _name("resource"), _seconds("quantity"), _name("unit"),
    Column("unit_price_usd", Money, nullable=False),
    Column("amount_usd", Money, nullable=False), _name("catalogue"), _moment("charged"),
    Index(None, "project", "model"),
)  # fmt: skip

prediction_batch = Table(
    "prediction_batch", metadata, _id(), _name("project"), _name("model"), _of("model_version_id", "model_version"),
    _name("source"), _count("predictions"),
    _seconds("cpu_seconds"), _seconds("wall_seconds"), _moment("first"), _moment("last"), _name("location"), _moment("recorded"),
    Index(None, "project", "model"),
)  # fmt: skip

audit = Table(
    "audit", metadata, Column("sequence", BigInteger, primary_key=True, autoincrement=False), _moment("moment"), _name("actor"),
    _name("action"), _name("subject"), _json("details"),
    _name("previous_hash"), Column("hash", String, nullable=False, unique=True), Index(None, "subject"),
)  # fmt: skip

audit_head = Table(
    "audit_head", metadata, Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False), _name("hash"),
    CheckConstraint("id = 1", name="one_row"),
)  # fmt: skip


@event.listens_for(model_version, "before_create")
def _one_champion_on_postgres(_table: Table, connection: Connection, **_more: Any) -> None:
    """Said with the index above, it would load what SQLAlchemy has for Postgres wherever a ledger is opened."""
    if connection.dialect.name == "postgresql":
        for index in model_version.indexes:
            if index.name == "one_champion":
                index.dialect_kwargs["postgresql_where"] = _IS_CHAMPION
