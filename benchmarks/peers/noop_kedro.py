"""Run in the peer's environment. Ten nodes in a row that do nothing, by Kedro's sequential runner."""

import logging

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner

logging.disable(logging.INFO)
nodes = [node(lambda done: done, f"data_{number}", f"data_{number + 1}", name=f"step_{number}") for number in range(10)]
SequentialRunner().run(pipeline(nodes), DataCatalog({"data_0": MemoryDataset(True)}))
