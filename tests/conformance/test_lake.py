"""The contract of the lake, in a folder and on a real S3-protocol store."""

import time
from pathlib import Path

import polars as pl
import pytest
from services.s3 import S3

from headrace.lake.errors import LakeFault
from headrace.lake.lake import Lake
from headrace.lake.place import place
from headrace.lake.trying import try_lake
from headrace.testing.lake import At, LakeConformance


class TestFolder(LakeConformance):
    @pytest.fixture
    def at(self, tmp_path: Path) -> At:
        return At(str(tmp_path / "home"), {})


class TestS3(LakeConformance):
    @pytest.fixture
    def at(self, s3: S3, bucket_url: str) -> At:
        return At(f"{bucket_url}/team/lake", s3.options)

    @pytest.mark.parametrize("wrong", [{"secret_access_key": "gu3ss"}, {"access_key_id": "n0b0dy"}])
    def test_a_key_that_does_not_fit_is_told_and_not_repeated(self, at: At, wrong: dict[str, str]) -> None:
        lake = Lake(at.url, "shop", at.options | wrong)
        for ask in (lambda: lake.tables.version("sales"), lambda: lake.blobs.put(b"abc"), lambda: lake.blobs.exists("ab" * 32)):
            with pytest.raises(LakeFault) as caught:
                ask()
            said = str(caught.value)
            assert at.url in said
            assert "gu3ss" not in said
            assert "\n" not in said.partition("\n  ")[0], "one line and the remedy"
            assert "\x1b" not in said

    def test_trying_whether_it_can_be_written_leaves_nothing_and_says_why_it_cannot(self, s3: S3, at: At) -> None:
        assert try_lake(at.url, "shop", at.options) == at.url
        assert [meta for several in place(at.url, at.options).store().list() for meta in several] == []
        for url, options, why in (("s3://nowhere", s3.options, "NoSuchBucket"), (at.url, {**at.options, "access_key_id": "n0b0dy"}, "403")):
            with pytest.raises(LakeFault, match=why):
                try_lake(url, "shop", options)

    def test_a_bucket_that_is_not_there_is_told(self, s3: S3) -> None:
        lake = Lake("s3://nowhere/prefix", "shop", s3.options)
        with pytest.raises(LakeFault, match="NoSuchBucket: The specified bucket does not exist"):
            lake.tables.write("sales", pl.DataFrame({"a": [1]}))

    def test_a_server_that_is_away_is_told_and_the_lake_goes_on_when_it_is_back(self, s3: S3, at: At) -> None:
        lake = at.lake()
        lake.tables.write("sales", pl.DataFrame({"a": [1]}))
        sha256 = lake.blobs.put(b"abc")
        s3.stop()
        try:
            started = time.monotonic()
            for ask in (
                lambda: lake.tables.write("sales", pl.DataFrame({"a": [2]})),
                lambda: lake.tables.version("sales"),
                lambda: lake.blobs.put(b"new"),
                lambda: lake.blobs.get(sha256),
            ):
                with pytest.raises(LakeFault, match="could not"):
                    ask()
            assert time.monotonic() - started < 120
        finally:
            s3.start()
        assert lake.tables.scan("sales").collect()["a"].to_list() == [1]
        assert lake.blobs.get(sha256) == b"abc"
        assert lake.tables.write("sales", pl.DataFrame({"a": [2]})).version == 1
