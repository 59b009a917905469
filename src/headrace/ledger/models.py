"""Model versions: numbered 1, 2, 3... for each model of a project, and the states they pass through.

candidate → rejected
candidate → awaiting_approval → rejected
candidate → [awaiting_approval →] approved → champion → retired
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from headrace.ledger.errors import IllegalTransition, NoSuchRecord
from headrace.ledger.schema import model_input, model_version, table_version
from headrace.ledger.session import Session, columns_of
from headrace.ledger.tables import TableVersion

CANDIDATE, REJECTED, AWAITING_APPROVAL, APPROVED, CHAMPION, RETIRED = (
    "candidate",
    "rejected",
    "awaiting_approval",
    "approved",
    "champion",
    "retired",
)
TRANSITIONS: dict[str, tuple[str, ...]] = {
    CANDIDATE: (REJECTED, AWAITING_APPROVAL, APPROVED),
    AWAITING_APPROVAL: (REJECTED, APPROVED),
    APPROVED: (REJECTED, CHAMPION),
    CHAMPION: (RETIRED,),
    REJECTED: (),
    RETIRED: (),
}


class NewModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A model version about to be recorded.

    `candidate` is the kind that was chosen, `fingerprint` that of what it was trained from, `details` what is worth showing (threshold,
    parameters, features).
    """

    project: str
    model: str
    run_id: str
    candidate: str
    task: str
    fingerprint: str = ""
    bundle_fingerprint: str | None = None
    bundle_location: str | None = None
    details: dict[str, Any] = {}


class ModelVersion(NewModelVersion, frozen=True, kw_only=True):
    """A recorded version of a model."""

    id: str
    number: int
    state: str
    created: datetime
    promoted: datetime | None = None
    retired: datetime | None = None

    @property
    def label(self) -> str:
        """What people call it: `late@3`."""
        return f"{self.model}@{self.number}"


def create(session: Session, new: NewModelVersion, table_version_ids: tuple[str, ...] = ()) -> ModelVersion:
    """Record a version in the state `candidate` under the model's next number, and the table versions it was made from."""
    mine = (model_version.c.project == new.project) & (model_version.c.model == new.model)
    last = session.execute(select(func.max(model_version.c.number)).where(mine)).scalar() or 0
    made = ModelVersion(**columns_of(new), id=session.next_id("mod", model_version), number=last + 1, state=CANDIDATE, created=session.now)
    session.insert(model_version, columns_of(made))
    session.insert(model_input, *({"model_version_id": made.id, "table_version_id": each} for each in dict.fromkeys(table_version_ids)))
    session.about(made.id, model=new.model, number=made.number, fingerprint=new.fingerprint)
    return made


def attach_bundle(session: Session, version_id: str, fingerprint: str, location: str) -> None:
    """Record the bundle of a version, once it is written."""
    get(session, version_id)
    _set(session, version_id, bundle_fingerprint=fingerprint, bundle_location=location)
    session.about(version_id, bundle=fingerprint)


def get(session: Session, version_id: str) -> ModelVersion:
    """Return a version by its id.

    Raises:
        NoSuchRecord: if there is none.
    """
    found = session.first(ModelVersion, select(model_version).where(model_version.c.id == version_id))
    if found is None:
        raise NoSuchRecord("model version", version_id)
    return found


def find(session: Session, project: str, model: str, number: int) -> ModelVersion | None:
    """Return a version by its number, or None."""
    return session.first(ModelVersion, _of(project, model).where(model_version.c.number == number))


def find_by_bundle(session: Session, bundle_fingerprint: str) -> ModelVersion | None:
    """Return the newest version with this bundle, or None."""
    return session.first(
        ModelVersion,
        select(model_version).where(model_version.c.bundle_fingerprint == bundle_fingerprint).order_by(model_version.c.id.desc()).limit(1),
    )


def list_versions(
    session: Session, project: str, model: str | None = None, *, state: str | None = None, limit: int = 50
) -> tuple[ModelVersion, ...]:
    """Return versions of a project's models, newest first; of one model by number, which no clock that went back can confuse."""
    newest = (model_version.c.id if model is None else model_version.c.number).desc()
    query = _of(project, model).order_by(newest).limit(limit)
    return session.all(ModelVersion, query if state is None else query.where(model_version.c.state == state))


def latest(session: Session, project: str, model: str) -> ModelVersion | None:
    """Return the newest version of a model, or None."""
    found = list_versions(session, project, model, limit=1)
    return found[0] if found else None


def champion(session: Session, project: str, model: str) -> ModelVersion | None:
    """Return the version that serves, or None if none does."""
    return session.first(ModelVersion, _of(project, model).where(model_version.c.state == CHAMPION))


def table_versions(session: Session, version_id: str) -> tuple[TableVersion, ...]:
    """Return the table versions that a model version was made from, by name."""
    joined = select(table_version).join(model_input, model_input.c.table_version_id == table_version.c.id)
    return session.all(TableVersion, joined.where(model_input.c.model_version_id == version_id).order_by(table_version.c.name))


def change_state(session: Session, version_id: str, state: str, *, reason: str = "") -> ModelVersion:
    """Move a version to a state that may follow its present one; `promote` makes champions.

    Raises:
        IllegalTransition: if it may not.
        NoSuchRecord: if there is no such version.
    """
    present = get(session, version_id)
    allowed = [each for each in TRANSITIONS[present.state] if each != CHAMPION]
    if state not in allowed:
        raise IllegalTransition(f"model version {present.label}", present.state, state, allowed)
    return _move(session, present, state, reason)


def promote(session: Session, version_id: str) -> ModelVersion:
    """Make an approved version the champion and retire the one before it, in one transaction.

    Raises:
        IllegalTransition: if the version is not approved.
        NoSuchRecord: if there is no such version.
    """
    present = get(session, version_id)
    if present.state != APPROVED:
        raise IllegalTransition(f"model version {present.label}", present.state, CHAMPION, TRANSITIONS[present.state])
    before = champion(session, present.project, present.model)
    if before is not None:
        _move(session, before, RETIRED, f"replaced by {present.label}")
    return _move(session, present, CHAMPION, "")


def _move(session: Session, present: ModelVersion, state: str, reason: str) -> ModelVersion:
    moments = {CHAMPION: {"promoted": session.now}, RETIRED: {"retired": session.now}}.get(state, {})
    _set(session, present.id, state=state, **moments)
    session.about(present.id)
    session.details.setdefault("transitions", []).append({"version": present.id, "from": present.state, "to": state, "reason": reason})
    return msgspec.structs.replace(present, state=state, **moments)


def _set(session: Session, version_id: str, **values: Any) -> None:
    session.execute(update(model_version).where(model_version.c.id == version_id).values(**values))


def _of(project: str, model: str | None) -> Any:
    mine = select(model_version).where(model_version.c.project == project)
    return mine if model is None else mine.where(model_version.c.model == model)
