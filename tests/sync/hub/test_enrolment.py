"""A store joins with a code, once; what is left of a code afterwards opens nothing."""

import asyncio

from tests.sync.hub.hubkit import RunningHub, Shop


async def test_a_code_enrols_one_store_once(hub: RunningHub) -> None:
    store, code = await hub.add_store("S001")
    shop, thief = Shop(hub, store), Shop(hub, store, seed=9)
    status, answer = await shop.join(code)
    assert (status, answer["store"], answer["code"], answer["timeline"]) == (201, str(store), "S001", 1)
    status, answer = await thief.join(code)
    assert (status, answer["code"]) == (422, "enrolment_code_unknown")
    assert (await shop.open_session())[0] == 201


async def test_an_answer_that_was_lost_is_given_again_to_the_same_key(hub: RunningHub) -> None:
    store, code = await hub.add_store("S001")
    shop = Shop(hub, store)
    assert (await shop.join(code))[0] == 201
    hub.clock.now_ms += 60_000
    assert (await shop.join(code))[0] == 201


async def test_a_code_ends_after_its_minutes(hub: RunningHub) -> None:
    store, code = await hub.add_store("S001")
    hub.clock.now_ms += 10 * 60_000
    status, answer = await Shop(hub, store).join(code)
    assert (status, answer["code"]) == (422, "enrolment_code_unknown")


async def test_a_new_code_ends_the_one_before_and_revoking_ends_both(hub: RunningHub) -> None:
    office = await hub.office()
    store, first = await hub.add_store("S001", office)
    path = f"/v1/stores/{store}/enrolment-codes"
    second = (await hub.call("POST", path, token=office))[1]["enrolment_code"]
    shop = Shop(hub, store)
    assert (await shop.join(first))[0] == 422
    await hub.call("POST", f"/v1/stores/{store}/revoke", token=office)
    assert (await shop.join(second))[0] == 422


async def test_enrolling_again_shuts_out_whoever_holds_the_old_key(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    office = await hub.office()
    _, given = await hub.call("POST", f"/v1/stores/{shop.store}/enrolment-codes", token=office)
    assert (await shop.push(shop.book(1)))[0] == 200, "a code alone changes nothing"
    fresh = Shop(hub, shop.store, seed=9, epoch=7)
    assert (await fresh.join(given["enrolment_code"]))[0] == 201
    status, answer = await shop.push(shop.book(1))
    assert (status, answer["code"]) == (409, "fenced")
    status, answer = await shop.open_session()
    assert (status, answer["code"]) == (401, "bad_signature")
    status, answer = await fresh.open_session()
    assert (status, [head["seq"] for head in answer["heads"]]) == (201, [1])


async def test_a_code_typed_in_any_way_is_read_and_a_mistyped_one_is_not(hub: RunningHub) -> None:
    store, code = await hub.add_store("S001")
    shop = Shop(hub, store)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for typed in (wrong, "", "nonsense", code + "0", "0" * 40):
        assert (await shop.join(typed))[0] == 422, typed
    assert (await shop.join(f" {code.lower().replace('-', ' ')} "))[0] == 201


async def test_a_store_keeps_its_code_and_no_other_store_gets_it(hub: RunningHub) -> None:
    office = await hub.office()
    store, _ = await hub.add_store("S001", office)
    again = {"id": store, "code": "S001", "name": "Store S001"}
    status, answer = await hub.call("POST", "/v1/stores", again, token=office)
    assert (status, answer["headers"]["Idempotency-Replayed"]) == (200, "true")
    status, answer = await hub.call("POST", "/v1/stores", {**again, "name": "Other"}, token=office)
    assert (status, answer["code"]) == (409, "id_conflict")
    status, answer = await hub.call("POST", "/v1/stores", {**again, "id": hub.new_id()}, token=office)
    assert (status, answer["code"]) == (409, "store_code_taken")
    assert [each["code"] for each in (await hub.call("GET", "/v1/stores", token=office))[1]["items"]] == ["S001"]


async def test_the_board_of_stores_comes_in_pages(hub: RunningHub) -> None:
    office = await hub.office()
    codes = [f"S{number:03}" for number in range(5)]
    for code in codes:
        await hub.add_store(code, office)
    seen, after = [], None
    while True:
        params = {"limit": "2", **({"after": after} if after else {})}
        _, page = await hub.call("GET", "/v1/stores", token=office, params=params)
        seen += [each["code"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == codes


async def test_the_same_new_store_asked_for_twice_at_once_is_made_once(hub: RunningHub) -> None:
    office = await hub.office()
    body = {"id": hub.new_id(), "code": "S001", "name": "One"}
    answers = await asyncio.gather(*(hub.call("POST", "/v1/stores", body, token=office) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 200, 200, 201]
