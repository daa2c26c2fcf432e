"""One running service of a store has the floor; its copy is found out, and so is whoever plays back old messages."""

import msgspec

from tests.sync.hub.hubkit import RunningHub, Shop

RUN_B = "cd" * 16


async def test_an_opening_names_what_head_office_holds_and_its_clock(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    status, answer = await shop.open_session()
    assert (status, answer["timeline"], answer["heads"]) == (201, 1, [])
    assert answer["fence"] > 0
    assert answer["hub_time"] == hub.clock.now_ms


async def test_a_new_session_fences_the_one_before(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    former, fence = shop.token, shop.fence
    await shop.open_session()
    assert shop.fence > fence
    message = shop.sign(shop.pushing(shop.book(1)), former)
    status, answer = await hub.call("POST", "/sync/v1/push", message, token=former)
    assert (status, answer["code"], answer["fence"]) == (409, "fenced", shop.fence)
    assert (await shop.push(shop.ops))[0] == 200


async def test_yesterdays_opening_played_back_opens_nothing_and_ends_nothing(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    yesterday = shop.opening()
    assert (await hub.call("POST", "/sync/v1/sessions", yesterday))[0] == 201
    await shop.open_session()
    status, answer = await hub.call("POST", "/sync/v1/sessions", yesterday)
    assert (status, answer["code"]) == (409, "fenced")
    assert (await shop.push(shop.book(1)))[0] == 200


async def test_a_push_played_back_changes_nothing(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    old = shop.pushing(shop.book(1))
    assert (await shop.send(old))[0] == 200
    assert (await shop.push(shop.book(1)))[0] == 200
    status, answer = await shop.send(old)
    assert (status, answer["code"]) == (409, "stale_request")


async def two_copies(hub: RunningHub) -> tuple[Shop, Shop]:
    """A store, and a copy of its machine made while it ran, which speaks too."""
    shop = await hub.enrol("S001")
    await shop.open_session()
    copy = Shop(hub, shop.store, epoch=shop.epoch)
    copy.key, copy.run, copy.fence, copy.count = shop.key, RUN_B, shop.fence, 0
    assert (await copy.open_session())[0] == 201
    shop.fence = copy.fence
    return shop, copy


async def test_two_running_copies_are_both_put_in_quarantine(hub: RunningHub) -> None:
    shop, copy = await two_copies(hub)
    status, answer = await shop.open_session()
    assert (status, answer["code"]) == (409, "quarantined")
    status, answer = await copy.push(copy.book(1))
    assert (status, answer["code"]) == (409, "quarantined")
    _, board = await hub.call("GET", f"/v1/stores/{shop.store}", token=await hub.office())
    assert (board["state"], board["reason"]) == ("quarantined", "clone")


async def test_whoever_was_named_the_true_one_goes_on_and_the_other_is_told_off(hub: RunningHub) -> None:
    shop, copy = await two_copies(hub)
    await shop.open_session()
    office = await hub.office()
    path = f"/v1/stores/{shop.store}/release"
    status, board = await hub.call("POST", path, {"run": shop.run}, token=office)
    assert (status, board["state"]) == (200, "active")
    assert (await hub.call("POST", path, {"run": shop.run}, token=office))[1]["code"] == "store_not_quarantined"
    assert (await shop.open_session())[0] == 201
    assert (await shop.push(shop.book(1)))[0] == 200
    status, answer = await copy.open_session()
    assert (status, answer["code"]) == (409, "superseded")


async def test_a_revoked_store_is_not_heard_until_it_enrols_anew(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    office = await hub.office()
    status, board = await hub.call("POST", f"/v1/stores/{shop.store}/revoke", token=office)
    assert (status, board["state"]) == (200, "revoked")
    for status, answer in (
        await shop.push(shop.book(1)),
        await shop.open_session(),
        await shop.pull(),
        await shop.entries(),
    ):
        assert (status, answer["code"]) == (403, "store_revoked")
    _, code = await hub.call("POST", f"/v1/stores/{shop.store}/enrolment-codes", token=office)
    assert (await shop.join(code["enrolment_code"]))[0] == 201
    assert (await shop.open_session())[0] == 201
    assert (await shop.push(shop.ops))[0] == 200


async def test_an_opening_of_an_unknown_store_or_with_another_key_is_refused(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    stranger = Shop(hub, hub.new_id())
    status, answer = await stranger.open_session()
    assert (status, answer["code"]) == (401, "store_unknown")
    thief = Shop(hub, shop.store, seed=9)
    status, answer = await thief.open_session()
    assert (status, answer["code"]) == (401, "bad_signature")
    never = Shop(hub, (await hub.add_store("S002"))[0])
    status, answer = await never.open_session()
    assert (status, answer["code"]) == (401, "store_unknown")


async def test_every_field_of_an_opening_is_signed(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    shop.book(1)
    message = shop.opening()
    changes: list[dict[str, object]] = [
        {"run": RUN_B},
        {"count": 7},
        {"fence": 3},
        {"protocol_max": 2},
        {"version": "9"},
        {"heads": ()},
        {"sent_at": 1},
    ]
    for change in changes:
        forged = msgspec.structs.replace(message, **change)
        status, answer = await hub.call("POST", "/sync/v1/sessions", forged)
        assert (status, answer["code"]) == (401, "bad_signature"), change


async def test_the_board_knows_version_clock_and_last_contact(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session(sent_at=hub.clock.now_ms - 90_000)
    office = await hub.office()
    _, board = await hub.call("GET", f"/v1/stores/{shop.store}", token=office)
    assert (board["version"], board["clock_offset_ms"], board["silent"]) == ("0.1.0", 90_000, False)
    hub.clock.now_ms += 6 * 60_000
    _, board = await hub.call("GET", f"/v1/stores/{shop.store}", token=office)
    assert (board["silent"], board["open_exposure_minor"]) == (True, 10_000)
