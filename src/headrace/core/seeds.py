"""One seed for a project, from which every other is derived."""

import hashlib


def derive_seed(project_seed: int, *names: str) -> int:
    """Return the seed, 32 bits, for the use that the names say: the same for the same, unrelated for any other.

    The first four bytes, big end first, of the SHA-256 of the seed and the names.

    >>> derive_seed(7, "late", "split") == derive_seed(7, "late", "split") != derive_seed(7, "late", "tune")
    True
    """
    digest = hashlib.sha256(str(project_seed).encode())
    for name in names:
        digest.update(f"/{len(name)}:{name}".encode())
    return int.from_bytes(digest.digest()[:4], "big")
