import json
import os
import signal
import socket
import threading
import time

import httpx
import pytest

from headrace.core.hosts import is_loopback
from headrace.serving.application import Application, ServingParts
from headrace.serving.errors import PredictionsLost, ServerRefused
from headrace.serving.server import serve
from headrace.serving.settings import ServerOptions


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_known(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org", ""])
def test_everything_else_is_refused_without_a_proxy(application, host):
    assert not is_loopback(host)
    with pytest.raises(ServerRefused, match="--behind-proxy"):
        serve(ServerOptions(host=host, port=0), application)


def test_a_port_in_use_is_told(application):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServerRefused, match="--port"):
        serve(ServerOptions(port=taken.getsockname()[1]), application)


def test_a_port_that_is_none_is_told():
    with pytest.raises(ServerRefused, match="99999"):
        ServerOptions(port=99999)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))]
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_free_port_is_announced_and_a_signal_ends_it_with_everything_logged(build, row, sink, host, number):
    """The signal goes to this very process: the server must catch it, and give the handlers back."""
    application = build(flush_seconds=60)
    before = signal.getsignal(number)
    answers = []

    def ask(url):
        try:
            answers.append(httpx.post(f"{url.replace('0.0.0.0', '127.0.0.1')}/predict", json=row))
        finally:
            os.kill(os.getpid(), number)

    serve(ServerOptions(host=host, port=0, behind_proxy=True), application, lambda url: threading.Thread(target=ask, args=(url,)).start())
    assert answers[0].status_code == 200
    assert [record.id for record in sink.records] == [answers[0].json()["predictions"][0]["prediction_id"]]
    assert signal.getsignal(number) is before


def test_predictions_that_no_sink_took_are_told_at_the_end(sink, model_of, row, caplog, capfd):
    sink.failing = True
    application = Application(ServingParts([model_of()], sink, b"key", close_seconds=0.2))

    def ask(url):
        httpx.post(f"{url}/predict", json=[row, row])
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(PredictionsLost, match="2 predictions"):
        serve(ServerOptions(port=0), application, lambda url: threading.Thread(target=ask, args=(url,)).start())
    assert {each.name for each in caplog.records} == {"headrace.serving"}
    assert "Application shutdown" not in capfd.readouterr().err  # the web server has no words of its own for it


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_answered_however_often_a_signal_comes(build, row, sink, number):
    answers, askers = [], []

    def body():
        text = json.dumps(row).encode()
        yield text[:-1]
        for _ in range(2):
            os.kill(os.getpid(), number)
            time.sleep(0.3)
        yield text[-1:]

    def ask(url):
        answers.append(httpx.post(f"{url}/predict", content=body(), headers={"content-type": "application/json"}).status_code)

    def start(url):
        askers.append(threading.Thread(target=ask, args=(url,)))
        askers[0].start()

    serve(ServerOptions(port=0), build(), start)
    askers[0].join()
    assert (answers, len(sink.records)) == ([200], 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_while_the_last_predictions_are_written_lose_none(build, row, sink, number):
    """As a person does who thinks that nothing happens, and as a supervisor may: the signal comes again during the last write."""
    application = build(flush_seconds=60)
    write = sink.write

    def write_slowly(batch):
        for _ in range(3):
            os.kill(os.getpid(), number)
            time.sleep(0.1)
        write(batch)

    sink.write = write_slowly

    def ask(url):
        httpx.post(f"{url}/predict", json=row)
        os.kill(os.getpid(), number)

    serve(ServerOptions(port=0), application, lambda url: threading.Thread(target=ask, args=(url,)).start())
    assert len(sink.records) == 1


def test_a_signal_before_the_first_request_can_be_taken_stops_the_server(build):
    application = build()
    start = application.start

    def start_late():
        os.kill(os.getpid(), signal.SIGTERM)
        start()

    application.start = start_late
    serve(ServerOptions(port=0), application, lambda url: None)
    assert not application._started
