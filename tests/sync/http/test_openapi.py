"""The document says what the routes do."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Annotated

import msgspec
from openapi_spec_validator import OpenAPIV31SpecValidator

from sync.http.openapi import About, describe_routes
from sync.http.routes import PUBLIC, Route
from tests.unbounded_texts import find_unbounded_texts

if TYPE_CHECKING:
    from tests.sync.http.conftest import Served


class Boxed(msgspec.Struct):
    label: str
    id: uuid.UUID
    names: list[str] = []
    by_name: dict[str, int] = {}
    short: Annotated[str, msgspec.Meta(max_length=5)] | None = None


class Search(msgspec.Struct):
    query: Annotated[str, msgspec.Meta(max_length=50)]
    after: Annotated[str, msgspec.Meta(max_length=400)] | None = None
    free: str = ""


async def handle(_call: object) -> None:
    return None


async def test_the_document_is_valid_openapi_3_1_and_is_not_sent_twice(served: Served) -> None:
    async with served.client.get("/openapi.json", headers={"Authorization": ""}) as response:
        document = await response.json()
        tag = response.headers["ETag"]
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    async with served.client.get("/openapi.json", headers={"If-None-Match": tag}) as response:
        assert response.status == 304


async def test_every_documented_route_stands_in_it_and_screens_do_not(served: Served) -> None:
    document = await (await served.client.get("/openapi.json")).json()
    calls = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert calls == {(route.method, route.path) for route in served.shop.routes() if route.documented}
    assert "/till" not in document["paths"]


async def test_a_booking_call_says_what_a_replay_is(served: Served) -> None:
    document = await (await served.client.get("/openapi.json")).json()
    sell = document["paths"]["/v1/sales"]["post"]
    assert set(sell["responses"]) == {"201", "200", "400", "401", "403", "409", "413", "415", "422", "default"}
    assert "Idempotency-Replayed" in sell["responses"]["200"]["headers"]
    assert sell["security"] == [{"bearer": []}]
    assert sell["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/SellCommand")
    problem = sell["responses"]["422"]["content"]["application/problem+json"]["schema"]["$ref"]
    assert problem == "#/components/schemas/ProblemDetails"


async def test_a_change_says_that_it_needs_if_match(served: Served) -> None:
    document = await (await served.client.get("/openapi.json")).json()
    put = document["paths"]["/v1/products/{sku}"]["put"]
    assert {"412", "428"} <= set(put["responses"])
    assert {(parameter["name"], parameter["in"]) for parameter in put["parameters"]} == {
        ("sku", "path"),
        ("If-Match", "header"),
    }


def test_parameters_carry_their_types() -> None:
    routes = [
        Route(
            method="GET", path="/a/{id}/b/{sku}", handler=handle, summary="", roles=PUBLIC, tag="a", query=Search
        )
    ]  # fmt: skip
    document = json.loads(describe_routes(routes, About("x", "1")))
    OpenAPIV31SpecValidator(document).validate()
    operation = document["paths"]["/a/{id}/b/{sku}"]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert parameters["id"]["schema"] == {"type": "string", "format": "uuid"}
    assert parameters["sku"]["schema"]["maxLength"] == 200
    assert (parameters["query"]["required"], parameters["after"]["required"]) == (True, False)
    assert parameters["after"]["schema"] == {"type": "string", "maxLength": 400}
    assert operation["security"] == [{}]


async def test_integers_are_documented_as_wide_as_they_are_taken(served: Served) -> None:
    document = await (await served.client.get("/openapi.json")).json()
    quantity = document["components"]["schemas"]["Line"]["properties"]["quantity_milli"]
    assert quantity == {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    (limit,) = [p for p in document["paths"]["/v1/sales"]["get"]["parameters"] if p["name"] == "limit"]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def test_the_document_of_the_same_routes_is_the_same_bytes() -> None:
    def route(path: str) -> Route:
        return Route(method="POST", path=path, handler=handle, summary="", roles=PUBLIC, tag="a", body=Boxed)

    about = About("x", "1")
    assert describe_routes([route("/b"), route("/a")], about) == describe_routes([route("/a"), route("/b")], about)


def test_unbounded_texts_are_found() -> None:
    route = Route(method="POST", path="/a", handler=handle, summary="", roles=PUBLIC, tag="a", body=Boxed, query=Search)
    assert find_unbounded_texts([route]) == ["Boxed.by_name", "Boxed.label", "Boxed.names", "Search.free"]


async def test_the_example_has_none(served: Served) -> None:
    assert find_unbounded_texts(served.shop.routes()) == []
