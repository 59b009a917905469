"""What decides how the texts of a source are read."""

from collections.abc import Mapping

from headrace.spec.sources import Source, Written

_USUAL: Mapping[str, object] = {
    "encoding": "utf-8", "decimal": ".", "thousands": "", "dates": {}, "timezone": None, "ambiguous": "quarantine",
    "nonexistent": "quarantine", "sheet": None,
}  # fmt: skip


def reading_of(source: Source | None) -> tuple[object, ...]:
    """Return what decides how a source's texts are read. An option that is as usual does not count, so that a new one releases no pins."""
    written = (source.format, source.null_values, source.separator) if isinstance(source, Written) else ()
    changed = {name: getattr(source, name) for name, usual in _USUAL.items() if getattr(source, name, usual) != usual}
    return (*written, changed) if changed else written
