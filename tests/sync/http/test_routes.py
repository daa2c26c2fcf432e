"""Routes refuse what cannot be meant."""

import uuid

import pytest

from sync.http.routes import PUBLIC, Route, path_parameters, read_uuid, replayed


async def handle(_call: object) -> None:
    return None


USUAL = {"method": "GET", "path": "/a", "handler": handle, "summary": "", "roles": PUBLIC, "tag": "a"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"method": "get"}, "unknown method"),
        ({"path": "a"}, "starts with /"),
        ({"roles": frozenset()}, "name the roles"),
        ({"roles": PUBLIC | {"cashier"}}, "stands alone"),
        ({"statuses": ()}, "success"),
        ({"statuses": (404,)}, "success"),
        ({"body": dict}, "GET takes no body"),
    ],
)
def test_a_route_that_cannot_be_meant_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Route(**(USUAL | fields))


def test_ids_are_uuids_unless_said_otherwise() -> None:
    path = {"path": "/a/{id}/{store_id}/{sku}"}
    assert path_parameters(Route(**(USUAL | path))) == {"id": uuid.UUID, "store_id": uuid.UUID, "sku": str}
    texts = {"texts": frozenset({"id"})}
    assert path_parameters(Route(**(USUAL | path | texts)))["id"] is str


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("01890000-0000-7000-8000-00000000000a", True),
        ("01890000-0000-7000-8000-00000000000A", True),
        ("{01890000-0000-7000-8000-00000000000a}", False),
        ("urn:uuid:01890000-0000-7000-8000-00000000000a", False),
        ("0189000000007000800000000000000a", False),
        ("", False),
        ("S001-T01-000123", False),
    ],
)
def test_a_uuid_has_one_way_of_writing(text: str, is_one: bool) -> None:
    assert (read_uuid(text) is not None) is is_one


def test_a_replay_says_so() -> None:
    answer = replayed("x", {"ETag": '"1"'})
    assert (answer.status, dict(answer.headers)) == (200, {"Idempotency-Replayed": "true", "ETag": '"1"'})
