import asyncio
import json
import time

import httpx
import pytest

from headrace.serving.application import Application, ServingParts
from headrace.serving.errors import ServerRefused
from headrace.serving.settings import Limits

JSON = {"content-type": "application/json"}


def test_what_is_served_is_described(ask, application):
    facts = ask(application, "GET", "/metadata").json()
    (model,) = facts["models"]
    assert (model["model"], model["version"], model["task"]) == ("late", "late-3", "binary")
    assert model["state"] == {"moment": "2024-05-01T10:00:00Z", "age_seconds": 7200.0, "streamed": {}}
    assert {"name": "who", "dtype": "string", "personal": True} in model["given"]


def test_health_is_told(ask, application):
    assert ask(application, "GET", "/health/live").json() == {"live": True}
    ready = ask(application, "GET", "/health/ready")
    assert (ready.status_code, ready.json()["ready"], ready.json()["state_age_seconds"]) == (200, True, {"late": 7200.0})


def test_before_the_start_and_after_the_stop_it_is_not_ready(ask, build):
    application = build()
    application.close()
    assert ask(application, "GET", "/health/ready").status_code == 503
    assert ask(application, "GET", "/v2/models/late/ready").json() == {"name": "late", "ready": False}
    assert ask(application, "GET", "/health/live").status_code == 200


def test_unknown_paths_and_methods_are_told(ask, application):
    missing = ask(application, "GET", "/predicts")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert "Did you mean '/predict'" in missing.json()["error"]["remedy"]
    wrong = ask(application, "GET", "/predict")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert ask(application, "HEAD", "/predict").status_code == 405


def test_head_is_answered_where_get_is(ask, application):
    assert ask(application, "HEAD", "/health/live").status_code == 200
    application.close()
    assert ask(application, "HEAD", "/health/ready").status_code == 503


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"content-type": "application/json", "content-encoding": "gzip"}])
def test_only_plain_json_is_taken(ask, application, headers):
    answer = ask(application, "POST", "/predict", content=b"{}", headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (415, "close")


def test_json_with_a_charset_and_no_type_at_all_are_taken(ask, application, row):
    for headers in ({"content-type": "application/json; charset=utf-8"}, {}):
        assert ask(application, "POST", "/predict", content=json.dumps(row).encode(), headers=headers).status_code == 200


def test_bytes_are_limited_declared_or_not(ask, build, row):
    application = build(limits=Limits(body_bytes=1000))
    declared = ask(application, "POST", "/predict", json=[row] * 100)

    async def chunks():
        for _ in range(100):
            yield b" " * 100

    streamed = ask(application, "POST", "/predict", content=chunks(), headers=JSON)
    for answer in (declared, streamed):
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
        assert "1,000 bytes" in answer.json()["error"]["message"]
    assert ask(application, "POST", "/predict", json=row).status_code == 200


def test_a_body_in_pieces_is_read_whole(ask, application, row):
    data = json.dumps(row).encode()

    async def chunks():
        for start in range(0, len(data), 7):
            yield data[start : start + 7]

    assert ask(application, "POST", "/predict", content=chunks(), headers=JSON).status_code == 200


def test_rows_are_limited(ask, build, row):
    application = build(limits=Limits(rows=3))
    assert ask(application, "POST", "/predict", json=[row] * 3).status_code == 200
    answer = ask(application, "POST", "/predict", json=[row] * 4)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_many_rows")


def test_a_failure_inside_is_told_without_its_trace(ask, application, row, caplog):
    answer = ask(application, "POST", "/predict", json={**row, "count": 666})
    assert answer.status_code == 500
    assert answer.json() == {"error": {"code": "internal", "message": "the server could not answer; its log says why"}}
    assert "the user's function failed" in caplog.text
    bare = ask(application, "POST", "/v2/models/late/infer", json={"inputs": []})
    assert isinstance(bare.json()["error"], str)


def test_no_room_in_the_log_sheds_before_anything_is_computed(ask, build, row, sink):
    sink.failing = True
    application = build(limits=Limits(rows=2, waiting_records=3))
    assert ask(application, "POST", "/predict", json=[row] * 2).status_code == 200
    assert ask(application, "GET", "/health/ready").status_code == 200
    shed = ask(application, "POST", "/predict", json=[row] * 2)
    assert (shed.status_code, shed.headers["retry-after"], shed.json()["error"]["code"]) == (429, "1", "overloaded")
    assert ask(application, "POST", "/predict", json=row).status_code == 200
    until = time.monotonic() + 10
    while application.log.status().error is None and time.monotonic() < until:
        time.sleep(0.01)  # the writer is another thread, and may not have tried yet
    ready = ask(application, "GET", "/health/ready")
    assert ready.status_code == 503
    assert "the lake is away" in ready.json()["prediction_log"]["error"]
    sink.failing = False
    application.close()
    assert len(sink.records) == 3


async def open_request(application, first=b"[", rest=None):
    """Start a request whose body does not end until the event is set."""
    sent, gate = [], asyncio.Event()
    messages = iter([{"type": "http.request", "body": first, "more_body": True}])

    async def receive():
        for message in messages:
            return message
        await gate.wait()
        return rest or {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "headers": []}
    task = asyncio.create_task(application(scope, receive, send))
    await asyncio.sleep(0)
    return task, gate, sent


def test_requests_in_flight_are_bounded_and_never_queued(build, row):
    application = build(limits=Limits(in_flight=2))

    async def scenario():
        held = [await open_request(application, rest={"type": "http.request", "body": json.dumps(row).encode() + b"]"}) for _ in range(2)]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
            shed = await client.post("/predict", json=row)
            alive = await client.get("/health/live")
            for task, gate, _ in held:
                gate.set()
                await task
            after = await client.post("/predict", json=row)
        return shed, alive, after, [sent[0]["status"] for _, _, sent in held]

    shed, alive, after, statuses = asyncio.run(scenario())
    assert (shed.status_code, shed.headers["retry-after"]) == (429, "1")
    assert (alive.status_code, after.status_code, statuses) == (200, 200, [200, 200])


def test_who_hangs_up_is_not_answered_and_holds_no_place(build):
    application = build(limits=Limits(in_flight=1))

    async def scenario():
        for _ in range(3):
            task, gate, sent = await open_request(application)
            gate.set()
            await task
            assert sent == []

    asyncio.run(scenario())


def test_a_body_that_does_not_arrive_is_given_up(build):
    application = build(limits=Limits(body_seconds=0.05))

    async def scenario():
        task, _, sent = await open_request(application)
        await task
        return sent[0]["status"]

    assert asyncio.run(scenario()) == 408


def test_large_requests_let_others_take_turns(build, row):
    application = build()

    async def scenario():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
            large = asyncio.create_task(client.post("/predict", json=[row] * 1000))
            order = []
            large.add_done_callback(lambda _: order.append("large"))
            while not application.log.status().waiting:
                await asyncio.sleep(0)
            await client.get("/health/live")
            order.append("small")
            await large
            return order

    assert asyncio.run(scenario()) == ["small", "large"]


def test_several_models_are_told_apart(ask, build, model_of, row):
    application = build(models=[model_of(), model_of("regression", "price")])
    unnamed = ask(application, "POST", "/predict", json=row)
    assert (unnamed.status_code, unnamed.json()["error"]["field"]) == (422, "model")
    assert ask(application, "POST", "/predict?model=price", json=row).json()["predictions"][0]["model"] == "price"
    assert ask(application, "POST", "/predict?model=late", json=row).json()["predictions"][0]["model"] == "late"
    unknown = ask(application, "POST", "/predict?model=prize", json=row)
    assert unknown.status_code == 404
    assert "Did you mean 'price'" in unknown.json()["error"]["remedy"]


def test_no_model_or_two_of_one_name_are_refused(sink, model_of):
    with pytest.raises(ServerRefused, match="no model"):
        Application(ServingParts([], sink, b"key"))
    with pytest.raises(ServerRefused, match="same name"):
        Application(ServingParts([model_of(), model_of()], sink, b"key"))


def test_room_in_the_log_for_the_largest_request_is_demanded():
    with pytest.raises(ServerRefused, match="may wait"):
        Limits(rows=10, waiting_records=9)


def test_other_connections_are_refused(application):
    async def nothing(*_):
        raise AssertionError("not to be called")

    with pytest.raises(ServerRefused, match="websocket"):
        asyncio.run(application({"type": "websocket"}, nothing, nothing))


def test_a_lifespan_starts_and_flushes(tmp_path, sink, model_of, row):
    application = Application(ServingParts([model_of()], sink, b"key", flush_seconds=60))
    moments = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def scenario():
        async def receive():
            if len(moments) == 1:
                async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
                    assert (await client.post("/predict", json=row)).status_code == 200
                assert sink.records == []
            return moments.pop(0)

        async def send(message):
            sent.append(message["type"])

        await application({"type": "lifespan"}, receive, send)

    asyncio.run(scenario())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(sink.records) == 1
