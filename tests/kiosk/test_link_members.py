"""One member in two shops of a chain: what one shop learns, gives and takes back is what the other one shows."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.compose import now_ms
from kiosk.config import Config
from kiosk.life.proof import prove
from kiosk.life.remaking import remake_tables
from kiosk.life.start import DATABASE_NAME
from kiosk.shifts.business_day import utc_text
from loyalty.transactions import Tx
from sync.agent.client import HubSilent
from sync.hub.initialise import begin_timeline
from tests.kiosk.linked import ADDRESS, joined_store, office, settled
from tests.kiosk.shopkit import Running, new_id, running_store
from tests.ports import reserve_port
from tests.sync.hub.hubkit import RunningHub, settings

PIN = {"kind": "pin", "value": "4321"}
WAIT_S = 60


class Chain:
    """A head office and two shops; `ann` was enrolled in the second one and has a card, a PIN and a phone."""

    def __init__(self, hub: RunningHub, here: Running, there: Running) -> None:
        self.hub, self.here, self.there = hub, here, there
        self.ann, self.card, self.phone = "", "", ""
        self.end_head_office: Callable[[], Awaitable[None]]

    async def enrol(self, store: Running, name: str, phone: str | None = None) -> tuple[str, str]:
        """A new member with a PIN; id and card."""
        body = {"id": str(new_id()), "name": name, "locale": "pl", "phone": phone}
        enrolled = await store.call("POST", "/v1/members", body)
        assert enrolled.status == 201, enrolled
        member = body["id"]
        assert (await store.call("PUT", f"/v1/members/{member}/pin", {"pin": "4321"})).status == 200
        return str(member), enrolled.json["token"]

    async def give(self, store: Running, member: str, points: int) -> None:
        body = {"id": str(new_id()), "points": points, "reason": "gift"}
        given = await store.call("POST", f"/v1/members/{member}/adjustments", body, role="manager")
        assert given.status == 201, given

    async def points(self, store: Running, member: str) -> dict[str, Any]:
        shown = await store.call("GET", f"/v1/members/{member}/points")
        assert shown.status == 200, shown
        return dict(shown.json)

    async def shows(self, store: Running, member: str, **wanted: object) -> dict[str, Any]:
        """Wait until a shop shows these points."""
        shown: dict[str, Any] = {}
        try:
            async with asyncio.timeout(WAIT_S):
                while not wanted.items() <= (shown := await self.points(store, member)).items():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(f"{wanted} is not shown, but {shown}")
        return shown

    async def meet(self) -> None:
        """The first shop sees Ann's card for the first time."""
        await settled(self.hub, self.there)
        await self.is_online(self.here)
        async with asyncio.timeout(WAIT_S):
            while (await self.here.call("POST", "/v1/members/resolve", {"token": self.card})).status != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def is_online(self, *stores: Running) -> None:
        async with asyncio.timeout(WAIT_S):
            for store in stores:
                while (await store.call("GET", "/v1/store")).json["link"]["state"] != "online":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    async def pay(self, store: Running, member: str, points: int) -> dict[str, Any]:
        """Goods worth as many points are paid with them."""
        hold = {"id": str(new_id()), "member": member, "points": points, "proof": PIN}
        held = await store.call("POST", "/v1/holds", hold)
        assert held.status == 201, held
        tenders = [
            {"kind": "points", "amount_minor": points, "hold": hold["id"]},
            {"kind": "cash", "amount_minor": 100_000},
        ]
        sold = await store.sell("101", member=member, tenders=tenders)
        assert sold.status == 201, sold
        return dict(sold.json)


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    async with contextlib.AsyncExitStack() as stores, contextlib.AsyncExitStack() as head_office:
        hub = await head_office.enter_async_context(office(tmp_path))
        running = []
        for code in ("S001", "S002"):
            config = await joined_store(hub, tmp_path / code, code)
            running.append(await stores.enter_async_context(running_store(config)))
            await running[-1].open_shift()
        chain = Chain(hub, *running)
        chain.end_head_office = head_office.aclose
        chain.phone = "+48600700800"
        chain.ann, chain.card = await chain.enrol(chain.there, "Ann", chain.phone)
        yield chain
        for store in running:
            assert await asyncio.to_thread(is_proved, store.config)


def is_proved(config: Config) -> bool:
    report = prove(config.data_dir() / DATABASE_NAME, full=True)
    assert report.ok, report.first_wrong
    return report.ok


async def test_a_card_nobody_here_has_is_found_with_name_and_points(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 200)
    await chain.meet()
    by_phone = await chain.here.call("POST", "/v1/members/resolve", {"phone": chain.phone})
    scanned = await chain.here.call("POST", "/v1/scans", {"text": chain.card})
    assert by_phone.json["member"] == scanned.json["member"]["member"]
    assert (by_phone.json["member"]["id"], by_phone.json["member"]["name"]) == (chain.ann, "Ann")
    shown = await chain.shows(chain.here, chain.ann, active=200, provisional=False)
    assert shown["as_of"] == (await chain.points(chain.here, chain.ann))["as_of"]
    nobody = await chain.here.call("POST", "/v1/members/resolve", {"phone": "+48600700801"})
    assert (nobody.status, nobody.json["code"]) == (422, "unknown_member")


async def test_a_shop_shows_its_own_part_of_an_account_and_says_where_the_whole_is(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 200)
    await chain.meet()
    await chain.give(chain.here, chain.ann, 7)
    await chain.shows(chain.here, chain.ann, active=207)
    ledger = (await chain.here.call("GET", f"/v1/members/{chain.ann}/ledger")).json
    assert [item["points"] for item in ledger["items"]] == [7]
    assert (ledger["here"]["active"], ledger["elsewhere"], ledger["points"]["active"]) == (7, 200, 207)
    export = (await chain.here.call("GET", f"/v1/members/{chain.ann}/export", role="manager")).json
    assert [posting["points"] for posting in export["postings"]] == [7]
    assert export["account"] == {name: ledger[name] for name in ("points", "here", "elsewhere", "whole")}
    await settled(chain.hub, chain.here)
    assert export["whole_at"].startswith(chain.hub.url)
    path = export["whole_at"].removeprefix(chain.hub.url)
    async with asyncio.timeout(WAIT_S):
        while True:
            status, whole = await chain.hub.call("GET", path, token=await chain.hub.office())
            assert status == 200, whole
            if whole["member"]["points"]["active"] == 207:
                break
            await asyncio.sleep(0.05)
    assert sorted(event["points"] for event in whole["events"] if event["kind"] == "points.adjust") == [7, 200]


async def test_points_of_one_shop_are_spent_in_the_other_on_a_lease_and_both_books_agree(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 200)
    await chain.meet()
    before = await chain.shows(chain.here, chain.ann, active=200)
    paid = await chain.pay(chain.here, chain.ann, 150)
    assert paid["points"]["redeemed"] == 150
    earned = paid["points"]["earned"]
    assert paid["points"]["balance"]["active"] == 50 + earned
    left = await chain.shows(chain.there, chain.ann, active=50 + earned, held=0)
    here = await chain.shows(chain.here, chain.ann, active=50 + earned, provisional=False)
    assert here["expiring"] == left["expiring"]
    assert [at for _, at in before["expiring"]] == [at for _, at in here["expiring"]][: len(before["expiring"])]
    sale = {"id": str(new_id()), "sale": paid["id"], "reason": "wrong goods"}
    lines = [{"line": 1, "quantity_milli": 1000}]
    quote = (await chain.here.call("POST", "/v1/return-quotes", {"sale": paid["id"], "lines": lines})).json
    refunds = [{"kind": each["kind"], "amount_minor": each["max_minor"]} for each in quote["refunds_allowed"]]
    back = await chain.here.call("POST", "/v1/returns", {**sale, "lines": lines, "refunds": refunds})
    assert back.status == 201, back
    assert back.json["points"]["given_back"] == 150
    for store in (chain.here, chain.there):
        await chain.shows(store, chain.ann, active=200, debt=0)


async def test_without_a_line_a_shop_shows_what_it_heard_last_with_its_age(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 700)
    await chain.meet()
    heard = await chain.shows(chain.here, chain.ann, active=700, provisional=False)
    await settled(chain.hub, chain.here, chain.there)
    await chain.end_head_office()
    await chain.give(chain.there, chain.ann, 50)
    assert (await chain.here.sell("101")).status == 201, "a shop that has nothing to say asks once a minute"
    alone = await chain.shows(chain.here, chain.ann, active=700, provisional=True)
    assert alone["as_of"] >= heard["as_of"]
    assert (await chain.points(chain.here, chain.ann))["as_of"] == alone["as_of"], "nobody said anything since"
    # What a shop that hears nobody may pay out of it is bounded as before.
    hold = {"id": str(new_id()), "member": chain.ann, "points": 700, "proof": PIN}
    refused = await chain.here.call("POST", "/v1/holds", hold)
    assert (refused.status, refused.json["code"]) == (409, "member_limit_reached")


async def test_a_rebuilt_store_and_one_that_reads_everything_anew_show_the_same(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 200)
    await chain.meet()
    await chain.shows(chain.here, chain.ann, active=200)
    await chain.give(chain.here, chain.ann, 7)
    shown = await chain.shows(chain.here, chain.ann, active=207, provisional=False)
    database = chain.here.store.database
    buckets = await database.read(lambda tx: tx.execute("SELECT bucket FROM feed_bucket").fetchall())
    chain.here.store.head_office.puller.doubt(tuple(bucket for (bucket,) in buckets))  # type: ignore[union-attr]
    async with asyncio.timeout(WAIT_S):
        while await database.read(lambda tx: tx.execute("SELECT min(generation) FROM feed_row").fetchone()) == (0,):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await chain.points(chain.here, chain.ann))["expiring"] == shown["expiring"]

    def remake(tx: Tx) -> int:
        return remake_tables(tx)

    await database.write(remake)
    assert (await chain.points(chain.here, chain.ann))["expiring"] == shown["expiring"]
    assert await asyncio.to_thread(is_proved, chain.here.config)


async def test_a_merge_at_head_office_is_followed_by_a_shop_that_sold_to_both(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 100)
    await chain.meet()
    twin, card = await chain.enrol(chain.here, "Anne", chain.phone)
    await chain.give(chain.here, twin, 30)
    await chain.give(chain.here, chain.ann, 1)
    await chain.shows(chain.here, twin, active=30, provisional=False)
    merge = {"id": str(new_id()), "absorbed": twin, "into": chain.ann}
    status, answer = await chain.hub.call("POST", "/v1/member-merges", merge, token=await chain.hub.office())
    assert status == 201, answer
    for store in (chain.here, chain.there):
        await chain.shows(store, chain.ann, active=131)
    resolved = await chain.here.call("POST", "/v1/members/resolve", {"token": card})
    assert resolved.json["member"]["id"] == chain.ann, "the old card works"
    assert (await chain.pay(chain.here, chain.ann, 131))["points"]["redeemed"] == 131
    merges = await chain.here.store.database.read(
        lambda tx: tx.execute("SELECT count(*) FROM journal WHERE kind = 'member.merged'").fetchone()
    )
    assert merges == (1,)
    await settled(chain.hub, chain.here, chain.there)
    for store in (chain.here, chain.there):
        await chain.shows(store, chain.ann, debt=0, held=0)


async def test_a_merge_comes_to_a_shop_that_sold_to_both_while_its_line_was_cut(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 100)
    await chain.meet()
    twin, card = await chain.enrol(chain.here, "Anne")
    await chain.give(chain.here, twin, 30)
    await chain.shows(chain.here, twin, active=30, provisional=False)
    client = chain.here.store.head_office._client  # type: ignore[union-attr]

    asked: set[str] = set()

    async def silent(_method: str, path: str, **_more: object) -> object:
        asked.add(path)
        raise HubSilent("the line is cut")

    client._request = silent  # type: ignore[method-assign]
    await chain.give(chain.here, twin, 5)
    await chain.give(chain.here, chain.ann, 1)
    await chain.shows(chain.here, chain.ann, active=101, provisional=True)
    async with asyncio.timeout(WAIT_S):
        while not {"/sync/v1/push", "/sync/v1/pull"} <= asked:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    merge = {"id": str(new_id()), "absorbed": twin, "into": chain.ann}
    status, answer = await chain.hub.call("POST", "/v1/member-merges", merge, token=await chain.hub.office())
    assert status == 201, answer
    await chain.shows(chain.there, chain.ann, active=130)
    assert (await chain.points(chain.here, twin))["active"] == 35, "not heard of yet"
    del client._request
    for store in (chain.here, chain.there):
        await chain.shows(store, chain.ann, active=136, debt=0)
    resolved = await chain.here.call("POST", "/v1/members/resolve", {"token": card})
    assert resolved.json["member"]["id"] == chain.ann


async def test_a_withdrawal_in_one_shop_beats_the_grant_of_another_that_had_not_heard_of_it(chain: Chain) -> None:
    await chain.meet()

    async def say(store: Running, *, granted: bool) -> None:
        consents = [{"channel": "sms", "purpose": "offers", "granted": granted}]
        said = await store.call(
            "POST", f"/v1/members/{chain.ann}/consents", {"id": str(new_id()), "consents": consents}
        )
        assert said.status == 201, said

    async def counts(store: Running, granted: bool) -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                shown = (await store.call("GET", f"/v1/members/{chain.ann}")).json["consents"]
                if [each["granted"] for each in shown] == [granted]:
                    return
                await asyncio.sleep(0.05)

    await say(chain.here, granted=True)
    await counts(chain.there, granted=True)
    # Neither has heard the other: the line of both is cut in one direction for as long as it takes to say so.
    for store in (chain.here, chain.there):
        await store.store.head_office.puller.stop()  # type: ignore[union-attr]
    await say(chain.there, granted=False)
    await say(chain.here, granted=True)
    for store in (chain.here, chain.there):
        store.store.head_office.puller.start()  # type: ignore[union-attr]
        store.store.head_office.puller.begin_session(store.store.head_office.agent.session or "")  # type: ignore[union-attr]
    for store in (chain.here, chain.there):
        await counts(store, granted=False)
    await say(chain.here, granted=True)
    for store in (chain.here, chain.there):
        await counts(store, granted=True)


async def test_a_profile_changed_in_one_shop_is_found_in_the_other(chain: Chain) -> None:
    await chain.meet()
    shown = await chain.here.call("GET", f"/v1/members/{chain.ann}")
    change = {"name": "Ann Nowak", "phone": "600 700 900"}
    headers = {"If-Match": shown.headers["ETag"]}
    changed = await chain.here.call("PATCH", f"/v1/members/{chain.ann}", change, headers=headers)
    assert changed.status == 200, changed
    async with asyncio.timeout(WAIT_S):
        while (await chain.there.call("POST", "/v1/members/resolve", {"phone": "+48600700900"})).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    there = await chain.there.call("GET", f"/v1/members/{chain.ann}")
    assert (there.json["name"], there.json["revision"]) == ("Ann Nowak", 3)
    gone = await chain.there.call("POST", "/v1/members/resolve", {"phone": chain.phone})
    assert gone.json["code"] == "unknown_member"


async def test_who_is_forgotten_in_one_shop_is_unknown_in_the_other(chain: Chain) -> None:
    await chain.give(chain.there, chain.ann, 10)
    await chain.meet()
    await chain.give(chain.here, chain.ann, 1)
    await chain.shows(chain.there, chain.ann, active=11)
    erased = await chain.there.call("POST", f"/v1/members/{chain.ann}/erase", {"reason": "asked"}, role="manager")
    assert erased.status == 200, erased
    async with asyncio.timeout(WAIT_S):
        while (await chain.here.call("POST", "/v1/members/resolve", {"token": chain.card})).status == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    for file in chain.here.store.database.path.parent.glob("store.sqlite"):
        assert b"600700800" not in file.read_bytes()
    gone = await chain.here.call("GET", f"/v1/members/{chain.ann}/points")
    assert (gone.status, gone.json["code"]) == (404, "member_not_found")


async def test_a_head_office_that_was_put_back_says_how_old_it_is_and_hears_the_rest_again(tmp_path: Path) -> None:
    port = reserve_port()
    place = tmp_path / "office"
    async with contextlib.AsyncExitStack() as stack:
        async with office(tmp_path, listen_port=port) as hub:
            here_config, there_config = [await joined_store(hub, tmp_path / code, code) for code in ("S001", "S002")]
            here = await stack.enter_async_context(running_store(here_config))
            async with running_store(there_config) as there:
                chain = Chain(hub, here, there)
                chain.ann, chain.card = await chain.enrol(there, "Ann")
                await chain.give(there, chain.ann, 100)
                await chain.meet()
                await chain.shows(here, chain.ann, active=100, provisional=False)
        shutil.copytree(place, tmp_path / "backup")
        kept_at = utc_text(now_ms())
        async with office(tmp_path, listen_port=port) as hub, running_store(there_config) as there:
            await chain.give(there, chain.ann, 50)
            await chain.shows(here, chain.ann, active=150)
        (place / "hub.sqlite").write_bytes((tmp_path / "backup" / "hub.sqlite").read_bytes())
        for rest in place.glob("hub.sqlite-*"):
            rest.unlink()
        await asyncio.to_thread(begin_timeline, settings(database=ADDRESS), place)
        async with office(tmp_path, listen_port=port) as hub:
            old = await chain.shows(here, chain.ann, active=100, provisional=True)
            assert old["as_of"] <= kept_at, "it was read just now, and is as old as the backup"
            async with running_store(there_config):
                back = await chain.shows(here, chain.ann, active=150)
                assert (back["provisional"], back["as_of"] <= kept_at) == (True, True), "others may still be missing"
