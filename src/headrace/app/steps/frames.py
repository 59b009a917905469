"""Frames that one step leaves for another, as blobs."""

import io

import polars as pl

from headrace.app.store import lake_of
from headrace.app.workspace import Workspace


def put_frame(workspace: Workspace, frame: pl.DataFrame) -> str:
    """Keep a frame as a blob (Arrow IPC, zstd); return its name."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd")
    return lake_of(workspace).blobs.put(buffer.getvalue())


def get_frame(workspace: Workspace, name: str) -> pl.DataFrame:
    """Return a frame that `put_frame` kept."""
    return pl.read_ipc(lake_of(workspace).blobs.get(name))
