"""Request texts without a greatest length: every door has to bound what it takes in.

assert find_unbounded_texts(routes) == []
"""

from collections.abc import Iterable, Iterator

import msgspec

from sync.http.routes import Route

_REFERENCE = "#/components/schemas/{name}"
_TIME_AND_ID_FORMATS = frozenset({"uuid", "date", "date-time", "time", "duration"})


def find_unbounded_texts(routes: Iterable[Route]) -> list[str]:
    """Where they are, as `Component.member`. A text is bounded by maxLength, by a format of known length (uuid, date),
    or by being one of a few values."""
    types = [kind for route in routes for kind in (route.body, route.query) if kind not in (None, bytes)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    named = [(name, schema) for name, schema in components.items()]
    named += [(str(kind), schema) for kind, schema in zip(types, schemas, strict=True)]
    return sorted({place for name, schema in named for place in _unbounded(schema, name)})


def _unbounded(schema: object, place: str) -> Iterator[str]:
    if isinstance(schema, list):
        for part in schema:
            yield from _unbounded(part, place)
    if not isinstance(schema, dict):
        return
    is_text = schema.get("type") == "string" and "enum" not in schema
    if is_text and "maxLength" not in schema and schema.get("format") not in _TIME_AND_ID_FORMATS:
        yield place
    if isinstance(schema.get("additionalProperties"), dict) and "propertyNames" not in schema:
        yield place  # the names of a mapping's members are texts as well
    for name, member in schema.get("properties", {}).items():
        yield from _unbounded(member, f"{place}.{name}")
    for name in ("items", "prefixItems", "anyOf", "additionalProperties", "propertyNames"):
        yield from _unbounded(schema.get(name), place)
