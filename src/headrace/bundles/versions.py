"""Which installed parts a bundle's meaning rests on, and whether those here will do."""

import importlib.metadata
from collections.abc import Mapping

from headrace.bundles.errors import IncompatibleBundle

# What each family computes with, beside Headrace itself. Golden rows catch what a version number does not say.
_FAMILY_PARTS: Mapping[str, tuple[str, ...]] = {"lightgbm": ("lightgbm",)}


def required_versions(family: str) -> dict[str, str]:
    """Return the installed versions that a model of this family rests on."""
    return {part: importlib.metadata.version(part) for part in ("headrace", *_FAMILY_PARTS.get(family, ()))}


def check_versions(required: Mapping[str, str], where: str) -> None:
    """Check that each part is here in a compatible version: the same major one, or for 0.x the same minor one.

    Raises:
        IncompatibleBundle: naming the part, what is here and what is needed.
    """
    for part, version in sorted(required.items()):
        try:
            found = importlib.metadata.version(part)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if _series(found) != _series(version):
            raise IncompatibleBundle(where, part, found, f"{_series(version)}.x")


def _series(version: str) -> str:
    major, _, rest = version.partition(".")
    return f"0.{rest.partition('.')[0]}" if major == "0" else major
