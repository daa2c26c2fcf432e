"""The store's OpenAPI document is valid, bounds every text, and the running store keeps it for all that it invites."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.kiosk.shopkit import Running, make_config, new_id, running_store, sale_request
from tests.kiosk.web.proving import prove
from tests.kiosk.web.routes_of import routes_of
from tests.unbounded_texts import find_unbounded_texts

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# A stream never ends; a sign-out would end the token that the others are called with.
LEFT_OUT = {("get", "/v1/events"), ("delete", "/v1/sign-ins")}
EXAMPLES = 5


async def test_the_document_is_valid(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as running:
        document = (await running.call("GET", "/openapi.json", role=None)).json
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert "/till" not in document["paths"]


async def test_every_text_of_every_request_has_a_greatest_length(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as running:
        assert find_unbounded_texts(routes_of(running.store.application())) == []


async def known_things(running: Running) -> dict[str, str]:
    """Real ids by the beginning of a path, so that calls reach more than "there is no such thing"."""
    shift = await running.open_shift(role="manager")
    await running.open_shift()
    sold = await running.call("POST", "/v1/sales", sale_request(receipt="paper"), role="manager")
    member = str(new_id())
    enrolled = await running.call("POST", "/v1/members", {"id": member, "name": "Anna", "locale": "en", "consents": []})
    parked = str(new_id())
    await running.call("POST", "/v1/parked", {"id": parked, "lines": [{"sku": "100"}]})
    assert (sold.status, enrolled.status) == (201, 201)
    return {
        "/v1/shifts/{id}": shift,
        "/v1/sales/{id}": sold.json["id"],
        "/v1/members/{id}": member,
        "/v1/parked/{id}": parked,
        "/v1/print-jobs/{id}": sold.json["print_job"]["id"],
        "/v1/products/{sku}": "100",
        "/v1/operators/{id}": "ana",
    }


@pytest.mark.timeout(180)
async def test_the_running_store_keeps_its_document(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as running:
        document = (await running.call("GET", "/openapi.json", role=None)).json
        known = await known_things(running)
        called = await asyncio.to_thread(call_everything, running, document, known)
        documented = {(method, path) for path, methods in document["paths"].items() for method in methods}
        assert called == documented - LEFT_OUT
        assert (await running.call("GET", "/readyz", role=None)).status == 200
        await prove(running)


def call_everything(running: Running, document: dict[str, Any], known: Mapping[str, str]) -> set[tuple[str, str]]:
    """Send a few requests of every operation, some to things that exist, and check each answer against the document."""
    called = set()
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if (operation.method, operation.path) not in LEFT_OUT:
            real = next((thing for start, thing in known.items() if operation.path.startswith(start)), None)
            call_one(running, operation, real)
            called.add((operation.method, operation.path))
    return called


def call_one(running: Running, operation: Any, real: str | None) -> None:  # noqa: ANN401  schemathesis' own type
    """A few requests of one operation; `real` takes the place of every made-up id in its path."""
    headers = {"Authorization": f"Bearer {running.tokens['manager']}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def keep_the_document(case: Case) -> None:
        if real is not None:
            case.path_parameters = dict.fromkeys(case.path_parameters or {}, real)
        response = case.call(base_url=running.url, headers=headers, timeout=30)
        case.validate_response(response, checks=CHECKS)

    keep_the_document()
