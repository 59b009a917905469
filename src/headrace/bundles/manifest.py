"""What a bundle says of itself: `manifest.json`. It is what the signature covers, and it names the hash of every other file."""

import hashlib

import msgspec

from headrace.bundles.errors import IncompatibleBundle, NotABundle
from headrace.expressions import DType

FORMAT = 1
MANIFEST = "manifest.json"
SIGNATURE = "signature"


class GivenField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column that the asker supplies. A personal one comes plain and is pseudonymised at the server's door."""

    name: str
    dtype: DType
    personal: bool = False


class FeatureField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feature, in the model's order."""

    name: str
    dtype: DType


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signature of inputs and outputs, where the model comes from, and what must match to load it.

    Attributes:
        format: the layout's version.
        version: the model version's name, as in the ledger.
        task: `binary`, `multiclass` or `regression`.
        classes: the class labels in the order of the scores; for `binary` the second is the positive one; none for `regression`.
        threshold: for `binary`, decide for the positive class when its score reaches it.
        given: the request's schema.
        features: what the model reads, in order.
        fingerprints: by name, such as `data`, `code` and `description`.
        requires: distributions whose versions must be compatible, by name.
        files: the SHA-256 of every other file but the signature, by name.
    """

    format: int
    project: str
    model: str
    version: str
    task: str
    classes: tuple[str, ...]
    threshold: float | None
    given: tuple[GivenField, ...]
    features: tuple[FeatureField, ...]
    fingerprints: dict[str, str]
    requires: dict[str, str]
    files: dict[str, str]


class _FormatOnly(msgspec.Struct):
    format: int


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the exact bytes that are written and signed: canonical, so that equal manifests give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n"


def decode_manifest(data: bytes, where: str) -> Manifest:
    """Return what the bytes say.

    Raises:
        NotABundle: if they say nothing that a manifest says.
        IncompatibleBundle: if they are of another format version.
    """
    try:
        found = msgspec.json.decode(data, type=_FormatOnly).format
        if found != FORMAT:
            raise IncompatibleBundle(where, part="bundle format", found=f"format {FORMAT}", needed=str(found))
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotABundle(where, f"{MANIFEST} cannot be read ({error})") from error


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
