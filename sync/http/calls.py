"""edge: one request as a handler sees it: decoded, checked, and with the session of whoever calls.

async def complete_sale(call: Call[TillSession, SaleCommand, None]) -> Answer | Sale:
    return await shop.complete_sale(call.body, call.session)
"""

import uuid
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec
from aiohttp import web

from sync.http.auth import SessionT
from sync.http.problems import Unauthorized

BodyT = TypeVar("BodyT")
QueryT = TypeVar("QueryT")


class Call(msgspec.Struct, Generic[SessionT, BodyT, QueryT]):
    """`body` and `query` are of the route's types, None where it names none; `visitor` is None on PUBLIC routes."""

    body: BodyT
    query: QueryT
    visitor: SessionT | None
    path: Mapping[str, str | uuid.UUID]
    request: web.Request
    request_id: str

    @property
    def session(self) -> SessionT:
        """Who calls. On a PUBLIC route nobody was asked, so this raises Unauthorized there."""
        if self.visitor is None:
            raise Unauthorized
        return self.visitor

    @property
    def if_match(self) -> str | None:
        """The If-Match header; never None where the route needs it."""
        return self.request.headers.get("If-Match")

    def id(self, name: str = "id") -> uuid.UUID:
        """A path parameter that is a UUID."""
        value = self.path[name]
        assert isinstance(value, uuid.UUID)
        return value

    def text(self, name: str) -> str:
        """A path parameter that is text: 1 to 200 characters, no control characters."""
        value = self.path[name]
        assert isinstance(value, str)
        return value
