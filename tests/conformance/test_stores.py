"""The contract of stores of online state, in a folder."""

from pathlib import Path

import pytest

from headrace.testing.stores import SharedStoreConformance


class TestEmbedded(SharedStoreConformance):
    @pytest.fixture
    def store_url(self, tmp_path: Path) -> str:
        return f"{tmp_path}/home/state"
