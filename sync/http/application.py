"""edge: the aiohttp application of a door, built from its routes.

    app = build_app(routes, about=About("Counterfoil store", "0.1.0"), resolve=sessions.get)
    runner = build_runner(app)

One middleware surrounds every request: peer, Host and rate first, then the endpoint, then whatever went wrong as a
problem, then headers, one log line and two figures. Nothing else is wrapped around a handler.
"""

import itertools
import logging
import secrets
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from loyalty.errors import NotFound
from sync.http.auth import Resolve, ResolveLater
from sync.http.endpoints import Endpoint
from sync.http.etag import content_etag
from sync.http.events import STREAMS, Streams
from sync.http.headers import COMMON_HEADERS, CONTENT_SECURITY_POLICY, PAGE_POLICY, headers_of
from sync.http.limits import Gate, Limits
from sync.http.logs import REQUEST_ID, AccessLine, access_logger, log_access, log_unexpected, read_trace_id
from sync.http.metrics import Metrics, RouteMeter
from sync.http.openapi import About, describe_routes
from sync.http.problems import (
    PROBLEM_JSON,
    BodyTooLarge,
    BrokenRequest,
    InternalError,
    MethodNotAllowed,
    as_problem,
    problem_of,
)
from sync.http.routes import PUBLIC, Answer, Route, path_literal_length

OPENAPI_PATH = "/openapi.json"
_UNMATCHED = "unmatched"
_PROBLEM_HEADERS = headers_of(PROBLEM_JSON)


def build_app(
    routes: Iterable[Route],
    *,
    about: About,
    resolve: Resolve[Any] | ResolveLater[Any],
    limits: Limits | None = None,
    metrics: Metrics | None = None,
) -> web.Application:
    """An application that serves `routes` and their OpenAPI document.

    `resolve` is auth.Resolve: the SHA-256 of a token in, the session or None out; or a coroutine function. The files of
    screens are routes as well (files.file_routes). Raises ValueError when two routes answer the same call.
    """
    gate = Gate(limits or Limits())
    everything = list(routes)
    quiet = frozenset(route.path for route in everything if not route.logged)
    guard = _Guard(gate, metrics or Metrics(), quiet)
    app = web.Application(middlewares=[guard.middleware()])
    app[STREAMS] = Streams()
    app.on_shutdown.append(_announce_stop)
    everything.append(_document_route(everything, about))
    _refuse_doubles(everything)
    for route in sorted(everything, key=_place_in_turn):
        endpoint = Endpoint(route, resolve, gate)
        resource = app.router.add_resource(route.path)
        resource.add_route(route.method, endpoint.answer)
        if route.method == "GET":
            resource.add_route("HEAD", endpoint.answer)
    return app


def build_runner(
    app: web.Application, *, shutdown_timeout_s: float = 10.0, unpacks_bodies: bool = True
) -> web.AppRunner:
    """A runner for the application, with aiohttp's own access log off: it would write raw paths.

    Without `unpacks_bodies` handlers get compressed bodies as they came, to unpack them under a limit of their own.

    On stop the listeners close first, then `app[STREAMS].stopping` is set, then running handlers get
    `shutdown_timeout_s`; whoever owns the database closes it in `on_cleanup`, after that.
    """
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=shutdown_timeout_s,
        keepalive_timeout=75.0,
        auto_decompress=unpacks_bodies,
    )


class _Guard:
    """What surrounds every request."""

    def __init__(self, gate: Gate, metrics: Metrics, quiet: frozenset[str]) -> None:
        self._gate = gate
        self._metrics = metrics
        self._quiet = quiet
        self._meters: dict[tuple[str, str], RouteMeter] = {}
        # Unique over restarts by the prefix, in order within a process by the number.
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def middleware(self) -> Middleware:
        """The one middleware."""

        @web.middleware
        async def surround(request: web.Request, handler: Handler) -> web.StreamResponse:
            started = time.perf_counter()
            request_id = f"{self._prefix}-{next(self._numbers):x}"
            REQUEST_ID.set(request_id)
            try:
                self._gate.check(request.remote, request.headers.get("Host"), started)
                response = await handler(request)
            except web.HTTPException as error:
                response = _answer_aiohttp(request, error, request_id)
            except Exception as error:  # noqa: BLE001 - the one place where every error becomes an answer
                response = self._answer_error(request, error, request_id)
            self._finish(request, response, request_id, started)
            return response

        return surround

    def _answer_error(self, request: web.Request, error: Exception, request_id: str) -> web.Response:
        if isinstance(as_problem(error), InternalError):
            log_unexpected(error, _template_of(request))
        if request.writer.output_size > 0:
            # A part of another answer is out already (a stream broke): only cutting the connection is honest now.
            raise ConnectionResetError from error
        return _answer_problem(error, request_id)

    def _finish(self, request: web.Request, response: web.StreamResponse, request_id: str, started: float) -> None:
        traceparent = request.headers.get("traceparent")
        trace_id = read_trace_id(traceparent) if traceparent else ""
        if not response.prepared:
            headers = response.headers
            headers["X-Request-Id"] = request_id
            if trace_id and traceparent:
                headers["traceparent"] = traceparent
            if "X-Content-Type-Options" not in headers:  # a response that a handler built itself
                headers.update(COMMON_HEADERS)
                headers.setdefault(CONTENT_SECURITY_POLICY, PAGE_POLICY)
        seconds = time.perf_counter() - started
        route = _template_of(request)
        method = request.method if route is not _UNMATCHED else "other"
        meter = self._meters.get((method, route))
        if meter is None:
            meter = self._meters[method, route] = self._metrics.meter(method, route)
        meter.record(response.status, seconds)
        # A till that opens asks for forty files: what people did would drown in them. A refusal is told all the same.
        is_noise = route in self._quiet and response.status < HTTPStatus.BAD_REQUEST
        if not is_noise and access_logger.isEnabledFor(logging.INFO):
            log_access(AccessLine(request_id, method, route, response.status, round(seconds * 1000, 3), trace_id))


def _place_in_turn(route: Route) -> tuple[bool, int, str]:
    """`/print-jobs/{id}.png` must be tried before `/print-jobs/{id}`. aiohttp takes `/v1/sales/{id}`
    into account for `/v1/sales` as well, so what has no parameter goes first."""
    return "{" in route.path, -path_literal_length(route.path), route.path


def _template_of(request: web.Request) -> str:
    """The path template, so that no id and no search text reaches a log or a label."""
    resource = request.match_info.route.resource
    return _UNMATCHED if resource is None else resource.canonical


def _answer_problem(error: BaseException, request_id: str) -> web.Response:
    answer = problem_of(error, request_id)
    response = web.Response(body=answer.body, status=answer.status, headers=_PROBLEM_HEADERS)
    response.headers.update(answer.headers)
    return response


def _answer_aiohttp(request: web.Request, error: web.HTTPException, request_id: str) -> web.Response:
    """The problem for what aiohttp itself raises; a redirect of a screen stays a redirect."""
    if error.status < 400:
        return web.Response(status=error.status, headers={"Location": error.headers.get("Location", "/")})
    problem: Exception
    if isinstance(error, web.HTTPNotFound):
        problem = NotFound("There is nothing at this address.")
    elif isinstance(error, web.HTTPMethodNotAllowed):
        problem = MethodNotAllowed(tuple(sorted(error.allowed_methods)))
    elif isinstance(error, web.HTTPRequestEntityTooLarge):
        problem = BodyTooLarge(request.client_max_size)
    else:
        problem = InternalError() if error.status >= 500 else BrokenRequest()
    return _answer_problem(problem, request_id)


def _document_route(routes: list[Route], about: About) -> Route:
    document = describe_routes(routes, about)
    tag = content_etag(document)

    async def show_document(_call: object) -> Answer:
        return Answer(200, document, {"ETag": tag, "Cache-Control": "no-cache"})

    return Route(
        method="GET",
        path=OPENAPI_PATH,
        handler=show_document,
        summary="This document",
        tag="about",
        roles=PUBLIC,
        response=bytes,
        documented=False,
    )


def _refuse_doubles(routes: list[Route]) -> None:
    calls = [(route.method, route.path) for route in routes]
    doubled = {call for call in calls if calls.count(call) > 1}
    if doubled:
        raise ValueError(f"two routes answer the same call: {sorted(doubled)}")


async def _announce_stop(app: web.Application) -> None:
    app[STREAMS].stopping.set()
