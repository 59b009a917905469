"""Model versions: numbered 1, 2, 3... for each model of a project, and the states they pass through.

candidate → rejected
candidate → awaiting_approval → rejected
candidate → [awaiting_approval →] approved → champion → retired
"""

from datetime import datetime
from typing import Any

import msgspec

from headrace.ledger.errors import IllegalTransition, NoSuchRecord
from headrace.ledger.schema import model_input, model_version, table_version
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection
from headrace.ledger.tables import TableVersion

CANDIDATE, REJECTED, AWAITING_APPROVAL, APPROVED, CHAMPION, RETIRED = (
    "candidate",
    "rejected",
    "awaiting_approval",
    "approved",
    "champion",
    "retired",
)
_MOVE = "UPDATE model_version SET state = :state, promoted = :promoted, retired = :retired WHERE id = :id"
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
    numbers = "SELECT max(number) FROM model_version WHERE project = :project AND model = :model"
    last = session.value(numbers, project=new.project, model=new.model) or 0
    made = ModelVersion(**columns_of(new), id=session.next_id("mod", model_version), number=last + 1, state=CANDIDATE, created=session.now)
    session.insert(model_version, columns_of(made))
    session.insert(model_input, *({"model_version_id": made.id, "table_version_id": each} for each in dict.fromkeys(table_version_ids)))
    session.about(made.id, model=new.model, number=made.number, fingerprint=new.fingerprint)
    return made


def attach_bundle(session: Session, version_id: str, fingerprint: str, location: str) -> None:
    """Record the bundle of a version, once it is written."""
    get(session, version_id)
    attached = "UPDATE model_version SET bundle_fingerprint = :fingerprint, bundle_location = :location WHERE id = :id"
    session.run(attached, fingerprint=fingerprint, location=location, id=version_id)
    session.about(version_id, bundle=fingerprint)


def get(session: Session, version_id: str) -> ModelVersion:
    """Return a version by its id.

    Raises:
        NoSuchRecord: if there is none.
    """
    found = session.first(ModelVersion, f"{selection(model_version)} WHERE id = :id", id=version_id)
    if found is None:
        raise NoSuchRecord("model version", version_id)
    return found


def find(session: Session, project: str, model: str, number: int) -> ModelVersion | None:
    """Return a version by its number, or None."""
    return _first(session, project=project, model=model, number=number)


def made_from(session: Session, project: str, model: str, fingerprint: str) -> ModelVersion | None:
    """Return the newest version with a fingerprint, or None."""
    wanted = {"project": project, "model": model, "fingerprint": fingerprint}
    newest = matching(selection(model_version), wanted, "ORDER BY number DESC LIMIT 1")
    return session.first(ModelVersion, newest, **wanted)


def list_versions(
    session: Session, project: str, model: str | None = None, *, state: str | None = None, limit: int = 50
) -> tuple[ModelVersion, ...]:
    """Return versions of a project's models, newest first; of one model by number, which no clock that went back can confuse."""
    wanted = {"project": project, "model": model, "state": state}
    newest = "ORDER BY id DESC LIMIT :limit" if model is None else "ORDER BY number DESC LIMIT :limit"
    return session.all(ModelVersion, matching(selection(model_version), wanted, newest), **wanted, limit=limit)


def latest(session: Session, project: str, model: str) -> ModelVersion | None:
    """Return the newest version of a model, or None."""
    found = list_versions(session, project, model, limit=1)
    return found[0] if found else None


def champion(session: Session, project: str, model: str) -> ModelVersion | None:
    """Return the version that serves, or None if none does."""
    return _first(session, project=project, model=model, state=CHAMPION)


def table_versions(session: Session, version_id: str) -> tuple[TableVersion, ...]:
    """Return the table versions that a model version was made from, by name."""
    joined = (
        f"{selection(table_version)} JOIN model_input ON model_input.table_version_id = table_version.id"
        " WHERE model_input.model_version_id = :model_version_id ORDER BY table_version.name"
    )
    return session.all(TableVersion, joined, model_version_id=version_id)


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
    moved = msgspec.structs.replace(present, state=state, **moments)
    session.run(_MOVE, id=moved.id, state=moved.state, promoted=moved.promoted, retired=moved.retired)
    session.about(present.id)
    session.details.setdefault("transitions", []).append({"version": present.id, "from": present.state, "to": state, "reason": reason})
    return moved


def _first(session: Session, **wanted: Any) -> ModelVersion | None:
    return session.first(ModelVersion, matching(selection(model_version), wanted), **wanted)
