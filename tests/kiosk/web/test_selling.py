"""Selling over HTTP, where the door has a part in it: pages, one price book, papers that are not for everybody."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.catalogue.product_service import CHANGES_AT_ONCE_MAX
from sync.product_rules import DEPARTMENT_MAX, ITEM_CODE_MAX
from tests.kiosk.shopkit import Running, make_config, new_id, running_store


@pytest.fixture(name="store")
async def run(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as store:
        yield store


async def all_pages(store: Running, path: str, limit: int) -> list[list[Any]]:
    """The ids of every page, followed to the end."""
    pages, address = [], f"{path}?limit={limit}"
    while True:
        page = (await store.call("GET", address)).json
        pages.append([item["id"] for item in page["items"]])
        if page["next"] is None:
            return pages
        address = f"{path}?limit={limit}&after={page['next']}"


async def test_print_jobs_and_parked_baskets_come_in_pages(store: Running) -> None:
    await store.open_shift()
    sold = [(await store.sell(receipt="paper")).json["print_job"]["id"] for _ in range(5)]
    assert await all_pages(store, "/v1/print-jobs", 2) == [sold[:2:-1], sold[2:0:-1], sold[:1]]
    parked = [str(new_id()) for _ in range(3)]
    for basket in parked:
        await store.call("POST", "/v1/parked", {"id": basket, "lines": [{"sku": "100"}]})
    assert await all_pages(store, "/v1/parked", 2) == [parked[:2], parked[2:]]
    for path in ("/v1/parked", "/v1/print-jobs"):
        assert (await store.call("GET", f"{path}?after=nowhere")).status == 422


async def test_a_managers_x_is_not_read_by_the_cashier_who_counts(store: Running) -> None:
    shift = await store.open_shift()
    await store.sell()
    jobs = [(await store.call("POST", f"/v1/shifts/{shift}/prints", role=role)).json["id"] for role in ROLES]
    seen = {
        (asker, owner): (await store.call("GET", f"/v1/print-jobs/{job}.txt", role=asker)).status
        for owner, job in zip(ROLES, jobs, strict=True)
        for asker in ROLES
    }
    assert [pair for pair, status in seen.items() if status != 200] == [("cashier", "manager")]
    assert (await store.call("POST", f"/v1/print-jobs/{jobs[1]}/reprint")).status == 403
    paper = (await store.call("GET", f"/v1/print-jobs/{jobs[0]}.txt")).raw.decode()
    assert "1.29" not in paper


ROLES = ("cashier", "manager")


async def test_an_exchange_is_quoted_and_then_done(store: Running) -> None:
    await store.open_shift()
    sold = (await store.sell("102")).json
    back = [{"sale": sold["id"], "line": 1, "quantity_milli": 1000}]
    quote = await store.call("POST", "/v1/quotes", {"lines": [{"sku": "100"}], "returns": back})
    assert quote.status == 200
    assert (quote.json["pay_minor"], quote.json["refund_minor"], quote.json["totals"]["due_minor"]) == (0, 221, 129)
    assert quote.json["refunds_allowed"] == [{"kind": "cash", "max_minor": 350}]
    assert quote.json["returned"][0]["sale_number"] == sold["number"]
    refunds = [{"kind": "cash", "amount_minor": quote.json["refund_minor"]}]
    done = await store.sell("100", returns=back, refunds=refunds, tenders=[], quote_due_minor=129)
    assert done.status == 201, done
    again = await store.call("POST", "/v1/quotes", {"lines": [{"sku": "100"}], "returns": back})
    assert (again.status, again.json["code"]) == (409, "nothing_left_to_return")


async def test_points_in_a_quote_need_a_member(store: Running) -> None:
    reply = await store.call("POST", "/v1/quotes", {"lines": [{"sku": "100"}], "points": 5})
    assert (reply.status, reply.json["redeem"]) == (200, None)


async def test_a_movement_is_answered_by_itself(store: Running) -> None:
    shift, move = await store.open_shift(500), str(new_id())
    asked = {"id": move, "kind": "pay_in", "amount_minor": 100, "reason": "change"}
    first = await store.call("POST", f"/v1/shifts/{shift}/movements", asked)
    await store.sell()
    again = await store.call("POST", f"/v1/shifts/{shift}/movements", asked)
    assert (first.status, again.status, again.headers["Idempotency-Replayed"]) == (201, 200, "true")
    assert again.json == first.json
    assert {**first.json, "at": ""} == {**asked, "shift": shift, "currency": "EUR", "at": ""}


def csv_of(count: int, price_minor: int = 100) -> bytes:
    lines = [f"n{number};Thing {number};OTHER;food;{price_minor}" for number in range(count)]
    return "\n".join(["sku;name;department;tax_class;price_minor", *lines]).encode()


async def import_file(store: Running, data: bytes) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {store.tokens['manager']}", "Content-Type": "text/csv"}
    async with store.client.post("/v1/product-imports", data=data, headers=headers) as reply:
        return reply.status, await reply.json(content_type=None)


async def test_a_file_is_one_price_book_and_while_selling_a_small_one(store: Running) -> None:
    status, taken = await import_file(store, csv_of(CHANGES_AT_ONCE_MAX + 1))
    assert (status, taken["products"], taken["problem_count"]) == (200, CHANGES_AT_ONCE_MAX + 1, 0)
    await store.open_shift()
    status, refused = await import_file(store, csv_of(CHANGES_AT_ONCE_MAX + 1, price_minor=99))
    assert (status, refused["code"]) == (422, "import_too_large")
    for sku in ("n0", f"n{CHANGES_AT_ONCE_MAX}"):
        product = (await store.call("GET", f"/v1/products/{sku}")).json
        assert (product["price_minor"], product["price_book"]) == (100, taken["price_book"])
    status, same = await import_file(store, csv_of(CHANGES_AT_ONCE_MAX + 1))
    assert (status, same["price_book"]) == (200, taken["price_book"]), "what is there already changes nothing"


@pytest.mark.parametrize(
    ("field", "longest", "too_long"),
    [
        ("item_code", "1" * ITEM_CODE_MAX, "1" * (ITEM_CODE_MAX + 1)),
        ("department", "D" * DEPARTMENT_MAX, "D" * (DEPARTMENT_MAX + 1)),
    ],
)
async def test_a_product_is_bounded_as_the_catalogue_is(
    store: Running, field: str, longest: str, too_long: str
) -> None:
    thing = {"name": "Thing", "department": "OTHER", "tax_class": "food", "price_minor": 1}
    refused = await store.call("PUT", "/v1/products/x1", {**thing, field: too_long}, role="manager")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, f"/{field}")
    taken = await store.call("PUT", "/v1/products/x1", {**thing, field: longest}, role="manager")
    assert (taken.status, taken.json[field]) == (201, longest)
