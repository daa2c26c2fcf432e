"""The office forgets a member and merges two, over the wire."""

from sync.hub.applier import apply_next
from tests.sync.hub.appliers.office import Shop as Bookkeeper
from tests.sync.hub.appliers.office import take_in
from tests.sync.hub.hubkit import RunningHub


async def test_the_office_merges_two_members_and_forgets_them(hub: RunningHub) -> None:
    shop = Bookkeeper(at_ms=hub.clock.now_ms - 60_000)
    one, two = shop.id(), shop.id()
    shop.enrol(one, "+48600100200")
    shop.enrol(two, "+48600100200")
    database = hub.hub.database
    await database.write(lambda tx: take_in(tx, shop.store, shop.epoch, shop.ops, hub.clock.now_ms, 0))
    await database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, hub.clock.now_ms))
    office = await hub.office()
    command = {"id": str(hub.new_id()), "absorbed": str(two), "into": str(one)}
    assert (await hub.call("POST", "/v1/member-merges", command, token=office))[0] == 201
    assert (await hub.call("POST", "/v1/member-merges", command, token=office))[0] == 200
    path = f"/v1/members/{two}/erase"
    assert (await hub.call("POST", path))[0] == 401
    status, answer = await hub.call("POST", path, token=office)
    assert (status, sorted(answer["erased"])) == (200, sorted([str(one), str(two)]))
    assert (await hub.call("POST", path, token=office))[1]["erased"] == []
    status, answer = await hub.call("POST", f"/v1/members/{hub.new_id()}/erase", token=office)
    assert (status, answer["code"]) == (404, "member_not_found")
