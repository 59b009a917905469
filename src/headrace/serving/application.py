"""The ASGI application: routes, admission, and the life of the prediction log."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from headrace.core.clock import Clock, SystemClock
from headrace.core.errors import suggest
from headrace.serving.calls import Call, Door, infer_call, plain_call
from headrace.serving.describing import Standing, metadata, model_metadata, readiness, server_metadata
from headrace.serving.errors import BodyTooLarge, InvalidValue, Overloaded, PredictionsLost, ServerRefused, UnknownTarget, WrongMethod
from headrace.serving.exchange import (
    ClientLeft,
    Header,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    check_headers,
    json_response,
    read_json_body,
    send_response,
)
from headrace.serving.figures import PROMETHEUS, prometheus
from headrace.serving.openapi import openapi
from headrace.serving.plain_protocol import read_query
from headrace.serving.prediction_log import LogOptions, PredictionLog
from headrace.serving.problems import problem_response
from headrace.serving.question import Question
from headrace.serving.records import PredictionRecord, PredictionSink
from headrace.serving.rows import RowReader
from headrace.serving.scoring import Scorer, ServedModel
from headrace.serving.settings import Limits
from headrace.serving.state_link import StateLink

Handler = Callable[[Request], Awaitable[Response]]

# Rows scored before other requests get a turn: a few milliseconds.
_TURN = 32
# Questions that wait for a store on another machine at once; more wait for those.
_WAITERS = 8


@dataclass(frozen=True)
class ServingParts:
    """What an application is wired from.

    Attributes:
        models: what is served, at least one; names are distinct.
        sink: where predictions are kept.
        pseudonym_key: the project's key, for personal columns at the door.
        as_of: for replays: when questions that do not say so are asked; otherwise now.
        link: to the store of online state, if models read one.
    """

    models: Sequence[ServedModel]
    sink: PredictionSink
    pseudonym_key: bytes
    clock: Clock = field(default_factory=SystemClock)
    limits: Limits = field(default_factory=Limits)
    flush_seconds: float = 0.5
    close_seconds: float = 30.0
    as_of: datetime | None = None
    link: StateLink | None = None


class Application:
    """Serves models over ASGI 3. One event loop owns it; scoring a row is tens of microseconds and is done in the loop itself, but by
    threads where the state is on another machine, so that nothing else waits for that one.

    An ASGI server's lifespan starts and closes it; who calls it without one calls `start` and `close`.
    """

    def __init__(self, parts: ServingParts) -> None:
        if not parts.models:
            raise ServerRefused("there is no model to serve.", remedy="Run `headrace run` first, and approve what waits for approval.")
        self._clock, self._limits, self._models = parts.clock, parts.limits, tuple(parts.models)
        self._as_of, self._link = parts.as_of, parts.link
        self._waiters = ThreadPoolExecutor(_WAITERS, "features") if any(model.waits for model in self._models) else None
        self._earliest = max((model.state_moment for model in parts.models if model.state_moment), default=datetime.min.replace(tzinfo=UTC))
        self.log = PredictionLog(
            parts.sink,
            parts.clock,
            LogOptions(
                capacity=parts.limits.waiting_records,
                flush_seconds=parts.flush_seconds,
                close_seconds=parts.close_seconds,
                retry_after_seconds=parts.limits.retry_after_seconds,
            ),
        )
        self._doors = {
            model.manifest.model: Door(model, RowReader(model.manifest.given, parts.pseudonym_key), Scorer(model, parts.clock))
            for model in self._models
        }
        if len(self._doors) < len(self._models):
            raise ServerRefused("two models of the same name are to be served.", remedy="Serve one version of each model.")
        self._openapi = json_response(200, openapi([model.manifest for model in self._models]))
        self._whole: dict[bytes, Call] = {}
        # Of several models each question names its own, in a query, which is for the long way to read; so is what waits.
        if len(self._doors) == 1 and not self._models[0].waits:
            self._whole[b"/predict"] = plain_call(self._door(None), self._asked, parts.limits.rows)
        self._routes = self._make_routes()
        self._in_flight = 0
        self._stale: Counter[str] = Counter()
        self._started = False

    @property
    def whole_paths(self) -> frozenset[bytes]:
        """The paths, without a query, that `answer_whole` answers; others are for the ASGI call."""
        return frozenset(self._whole)

    @property
    def limits(self) -> Limits:
        """What one request, and all of them together, may take."""
        return self._limits

    def start(self) -> None:
        """Start logging predictions, and looking at the online state."""
        self.log.start()
        if self._link is not None:
            self._link.start()
        self._started = True

    def close(self) -> None:
        """Write every prediction that waits. Doing it again only tells again what was lost.

        Raises:
            PredictionsLost: if the sink did not take them in time.
        """
        self._started = False
        if self._link is not None:
            self._link.close()
        if self._waiters is not None:
            self._waiters.shutdown()
        self.log.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(Request.of(scope, receive), send)
        else:
            raise ServerRefused(f"connections of the type {scope['type']!r} are not offered.", remedy="Use HTTP.")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        # The last write may take seconds; it is not done in the loop.
        try:
            await asyncio.to_thread(self.close)
        except PredictionsLost as lost:
            await send({"type": "lifespan.shutdown.failed", "message": str(lost)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request, send: Send) -> None:
        try:
            response = await self._route(request)(request)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the boundary to the asker: told without a trace, logged with it
            response = problem_response(error, bare=request.path.startswith("/v2"))
        await send_response(send, response)

    def _route(self, request: Request) -> Handler:
        methods = self._routes.get(request.path)
        if methods is None:
            path = request.path[:200]
            raise UnknownTarget(f"there is nothing at {path!r}.", remedy=suggest(path, self._routes, limit=40))
        # Of a HEAD the server sends only the head: balancers ask after health this way.
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise WrongMethod(request.method[:20], request.path, methods)
        return handler

    def _make_routes(self) -> dict[str, dict[str, Handler]]:
        live = json_response(200, {"live": True})
        routes: dict[str, dict[str, Handler]] = {
            "/health/live": _get(lambda: live),
            "/health/ready": _get(self._ready),
            "/metadata": _get(lambda: json_response(200, metadata(self._standing()))),
            "/metrics": _get(lambda: Response(200, prometheus(self._standing()), media=PROMETHEUS)),
            "/openapi.json": _get(lambda: self._openapi),
            "/predict": {"POST": self._predict},
            "/v2": _get(lambda: json_response(200, server_metadata())),
            "/v2/health/live": _get(lambda: live),
            "/v2/health/ready": _get(self._ready),
        }
        for door in self._doors.values():
            manifest = door.model.manifest
            infer = infer_call(door, self._asked, self._limits.rows)
            for root in (f"/v2/models/{manifest.model}", f"/v2/models/{manifest.model}/versions/{manifest.version}"):
                routes[root] = _get(_constant(json_response(200, model_metadata(door.model))))
                routes[f"{root}/ready"] = _get(self._model_ready(manifest.model))
                routes[f"{root}/infer"] = {"POST": self._infer(infer)}
                if not door.model.waits:
                    self._whole[f"{root}/infer".encode()] = infer
        return routes

    def _ready(self) -> Response:
        ready, facts = readiness(self._standing(), self._started)
        return json_response(200 if ready else 503, facts)

    def _standing(self) -> Standing:
        link = None if self._link is None else self._link.status()
        return Standing(self._models, self._clock.now(), self.log.status(), link, self._stale)

    def _model_ready(self, name: str) -> Callable[[], Response]:
        def answer() -> Response:
            status = self._ready().status
            return json_response(status, {"name": name, "ready": status == 200})

        return answer

    def answer_whole(self, path: bytes, headers: Sequence[Header], body: bytes) -> Response | None:
        """Answer a POST at one of `whole_paths` whose body is here, in this call: no task, no timer, no queue. It never raises.

        None where there are too many rows to keep other requests waiting for: then the request is to go the long way.
        """
        call = self._whole[path]
        try:
            call.check(headers)
            self._check_room()
            check_headers(headers, self._limits)
            if len(body) > self._limits.body_bytes:
                raise BodyTooLarge(self._limits.body_bytes)
            question = call.read(body)
            return None if len(question.rows) > _TURN else call.write(self._score_now(call.door.scorer, question), question)
        except Exception as error:  # noqa: BLE001 - as in _answer
            return problem_response(error, bare=path.startswith(b"/v2"))

    def _score_now(self, scorer: Scorer, question: Question) -> list[PredictionRecord]:
        self.log.reserve(len(question.rows))
        try:
            as_of = question.as_of
            together = scorer.together
            records = scorer.score_rows(question.rows, as_of) if together else [scorer.score(row, as_of) for row in question.rows]
        except BaseException:
            self.log.release(len(question.rows))
            raise
        if together:
            self._log(records)
        else:
            for record in records:
                self.log.append(record)
        return records

    async def _predict(self, request: Request) -> Response:
        parameters = request.parameters()
        door = self._door(parameters.get("model"))
        return await self._admit(request, plain_call(door, self._asked, self._limits.rows, read_query(parameters)))

    def _infer(self, call: Call) -> Handler:
        return lambda request: self._admit(request, call)

    async def _admit(self, request: Request, call: Call) -> Response:
        """Read, score and log one request, or shed it: never wait in line."""
        call.check(request.headers)
        self._check_room()
        self._in_flight += 1
        try:
            question = call.read(await read_json_body(request, self._limits))
            self.log.reserve(len(question.rows))
            try:
                records = await self._score(call.door.scorer, question)
            except BaseException:
                self.log.release(len(question.rows))
                raise
            self._log(records)
            return call.write(records, question)
        finally:
            self._in_flight -= 1

    async def _score(self, scorer: Scorer, question: Question) -> list[PredictionRecord]:
        rows, as_of, freshness = question.rows, question.as_of, question.freshness
        if scorer.model.waits:
            return await asyncio.get_running_loop().run_in_executor(self._waiters, scorer.score_rows, rows, as_of, freshness)
        records: list[PredictionRecord] = []
        for start in range(0, len(rows), _TURN):
            if start:
                await asyncio.sleep(0)
            records += scorer.score_rows(rows[start : start + _TURN], as_of, freshness)
        return records

    def _log(self, records: Sequence[PredictionRecord]) -> None:
        for record in records:
            self.log.append(record)
            if record.stale:
                self._stale[record.model] += 1

    def _check_room(self) -> None:
        if self._in_flight >= self._limits.in_flight:
            raise Overloaded("requests in flight", self._limits.retry_after_seconds)

    def _asked(self) -> datetime:
        # That moment has been: a clock that tells an earlier one was set back.
        return self._as_of or max(self._clock.now(), self._earliest)

    def _door(self, name: str | None) -> Door:
        if name is None and len(self._doors) == 1:
            return next(iter(self._doors.values()))
        if name is None:
            raise InvalidValue(
                None, "model", "a parameter of the query, since several models are served", "missing", suggest("", self._doors)
            )
        if name not in self._doors:
            raise UnknownTarget(f"there is no model {name!r:.100}.", remedy=suggest(name, self._doors))
        return self._doors[name]


def _get(make: Callable[[], Response]) -> dict[str, Handler]:
    async def handler(_request: Request) -> Response:
        return make()

    return {"GET": handler}


def _constant(response: Response) -> Callable[[], Response]:
    return lambda: response
