"""Rows as a blob: a name of what they are, whatever made them."""

import io

import polars as pl


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
    """Return a column whose nulls have nothing left behind them."""
    if not column.null_count() or column.dtype == pl.Null:
        return column
    nothing = pl.lit("") if isinstance(column.dtype, pl.String) else pl.lit(0).cast(column.dtype)
    values = pl.col(column.name)
    return column.to_frame().select(pl.when(values.is_not_null()).then(values.fill_null(nothing)).alias(column.name)).to_series()
