"""Opening the executor that a setting names."""

import os
import secrets

from headrace.engine.errors import RayNotInstalled
from headrace.engine.executor import Executor, Here

LOCAL, RAY = "local", "ray"
"""This process, and the Ray cluster of this machine."""


def open_executor(engine: str) -> Executor:
    """Return this process for `local`, else the Ray cluster that the setting names. To be called by the main thread: it connects.

    Raises:
        RayNotInstalled: if Ray is asked for and is not there.
        ClusterUnreachable: if the cluster is not.
    """
    if engine == LOCAL:
        return Here()
    _speak_quietly(engine)
    # Ray takes a second to import, and comes with headrace[ray] only.
    try:
        from headrace.engine.cluster import Cluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise RayNotInstalled(engine) from error
    return Cluster(engine)


def _speak_quietly(engine: str) -> None:
    """Set what Ray reads when it is first imported, where the user has not: nobody is told of its use, and a cluster that is started here
    listens to whoever knows its word, since it listens on the machine's own address, too."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if engine == RAY and not {"RAY_AUTH_MODE", "RAY_ADDRESS"} & set(os.environ):
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
