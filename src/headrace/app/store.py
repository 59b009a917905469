"""The lake of a workspace. Apart from the workspace, so that a command which only reads the ledger loads no table engine."""

import io
from typing import TYPE_CHECKING

import polars as pl

from headrace.app.workspace import Workspace

if TYPE_CHECKING:
    from headrace.lake.lake import Lake


def lake_of(workspace: Workspace) -> "Lake":
    """Return the project's lake."""
    # Kept here: a run that finds nothing to do opens no table, and Delta, pyarrow and NumPy are a fifth of what it would import.
    from headrace.lake.lake import Lake

    return Lake(workspace.settings.lake_url, workspace.project.name, workspace.lake_options)


def put_frame(workspace: Workspace, frame: pl.DataFrame) -> str:
    """Keep a frame as a blob (Arrow IPC, zstd); return its name."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd")
    return lake_of(workspace).blobs.put(buffer.getvalue())


def get_frame(workspace: Workspace, name: str) -> pl.DataFrame:
    """Return a frame that `put_frame` kept."""
    return pl.read_ipc(lake_of(workspace).blobs.get(name))
