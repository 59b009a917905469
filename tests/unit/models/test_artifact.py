import json

import msgspec
import pytest

from headrace.models.artifact import Artifact
from headrace.models.errors import BrokenArtifact


def test_an_artifact_is_json_and_files(artifacts):
    for artifact in artifacts.values():
        header = json.loads(json.dumps(artifact.header()))
        assert "files" not in header
        assert Artifact.from_header(header, artifact.files) == artifact


def test_a_missing_file_is_named(artifacts):
    with pytest.raises(BrokenArtifact, match=r"model\.txt"):
        artifacts["constant", "binary"].file("model.txt")


def test_a_header_of_another_shape_is_refused():
    with pytest.raises(msgspec.ValidationError, match="family"):
        Artifact.from_header({"task": "binary"}, {})
