"""edge: routes declared beside their handlers, bound to a store when it is composed.

routes = RouteTable(tag="sales", roles=STAFF)

@routes.post("/v1/sales", "Complete a sale", body=CompleteSale, response=SaleAnswer, statuses=(201, 200))
async def sell(door: Door, call: Call[Session, CompleteSale, None]) -> object:
    return await door.write(call, complete_sale, call.body)

routes.bind(door)       # the list that build_app takes

A handler that hands on a service's Outcome need not look at it: a replay is answered 200 with its header, everything
else with the route's first status.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kiosk.outcome import Outcome
from sync.http.routes import Answer, Route, replayed

# The first argument is what the table is bound to: the door, or an object that holds the door and more.
Handler = Callable[[Any, Any], Awaitable[object]]
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

    def patch(self, path: str, summary: str, **more: Any) -> Declare:  # noqa: ANN401  the fields of Route
        """Declare a PATCH."""
        return self._declare("PATCH", path, summary, more)

    def delete(self, path: str, summary: str, **more: Any) -> Declare:  # noqa: ANN401  the fields of Route
        """Declare a DELETE."""
        return self._declare("DELETE", path, summary, more)

    def bind(self, door: object) -> list[Route]:
        """The routes with their handlers bound to `door`, in the order they were declared."""
        return [
            Route(
                method=method,
                path=path,
                handler=functools.partial(_answer, handler, door),
                **{**self._defaults, **more},
            )
            for method, path, handler, more in self._declared
        ]

    def _declare(self, method: str, path: str, summary: str, more: dict[str, Any]) -> Declare:
        def declare(handler: Handler) -> Handler:
            self._declared.append((method, path, handler, {"summary": summary, **more}))
            return handler

        return declare


def reply(outcome: Outcome[Any], status: int, headers: Mapping[str, str]) -> Answer:
    """An outcome as an answer with headers of its own: `status` the first time, 200 when it is a replay."""
    return replayed(outcome.answer, headers) if outcome.replayed else Answer(status, outcome.answer, headers)


async def _answer(handler: Handler, door: object, call: Any) -> object:  # noqa: ANN401  each handler has its own Call
    result = await handler(door, call)
    if not isinstance(result, Outcome):
        return result
    return replayed(result.answer) if result.replayed else result.answer
