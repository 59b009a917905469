"""Writing a bundle: its files, their hashes, the signature; never half."""

import os
import shutil
from pathlib import Path

import msgspec

from headrace.bundles.archive import read_files, write_zip
from headrace.bundles.errors import NotABundle
from headrace.bundles.golden import check_golden, decode_golden, encode_golden
from headrace.bundles.keys import SigningKey
from headrace.bundles.manifest import FORMAT, MANIFEST, SIGNATURE, Manifest, encode_manifest, sha256
from headrace.bundles.model_files import MODEL, encode_json, encode_model
from headrace.bundles.parts import BundleParts
from headrace.bundles.versions import required_versions
from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor

PLAN, PROFILE, GOLDEN, CARD = "plan.json", "profile.json", "golden.arrow", "card.md"
RESERVED = frozenset({MANIFEST, SIGNATURE, MODEL, PLAN, PROFILE, GOLDEN, CARD})


class SignatureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `signature`: which key signed the manifest's exact bytes, and the signature in hexadecimal."""

    algorithm: str
    key: str
    value: str


def write_bundle(folder: Path, parts: BundleParts, key: SigningKey) -> str:
    """Write and sign a bundle; return its fingerprint, the SHA-256 of the manifest.

    Equal parts and key give equal bytes, wherever and whenever. The folder appears whole or not at all; an older bundle there is replaced.

    Raises:
        NotABundle: for parts that make none: no golden rows, feature names that differ from the model's, a file that is not admitted.
        GoldenMismatch: if the model does not give the golden scores.
    """
    files = _files(parts)
    manifest = encode_manifest(_manifest(parts, files))
    signature = SignatureFile("ed25519", key.id, key.sign(manifest).hex())
    _place(folder, {**files, MANIFEST: manifest, SIGNATURE: encode_json(signature)})
    return sha256(manifest)


def zip_bundle(folder: Path, target: Path) -> None:
    """Pack a bundle's folder into a zip, byte for byte repeatable. `read_bundle` reads it as it is."""
    write_zip(read_files(folder), target)


def _files(parts: BundleParts) -> dict[str, bytes]:
    names = [column.name for column in parts.artifact.columns]
    if names != [feature.name for feature in parts.features]:
        raise NotABundle(parts.version, f"the model reads {names}, but the features are {[feature.name for feature in parts.features]}")
    if not parts.golden.rows:
        raise NotABundle(parts.version, "it has no golden rows")
    golden = encode_golden(parts.golden, parts.features)
    check_golden(decode_golden(golden, parts.version), Encoder(parts.artifact.columns), load_predictor(parts.artifact), parts.version)
    return {
        **encode_model(parts.artifact, RESERVED - {MODEL}),
        PLAN: encode_json(parts.plan),
        PROFILE: encode_json(parts.profile),
        GOLDEN: golden,
        CARD: parts.card.encode(),
    }


def _manifest(parts: BundleParts, files: dict[str, bytes]) -> Manifest:
    return Manifest(
        format=FORMAT,
        project=parts.project,
        model=parts.model,
        version=parts.version,
        task=parts.artifact.task,
        classes=tuple(parts.artifact.classes),
        threshold=parts.threshold,
        given=parts.given,
        features=parts.features,
        fingerprints=dict(parts.fingerprints),
        requires=required_versions(parts.artifact.family),
        files={name: sha256(data) for name, data in files.items()},
    )


def _place(folder: Path, files: dict[str, bytes]) -> None:
    temporary = folder.with_name(f".{folder.name}.writing.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, data in files.items():
        (temporary / name).write_bytes(data)
    if folder.exists():
        older = folder.with_name(f".{folder.name}.older.{os.getpid()}")
        folder.rename(older)
        temporary.rename(folder)
        shutil.rmtree(older)
    else:
        temporary.rename(folder)
