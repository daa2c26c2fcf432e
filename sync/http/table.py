"""pure: routes declared beside their handlers, bound to a door when it is composed.

routes = RouteTable(tag="stores", roles=OFFICE)

@routes.get("/v1/stores/{id}", "One store", response=StoreAnswer)
async def show_store(door: Door, call: Call[Session, None, None]) -> object:
    return await door.read(lambda tx: read_store(tx, call.id()))

routes.bind(door)       # the list that build_app takes
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from sync.http.routes import Route

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
                handler=functools.partial(self.answer, handler, door),
                **{**self._defaults, **_bound(more, door)},
            )
            for method, path, handler, more in self._declared
        ]

    @staticmethod
    def answer(handler: Handler, door: object, call: Any) -> Awaitable[object]:  # noqa: ANN401  each has its own Call
        """Run a handler. A door whose services answer in a shape of their own unwraps it here."""
        return handler(door, call)

    def _declare(self, method: str, path: str, summary: str, more: dict[str, Any]) -> Declare:
        def declare(handler: Handler) -> Handler:
            self._declared.append((method, path, handler, {"summary": summary, **more}))
            return handler

        return declare


def _bound(fields: dict[str, Any], door: object) -> dict[str, Any]:
    """The fields of a route; an `admission` gets the door as its first argument, as handlers do."""
    admission = fields.get("admission")
    return fields if admission is None else {**fields, "admission": functools.partial(admission, door)}
