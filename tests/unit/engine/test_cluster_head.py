"""The head of a Ray cluster, watched: here it is whoever listens."""

import socket

import pytest

from headrace.engine.cluster_head import HeadWatch
from headrace.engine.errors import ClusterFault


def test_a_head_that_is_gone_is_told_long_before_ray_would_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_gcs_rpc_server_reconnect_timeout_s", raising=False)
    seconds = 0.0
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        watch = HeadWatch(address, lambda: seconds)
        seconds = 100.0
        watch.look()
    seconds = 119.0
    watch.look()
    seconds = 122.0
    with pytest.raises(ClusterFault, match=f"its head at {address} has not answered for 20 seconds"):
        watch.look()


def test_who_gives_a_head_longer_to_come_back_is_heeded_and_none_is_watched_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "600")
    seconds = 0.0
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
    watches = [HeadWatch(each, lambda: seconds) for each in (address, "")]
    seconds = 199.0
    for each in watches:
        each.look()
    seconds = 202.0
    watches[1].look()
    with pytest.raises(ClusterFault, match="for 200 seconds"):
        watches[0].look()
