"""The office looks at members, forgets one and merges two, over the wire."""

from typing import Any

from sync.facts.members import Consent, ConsentRecorded
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


async def tell(hub: RunningHub, shop: Bookkeeper) -> None:
    """Head office takes a shop's entries in and applies them."""
    database, now_ms = hub.hub.database, hub.clock.now_ms
    await database.write(lambda tx: take_in(tx, shop.store, shop.epoch, shop.ops, now_ms, 0))
    await database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, now_ms))


async def test_the_office_sees_a_person_of_two_shops_and_what_happened_page_by_page(hub: RunningHub) -> None:
    here, there = (Bookkeeper(store=hub.new_id(), epoch=each, at_ms=hub.clock.now_ms - 60_000) for each in (3, 4))
    ann, twin = here.id(), here.id()
    here.enrol(ann, "+48600100200")
    here.enrol(twin, "+48600100201")
    here.sell(ann, earn=40)
    for _ in range(3):
        there.sell(ann, earn=10)
    there.sell(twin, earn=5)
    word = Consent("sms", "marketing", granted=True)
    there.log(ConsentRecorded(request="", member=ann, at=there.now_ms, consents=(word,)))
    for shop in (here, there):
        await tell(hub, shop)
    office = await hub.office()
    command = {"id": str(hub.new_id()), "absorbed": str(twin), "into": str(ann)}
    assert (await hub.call("POST", "/v1/member-merges", command, token=office))[0] == 201
    status, shown = await hub.call("GET", f"/v1/members/{twin}", token=office)
    assert (status, shown["id"], shown["points"]["active"]) == (200, str(ann), 75)
    assert [(each["id"], each["profile"]["phone"]) for each in shown["records"]] == [
        (str(ann), "+48600100200"),
        (str(twin), "+48600100201"),
    ]
    assert [each["granted"] for each in shown["consents"]] == [True]
    assert [(each["store"], each["home"]) for each in shown["stores"]] == [
        (str(here.store), True),
        (str(there.store), False),
    ]
    seen: list[dict[str, Any]] = []
    path = f"/v1/members/{ann}/timeline?limit=2"
    while True:
        status, page = await hub.call("GET", path, token=office)
        assert status == 200, page
        seen += page["items"]
        if page["next"] is None:
            break
        path = f"/v1/members/{ann}/timeline?limit=2&after={page['next']}"
    assert [each["at"] for each in seen] == sorted((each["at"] for each in seen), reverse=True)
    assert sorted(each["points"] for each in seen if each["kind"] == "points.earn") == [5, 10, 10, 10, 40]
    assert {each["receipt"] for each in seen if each["points"] == 40} == {"S003-T01-000001"}
    assert [each["what"] for each in seen if each["kind"] == "consent.granted"] == ["sms marketing"]
    assert len({(each["op"], each["kind"], each["what"]) for each in seen}) == len(seen), "each once"
    status, export = await hub.call("GET", f"/v1/members/{ann}/export", token=office)
    assert (status, export["events"], export["member"]["records"]) == (200, seen, shown["records"])
    status, answer = await hub.call("GET", f"/v1/members/{hub.new_id()}/timeline", token=office)
    assert (status, answer["code"]) == (404, "member_not_found")


async def test_a_viewer_is_told_nothing_personal(small_hub: RunningHub) -> None:
    hub = small_hub
    shop = Bookkeeper(at_ms=hub.clock.now_ms - 60_000)
    ann = shop.id()
    shop.enrol(ann, "+48600100200")
    await tell(hub, shop)
    office = await hub.office()
    body = {"role": "viewer", "password": "a long password"}
    assert (await hub.call("PUT", "/v1/users/vera", body, token=office))[0] == 200
    viewer = await hub.sign_in("vera", "a long password")
    status, shown = await hub.call("GET", f"/v1/members/{ann}", token=viewer)
    assert (status, shown["records"][0]["profile"]) == (200, None)
    assert (await hub.call("GET", f"/v1/members/{ann}/timeline", token=viewer))[0] == 200
    assert (await hub.call("GET", f"/v1/members/{ann}/export", token=viewer))[0] == 403
