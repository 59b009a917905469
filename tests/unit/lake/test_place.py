from pathlib import Path

import obstore
from obstore.store import LocalStore, S3Store

from headrace.lake.place import place


def test_a_path_becomes_absolute_and_a_file_url_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert place("here").url == str(tmp_path / "here")
    assert place(Path("/a/b")).url == "/a/b"
    assert place("file:///a/b%20c").url == "/a/b c"
    assert place("~/x").url == str(Path.home() / "x")


def test_a_url_stays_and_its_options_reach_the_store():
    bucket = place("s3://bucket/prefix/", {"aws_region": "eu-west-1", "aws_conditional_put": "etag"}).child("blobs")

    store = bucket.store()
    assert bucket.url == "s3://bucket/prefix/blobs"
    assert isinstance(store, S3Store)
    assert store.prefix == "prefix/blobs"
    assert store.config["region"] == "eu-west-1"
    assert not bucket.is_empty()


def test_a_folder_is_made_by_its_store_and_known_to_be_missing_before(tmp_path):
    there = place(tmp_path).child("a", "b")

    assert there.is_empty()
    store = there.store()
    assert isinstance(store, LocalStore)
    obstore.put(store, "x", b"1")
    assert not there.is_empty()
    assert (tmp_path / "a/b/x").read_bytes() == b"1"
