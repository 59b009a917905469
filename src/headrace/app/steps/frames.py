"""Frames that one step leaves for another, as blobs."""

import polars as pl

from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.lake.frames import bytes_frame, frame_bytes


def put_frame(workspace: Workspace, frame: pl.DataFrame) -> str:
    """Keep a frame as a blob (Arrow IPC, zstd); return its name."""
    return lake_of(workspace).blobs.put(frame_bytes(frame))


def get_frame(workspace: Workspace, name: str) -> pl.DataFrame:
    """Return a frame that `put_frame` kept."""
    return bytes_frame(lake_of(workspace).blobs.get(name))
