"""edge: routes declared beside their handlers, bound to a store when it is composed.

routes = RouteTable(tag="sales", roles=STAFF)

@routes.post("/v1/sales", "Complete a sale", body=CompleteSale, response=SaleAnswer, statuses=(201, 200))
async def sell(door: Door, call: Call[Session, CompleteSale, None]) -> object: ...

routes.bind(door)       # the list that build_app takes
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from kiosk.web.door import Door
from sync.http.routes import Route

Handler = Callable[[Door, Any], Awaitable[object]]
Declare = Callable[[Handler], Handler]


class RouteTable:
    """The routes of one module. `defaults` hold for each unless it says otherwise."""

    def __init__(self, **defaults: Any) -> None:  # noqa: ANN401  the fields of Route
        self._defaults = defaults
        self._declared: list[tuple[str, str, Handler, dict[str, Any]]] = []

    def get(self, path: str, summary: str, **more: Any) -> Declare:  # noqa: ANN401  the fields of Route
        """Declare a GET."""
        return self._declare("GET", path, summary, more)

    def post(self, path: str, summary: str, **more: Any) -> Declare:  # noqa: ANN401  the fields of Route
        """Declare a POST."""
        return self._declare("POST", path, summary, more)

    def put(self, path: str, summary: str, **more: Any) -> Declare:  # noqa: ANN401  the fields of Route
        """Declare a PUT."""
        return self._declare("PUT", path, summary, more)

    def bind(self, door: Door) -> list[Route]:
        """The routes with their handlers bound to `door`, in the order they were declared."""
        return [
            Route(method=method, path=path, handler=functools.partial(handler, door), **{**self._defaults, **more})
            for method, path, handler, more in self._declared
        ]

    def _declare(self, method: str, path: str, summary: str, more: dict[str, Any]) -> Declare:
        def declare(handler: Handler) -> Handler:
            self._declared.append((method, path, handler, {"summary": summary, **more}))
            return handler

        return declare
