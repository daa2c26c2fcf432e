"""pure: the OpenAPI 3.1 document, from the same routes and types that answer the requests, so that it cannot drift.

describe_routes(routes, About("Counterfoil store", "0.1.0"))    # JSON, always the same bytes for the same routes
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from sync.http.bodies import INTEGER_MAX, INTEGER_MIN
from sync.http.problems import PROBLEM_JSON, ProblemDetails
from sync.http.routes import JSON, PATH_TEXT_MAX_CHARACTERS, PUBLIC, Route, path_parameters

_REFERENCE = "#/components/schemas/{name}"
_PROBLEM_REFERENCE = {"$ref": "#/components/schemas/ProblemDetails"}
_WORD = re.compile(r"[^A-Za-z0-9]+")


class About(msgspec.Struct, frozen=True):
    """What the document says of the service as a whole."""

    title: str
    version: str
    description: str = ""


def describe_routes(routes: Iterable[Route], about: About) -> bytes:
    """The document as JSON. Routes that are not `documented` are left out."""
    shown = sorted((route for route in routes if route.documented), key=lambda route: (route.path, route.method))
    types = _types_of(shown)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    _bound_integers([*schemas, *components.values()])
    schema_of = _Schemas(types, schemas)
    paths: dict[str, dict[str, object]] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, components)
    document = {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": about.version, "description": about.description},
        "tags": [{"name": tag} for tag in sorted({route.tag for route in shown})],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(document)


class _Schemas:
    """The schema of each type, by identity: types as `list[Sale]` need not be hashable alike."""

    def __init__(self, types: Sequence[Any], schemas: Iterable[dict[str, Any]]) -> None:
        self._pairs = list(zip(types, schemas, strict=True))

    def __call__(self, kind: object) -> dict[str, Any]:
        return next(schema for known, schema in self._pairs if known == kind)


def _types_of(routes: Iterable[Route]) -> list[Any]:
    types: list[Any] = [ProblemDetails]
    for route in routes:
        for kind in (route.body, route.response, route.query):
            if kind is not None and kind is not bytes and kind not in types:
                types.append(kind)
    return types


def _operation(route: Route, schema_of: _Schemas, components: Mapping[str, Any]) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route, schema_of),
        # An empty requirement says that nobody need sign in; roles are ours, so they stand in words as well.
        "security": [{}] if route.roles == PUBLIC else [{"bearer": []}],
    }
    if route.roles != PUBLIC:
        operation["description"] = f"For: {', '.join(sorted(route.roles))}."
    parameters = [*_path_parameters(route), *_query_parameters(route, schema_of, components)]
    if route.needs_if_match:
        parameters.append(_header_parameter("If-Match", "The ETag of the version that the change was made on."))
    if parameters:
        operation["parameters"] = parameters
    if route.body is bytes:
        content: dict[str, object] = {media: {"schema": {}} for media in route.accepts}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema_of(route.body)}}}
    return operation


def _operation_id(route: Route) -> str:
    """`post_v1_sales_id_void`: stable as long as the path is."""
    return f"{route.method.lower()}_{_WORD.sub('_', route.path).strip('_')}"


def _path_parameters(route: Route) -> Iterator[dict[str, object]]:
    for name, kind in path_parameters(route).items():
        schema: dict[str, object] = {"type": "string"}
        if kind is uuid.UUID:
            schema["format"] = "uuid"
        else:
            schema |= {"minLength": 1, "maxLength": PATH_TEXT_MAX_CHARACTERS}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route, schema_of: _Schemas, components: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    if route.query is None:
        return
    schema = schema_of(route.query)
    schema = components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    required = set(schema.get("required", ()))
    for name, member in schema["properties"].items():
        yield {"name": name, "in": "query", "required": name in required, "schema": _without_null(member)}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: leaving the parameter away says it."""
    members = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    alternatives = [choice for choice in members.get("anyOf", ()) if choice != {"type": "null"}]
    if len(alternatives) == 1:
        del members["anyOf"]
        members |= alternatives[0]
    elif alternatives:
        members["anyOf"] = alternatives
    return members


def _header_parameter(name: str, description: str) -> dict[str, object]:
    schema = {"type": "string", "minLength": 3, "maxLength": 200}
    return {"name": name, "in": "header", "required": True, "description": description, "schema": schema}


def _responses(route: Route, schema_of: _Schemas) -> dict[str, object]:
    responses: dict[str, object] = {str(status): _success(route, status, schema_of) for status in route.statuses}
    for status in sorted(_problem_statuses(route)):
        responses[str(status)] = _problem_response(HTTPStatus(status).phrase)
    responses["default"] = _problem_response("Any other problem.")
    return responses


def _success(route: Route, status: int, schema_of: _Schemas) -> dict[str, object]:
    response: dict[str, object] = {"description": HTTPStatus(status).phrase}
    if status in {204, 304} or route.response is None:
        return response
    schema = {} if route.response is bytes else schema_of(route.response)
    response["content"] = {route.produces: {"schema": schema}}
    if status == 200 and 201 in route.statuses:
        response["description"] = "The same id was booked before: the first answer again."
        response["headers"] = {
            "Idempotency-Replayed": {"description": "Always true here.", "schema": {"type": "string", "enum": ["true"]}}
        }
    return response


def _problem_statuses(route: Route) -> set[int]:
    statuses = set(route.problems)
    if route.roles != PUBLIC:
        statuses |= {401, 403}
    if path_parameters(route):
        statuses.add(404)
    if route.body is not None:
        statuses |= {400, 413, 415}
    if route.query is not None or route.body not in (None, bytes):
        statuses.add(422)
    if route.needs_if_match:
        statuses |= {412, 428}
    return statuses


def _problem_response(description: str) -> dict[str, object]:
    return {"description": description, "content": {PROBLEM_JSON: {"schema": _PROBLEM_REFERENCE}}}


def _bound_integers(schema: object) -> None:
    """Says in the schema what bodies.py enforces for every integer. Changes the schema, which is ours alone."""
    if isinstance(schema, list):
        for part in schema:
            _bound_integers(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "integer" and "enum" not in schema:
            if "minimum" not in schema and "exclusiveMinimum" not in schema:
                schema["minimum"] = INTEGER_MIN
            if "maximum" not in schema and "exclusiveMaximum" not in schema:
                schema["maximum"] = INTEGER_MAX
        for part in schema.values():
            _bound_integers(part)
