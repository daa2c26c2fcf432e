"""edge: a route made ready to be called: everything that can be known before the first request is worked out here.

The way of one request: who calls -> path -> query -> body -> handler -> answer. Each step raises a problem or hands on;
application.py turns the problem into an answer.
"""

import asyncio
import inspect
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import http_exceptions, web
from multidict import CIMultiDict

from loyalty.errors import NotFound
from sync.http.auth import Resolve, ResolveLater, admit, read_bearer
from sync.http.bodies import check_json, is_storable, read_body, read_query
from sync.http.calls import Call
from sync.http.etag import is_unchanged
from sync.http.headers import CONTENT_SECURITY_POLICY, headers_of, never_framed
from sync.http.limits import Gate
from sync.http.logs import REQUEST_ID
from sync.http.problems import BodyTooLarge, BrokenRequest, PreconditionRequired, TooSlow, UnsupportedMedia
from sync.http.routes import JSON, PATH_TEXT_MAX_CHARACTERS, PUBLIC, Answer, Route, path_parameters, read_uuid

BODY_TIMEOUT_S = 30.0

_encode = msgspec.json.Encoder().encode


class Endpoint:
    """One route with its decoder and headers compiled."""

    def __init__(self, route: Route, resolve: Resolve[Any] | ResolveLater[Any], gate: Gate) -> None:
        self.route = route
        self._resolve: Any = resolve
        self._resolves_later = inspect.iscoroutinefunction(resolve)
        self._gate = gate
        self._is_public = route.roles == PUBLIC
        self._parameters = tuple(path_parameters(route).items())
        self._decode = None if route.body in (None, bytes) else msgspec.json.Decoder(route.body).decode
        self._query_names = frozenset(route.query.__struct_encode_fields__ if route.query else ())
        self._no_query = msgspec.convert({}, route.query) if route.query and _all_optional(route.query) else None
        self._headers = CIMultiDict(headers_of(route.produces))
        self._headers_without_body = CIMultiDict(self._headers)
        del self._headers_without_body["Content-Type"]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Raises whatever a step or the handler raises."""
        route = self.route
        if route.lan_only:
            self._gate.require_private(request.remote)
        if route.sensitive:
            self._gate.check_sensitive(request.remote, asyncio.get_running_loop().time())
        headers = request.headers
        visitor: Any = None
        if not self._is_public:
            visitor = self._resolve(read_bearer(headers.get("Authorization")))
            if self._resolves_later:
                visitor = await visitor
            visitor = admit(visitor, route.roles)
        path = self._read_path(request.match_info) if self._parameters else request.match_info
        query = self._read_query(request)
        if route.needs_if_match and not headers.get("If-Match"):
            raise PreconditionRequired
        if route.admission is None:
            return await self._handle(request, visitor, path, query)
        async with route.admission(visitor, request):
            return await self._handle(request, visitor, path, query)

    async def _handle(
        self,
        request: web.Request,
        visitor: Any,  # noqa: ANN401  the door's own kind of session
        path: Mapping[str, Any],
        query: object,
    ) -> web.StreamResponse:
        route = self.route
        body: object = None
        if route.body is not None:
            raw = await self._read_raw(request)
            body = self._read_body(raw, request.headers.get("Content-Type"))
        result = await route.handler(Call(body, query, visitor, path, request, REQUEST_ID.get()))
        return self._respond(request, result)

    def _read_path(self, texts: Mapping[str, str]) -> dict[str, str | uuid.UUID]:
        path: dict[str, str | uuid.UUID] = {}
        for name, kind in self._parameters:
            text = texts[name]
            value = read_uuid(text) if kind is uuid.UUID else text
            if value is None:
                raise NotFound(f"{name} is not a UUID.")
            if len(text) > PATH_TEXT_MAX_CHARACTERS or not text.isprintable() or not is_storable(text):
                raise NotFound
            path[name] = value
        return path

    def _read_query(self, request: web.Request) -> object:
        if not self.route.documented and self.route.query is None:
            return None
        url = request.rel_url
        if not url.raw_query_string and (self._no_query is not None or self.route.query is None):
            return self._no_query
        return read_query(list(url.query.items()), self.route.query or _NoQuery, self._query_names)

    def _read_body(self, raw: bytes, content_type: str | None) -> object:
        if self._decode is None:
            if not _is_accepted(content_type, self.route.accepts):
                raise UnsupportedMedia(f"Accepted here: {', '.join(self.route.accepts)}.")
            if not raw:
                raise BrokenRequest("The body is empty.")
            return raw
        if content_type is not None and content_type != JSON and not _is_json(content_type):
            check_json(raw)  # what is no JSON at all is 400 by whatever name it comes
            raise UnsupportedMedia(f"Accepted here: {JSON} in UTF-8.")
        return read_body(raw, self._decode)

    async def _read_raw(self, request: web.Request) -> bytes:
        limit_bytes = self.route.max_body_bytes
        content = request.content
        if (request.content_length or 0) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        try:
            if content.is_eof():  # the usual case: the whole body came with the head, nothing to wait for
                raw = content.read_nowait()
            else:
                raw = await _read_until_end(request, limit_bytes)
        except (http_exceptions.HttpProcessingError, web.RequestPayloadError) as error:
            raise BrokenRequest("The body is cut off or badly encoded.") from error
        if len(raw) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        return raw

    def _respond(self, request: web.Request, result: object) -> web.StreamResponse:
        if isinstance(result, web.StreamResponse):
            return result
        if isinstance(result, Answer):
            status, body, extra = result.status, result.body, result.headers
        else:
            status, body, extra = self.route.statuses[0], result, None
        if body is None:
            response = web.Response(status=status, headers=self._headers_without_body)
        else:
            raw = body if isinstance(body, bytes) else _encode(body)
            response = web.Response(body=raw, status=status, headers=self._headers)
        if extra:
            self._add_headers(response, extra)
            tag = extra.get("ETag")
            is_read = status == 200 and request.method in {"GET", "HEAD"}
            if tag is not None and is_read and is_unchanged(request.headers.get("If-None-Match"), tag):
                response = web.Response(status=304, headers=self._headers_without_body)
                self._add_headers(response, extra)  # RFC 9110 section 15.4.5: ETag and Cache-Control as in the 200
                response.headers.pop("Content-Type", None)
        return response

    def _add_headers(self, response: web.Response, extra: Mapping[str, str]) -> None:
        response.headers.update(extra)
        policy = extra.get(CONTENT_SECURITY_POLICY)
        if policy is not None:
            response.headers[CONTENT_SECURITY_POLICY] = never_framed(policy)


class _NoQuery(msgspec.Struct):
    """The query of a route that takes none."""


async def _read_until_end(request: web.Request, limit_bytes: int) -> bytes:
    """The body as it arrives, never more than a chunk beyond the limit in memory, also when it was compressed."""
    collected = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while chunk := await request.content.readany():
                collected += chunk
                if len(collected) > limit_bytes:
                    raise BodyTooLarge(limit_bytes)
    except TimeoutError as error:
        raise TooSlow from error
    return bytes(collected)


def _all_optional(query: type[msgspec.Struct]) -> bool:
    return not any(field.required for field in msgspec.structs.fields(query))


def _media_type(content_type: str) -> tuple[str, str]:
    """The media type and its charset (utf-8 when unsaid), in lower case."""
    media, _, parameters = content_type.lower().partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media.strip(), value.strip().strip('"')
    return media.strip(), "utf-8"


def _is_json(content_type: str) -> bool:
    media, charset = _media_type(content_type)
    return charset in {"utf-8", "utf8"} and (media == JSON or (media.startswith("application/") and "+json" in media))


def _is_accepted(content_type: str | None, accepts: tuple[str, ...]) -> bool:
    return content_type is None or "*/*" in accepts or _media_type(content_type)[0] in accepts
