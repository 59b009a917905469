from datetime import timedelta

from headrace.core.clock import FixedClock
from headrace.ledger import models, predictions
from headrace.ledger.models import NewModelVersion
from headrace.ledger.predictions import NewPredictionBatch
from headrace.ledger.store import Ledger


def test_batches_add_up_for_each_model_version(ledger: Ledger, clock: FixedClock, run_id: str) -> None:
    new = NewModelVersion(project="flights", model="late", run_id=run_id, candidate="Logistic", task="binary")
    hour = timedelta(hours=1)
    with ledger.write("server", "predictions") as session:
        old, current = (models.create(session, new).id for _ in range(2))
        batches = [
            predictions.add(
                session,
                NewPredictionBatch(
                    project="flights",
                    model="late",
                    model_version_id=version,
                    source=source,
                    predictions=count,
                    cpu_seconds=0.5,
                    wall_seconds=1.0,
                    first=clock.now() + number * hour,
                    last=clock.now() + (number + 1) * hour,
                    location="predictions",
                ),
            )
            for number, (version, source, count) in enumerate(
                [(old, "serve", 10), (current, "serve", 20), (current, "serve", 30), (current, "file", 4)]
            )
        ]
    with ledger.read() as session:
        assert predictions.list_batches(session, "flights", "late", limit=2) == (batches[3], batches[2])
        assert predictions.list_batches(session, "flights", "early") == ()
        in_files, newest, oldest = predictions.totals(session, "flights", "late")
        assert predictions.totals(session, "trains") == ()
    assert (newest.model_version_id, newest.batches, newest.predictions, newest.cpu_seconds, newest.wall_seconds) == (
        current,
        2,
        50,
        1.0,
        2.0,
    )
    assert (newest.first, newest.last) == (clock.now() + hour, clock.now() + 3 * hour)
    assert (in_files.model_version_id, in_files.source, in_files.predictions) == (current, "file", 4)
    assert (oldest.model_version_id, oldest.predictions) == (old, 10)
