from pathlib import Path

import obstore
from obstore.store import LocalStore, S3Store

from headrace.lake.errors import LakeFault
from headrace.lake.place import place


def test_a_path_becomes_absolute_and_a_file_url_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert place("here").url == str(tmp_path / "here")
    assert place(Path("/a/b")).url == "/a/b"
    assert place("file:///a/b%20c").url == "/a/b c"
    assert place("~/x").url == str(Path.home() / "x")


def test_a_url_stays_and_its_options_reach_the_store():
    bucket = place("s3://bucket/prefix/", {"region": "eu-west-1"}).child("blobs")

    store = bucket.store()
    assert bucket.url == "s3://bucket/prefix/blobs"
    assert isinstance(store, S3Store)
    assert store.prefix == "prefix/blobs"
    assert store.config["region"] == "eu-west-1"
    assert store.config["conditional_put"] == "etag"
    assert bucket.child("more").store() is bucket.child("more").store()
    assert not bucket.is_empty()


def test_nothing_goes_in_the_clear_unless_the_endpoint_says_so():
    plain, safe = (place("s3://bucket", {"endpoint": f"{scheme}://127.0.0.1:1", "region": "eu"}) for scheme in ("http", "https"))

    assert plain.options["aws_allow_http"] == "true"
    assert "aws_allow_http" not in safe.options
    stores = plain.store(), safe.store()
    assert all(isinstance(each, S3Store) for each in stores)
    assert [each.client_options for each in stores] == [{"allow_http": "true"}, {"allow_http": "false"}]


def test_a_folder_is_made_by_its_store_and_known_to_be_missing_before(tmp_path):
    there = place(tmp_path).child("a", "b")

    assert there.is_empty()
    store = there.store()
    assert isinstance(store, LocalStore)
    obstore.put(store, "x", b"1")
    assert not there.is_empty()
    assert (tmp_path / "a/b/x").read_bytes() == b"1"


def test_a_lake_without_a_key_is_told_with_where_a_key_is_set():
    asked = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 2ms - Server returned 403 Forbidden"
    told = str(LakeFault("write to", "s3://nope/x/lake", asked))
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or access_key_id and secret_access_key under [lake_options]" in told
    refused = "Error performing PUT https://s3.eu-west-1.amazonaws.com/nope/x in 2ms - Server returned 403 Forbidden"
    assert "AWS_ACCESS_KEY_ID" not in str(LakeFault("write to", "s3://nope/x/lake", refused))
