import msgspec
import numpy as np
import pytest

from headrace.bundles.errors import BundleError, IncompatibleBundle, NotABundle, TamperedBundle, UntrustedBundle
from headrace.bundles.golden import encode_golden
from headrace.bundles.keys import load_or_create_signing_key
from headrace.bundles.manifest import decode_manifest, encode_manifest, sha256
from headrace.bundles.parts import Golden
from headrace.bundles.reading import read_bundle
from headrace.bundles.writing import SignatureFile, write_bundle, zip_bundle

FILES = [
    "manifest.json",
    "signature",
    "plan.json",
    "model.json",
    "profile.json",
    "golden.arrow",
    "card.md",
    "design.json",
    "weights.npy",
    "intercept.npy",
]


def resign(folder, key, **changes):
    """Sign a changed manifest with a trusted key, hashes included: what only the key's owner can do."""
    manifest = decode_manifest((folder / "manifest.json").read_bytes(), "test")
    hashes = {name: sha256((folder / name).read_bytes()) for name in manifest.files if (folder / name).exists()}
    data = encode_manifest(msgspec.structs.replace(manifest, **{"files": hashes, **changes}))
    (folder / "manifest.json").write_bytes(data)
    (folder / "signature").write_bytes(msgspec.json.encode(SignatureFile("ed25519", key.id, key.sign(data).hex())))


def test_what_was_written_is_read(folder, key, parts):
    bundle = read_bundle(folder, key.trusted)
    assert bundle.artifact == parts.artifact
    assert (bundle.plan, bundle.profile, bundle.card) == ({"format": 1}, {"rows": 60}, "# late\n")
    assert (bundle.manifest.given, bundle.manifest.features) == (parts.given, parts.features)
    assert bundle.manifest.threshold == 0.4
    assert bundle.key == key.id
    assert list(bundle.golden.rows) == list(parts.golden.rows)
    row = {"size": 1.5, "colour": "blue"}
    assert 0 < bundle.predictor.score_row(bundle.encoder.encode_row(row)) < 1


def test_a_zip_reads_like_its_folder(tmp_path, folder, key):
    zip_bundle(folder, tmp_path / "bundle.zip")
    assert read_bundle(tmp_path / "bundle.zip", key.trusted).fingerprint == read_bundle(folder, key.trusted).fingerprint


def test_a_model_of_several_classes_is_read(tmp_path, key, make_parts, make_artifact):
    artifact = make_artifact("multiclass", 3, ("a", "b", "c"))
    write_bundle(tmp_path / "many", make_parts(artifact, threshold=None), key)
    bundle = read_bundle(tmp_path / "many", key.trusted)
    assert bundle.golden.scores.shape == (60, 3)
    assert bundle.manifest.classes == ("a", "b", "c")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_changed_byte_anywhere_is_found(folder, key, name, place):
    path = folder / name
    data = bytearray(path.read_bytes())
    data[round(place * (len(data) - 1))] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        read_bundle(folder, key.trusted)
    if name in ("manifest.json", "signature"):
        assert isinstance(caught.value, UntrustedBundle)
    else:
        assert isinstance(caught.value, TamperedBundle)
        assert caught.value.file == name


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_found(folder, key, name):
    (folder / name).unlink()
    with pytest.raises(NotABundle if name in ("manifest.json", "signature") else TamperedBundle, match=name):
        read_bundle(folder, key.trusted)


def test_an_added_file_is_found(folder, key):
    (folder / "extra.py").write_text("print('hello')")
    with pytest.raises(TamperedBundle, match=r"extra\.py' was added"):
        read_bundle(folder, key.trusted)


def test_links_and_folders_are_found(folder, key):
    (folder / "link.txt").symlink_to("/etc/hostname")
    with pytest.raises(TamperedBundle, match="not a plain file"):
        read_bundle(folder, key.trusted)
    (folder / "link.txt").unlink()
    (folder / "inner").mkdir()
    with pytest.raises(TamperedBundle, match="inner"):
        read_bundle(folder, key.trusted)


def test_another_key_is_not_trusted(tmp_path, folder, key):
    other = load_or_create_signing_key(tmp_path / "other")
    with pytest.raises(UntrustedBundle, match=f"{key.id}.*{other.id}"):
        read_bundle(folder, other.trusted)
    with pytest.raises(UntrustedBundle, match="none"):
        read_bundle(folder, {})


def test_another_key_under_a_trusted_name_is_found(tmp_path, folder, key):
    other = load_or_create_signing_key(tmp_path / "other")
    data = (folder / "manifest.json").read_bytes()
    (folder / "signature").write_bytes(msgspec.json.encode(SignatureFile("ed25519", key.id, other.sign(data).hex())))
    with pytest.raises(UntrustedBundle, match="changed after it was signed"):
        read_bundle(folder, key.trusted)


def test_another_algorithm_is_refused(folder, key):
    (folder / "signature").write_bytes(msgspec.json.encode(SignatureFile("none", key.id, "")))
    with pytest.raises(UntrustedBundle, match="'none', not ed25519"):
        read_bundle(folder, key.trusted)


def test_another_format_is_named(folder, key):
    resign(folder, key, format=2)
    with pytest.raises(IncompatibleBundle, match="needs bundle format 2; here is format 1"):
        read_bundle(folder, key.trusted)


@pytest.mark.parametrize(("part", "version"), [("headrace", "99.1"), ("headrace", "0.99.0"), ("no-such-part", "1.0")])
def test_versions_that_must_match_are_checked(folder, key, part, version):
    resign(folder, key, requires={part: version})
    with pytest.raises(IncompatibleBundle, match=part):
        read_bundle(folder, key.trusted)


def test_golden_rows_are_checked_even_when_the_signature_is_good(folder, key, parts):
    scores = np.array(parts.golden.scores)
    scores[5] *= 1 + 1e-6
    (folder / "golden.arrow").write_bytes(encode_golden(Golden(parts.golden.rows, scores), parts.features))
    resign(folder, key)
    with pytest.raises(BundleError, match="row 5"):
        read_bundle(folder, key.trusted)


@pytest.mark.parametrize(
    ("name", "data"), [("golden.arrow", b"nothing"), ("model.json", b"[]"), ("model.json", b'{"files": ["a.npy"]}'), ("model.json", b"{")]
)
def test_a_signed_file_that_says_nothing_is_told(folder, key, name, data):
    (folder / name).write_bytes(data)
    resign(folder, key)
    with pytest.raises(NotABundle, match=name):
        read_bundle(folder, key.trusted)


def test_golden_rows_must_be_there(folder, key, parts):
    (folder / "golden.arrow").write_bytes(encode_golden(Golden(parts.golden.rows, np.zeros((60, 0))), parts.features))
    resign(folder, key)
    with pytest.raises(NotABundle, match="no rows"):
        read_bundle(folder, key.trusted)


def test_a_pickle_in_place_of_an_array_is_not_loaded(folder, key):
    np.save(folder / "weights.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    resign(folder, key)
    with pytest.raises(Exception, match="plain array") as caught:
        read_bundle(folder, key.trusted)
    assert "pickle" in str(caught.value)


def test_a_manifest_that_says_other_things_is_not_one(folder, key):
    data = b'{"format": 1, "project": 3}'
    (folder / "manifest.json").write_bytes(data)
    (folder / "signature").write_bytes(msgspec.json.encode(SignatureFile("ed25519", key.id, key.sign(data).hex())))
    with pytest.raises(NotABundle, match=r"manifest\.json"):
        read_bundle(folder, key.trusted)
