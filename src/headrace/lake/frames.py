"""Rows as a blob: a name of what they are, whatever made them."""

import io

import polars as pl

_BITS = 8  # of a byte


def frame_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame of plain columns as it is kept (Arrow IPC, zstd); equal frames give equal bytes."""
    buffer = io.BytesIO()
    # Views into texts depend on what the frame was cut from and on how many threads cut it; the older layout does not.
    pl.DataFrame([_plain(column) for column in frame.rechunk().iter_columns()]).write_ipc(
        buffer, compression="zstd", compat_level=pl.CompatLevel.oldest()
    )
    return buffer.getvalue()


def bytes_frame(data: bytes) -> pl.DataFrame:
    """Return the frame that `frame_bytes` wrote."""
    return pl.read_ipc(data)


def _plain(column: pl.Series) -> pl.Series:
    """Return a column with nothing left behind: neither values under its nulls, nor bits after its last row in the byte that it ends in."""
    if column.dtype == pl.Null:
        return column
    if not column.null_count():
        column = _without_mask(column)
        return _ended(column, after=False) if column.dtype == pl.Boolean else column
    nothing = pl.lit("") if isinstance(column.dtype, pl.String) else pl.lit(0).cast(column.dtype)
    values = pl.col(column.name)
    shown = column.to_frame().select(pl.when(values.is_not_null()).then(values.fill_null(nothing)).alias(column.name)).to_series()
    return _ended(shown, after=None)


def _without_mask(column: pl.Series) -> pl.Series:
    """Return a column without nulls that does not say of each value that it is none: those whose nulls were left out may."""
    has_mask = column.to_arrow(compat_level=pl.CompatLevel.newest()).buffers()[0] is not None  # as it lies in memory: nothing is copied
    return column.extend_constant(None, 1).drop_nulls() if has_mask else column


def _ended(column: pl.Series, after: bool | None) -> pl.Series:
    """Return a column that lies in memory before some values more, which are not written, but for their bits in the last byte."""
    return column.extend_constant(after, _BITS).rechunk().head(len(column))
