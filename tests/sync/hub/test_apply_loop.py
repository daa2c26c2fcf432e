"""What came in is applied behind the pushes; what cannot be applied waits for a person and stops nobody else."""

import asyncio
import json
from pathlib import Path

import pytest

from sync.http.problems import StorageUnavailable
from sync.hub import apply_loop
from tests.sync.hub.hubkit import RunningHub, Shop, running_hub

GOLDEN = Path(__file__).parents[2] / "golden" / "entries"


def golden(kind: str) -> str:
    """An entry as a released store wrote it."""
    return (GOLDEN / f"{kind}.v1.json").read_text()


async def a_shop(hub: RunningHub, code: str = "S001") -> Shop:
    shop = await hub.enrol(code)
    await shop.open_session()
    return shop


async def chain_of(hub: RunningHub, shop: Shop) -> list[tuple[int, int, str]]:
    _, board = await hub.call("GET", f"/v1/stores/{shop.store}", token=await hub.office())
    return [(life["seq"], life["applied_seq"], life["alarm"]) for life in board["chain"]]


async def test_a_sale_that_was_pushed_can_be_looked_up_by_its_number_at_every_store(hub: RunningHub) -> None:
    shop, other = await a_shop(hub, "S001"), await a_shop(hub, "S002")
    content = golden("sale.completed")
    shop.append(content)
    number = json.loads(content)["body"]["number"]
    await shop.push(shop.ops)
    assert (await hub.call("GET", f"/sync/v1/sales/{number}", token=other.token))[0] == 404
    await hub.hub.appliers.settle()
    status, sale = await hub.call("GET", f"/sync/v1/sales/{number}", token=other.token)
    assert (status, sale["store_code"], sale["hash"]) == (200, "S001", shop.head().hash)
    assert sale["body"] == json.loads(content)["body"]
    liar = await a_shop(hub, "S003")
    liar.append(content.replace("-7", "-8"))
    await liar.push(liar.ops)
    await hub.hub.appliers.settle()
    _, sale = await hub.call("GET", f"/sync/v1/sales/{number}", token=other.token)
    assert sale["store_code"] == "S001"


async def test_an_entry_of_a_kind_that_is_not_known_yet_is_parked_and_the_rest_goes_on(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    shop.write("drone.landed", {"pad": 1})
    shop.append(golden("sale.completed"))
    await shop.push(shop.ops)
    await hub.hub.appliers.settle()
    assert await chain_of(hub, shop) == [(2, 2, "")]
    office = await hub.office()
    _, letters = await hub.call("GET", "/v1/dead-letters?state=parked", token=office)
    [letter] = letters["items"]
    assert (letter["kind"], letter["seq"], letter["state"]) == ("drone.landed", 1, "parked")
    status, replayed = await hub.call("POST", f"/v1/dead-letters/{letter['id']}/replay", token=office)
    assert (status, replayed["state"], replayed["tries"]) == (200, "parked", 2)
    status, gone = await hub.call("POST", f"/v1/dead-letters/{letter['id']}/dismiss", token=office)
    assert (status, gone["state"]) == (200, "dismissed")
    status, answer = await hub.call("POST", f"/v1/dead-letters/{letter['id']}/replay", token=office)
    assert (status, answer["code"]) == (409, "dead_letter_settled")


@pytest.mark.parametrize("id", ["x", "1.2.3", f"{'0' * 36}.{'0' * 16}.1", "a.b.c.d", f".{'0' * 16}."])
async def test_the_id_of_a_dead_letter_that_there_is_not_is_not_found(small_hub: RunningHub, id: str) -> None:  # noqa: A002
    status, answer = await small_hub.call("POST", f"/v1/dead-letters/{id}/replay", token=await small_hub.office())
    assert (status, answer["code"]) == (404, "dead_letter_not_found")


async def test_a_fault_of_ours_stops_the_life_and_neither_its_pushes_nor_other_stores(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, other = await a_shop(hub, "S001"), await a_shop(hub, "S002")
    real = apply_loop.apply_next

    def broken(tx, store, epoch, now_ms, **more):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        if store == shop.store:
            raise ZeroDivisionError("+48 600 700 800")
        return real(tx, store, epoch, now_ms, **more)

    monkeypatch.setattr(apply_loop, "_AFTER_TROUBLE_S", 0.01)
    monkeypatch.setattr(apply_loop, "apply_next", broken)
    for each in (shop, other):
        each.append(golden("sale.completed"))
        await each.push(each.ops)
    await hub.hub.appliers.settle()
    assert await chain_of(hub, shop) == [(1, 0, "ZeroDivisionError")]
    assert await chain_of(hub, other) == [(1, 1, "")]
    assert (await shop.push(shop.book(1)))[0] == 200
    _, ready = await hub.call("GET", "/readyz")
    assert [check["detail"] for check in ready["checks"] if check["name"] == "appliers"] == ["stopped for 1 lives"]
    monkeypatch.setattr(apply_loop, "apply_next", real)
    assert (await hub.call("POST", f"/v1/stores/{shop.store}/resume", token=await hub.office()))[0] == 200
    await hub.hub.appliers.settle()
    assert await chain_of(hub, shop) == [(2, 2, "")]


async def test_what_fails_for_a_moment_only_is_tried_again(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await a_shop(hub)
    real, failures = apply_loop.apply_next, iter([TimeoutError("slow"), StorageUnavailable("away")])

    def shaky(tx, store, epoch, now_ms, **more):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        for failure in failures:
            raise failure
        return real(tx, store, epoch, now_ms, **more)

    monkeypatch.setattr(apply_loop, "_AFTER_TROUBLE_S", 0.01)
    monkeypatch.setattr(apply_loop, "apply_next", shaky)
    await shop.push(shop.book(1))
    with pytest.raises(StorageUnavailable):
        await hub.hub.appliers.settle()
    await hub.hub.appliers.settle()
    assert await chain_of(hub, shop) == [(1, 1, "")]


async def test_a_running_head_office_applies_by_itself(address: str, tmp_path: Path) -> None:
    async with running_hub(address, tmp_path, apply_entries=True, pull_wait_seconds=20) as hub:
        shop = await a_shop(hub)
        _, page = await shop.pull()
        while page["items"] or page.get("refetch"):
            _, page = await shop.pull(page["cursor"])
        shop.append(golden("member.enrolled"))
        await shop.push(shop.ops)
        for _ in range(50):
            if await chain_of(hub, shop) == [(1, 1, "")]:
                break
            await hub.hub.watch.wait({"global": 0}, 0.1, asyncio.Event())
        assert await chain_of(hub, shop) == [(1, 1, "")]


async def test_a_copy_found_out_and_a_fork_are_incidents_that_a_person_resolves(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    copy = Shop(hub, shop.store, epoch=shop.epoch)
    copy.key, copy.run, copy.fence = shop.key, "cd" * 16, shop.fence
    await copy.open_session()
    shop.fence = copy.fence
    assert (await shop.open_session())[1]["code"] == "quarantined"
    office = await hub.office()
    _, listed = await hub.call("GET", "/v1/incidents?state=open", token=office)
    [incident] = listed["items"]
    assert (incident["kind"], incident["store"], incident["refs"]) == (
        "clone",
        str(shop.store),
        [{"runs": [copy.run, shop.run]}],
    )
    path = f"/v1/incidents/{incident['id']}/resolve"
    status, resolved = await hub.call("POST", path, {"resolution": "the copy was a backup machine"}, token=office)
    assert (status, resolved["state"], resolved["resolved_by"]) == (200, "resolved", "office")
    assert (await hub.call("POST", path, {"resolution": "something else"}, token=office))[1][
        "code"
    ] == "incident_resolved"
    assert (await hub.call("GET", "/v1/incidents?state=open", token=office))[1]["items"] == []
