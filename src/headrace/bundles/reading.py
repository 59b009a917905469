"""Reading a bundle: verified before it is believed. Executes no code from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from headrace.bundles.archive import MAX_BYTES, read_files
from headrace.bundles.errors import NotABundle, TamperedBundle, UntrustedBundle
from headrace.bundles.golden import check_golden, decode_golden
from headrace.bundles.keys import TrustedKeys, verify
from headrace.bundles.manifest import MANIFEST, SIGNATURE, Manifest, decode_manifest, sha256
from headrace.bundles.model_files import decode_model
from headrace.bundles.parts import Golden
from headrace.bundles.versions import check_versions
from headrace.bundles.writing import CARD, GOLDEN, PLAN, PROFILE, SignatureFile
from headrace.models.artifact import Artifact
from headrace.models.encoder import Encoder
from headrace.models.predictor import Predictor, load_predictor


@dataclass(frozen=True)
class Bundle:
    """A verified bundle, ready to score.

    `plan` and `profile` are JSON values; the feature room reads the plan. `fingerprint` is the SHA-256 of the manifest.
    """

    manifest: Manifest
    plan: dict[str, Any]
    profile: dict[str, Any]
    artifact: Artifact
    encoder: Encoder
    predictor: Predictor
    golden: Golden
    card: str
    fingerprint: str
    key: str


def read_bundle(path: Path, trusted_keys: TrustedKeys, max_bytes: int = MAX_BYTES) -> Bundle:
    """Return the bundle in a folder or a zip, after checking signature, hashes, versions and golden rows, in this order.

    Raises:
        BundleError: one of its kinds, for whatever is not as it was signed by a trusted key, or does not work here.
    """
    where = str(path)
    files = read_files(path, max_bytes)
    for name in (MANIFEST, SIGNATURE):
        if name not in files:
            raise NotABundle(where, f"{name} is missing")
    key = _check_signature(files, trusted_keys, where)
    manifest = decode_manifest(files[MANIFEST], where)
    _check_hashes(manifest, files, where)
    check_versions(manifest.requires, where)
    artifact = decode_model(files, where)
    encoder, predictor, golden = Encoder(artifact.columns), load_predictor(artifact), decode_golden(files[GOLDEN], where)
    check_golden(golden, encoder, predictor, where)
    return Bundle(
        manifest=manifest,
        plan=msgspec.json.decode(files[PLAN]),
        profile=msgspec.json.decode(files[PROFILE]),
        artifact=artifact,
        encoder=encoder,
        predictor=predictor,
        golden=golden,
        card=files[CARD].decode(),
        fingerprint=sha256(files[MANIFEST]),
        key=key,
    )


def _check_signature(files: dict[str, bytes], trusted_keys: TrustedKeys, where: str) -> str:
    try:
        signature = msgspec.json.decode(files[SIGNATURE], type=SignatureFile)
        value = bytes.fromhex(signature.value)
    except (msgspec.DecodeError, ValueError) as error:
        raise UntrustedBundle(where, f"its signature cannot be read ({error})") from error
    if signature.algorithm != "ed25519":
        raise UntrustedBundle(where, f"it is signed by {signature.algorithm!r}, not ed25519")
    public = trusted_keys.get(signature.key)
    if public is None:
        known = ", ".join(sorted(trusted_keys)) or "none"
        raise UntrustedBundle(
            where,
            f"it is signed by the key {signature.key!r:.80}; trusted keys: {known}",
            "If you trust who wrote it, put the signer's .pub file into the keys folder.",
        )
    if not verify(public, value, files[MANIFEST]):
        raise UntrustedBundle(where, f"{MANIFEST} was changed after it was signed by the key {signature.key}")
    return signature.key


def _check_hashes(manifest: Manifest, files: dict[str, bytes], where: str) -> None:
    present = files.keys() - {MANIFEST, SIGNATURE}
    for name in sorted(manifest.files.keys() - present):
        raise TamperedBundle(where, name, "is missing")
    for name in sorted(present - manifest.files.keys()):
        raise TamperedBundle(where, name, "was added")
    for name, expected in sorted(manifest.files.items()):
        if sha256(files[name]) != expected:
            raise TamperedBundle(where, name, "was changed")
