"""The run as the ledger sees it: the memo, each step's end, and the charges."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from headrace.app.presence import presence_of
from headrace.app.workspace import Workspace
from headrace.costs.charges import charge
from headrace.costs.meter import Meter
from headrace.costs.prices import Prices
from headrace.engine.graph import Output
from headrace.engine.observers import Outcome, StepEnd
from headrace.lake.presence import Presence
from headrace.ledger import charges, memo, runs
from headrace.ledger.charges import NewCharge
from headrace.ledger.locks import Hold

FEATURE_STEPS = ("lookup", "features", "train", "evaluate", "bundle", "judge")


class LedgerMemo:
    """The engine's memory, kept in the ledger; what the run may reuse is fetched in one query. What the lake has lost is made again."""

    def __init__(self, workspace: Workspace, fingerprints: Iterable[str]) -> None:
        self._workspace = workspace
        presence = presence_of(workspace)
        with workspace.ledger.read() as session:
            found = memo.find_many(session, fingerprints)
        self._known = {name: output for name, output in found.items() if _is_kept(presence, output)}

    def find(self, fingerprint: str) -> Output | None:
        """Return what a step with this fingerprint gave."""
        return self._known.get(fingerprint)

    def save(self, fingerprint: str, step_name: str, output: Output) -> None:
        """Keep what a step gave."""
        with self._workspace.ledger.write(self._workspace.identity.name, "memo.save") as session:
            memo.save(session, fingerprint, step_name, output)
        self._known[fingerprint] = output


def _is_kept(presence: Presence, output: Output) -> bool:
    """Tell whether what a step made is still there. A step names its blob or blobs, or its table and version, in its output."""
    if "blob" in output:
        return presence.blob(output["blob"])
    if "blobs" in output:
        return all(presence.blob(name) for name in output["blobs"])
    return presence.table(output["table"], output["version"]) if "table" in output else True


class StepRecorder:
    """Writes each step's end, its use and its charges into the ledger. Comes after the meter among the observers."""

    def __init__(self, workspace: Workspace, run_id: str, meter: Meter, prices: Prices, held: Hold) -> None:
        self._workspace, self._run_id, self._meter, self._prices, self._held = workspace, run_id, meter, prices, held
        with workspace.ledger.read() as session:
            before = runs.steps_of(session, run_id)
            self.total_usd = sum((each.amount_usd for each in charges.of_run(session, run_id)), Decimal(0))
        self._done = frozenset(step.name for step in before if step.state == Outcome.DONE)
        self._ended: dict[str, datetime] = {}

    def step_started(self, step: str) -> None:
        """Nothing is known yet."""

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """Progress is for people."""

    def step_finished(self, end: StepEnd) -> None:
        """Record it, unless this same run did the step before it was interrupted: what is on record then says what it used.

        Raises:
            LockLost: if another process goes on with the run by now.
        """
        self._held.confirm()
        if end.outcome is Outcome.REUSED and end.step in self._done:
            return
        usage = self._meter.find(end.step)
        # Told again after a fault that may pass, it is the same end.
        now = self._ended.setdefault(end.step, self._workspace.clock.now())
        step = runs.Step(
            run_id=self._run_id,
            name=end.step,
            fingerprint=end.fingerprint,
            state=str(end.outcome),
            finished=now,
            started=now - timedelta(seconds=end.seconds) if usage else None,
            error=self._workspace.secrets.redact(str(end.error)) if end.error else None,
            output=end.output or {},
            wall_seconds=usage.wall_seconds if usage else 0.0,
            cpu_seconds=usage.cpu_seconds if usage else 0.0,
            peak_bytes=(usage.peak_rss_bytes or 0) if usage else 0,
            read_bytes=(usage.read_bytes or 0) if usage else 0,
            written_bytes=(usage.written_bytes or 0) if usage else 0,
        )
        lines = charge(usage, self._prices) if usage else ()
        new = [
            NewCharge(
                project=self._workspace.project.name,
                resource=line.resource,
                quantity=float(line.quantity),
                unit=line.unit,
                unit_price_usd=line.unit_price_usd,
                amount_usd=line.amount_usd,
                catalogue=catalogue_name(self._prices),
                run_id=self._run_id,
                step=end.step,
                model=model_of(end.step),
            )
            for line in lines
        ]
        with self._workspace.ledger.write(self._workspace.identity.name, "step.record") as session:
            # A server that went away while it committed may have committed: nothing is charged twice.
            if not runs.is_recorded(session, step):
                runs.record_step(session, step)
                charges.add(session, new)
        self.total_usd += sum((line.amount_usd for line in lines), Decimal(0))


def model_of(step: str) -> str | None:
    """Return the model that a step is for; a table is for all of them."""
    kind, _, name = step.partition(":")
    return name.partition(".")[0] if kind in FEATURE_STEPS else None


def catalogue_name(prices: Prices) -> str:
    """Return what to call a catalogue in the ledger."""
    return f"{prices.region} {prices.date.isoformat()}"
