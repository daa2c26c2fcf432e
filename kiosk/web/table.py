"""edge: routes declared beside their handlers, bound to a store when it is composed.

routes = RouteTable(tag="sales", roles=STAFF)

@routes.post("/v1/sales", "Complete a sale", body=CompleteSale, response=SaleAnswer, statuses=(201, 200))
async def sell(door: Door, call: Call[Session, CompleteSale, None]) -> object:
    return await door.write(call, complete_sale, call.body)

routes.bind(door)       # the list that build_app takes

A handler that hands on a service's Outcome need not look at it: a replay is answered 200 with its header, everything
else with the route's first status.
"""

from collections.abc import Mapping
from typing import Any

from kiosk.outcome import Outcome
from sync.http import table
from sync.http.routes import Answer, replayed
from sync.http.table import Handler


class RouteTable(table.RouteTable):
    """The routes of one module. `defaults` hold for each unless it says otherwise."""

    @staticmethod
    async def answer(handler: Handler, door: object, call: Any) -> object:  # noqa: ANN401  each has its own Call
        """Run a handler and unwrap the Outcome of a service."""
        result = await handler(door, call)
        if not isinstance(result, Outcome):
            return result
        return replayed(result.answer) if result.replayed else result.answer


def reply(outcome: Outcome[Any], status: int, headers: Mapping[str, str]) -> Answer:
    """An outcome as an answer with headers of its own: `status` the first time, 200 when it is a replay."""
    return replayed(outcome.answer, headers) if outcome.replayed else Answer(status, outcome.answer, headers)
