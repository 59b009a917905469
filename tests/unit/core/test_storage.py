"""Which errors a full or closed disk stands behind, in whose words it may be told."""

import errno
import os
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from headrace.core.errors import SystemFault, UserError
from headrace.core.object_stores import StoreUnread
from headrace.core.storage import DiskFull, NotWritable, named_fault


class Fault(SystemFault):
    def __init__(self, place: str) -> None:
        super().__init__("it failed")
        self.place = place


def chained(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_the_system_s_numbers(number, tmp_path):
    found = named_fault(OSError(number, os.strerror(number), str(tmp_path / "x")))
    assert isinstance(found, DiskFull)
    assert f"no room left to write {tmp_path / 'x'} (" in str(found)
    assert "free)" in str(found)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_what_may_not_be_written(number, tmp_path):
    found = named_fault(OSError(number, os.strerror(number), str(tmp_path)))
    assert isinstance(found, NotWritable)
    assert f"{tmp_path} cannot be written or opened: {os.strerror(number)}.\n" in str(found)  # the room there is is beside the point


def test_the_words_of_libraries_and_the_place_of_ours(tmp_path):
    rust = RuntimeError("Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)")
    found = named_fault(chained(Fault(str(tmp_path / "table")), rust))
    assert isinstance(found, DiskFull)
    assert str(tmp_path / "table") in str(found)
    assert not found.passing


def test_sqlite_through_its_wrappings(tmp_path):
    full = OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full"))
    found = named_fault(chained(Fault(f"sqlite:///{tmp_path}/ledger.db"), full))
    assert isinstance(found, DiskFull)
    assert f"{tmp_path}/ledger.db" in str(found)
    assert isinstance(named_fault(sqlite3.OperationalError("attempt to write a readonly database"), "/x"), NotWritable)


def test_a_place_without_a_name_is_told_by_the_home(tmp_path):
    assert f"write {tmp_path} (" in str(named_fault(OSError(errno.ENOSPC, "full"), str(tmp_path)))


@pytest.mark.parametrize(
    "error",
    [UserError("No space left on device is what the file says."), ValueError("bad"), FileNotFoundError(errno.ENOENT, "no", "x"), Fault("")],
)
def test_other_errors_stay_as_they_are(error):
    assert named_fault(error) is error


def test_a_database_that_is_not_there_is_no_matter_of_storage(tmp_path):
    error = sqlite3.OperationalError("unable to open database file")
    assert named_fault(error, str(tmp_path / "ledger.db")) is error


def test_errors_that_go_round_in_a_circle():
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert named_fault(first) is first


_AWAY = """object-store error: Generic S3 error: Error performing GET http://127.0.0.1:1/b/t/lake/p/a/part-0.parquet in 3.6s, \
after 8 retries, max_retries: 8, retry_timeout: 30s  - HTTP error: error sending request (path: s3://b/t/lake/p/a/part-0.parquet)

Caused by:
    0: client error (Connect)
    1: tcp connect error
    2: Connection refused (os error 111)"""
_REFUSED = """object-store error: Error performing GET http://127.0.0.1:1/b/part-0.parquet in 1ms - Server returned non-2xx status code: \
403 Forbidden: <?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>No.</Message><Resource>/b</Resource></Error> (path: s3://b/t/lake/p/a/part-0.parquet)"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(_AWAY), "could not read s3://b/t/lake/p/a: Generic S3 error"),
        (ConnectionRefusedError(_AWAY), "sending request - client error (Connect) - tcp connect error - Connection refused (os error 111)"),
        (PermissionError(_REFUSED), "403 Forbidden: AccessDenied: No.\n  Check that the store"),
        (chained(RuntimeError("it failed"), ConnectionRefusedError(_AWAY)), "could not read s3://b/t/lake/p/a: "),
    ],
)  # fmt: skip
def test_a_store_that_fails_under_a_lazy_table_is_named(error, said):
    found = named_fault(error)
    assert isinstance(found, StoreUnread)
    assert said in str(found)
    assert found.passing


def test_a_lost_file_is_told_as_such_only_where_it_is_a_table_s_of_the_lake():
    words = "object-store error: Object at location {0} not found: No such file or directory (os error 2) (path: file://{0})"
    lost = named_fault(FileNotFoundError(words.format("/h%20m/lake/p/a/part-0.parquet")))
    assert "the table at /h m/lake/p/a has lost its file part-0.parquet" in str(lost)
    in_brackets = named_fault(FileNotFoundError(words.format("/Work(old)/lake/p/a/part-0.parquet")))
    assert "the table at /Work(old)/lake/p/a has lost its file part-0.parquet" in str(in_brackets)
    elsewhere = FileNotFoundError(words.format("/data/mine.parquet"))
    assert named_fault(elsewhere) is elsewhere


def test_a_store_that_is_asked_without_a_key_is_told_with_where_a_key_is_set():
    words = "Error performing GET http://169.254.169.254/latest/meta-data/iam/security-credentials/ in 3ms"
    unread = named_fault(OSError(f"object-store error: {words} (path: s3://b/lake/p/a/part-0.parquet)"))
    assert "AWS_ACCESS_KEY_ID" in str(unread)
    assert "AWS_ACCESS_KEY_ID" not in str(named_fault(PermissionError(_REFUSED)))
