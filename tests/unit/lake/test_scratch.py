"""Files that tasks leave for each other, in a folder and in a store."""

import pytest

from headrace.lake.errors import LakeFault
from headrace.lake.reference import LakeReference


@pytest.mark.parametrize("where", ["folder", "store"])
def test_what_is_put_is_read_whole_or_in_part_until_all_is_removed(where, tmp_path, request):
    if where == "folder":
        lake = LakeReference(str(tmp_path), "shop")
    else:
        s3, url = request.getfixturevalue("s3"), request.getfixturevalue("bucket_url")
        lake = LakeReference(url, "shop", tuple(s3.options.items()))
    scratch, other = lake.scratch("run/a"), lake.scratch("run/b")
    scratch.remove()
    scratch.put("deep/x", b"0123456789")
    scratch.put("deep/x", b"abcdefghij")
    other.put("x", b"other")
    assert scratch.get("deep/x") == b"abcdefghij"
    assert scratch.get_range("deep/x", 2, 5) == b"cde"
    assert scratch.get_range("deep/x", 2, 2) == b""
    scratch.remove()
    with pytest.raises(LakeFault):
        scratch.get("deep/x")
    assert other.get("x") == b"other"
    lake.scratch("run").remove()
    with pytest.raises(LakeFault):
        other.get_range("x", 0, 2)
    assert (scratch.folder is None) == (where == "store")
