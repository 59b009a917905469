"""What a file holds, known by its bytes. Apart from reading it: a run that finds nothing to do loads no library that reads tables."""

import hashlib
from pathlib import Path

from headrace.core.errors import SystemFault
from headrace.core.fingerprints import fingerprint
from headrace.ingest.reading import reading_of
from headrace.ingest.unpack import locate
from headrace.spec.sources import File, Source


def source_fingerprint(source: Source, root: Path) -> str:
    """Return the fingerprint of what a source holds and how it is read; where it lies does not count.

    Raises:
        SourceUnreadable: if there is no file.
        SystemFault: for a source that is not a file.
    """
    file = require_file(source)
    with locate(file, root).open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    return fingerprint("source", content, reading_of(file))


def require_file(source: Source) -> File:
    """Return the source, which is to be a file.

    Raises:
        SystemFault: if it is none.
    """
    if isinstance(source, File):
        return source
    raise SystemFault(f"no reader is built for the source {type(source).__name__}.", remedy="Use hr.File.", location=source.location)
