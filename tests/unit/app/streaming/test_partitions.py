"""What is remembered of a partition, as its fields are written."""

from dataclasses import replace

import numpy as np

from headrace.app.streaming.partitions import Owned, read_owned, remembered
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.admitting import Ids, PartitionState


def ids(*numbers: int) -> Ids:
    return Ids(np.array([number.to_bytes(16, "big") for number in numbers], "S16"), np.zeros(len(numbers), np.int64))


def test_runs_of_ids_that_stay_are_not_written_again_whichever_go() -> None:
    store, one, two, three, four = MemoryStore(), ids(1), ids(2), ids(3), ids(4)
    owned = Owned()
    for runs, written in (((one, two, three), 3), ((two, three), 0), ((two, four), 1), ((two, four, one), 1)):
        commit, names = remembered("t", 0, owned, PartitionState(0, runs))
        store.commit(commit)
        assert len(commit.put) == written
        owned = replace(owned, state=PartitionState(0, runs), runs=names)
        found = read_owned(store, "t", 0)
        assert found.runs == names
        assert [each.to_bytes() for each in found.state.ids] == [each.to_bytes() for each in runs]
