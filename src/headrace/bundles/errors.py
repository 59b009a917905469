"""Errors of bundles.

UserError
└── BundleError
    ├── NotABundle           something that a bundle must have is missing, or cannot be read
    ├── UntrustedBundle      signed by a key that is not trusted, or not signed by the key it names
    ├── TamperedBundle       a file was changed, added or taken away after signing
    ├── IncompatibleBundle   written for another format or other versions of the parts that must match
    ├── UnsafeArchive        a zip that no bundle was packed into: paths, links, sizes
    ├── GoldenMismatch       the model does not give the scores that it gave when it was written
    └── InvalidKey           a key file that is not an Ed25519 key, or is readable by others
"""

from headrace.core.errors import UserError

_WRITE_AGAIN = "Fetch it again from where it was written, or write it again with `headrace run`."


class BundleError(UserError):
    """A bundle that is not loaded."""


class NotABundle(BundleError):
    """Something that a bundle must have is missing, or cannot be read."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where} is not a bundle: {problem}.", remedy="Give the folder that `headrace run` wrote, or its zip.")


class UntrustedBundle(BundleError):
    """Signed by a key that is not trusted, or not signed by the key it names."""

    def __init__(self, where: str, problem: str, remedy: str = _WRITE_AGAIN) -> None:
        super().__init__(f"the bundle {where} is not trusted: {problem}.", remedy=remedy)


class TamperedBundle(BundleError):
    """A file was changed, added or taken away after signing."""

    def __init__(self, where: str, file: str, what_happened: str) -> None:
        super().__init__(f"the bundle {where} is not as it was signed: {file!r} {what_happened}.", remedy=_WRITE_AGAIN)
        self.file = file


class IncompatibleBundle(BundleError):
    """Written for another format or other versions of the parts that must match."""

    def __init__(self, where: str, part: str, found: str, needed: str) -> None:
        super().__init__(
            f"the bundle {where} needs {part} {needed}; here is {found}.",
            remedy="Install what it needs, or write the bundle again here.",
        )


class UnsafeArchive(BundleError):
    """A zip that no bundle was packed into."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"the archive {where} is refused: {problem}.", remedy="Pack bundles with headrace; nothing was unpacked.")


class GoldenMismatch(BundleError):
    """The model does not give the scores that it gave when it was written."""

    def __init__(self, where: str, row: int, expected: object, found: object) -> None:
        super().__init__(
            f"the bundle {where} fails its golden rows: row {row} scores {found}, expected {expected}.",
            remedy="The machine or a library computes differently. Write the bundle again here; do not serve this one.",
        )


class InvalidKey(BundleError):
    """A key file that is not an Ed25519 key, or is readable by others."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        super().__init__(f"the signing key {path} is refused: {problem}.", remedy=remedy)
