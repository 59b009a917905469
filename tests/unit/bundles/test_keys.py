import threading

import pytest

from headrace.bundles.errors import InvalidKey
from headrace.bundles.keys import PRIVATE_FILE, key_id, load_or_create_signing_key, load_trusted_keys, verify


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    made, again = load_or_create_signing_key(tmp_path / "keys"), load_or_create_signing_key(tmp_path / "keys")
    assert made.id == again.id
    assert (tmp_path / "keys" / PRIVATE_FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert load_trusted_keys(tmp_path / "keys") == made.trusted


def test_a_signature_is_of_this_key_and_these_bytes(tmp_path):
    one, other = load_or_create_signing_key(tmp_path / "a"), load_or_create_signing_key(tmp_path / "b")
    signature = one.sign(b"text")
    assert verify(one.public, signature, b"text")
    assert not verify(one.public, signature, b"texT")
    assert not verify(other.public, signature, b"text")
    assert one.sign(b"text") == signature


def test_a_key_that_others_may_read_is_refused(tmp_path):
    load_or_create_signing_key(tmp_path)
    (tmp_path / PRIVATE_FILE).chmod(0o644)
    with pytest.raises(InvalidKey, match="chmod 600"):
        load_or_create_signing_key(tmp_path)


def test_a_short_key_is_refused(tmp_path):
    (tmp_path / PRIVATE_FILE).write_bytes(b"short")
    (tmp_path / PRIVATE_FILE).chmod(0o600)
    with pytest.raises(InvalidKey, match="5 bytes"):
        load_or_create_signing_key(tmp_path)


def test_a_broken_public_key_is_refused_by_name(tmp_path):
    (tmp_path / "friend.pub").write_text("not hex")
    with pytest.raises(InvalidKey, match=r"friend\.pub"):
        load_trusted_keys(tmp_path)


def test_the_private_key_never_prints(tmp_path):
    key = load_or_create_signing_key(tmp_path)
    assert repr(key) == f"SigningKey({key_id(key.public)})"


def test_processes_that_race_agree_on_one_key(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(load_or_create_signing_key(tmp_path).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
