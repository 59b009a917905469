"""The model's part of a bundle: `model.json`, and the files beside it. Text, JSON and plain numpy arrays; never pickle."""

from collections.abc import Mapping

import msgspec

from headrace.bundles.archive import NAME
from headrace.bundles.errors import NotABundle
from headrace.models.artifact import Artifact

MODEL = "model.json"
SUFFIXES = (".txt", ".npy", ".json")
_FILES = "files"


def encode_model(artifact: Artifact, reserved: frozenset[str]) -> dict[str, bytes]:
    """Return the files that hold an artifact, by name.

    Raises:
        NotABundle: for a file that a bundle does not admit: another suffix, or a name that is taken.
    """
    for name in artifact.files:
        if not NAME.fullmatch(name) or not name.endswith(SUFFIXES) or name in reserved:
            admitted = f"its file {name!r} is not admitted; files have plain names that end in {', '.join(SUFFIXES)}"
            raise NotABundle(f"a model of the family {artifact.family!r}", admitted)
    return {**artifact.files, MODEL: encode_json({**artifact.header(), _FILES: sorted(artifact.files)})}


def decode_model(files: Mapping[str, bytes], where: str) -> Artifact:
    """Return the artifact. Nothing in it is executed.

    Raises:
        NotABundle: if `model.json` cannot be read or names files that are not there.
    """
    try:
        header = msgspec.json.decode(files[MODEL], type=dict)
        own = {name: files[name] for name in header.pop(_FILES)}
        return Artifact.from_header(header, own)
    except (KeyError, TypeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotABundle(where, f"{MODEL} cannot be read ({error!r})") from error


def encode_json(value: object) -> bytes:
    """Return a value as readable JSON, in its own order: equal values give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
