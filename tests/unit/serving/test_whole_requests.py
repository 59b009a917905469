"""The short way over real sockets: what it answers is what the long way answers, and what it must not take it leaves."""

import json
import os
import signal
import socket
import threading
import time

import pytest

from headrace.serving.application import Application
from headrace.serving.server import serve
from headrace.serving.settings import Limits, ServerOptions
from headrace.serving.whole_requests import WholeRequests

HEAD = "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {kind}\r\n{more}content-length: {size}\r\n\r\n"
APART = 0.05


def request(body, path="/predict", kind="application/json", more="", size=None):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HEAD.format(path=path, kind=kind, more=more, size=len(text) if size is None else size).encode() + text


class Talk:
    """A connection to a server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def send(self, *pieces):
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(APART)
            self.socket.sendall(piece)

    def answer(self):
        """Return status, headers and body of the next answer, None at the end of the connection."""
        line = self.file.readline()
        if not line:
            return None
        headers = {}
        while (header := self.file.readline().strip()) != b"":
            name, _, value = header.partition(b": ")
            headers[name.decode()] = value.decode()
        return int(line.split()[1]), headers, json.loads(self.file.read(int(headers["content-length"])))

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def shortened(monkeypatch):
    """How many requests the short way answered."""
    answered = []
    whole = Application.answer_whole

    def counting(self, path, headers, body):
        response = whole(self, path, headers, body)
        if response is not None:
            answered.append(response.status)
        return response

    monkeypatch.setattr(Application, "answer_whole", counting)  # the real one answers; this only counts
    return answered


@pytest.fixture
def talking(build):
    """Run a conversation against a served application; the server is stopped afterwards."""

    def run(conversation, **changes):
        application, told, failures = build(**changes), [], []

        def talk(port):
            connection = Talk(port)
            try:
                told.append(conversation(connection))
            except Exception as error:  # noqa: BLE001 - raised again in the test's own thread
                failures.append(error)
            finally:
                connection.close()
                os.kill(os.getpid(), signal.SIGTERM)

        serve(ServerOptions(port=0), application, lambda url: threading.Thread(target=talk, args=(int(url.rpartition(":")[2]),)).start())
        if failures:
            raise failures[0]
        return told[0]

    return run


def both_ways(talk, asked):
    """Ask with the body in the same packet as the head, then with it in two."""
    talk.send(asked)
    short = talk.answer()
    talk.send(asked[:-1], asked[-1:])
    return short, talk.answer()


def without_id(answer):
    status, headers, body = answer
    for prediction in body.get("predictions", ()):
        prediction.pop("prediction_id")
    return status, {name: value for name, value in headers.items() if name not in ("date", "content-length")}, body


def test_a_row_in_one_packet_goes_the_short_way_and_is_answered_as_on_the_long_one(talking, shortened, row, sink):
    short, long = talking(lambda talk: both_ways(talk, request(row)))
    assert shortened == [200]
    assert without_id(short) == without_id(long)
    assert set(short[1]) == {"date", "content-type", "content-length"}
    assert len(sink.records) == 2


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(b'{"rows": '), 400),
        (request([]), 400),
        (request({"size": "wide"}), 422),
        (request([{"sise": 1}]), 422),
        (request({"rows": [], "as-of": 1}), 400),
        (request({}, kind="text/plain"), 415),
        (request({}, path="/v2/models/late/infer"), 400),
        (request({}, path="/v2/models/late/infer", more="inference-header-content-length: 2\r\n"), 400),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_alike(talking, shortened, asked, status):
    def talk_anew(talk):
        talk.send(asked)
        return talk.answer()

    short = talking(talk_anew)
    assert shortened == [status]

    def talk_slowly(talk):
        talk.send(asked[:-1], asked[-1:])
        return talk.answer()

    assert without_id(short) == without_id(talking(talk_slowly))
    assert short[0] == status
    assert shortened == [status]


def test_a_body_past_the_limit_is_refused_and_the_connection_closed(talking, shortened, row):
    def conversation(talk):
        talk.send(request(row))
        return talk.answer(), talk.answer()

    answer, end = talking(conversation, limits=Limits(body_bytes=20))
    assert (answer[0], answer[1]["connection"], end) == (413, "close", None)
    assert shortened == [413]


def test_a_fault_of_ours_is_told_without_a_trace(talking, shortened, row, sink):
    def conversation(talk):
        talk.send(request({**row, "count": 666}))
        failed = talk.answer()
        talk.send(request(row))
        return failed, talk.answer()

    failed, fine = talking(conversation)
    assert (failed[0], failed[2]["error"]["code"], fine[0]) == (500, "internal", 200)
    assert shortened == [500, 200]
    assert len(sink.records) == 1


def test_requests_sent_without_awaiting_answers_are_answered_in_their_order(talking, shortened, row, sink):
    count = 100

    def conversation(talk):
        talk.send(b"".join(request({**row, "size": float(number)}) for number in range(count)))
        return [talk.answer() for _ in range(count)]

    answers = talking(conversation)
    assert [answer[0] for answer in answers] == [200] * count
    ids = [answer[2]["predictions"][0]["prediction_id"] for answer in answers]
    inputs = {record.id: record.inputs["size"] for record in sink.records}
    assert [inputs[each] for each in ids] == [float(number) for number in range(count)]
    assert 0 < len(shortened) < count


@pytest.mark.parametrize(
    "asked",
    [
        request([dict.fromkeys(("size", "count", "colour", "fast", "at", "wait", "who"))] * 33),
        request(dict.fromkeys(("size", "count", "colour", "fast", "at", "wait", "who")), path="/predict?features=true"),
        request(b" " * 20_000 + json.dumps(dict.fromkeys(("size", "count", "colour", "fast", "at", "wait", "who"))).encode()),
        request(dict.fromkeys(("size", "count", "colour", "fast", "at", "wait", "who"))).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["many rows", "a query", "a large body", "HTTP/1.0"],
)
def test_what_the_short_way_is_not_for_goes_the_long_one(talking, shortened, asked):
    def conversation(talk):
        talk.send(asked)
        return talk.answer()

    assert talking(conversation)[0] == 200
    assert shortened == []


def test_who_waits_to_be_told_to_continue_is_told(talking, shortened, row):
    asked = request(row, more="expect: 100-continue\r\n")
    head, _, body = asked.partition(b"\r\n\r\n")

    def conversation(talk):
        talk.send(head + b"\r\n\r\n")
        told = talk.file.readline() + talk.file.readline()
        talk.send(body)
        return told, talk.answer()

    told, answer = talking(conversation)
    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer[0] == 200
    assert shortened == []


def test_a_body_in_chunks_is_put_together(talking, shortened, row):
    text = json.dumps(row).encode()
    halves = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (text[:10], text[10:], b""))
    head = b"POST /predict HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"

    def conversation(talk):
        talk.send(head + halves)
        return talk.answer()

    assert talking(conversation)[0] == 200
    assert shortened == [200]


def test_nothing_is_answered_after_the_asker_said_that_it_closes(talking, shortened, row, sink):
    def conversation(talk):
        talk.send(request(row, more="connection: close\r\n") + request(row))
        return talk.answer(), talk.answer()

    answer, end = talking(conversation)
    assert (answer[0], answer[1]["connection"], end) == (200, "close", None)
    assert shortened == [200]
    assert len(sink.records) == 1


def test_at_the_limit_of_requests_in_flight_the_short_way_sheds_too(talking, shortened, row):
    asked = request(row)

    def conversation(talk):
        slow = Talk(talk.socket.getpeername()[1])
        slow.send(asked[:-1])
        time.sleep(APART)
        talk.send(asked)
        shed = talk.answer()
        slow.send(asked[-1:])
        answer = slow.answer()
        slow.close()
        return shed, answer

    shed, answer = talking(conversation, limits=Limits(in_flight=1))
    assert (shed[0], shed[1]["retry-after"], answer[0]) == (429, "1", 200)
    assert shortened == [429]


def test_half_a_head_is_waited_for_only_so_long(talking, shortened):
    def conversation(talk):
        talk.send(b"POST /predict HTTP/1.1\r\nhost: ", b"te", b"st")
        return talk.answer(), talk.answer()

    answer, end = talking(conversation, limits=Limits(head_seconds=0.3))
    assert (answer[0], answer[1]["connection"], end) == (408, "close", None)
    assert (answer[2]["error"]["code"], shortened) == ("head_too_slow", [])


def test_the_head_of_a_later_request_is_timed_by_itself(talking, row):
    asked = request(row)

    def conversation(talk):
        told = []
        for _ in range(4):
            talk.send(asked[:30], asked[30:])
            told.append(talk.answer()[0])
        talk.send(asked + asked[:30])
        return *told, talk.answer()[0], talk.answer()[0], talk.answer()

    assert talking(conversation, limits=Limits(head_seconds=0.15)) == (200, 200, 200, 200, 200, 408, None)


def test_a_connection_that_asks_nothing_is_closed_without_a_word(talking):
    assert talking(lambda talk: talk.answer(), limits=Limits(head_seconds=0.1)) is None


def test_a_connection_is_closed_when_no_request_follows_an_answer(talking, row):
    def conversation(talk):
        answers = both_ways(talk, request(row))
        time.sleep(APART)
        talk.send(request(row))
        return *answers, talk.answer(), talk.answer()

    *answers, end = talking(conversation, limits=Limits(idle_seconds=0.2))
    assert ([answer[0] for answer in answers], end) == ([200, 200, 200], None)


def test_the_time_of_a_head_does_not_end_a_request_whose_body_is_awaited(talking, row):
    asked = request(row)

    def conversation(talk):
        talk.send(asked[:-1])
        time.sleep(0.4)
        talk.send(asked[-1:])
        return talk.answer()

    assert talking(conversation, limits=Limits(head_seconds=0.1, idle_seconds=0.1))[0] == 200


@pytest.fixture
def read_heads(monkeypatch):
    """The paths of the heads that were read by the parser."""
    heads = []
    read = WholeRequests.on_headers_complete

    def counting(self):
        heads.append(self.url.decode())
        read(self)

    monkeypatch.setattr(WholeRequests, "on_headers_complete", counting)  # the real one reads; this only counts
    return heads


def test_a_head_that_was_answered_well_is_not_read_again(talking, shortened, read_heads, row, sink):
    sizes = [1.5, 2.5, 3.5]

    def conversation(talk):
        for size in sizes:
            talk.send(request({**row, "size": size}))
            yield talk.answer()

    answers = talking(lambda talk: list(conversation(talk)))
    assert ([answer[0] for answer in answers], shortened, read_heads) == ([200] * 3, [200] * 3, ["/predict"])
    assert len({json.dumps(without_id(answer)[1]) for answer in answers}) == 1
    assert [record.inputs["size"] for record in sink.records] == sizes


def test_under_a_known_head_a_body_in_pieces_and_one_with_more_behind_it_are_read(talking, row, sink):
    first, second = request({**row, "size": 1.5}), request({**row, "size": 2.5})

    def conversation(talk):
        for pieces in ([first], [second[:-9], second[-9:]], [second + first[:40], first[40:]], [first + second], [b"\r\n" + first]):
            talk.send(*pieces)
            yield talk.answer()
            if pieces[0] in (first + second, second + first[:40]):
                yield talk.answer()

    answers = talking(lambda talk: list(conversation(talk)))
    assert [answer[0] for answer in answers] == [200] * 7
    assert [record.inputs["size"] for record in sink.records] == [1.5, 2.5, 2.5, 1.5, 1.5, 2.5, 1.5]


def test_a_known_head_with_a_bad_body_is_refused_and_stays_known(talking, read_heads, row):
    good = request(row)
    bad = good[:-1] + b"!"

    def conversation(talk):
        for asked in (good, bad, good):
            talk.send(asked)
            yield talk.answer()[0]

    assert talking(lambda talk: list(conversation(talk))) == [200, 400, 200]
    assert read_heads == ["/predict"]


def test_only_heads_of_whole_requests_that_were_answered_well_are_remembered(talking, read_heads, row):
    text = json.dumps(row).encode()
    chunked = request(row).replace(b"content-length: %d" % len(text), b"transfer-encoding: chunked")
    chunked = chunked.replace(text, b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text))
    asked = [
        *[request(b"?" + text)] * 2,
        *[chunked] * 2,
        *[request(row, more="x-long: " + "x" * 1024 + "\r\n")] * 2,
        *[request(row, path="/predict?features=true")] * 2,
    ]

    def conversation(talk):
        for each in asked:
            talk.send(each)
            yield talk.answer()[0]

    assert talking(lambda talk: list(conversation(talk))) == [400, 400, 200, 200, 200, 200, 200, 200]
    assert len(read_heads) == len(asked)


def test_what_the_short_way_answered_in_pieces_teaches_nothing_about_what_follows(talking, read_heads, row):
    asked, elsewhere = request(row), request(row, path="/predict?features=true")

    def conversation(talk):
        for pieces in ([asked[:30], asked[30:]], [elsewhere], [elsewhere]):
            talk.send(*pieces)
            yield talk.answer()[0]

    assert talking(lambda talk: list(conversation(talk))) == [200, 200, 200]
    assert len(read_heads) == 3


def test_a_connection_remembers_some_heads_and_no_more(talking, read_heads, row):
    def conversation(talk):
        for number in [*range(20), *range(20)]:
            talk.send(request(row, more=f"x-number: {number}\r\n"))
            yield talk.answer()[0]

    assert talking(lambda talk: list(conversation(talk))) == [200] * 40
    assert len(read_heads) > 20


@pytest.mark.parametrize("first", [1, 2, 3, 4])
def test_the_first_bytes_of_a_request_may_come_alone_however_few_they_are(talking, row, first):
    asked = request(row)

    def conversation(talk):
        for pieces in ([asked[:first], asked[first:]], [asked], [asked[:first], asked[first:]], [b"\r\n"[:first], asked]):
            talk.send(*pieces)
            yield talk.answer()[0]

    assert talking(lambda talk: list(conversation(talk))) == [200] * 4
