import numpy as np
import pytest

from headrace.bundles.errors import GoldenMismatch, NotABundle
from headrace.bundles.parts import Golden
from headrace.bundles.reading import read_bundle
from headrace.bundles.writing import write_bundle, zip_bundle


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_bundle_holds_what_the_design_names(folder):
    expected = {"manifest.json", "signature", "plan.json", "model.json", "profile.json", "golden.arrow", "card.md"}
    assert set(contents(folder)) == expected | {"design.json", "weights.npy", "intercept.npy"}


def test_equal_parts_give_equal_bytes_and_the_same_fingerprint(tmp_path, parts, key):
    first, second = write_bundle(tmp_path / "one", parts, key), write_bundle(tmp_path / "two", parts, key)
    assert first == second
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    zip_bundle(tmp_path / "one", tmp_path / "one.zip")
    zip_bundle(tmp_path / "two", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_any_changed_part_changes_the_fingerprint(tmp_path, make_parts, key):
    changes = [{}, {"threshold": 0.5}, {"plan": {"format": 2}}, {"card": "other"}, {"version": "late-4"}, {"fingerprints": {"data": "abd"}}]
    found = {write_bundle(tmp_path / str(n), make_parts(**change), key) for n, change in enumerate(changes)}
    assert len(found) == len(changes)


def test_an_older_bundle_is_replaced_whole(tmp_path, make_parts, key, folder):
    (folder / "left_over.txt").write_text("old")
    write_bundle(folder, make_parts(version="late-4"), key)
    assert read_bundle(folder, key.trusted).manifest.version == "late-4"
    assert "left_over.txt" not in contents(folder)
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "keys"}


def test_a_model_that_does_not_give_its_golden_scores_is_not_written(tmp_path, make_parts, key, parts):
    scores = np.array(parts.golden.scores)
    scores[17] += 1e-9
    with pytest.raises(GoldenMismatch, match="row 17"):
        write_bundle(tmp_path / "bundle", make_parts(golden=Golden(parts.golden.rows, scores)), key)
    assert not (tmp_path / "bundle").exists()


def test_scores_of_another_shape_are_a_mismatch(tmp_path, make_parts, key, parts):
    wide = np.column_stack([parts.golden.scores, parts.golden.scores])
    with pytest.raises(GoldenMismatch):
        write_bundle(tmp_path / "bundle", make_parts(golden=Golden(parts.golden.rows, wide)), key)


def test_golden_rows_are_demanded(tmp_path, make_parts, key):
    with pytest.raises(NotABundle, match="golden"):
        write_bundle(tmp_path / "bundle", make_parts(golden=Golden([], np.array([]))), key)


def test_features_that_differ_from_the_models_are_refused(tmp_path, make_parts, key, parts):
    with pytest.raises(NotABundle, match="reads"):
        write_bundle(tmp_path / "bundle", make_parts(features=parts.features[::-1]), key)


@pytest.mark.parametrize("name", ["model.pkl", "../weights.npy", "plan.json", "a/b.npy", ".hidden.txt"])
def test_files_that_a_bundle_does_not_admit_are_refused(tmp_path, make_parts, make_artifact, key, name):
    artifact = make_artifact()
    artifact.files[name] = b"x"
    with pytest.raises(NotABundle, match="not admitted"):
        write_bundle(tmp_path / "bundle", make_parts(artifact), key)
