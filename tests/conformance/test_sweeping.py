"""The contract of freeing bytes, in a folder and on a real S3-protocol store."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from services.s3 import S3

from headrace.lake.sweeping import Sweeper, remove_staged
from headrace.testing.lake import At
from headrace.testing.sweeping import SweepingConformance


class TestFolder(SweepingConformance):
    @pytest.fixture
    def at(self, tmp_path: Path) -> At:
        return At(str(tmp_path / "home"), {})

    @pytest.mark.usefixtures("lake")
    def test_what_a_killed_writer_had_not_finished_is_found_once_it_is_old(self, at: At, sweeper: Sweeper) -> None:
        staged = Path(at.url) / "lake" / "shop" / "orders.quarantine" / "part-1.parquet#1"
        staged.write_bytes(b"half")
        assert sweeper.staged(datetime.now(UTC) - timedelta(minutes=5)) == []
        os.utime(staged, (0, 0))
        (found,) = sweeper.staged(datetime.now(UTC) - timedelta(minutes=5))
        assert (found.path, found.size_bytes) == (str(staged), 4)
        remove_staged([found, found])
        assert not staged.exists()


class TestS3(SweepingConformance):
    @pytest.fixture
    def at(self, s3: S3, bucket_url: str) -> At:
        return At(f"{bucket_url}/team/lake", s3.options)
