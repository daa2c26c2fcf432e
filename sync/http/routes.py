"""pure: what a door offers, as values. The application is built from them, and so is the OpenAPI document.

A route names a method, a path template, the types that go in and out, who may call it, and the handler. A handler takes
a `Call` (calls.py) and returns the answer's body, or an `Answer` where status or headers differ from the usual.

    Route(method="GET", path="/v1/sales/{id}", handler=show_sale, summary="One sale", tag="sales",
          roles=frozenset({"cashier", "manager"}), response=Sale)

Path parameters called `id` or ending in `_id` are UUIDs (anything else there is 404), all others are text.
"""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import msgspec

PUBLIC: Final[frozenset[str]] = frozenset({"public"})
"""The roles of a route that needs no token."""

JSON: Final = "application/json"
DEFAULT_MAX_BODY_BYTES: Final = 64 * 1024
PATH_TEXT_MAX_CHARACTERS: Final = 200
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

Handler = Callable[[Any], Awaitable[object]]
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class Answer(msgspec.Struct, frozen=True):
    """What a handler answers when a plain body is not enough.

    `body` is anything msgspec can encode; `bytes` are sent as they are, under `Content-Type` of `headers` or the
    route's `produces`; None sends nothing. An `ETag` in `headers` makes the layer answer If-None-Match of a GET by 304.
    """

    status: int
    body: object = None
    headers: Mapping[str, str] = {}


def replayed(body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """The first answer again, for a command whose id is known already (200 and `Idempotency-Replayed: true`)."""
    return Answer(200, body, {"Idempotency-Replayed": "true", **(headers or {})})


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path.

    | field          | meaning                                                                                       |
    |----------------|-----------------------------------------------------------------------------------------------|
    | body           | type decoded from JSON; `bytes` hands the raw body over; None: a body is not looked at          |
    | accepts        | content types of a `bytes` body                                                               |
    | response       | type of the success body, for the document; `bytes` is content of type `produces`             |
    | query          | a Struct of the query parameters; any other parameter is 422                                  |
    | roles          | who may call it, or PUBLIC                                                                    |
    | statuses       | success statuses; the first is used when a handler returns a plain body                       |
    | problems       | problem statuses beyond those that the other fields imply, for the document (409, 423 …)      |
    | texts          | path parameters that look like ids by name, but are text (`{id}` of "id or number")           |
    | needs_if_match | 428 without If-Match; the handler compares (etag.require_match)                               |
    | sensitive      | the stricter rate limit: sign-in, pairing, approvals                                          |
    | lan_only       | only the private networks, also where the door is open to others                              |
    | admission      | what to enter before the body is read: (session, request) -> async context manager              |
    | documented     | False for screens and hooks: not in the document, and the query string is their own affair    |
    | logged         | False for files of a screen: their good answers are counted and make no line in the log       |
    """

    method: str
    path: str
    handler: Handler
    summary: str
    roles: frozenset[str]
    tag: str
    body: Any = None
    accepts: tuple[str, ...] = (JSON,)
    response: Any = None
    produces: str = JSON
    query: type[msgspec.Struct] | None = None
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    texts: frozenset[str] = frozenset()
    needs_if_match: bool = False
    sensitive: bool = False
    lan_only: bool = False
    admission: Callable[[Any, Any], AbstractAsyncContextManager[None]] | None = None
    documented: bool = True
    logged: bool = True

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"{self.path}: unknown method {self.method}")
        if not self.path.startswith("/"):
            raise ValueError(f"{self.path}: a path starts with /")
        if not self.roles:
            raise ValueError(f"{self.path}: name the roles, or say PUBLIC")
        if self.roles & PUBLIC and self.roles != PUBLIC:
            raise ValueError(f"{self.path}: PUBLIC stands alone; with roles beside it, it would let nobody in")
        if not self.statuses or not all(200 <= status < 400 for status in self.statuses):
            raise ValueError(f"{self.path}: statuses are those of success")
        if self.body is not None and self.method == "GET":
            raise ValueError(f"{self.path}: GET takes no body")


def path_parameters(route: Route) -> dict[str, type]:
    """The names in the path template, in order, each with uuid.UUID or str.

    >>> path_parameters(Route(method="GET", path="/v1/a/{id}/b/{sku}", handler=print, summary="", roles=PUBLIC, tag=""))
    {'id': <class 'uuid.UUID'>, 'sku': <class 'str'>}
    """
    names: list[str] = _PARAMETER.findall(route.path)
    return {
        name: uuid.UUID if (name == "id" or name.endswith("_id")) and name not in route.texts else str for name in names
    }


def read_uuid(text: str) -> uuid.UUID | None:
    """The UUID written in the one canonical form (8-4-4-4-12 hex digits), else None.

    uuid.UUID() also takes braces, `urn:uuid:` and missing dashes: one thing would have many addresses.
    """
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None


def path_literal_length(path: str) -> int:
    """How many characters of a template are literal: of two templates that match, the longer literal is meant."""
    return len(_PARAMETER.sub("", path))
