"""Ed25519 keys: one private key signs a project's bundles; public keys say whose bundles are trusted."""

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from headrace.bundles.errors import InvalidKey
from headrace.core.durable import settle
from headrace.core.units import counted

PRIVATE_FILE = "bundle_signing.key"
PUBLIC_SUFFIX = ".pub"

# Public keys by key id: 32 raw bytes each.
TrustedKeys = Mapping[str, bytes]


@dataclass(frozen=True)
class SigningKey:
    """A private key. It never prints itself."""

    _private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The public key: 32 raw bytes."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def id(self) -> str:
        """Which key this is: `key_id` of the public key."""
        return key_id(self.public)

    @property
    def trusted(self) -> TrustedKeys:
        """This key alone, as a set of trusted keys."""
        return {self.id: self.public}

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032): 64 bytes, the same for the same data."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"


def key_id(public: bytes) -> str:
    """Return a public key's id: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """Tell whether the signature of the data is this key's."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def load_or_create_signing_key(folder: Path) -> SigningKey:
    """Return the project's signing key, made at first use: `bundle_signing.key` (mode 0600) and `<key id>.pub` in `folder`.

    Raises:
        InvalidKey: if the file holds no Ed25519 key, or others may read it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / PRIVATE_FILE
    if not path.exists():
        _create(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InvalidKey(
            str(path),
            "other users of the machine may read it",
            f"Run: chmod 600 {path}; if others had access, delete it and write the bundles again.",
        )
    raw = path.read_bytes()
    if len(raw) != 32:
        raise InvalidKey(
            str(path),
            f"it holds {counted(len(raw), 'byte')} and an Ed25519 key has 32",
            "Restore it from a copy, or delete it to make a new one.",
        )
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(raw))
    public_path = folder / f"{key.id}{PUBLIC_SUFFIX}"
    if not public_path.exists():
        public_path.write_text(key.public.hex() + "\n", encoding="ascii")
    return key


def load_trusted_keys(folder: Path) -> TrustedKeys:
    """Return the public keys in `folder`: every `*.pub`, 64 hexadecimal digits each.

    Raises:
        InvalidKey: if one of them is no key.
    """
    found = {}
    for path in sorted(folder.glob(f"*{PUBLIC_SUFFIX}")):
        try:
            public = bytes.fromhex(path.read_text(encoding="ascii").strip())
            Ed25519PublicKey.from_public_bytes(public)
        except ValueError as error:
            raise InvalidKey(str(path), f"it is no public key ({error})", "A public key file holds 64 hexadecimal digits.") from error
        found[key_id(public)] = public
    return found


def _create(path: Path) -> None:
    """Make a key; when two processes do so at once, the first one's stays."""
    raw = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
    try:
        os.link(temporary, path)
        settle(path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
