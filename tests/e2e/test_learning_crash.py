"""A worker whose model learns, killed and begun again: `python -m benchmarks.crashes_learning` does it more often."""

from pathlib import Path

from . import learning_crashing


def test_what_is_learnt_and_each_version_are_those_of_a_worker_that_nobody_killed(tmp_path: Path) -> None:
    trained = learning_crashing.write_trained(tmp_path / "trained")
    killed = learning_crashing.copy_of(trained, tmp_path / "killed")
    points = learning_crashing.run_worker(trained)
    assert points is not None
    expected = learning_crashing.facts(trained)
    assert {"version 2", "version 3"} <= expected.keys()
    assert learning_crashing.kill_often(killed, 2, points // 2, seed=3) == 2
    learning_crashing.run_worker(killed)
    assert learning_crashing.facts(killed) == expected
