"""What head office decides for its stores: checked, planned for one instant, told in one bucket, withdrawn in time."""

import contextlib
import datetime as dt
from typing import Any

import msgspec
import pytest

from sync.bundle_values import HEAD
from sync.db import connect
from sync.hub.applier import apply_next
from sync.hub.bundle_news import REPLACED_KEPT_MS
from sync.hub.proof import prove
from sync.hub.schema_all import ALL_TABLES
from sync.hub.state import raise_timeline
from sync.protocol.feed import Bundle, checksum_of
from tests.sync.hub.hubkit import RunningHub, Shop

MILK = {"name": "Milk 1 l", "department": "DAIRY", "tax_class": "food", "price_minor": 149, "gtins": ["9520000000011"]}
EFFECT = {"kind": "percent", "percent": "10", "goods": {"categories": ["DAIRY"]}}
OFFER = {"title": {"en": "Dairy week"}, "effect": EFFECT}
RULE = {"title": {"en": "Gift"}, "trigger": "purchase_basket", "op": "add", "gives": {"kind": "once", "points": 5}}
HOUR_MS = 3_600_000


async def ask(
    hub: RunningHub,
    method: str,
    path: str,
    body: object = None,
    expect: int = 200,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    token = more.pop("token", None) or await hub.office()
    status, answer = await hub.call(method, path, body, token=token, **more)
    assert status == expect, (status, answer)
    return answer


async def change(hub: RunningHub, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """A change of something that is known, with the tag it has now."""
    shown = await ask(hub, "GET", path, token=more.get("token"))
    return await ask(hub, method, path, body, headers={"If-Match": shown["headers"]["Etag"]}, **more)


def at(hub: RunningHub, after_ms: int) -> dict[str, str]:
    """The parameter that says when."""
    moment = dt.datetime.fromtimestamp((hub.clock.now_ms + after_ms) / 1000, dt.UTC)
    return {"active_from": moment.isoformat()}


async def told(shop: Shop) -> dict[str, dict[str, Any]]:
    """Every thing that a store reads from the beginning, by bucket and entity, key -> value; the heads must fit."""
    found: dict[str, dict[str, Any]] = {}
    cursor, more = None, True
    while more:
        _, answer = await shop.pull(cursor)
        for item in answer["items"]:
            if "value" in item:
                found.setdefault(f"{item['bucket']} {item['entity']}", {})[item["key"]] = item["value"]
        cursor, more = answer["cursor"], answer.get("more", False)
    return found


async def raw_parts(hub: RunningHub, bucket: str, entity: str) -> list[tuple[str, str, str]]:
    select = "SELECT entity, key, value FROM feed WHERE bucket = ? AND entity = ? AND value IS NOT NULL"
    rows = await hub.hub.door.database.read(lambda tx: tx.execute(select, (bucket, entity)).fetchall())
    return [(row[0], row[1], row[2]) for row in rows]


async def is_provable(hub: RunningHub) -> bool:
    with contextlib.closing(connect(":memory:")) as books:
        for table in ALL_TABLES:
            for statement in (table.ddl, *table.indexes):
                books.execute(statement)
        report = await hub.hub.door.database.read(lambda tx: prove(tx, books))
    return report.ok


async def test_a_decision_is_a_bundle_of_its_own_that_every_store_reads(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    decided = await ask(hub, "PUT", "/v1/offers/DAIRY10", OFFER, expect=201)
    assert (decided["bundle"], decided["state"], decided["definition"]["effect"]["percent"]) == (1, "live", "10")
    await ask(hub, "PUT", "/v1/products/100", MILK, expect=201)
    await ask(hub, "PUT", "/v1/earning-rules/gift", RULE, expect=201)
    found = await told(shop)
    heads = {version: msgspec.convert(head, Bundle) for version, head in found[f"global {HEAD}"].items()}
    assert sorted(heads) == ["1", "2", "3"]
    assert heads["1"].active_at == hub.clock.now_ms + hub.hub.settings.bundle_lead_seconds * 1000
    for version, head in heads.items():
        parts = await raw_parts(hub, "global", f"bundle:{version}")
        assert head.is_complete(len(parts), checksum_of(parts))
    assert found["global bundle:2"]["product/100"]["definition"]["gtins"] == ["09520000000011"]
    assert await is_provable(hub)


async def test_the_same_again_plans_nothing_and_a_change_needs_the_tag(hub: RunningHub) -> None:
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=201)
    assert (await change(hub, "PUT", "/v1/offers/D", OFFER))["bundle"] == 1
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=428)
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=412, headers={"If-Match": '"9"'})
    await ask(hub, "PUT", "/v1/offers/E", OFFER, expect=412, headers={"If-Match": '"1"'})
    other = {**OFFER, "effect": {**EFFECT, "percent": "15"}}
    assert (await change(hub, "PUT", "/v1/offers/D", other))["bundle"] == 2
    ended = await change(hub, "DELETE", "/v1/offers/D")
    assert (ended["bundle"], ended["state"], ended["definition"]["effect"]["percent"]) == (3, "ended", "15")
    await ask(hub, "DELETE", "/v1/offers/NONE", expect=404)
    listed = await ask(hub, "GET", "/v1/offers", params={"limit": "1"})
    assert ([each["id"] for each in listed["items"]], listed["next"]) == (["D"], None)


async def test_of_two_words_to_come_the_one_that_begins_last_counts_last_whenever_it_was_said(hub: RunningHub) -> None:
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=201, params=at(hub, 2 * HOUR_MS))
    sooner = {**OFFER, "effect": {**EFFECT, "percent": "15"}}
    planned = await change(hub, "PUT", "/v1/offers/D", sooner, params=at(hub, HOUR_MS))
    shown = await ask(hub, "GET", "/v1/offers/D")
    assert (planned["bundle"], planned["definition"]["effect"]["percent"], shown["bundle"]) == (2, "15", 1)
    assert planned["headers"]["Etag"] == shown["headers"]["Etag"]


async def test_a_product_ends_by_being_sold_no_longer(hub: RunningHub) -> None:
    await ask(hub, "PUT", "/v1/products/100", MILK, expect=201)
    assert (await change(hub, "DELETE", "/v1/products/100"))["definition"]["active"] is False


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/products/100", {**MILK, "tax_class": "luxury"}, "unknown_tax_class"),
        ("/v1/products/100", {**MILK, "gtins": ["123"]}, "wrong_gtin"),
        ("/v1/products/200", MILK, "barcode_in_use"),
        ("/v1/offers/D", {**OFFER, "title": {}}, "title_missing"),
        ("/v1/offers/reward:x", OFFER, "wrong_id"),
        ("/v1/earning-rules/a b", RULE, "wrong_id"),
        ("/v1/earning-rules/x", {**RULE, "title": {}}, "title_missing"),
    ],
)
async def test_what_no_store_could_sell_by_is_refused(
    small_hub: RunningHub, path: str, body: object, code: str
) -> None:
    await ask(small_hub, "PUT", "/v1/products/300", MILK, expect=201)
    refused = await ask(small_hub, "PUT", path, body, expect=422)
    assert [each["code"] for each in refused["faults"]] == [code] or path.endswith("/100")
    assert code in [each["code"] for each in refused["faults"]]
    assert len((await ask(small_hub, "GET", "/v1/bundles"))["items"]) == 1, "and nothing was planned"


async def test_a_barcode_may_move_once_its_old_product_has_given_it_away(hub: RunningHub) -> None:
    await ask(hub, "PUT", "/v1/products/100", MILK, expect=201)
    await change(hub, "PUT", "/v1/products/100", {**MILK, "gtins": []})
    await ask(hub, "PUT", "/v1/products/200", MILK, expect=201)


async def test_an_instant_is_a_lead_away_and_a_bundle_is_withdrawn_before_that(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    lead_ms = hub.hub.settings.bundle_lead_seconds * 1000
    soon = await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=422, params=at(hub, lead_ms - 1000))
    assert soon["code"] == "bundle_too_soon"
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=201, params=at(hub, HOUR_MS))
    await ask(hub, "PUT", "/v1/offers/E", OFFER, expect=201)
    hub.clock.now_ms += 1
    late = await ask(hub, "POST", "/v1/bundles/2/withdraw", expect=409)
    assert late["code"] == "bundle_begun", "it begins before every store could hear that it shall not"
    hub.clock.now_ms += lead_ms
    for _ in range(2):
        assert (await ask(hub, "POST", "/v1/bundles/1/withdraw"))["state"] == "withdrawn"
    await ask(hub, "POST", "/v1/bundles/9/withdraw", expect=404)
    await ask(hub, "POST", "/v1/bundles/x/withdraw", expect=404)
    await ask(hub, "GET", "/v1/offers/D", expect=404)
    found = await told(shop)
    assert (sorted(found[f"global {HEAD}"]), found.get("global bundle:1")) == (["2"], None)
    states = [(each["version"], each["state"]) for each in (await ask(hub, "GET", "/v1/bundles"))["items"]]
    assert states == [(2, "active"), (1, "withdrawn")]
    assert await is_provable(hub)


async def test_after_head_office_was_put_back_no_version_is_given_out_that_a_store_may_have_begun(
    hub: RunningHub,
) -> None:
    """A store that has begun version 2 of the lost time never begins another version 2."""
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=201)
    timeline = await hub.hub.door.database.write(lambda tx: raise_timeline(tx, 0))
    token = await hub.sign_in()
    planned = await ask(hub, "PUT", "/v1/offers/E", OFFER, expect=201, token=token)
    again = await ask(hub, "PUT", "/v1/offers/F", OFFER, expect=201, token=token)
    assert (timeline, planned["bundle"], again["bundle"]) == (2, 1_000_001, 1_000_002)
    assert await is_provable(hub)


async def test_a_campaign_begins_and_ends_at_one_instant_each(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    begin, end = at(hub, HOUR_MS)["active_from"], at(hub, 2 * HOUR_MS)["active_from"]
    asked = {
        "title": "Spring",
        "active_from": begin,
        "ends_at": end,
        "products": {"100": MILK},
        "offers": {"D": OFFER},
        "earning_rules": {"gift": RULE},
    }
    planned = await ask(hub, "PUT", "/v1/campaigns/spring", asked, expect=201)
    assert [(each["version"], each["changes"]) for each in planned["bundles"]] == [(1, 3), (2, 2)]
    listed = (await ask(hub, "GET", "/v1/bundles"))["items"]
    assert [(each["version"], each["ends"]) for each in listed] == [(2, True), (1, False)]
    found = await told(shop)
    assert sorted(found["global bundle:1"]) == ["earning_rule/gift", "offer/D", "product/100"]
    assert {key: value["live"] for key, value in found["global bundle:2"].items()} == {
        "earning_rule/gift": False,
        "offer/D": False,
    }
    await ask(hub, "PUT", "/v1/campaigns/spring", asked, expect=428)
    again = await change(hub, "PUT", "/v1/campaigns/spring", {**asked, "offers": {}, "earning_rules": {}})
    assert [(each["version"], each["changes"]) for each in again["bundles"]] == [(3, 1)]
    found = await told(shop)
    assert sorted(found[f"global {HEAD}"]) == ["3"], "what had not begun was withdrawn"
    page = await ask(hub, "GET", "/v1/bundles/3")
    assert page["things"] == [{"sort": "product", "name": "100", "says": "live"}]
    assert [(each["code"], each["state"]) for each in page["at_stores"]] == [("S001", "waiting")]
    assert await is_provable(hub)


@pytest.mark.parametrize(
    ("changed", "pointers"),
    [
        ({"products": {"100": {**MILK, "tax_class": "luxury"}}, "offers": {"D": {**OFFER, "title": {}}}}, 2),
        ({"products": {}, "offers": {}}, 1),
        ({"products": {"100": MILK, "200": MILK}}, 1),
        ({"ends_at": "2027-01-15T08:00:00Z", "active_from": "2027-01-15T09:00:00Z"}, 1),
    ],
)
async def test_every_fault_of_a_campaign_is_named_at_once(
    small_hub: RunningHub, changed: dict[str, object], pointers: int
) -> None:
    asked = {"title": "Spring", "products": {"100": MILK}, **changed}
    refused = await ask(small_hub, "PUT", "/v1/campaigns/spring", asked, expect=422)
    assert len(refused["errors"]) == pointers
    assert (await ask(small_hub, "GET", "/v1/bundles"))["items"] == []


async def test_only_whom_it_is_for_reads_a_bundle(hub: RunningHub) -> None:
    shops = [await hub.enrol(code) for code in ("S001", "S002", "S003")]
    for shop in shops:
        await shop.open_session()
    await ask(hub, "PUT", f"/v1/stores/{shops[1].store}/zone", {"zone": "north"})
    await ask(hub, "PUT", "/v1/offers/Z", OFFER, expect=201, params={"zone": "north"})
    await ask(hub, "PUT", "/v1/offers/S", OFFER, expect=201, params={"store": str(shops[2].store)})
    seen = [sorted(name.partition(" ")[2] for name in await told(shop)) for shop in shops]
    assert seen == [[], ["bundle:1", HEAD], ["bundle:2", HEAD]]
    both = {"zone": "north", "store": str(shops[2].store)}
    assert (await ask(hub, "PUT", "/v1/offers/X", OFFER, expect=422, params=both))["code"] == "wrong_scope"
    await ask(hub, "PUT", "/v1/offers/X", OFFER, expect=422, params={"store": str(hub.new_id())})
    page = await ask(hub, "GET", "/v1/bundles/1")
    assert (page["zone"], page["store"], [each["code"] for each in page["at_stores"]]) == ("north", None, ["S002"])
    assert (await ask(hub, "GET", "/v1/bundles/2"))["store"] == str(shops[2].store)
    await ask(hub, "PUT", f"/v1/stores/{shops[1].store}/zone", {"zone": None})
    assert await told(shops[1]) == {}


async def test_the_feed_forgets_what_was_replaced_long_ago_and_what_is_left_still_adds_up(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    first = {"title": "First", "products": {"100": MILK}, "offers": {"D": OFFER}}
    await ask(hub, "PUT", "/v1/campaigns/first", first, expect=201)
    for price in (150, 151, 152):
        hub.clock.now_ms += REPLACED_KEPT_MS + HOUR_MS
        token = await hub.sign_in()
        await change(hub, "PUT", "/v1/products/100", {**MILK, "price_minor": price}, token=token)
    found = await told(shop)
    assert sorted(found["global bundle:1"]) == ["offer/D"]
    assert "global bundle:2" not in found, "nothing of it is left"
    heads = {version: msgspec.convert(head, Bundle) for version, head in found[f"global {HEAD}"].items()}
    assert sorted(heads) == ["1", "3", "4"], "the one that counts now, and the one that is going to"
    for version, head in heads.items():
        parts = await raw_parts(hub, "global", f"bundle:{version}")
        assert head.is_complete(len(parts), checksum_of(parts))
    assert await is_provable(hub)


async def test_what_a_store_tells_of_a_bundle_is_on_the_board_and_a_store_plans_none(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    await ask(hub, "PUT", "/v1/offers/D", OFFER, expect=201)
    await ask(hub, "PUT", "/v1/offers/E", OFFER, expect=201)
    hub.clock.now_ms += HOUR_MS
    due = hub.clock.now_ms - HOUR_MS
    begun = {"version": 1, "bucket": "global", "active_at": due, "arrived_at": due + 5}
    counts = {"products": 0, "offers": 1, "rules": 0, "kept": 0, "price_book": 1, "offer_book": 1, "program_book": 0}
    forged = {"version": 7, "title": "", "bucket": "global", "active_at": 1, "changes": []}
    ops = [
        shop.write("bundle.activated", {**begun, **counts}),
        shop.write(
            "bundle.refused", {**begun, "version": 2, "arrived_at": due, "code": "too_many_offers", "subject": ""}
        ),
        shop.write("bundle.planned", forged),
        shop.write("bundle.withdrawn", {"version": 1, "bucket": "global"}),
    ]
    await shop.push(ops)
    await hub.hub.door.database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, hub.clock.now_ms))
    row = (await ask(hub, "GET", f"/v1/stores/{shop.store}"))["bundle"]
    assert (row["version"], row["due"], row["late"], row["refused"]) == (1, 2, True, "too_many_offers")
    listed = (await ask(hub, "GET", "/v1/bundles"))["items"]
    assert [(each["version"], each["active"], each["late"], each["refused"]) for each in listed] == [
        (2, 0, 0, 1),
        (1, 1, 1, 0),
    ]
    assert [each["state"] for each in listed] == ["active", "active"], "a store withdraws nothing"
    found = await told(shop)
    assert sorted(found[f"global {HEAD}"]) == ["1", "2"], "and no other store hears of what it forged"
    assert list(found["global bundle:1"]) == ["offer/D"]
    assert await is_provable(hub)


async def test_the_list_counts_what_the_page_of_each_bundle_shows(hub: RunningHub) -> None:
    shops = [await hub.enrol(f"S00{n}") for n in range(1, 6)]
    for shop in shops[1:3]:
        await ask(hub, "PUT", f"/v1/stores/{shop.store}/zone", {"zone": "north"})
    await ask(hub, "PUT", "/v1/offers/A", OFFER, expect=201)
    await ask(hub, "PUT", "/v1/offers/Z", OFFER, expect=201, params={"zone": "north"})
    await ask(hub, "PUT", "/v1/offers/S", OFFER, expect=201, params={"store": str(shops[3].store)})
    await ask(hub, "POST", f"/v1/stores/{shops[4].store}/revoke")
    # What a store says of a bundle that is not for it, or after its key was taken back, is not counted either.
    said = [
        (shop.store.bytes, version, outcome, b"", 5, 5 + late, 9, "", 0, 0, 0)
        for n, shop in enumerate(shops)
        for version in (1, 2, 3)
        for outcome, says, late in (("active", n != 2, n % 2), ("refused", n > 1, (n + version) % 2))
        if says
    ]
    marks = ", ".join("?" * len(said[0]))
    await hub.hub.door.write(lambda tx: tx.executemany(f"INSERT INTO store_bundle VALUES ({marks})", said))
    listed = (await ask(hub, "GET", "/v1/bundles"))["items"]
    assert [each["stores"] for each in listed] == [1, 2, 4]
    assert [(each["active"], each["refused"]) for each in listed] == [(1, 0), (1, 1), (3, 1)]
    for each in listed:
        page = await ask(hub, "GET", f"/v1/bundles/{each['version']}")
        assert {name: page[name] for name in each} == each
        assert each["late"] == sum(at_store["late"] for at_store in page["at_stores"])


async def test_a_viewer_sees_and_decides_nothing(small_hub: RunningHub) -> None:
    body = {"role": "viewer", "password": "a long password"}
    await ask(small_hub, "PUT", "/v1/users/vera", body)
    token = await small_hub.sign_in("vera", "a long password")
    assert (await small_hub.call("GET", "/v1/bundles", token=token))[0] == 200
    for method, path in (("PUT", "/v1/offers/D"), ("POST", "/v1/bundles/1/withdraw"), ("PUT", "/v1/campaigns/c")):
        assert (await small_hub.call(method, path, {}, token=token))[0] == 403
