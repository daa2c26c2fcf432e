"""The use of a coupon that head office keeps for one sale: one store gets it, and gives it back only by a fact."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from sync.chain import epoch_text
from sync.facts.coupons import CouponGivenBack, CouponsIssued, CouponVoided, IssuedCoupon, UsedCoupon
from sync.facts.reserving import ReservationEnded
from sync.facts.returns import ReturnFollowed
from sync.facts.sales import SaleVoided
from sync.facts.vouchers import SaleVouchers, UndoneVouchers
from sync.feed_values import use_name
from sync.hub import told_limit
from sync.hub.lending import close_lending
from tests.sync.hub.hubkit import Answer, RunningHub, running_hub
from tests.sync.hub.selling_store import SellingStore

DAY_MS = 86_400_000
LAST_DAY = "2030-01-01"


class Taker(SellingStore):
    """A store that asks for coupons and books what it does with them."""

    def issue(self, serial: int, member: UUID | None = None, uses_max: int = 1) -> None:
        coupon = IssuedCoupon(
            serial=serial,
            offer="TEN",
            offer_version=1,
            member=member,
            valid_until=LAST_DAY,
            scope="chain",
            uses_max=uses_max,
            kid=1,
            token="0" * 200,
        )
        self.shop.write("coupons.issued", CouponsIssued(request="", source="till", coupons=(coupon,)))

    def use(
        self,
        serial: int,
        sale: UUID,
        reserved: UUID | None = None,
        value_minor: int = 100,
        use: UsedCoupon | None = None,
    ) -> None:
        """Book a sale that used the coupon."""
        use = use or UsedCoupon(
            serial=serial, n=1, offer="TEN", last_day=LAST_DAY, value_minor=value_minor, reserved=reserved
        )
        body = self.sale(sale, vouchers=SaleVouchers(used=(use,)))
        self.book("sale.completed", body, sale)

    def void(self, sale: UUID, serial: int) -> None:
        undone = UndoneVouchers(given_back=(CouponGivenBack(serial=serial, n=1),))
        body = SaleVoided(
            request="",
            sale=sale,
            sale_number="",
            till="T01",
            shift=sale,
            currency="EUR",
            reason="wrong",
            lines=(),
            due_minor=0,
            vouchers=undone,
        )
        self.shop.write("sale.voided", body)

    def give_back(self, reservation: UUID, sale: UUID) -> None:
        self.shop.write("reservation.ended", ReservationEnded(reservation=reservation, kind="coupon_use", op=sale))

    def book(self, kind: str, body: object, op_id: UUID) -> None:
        content = {
            "v": 1,
            "kind": kind,
            "op_id": op_id,
            "at": self.hub.clock.now_ms,
            "business_day": "2026-11-21",
            "body": body,
        }
        self.shop.append(msgspec.json.encode(content).decode())

    async def ask(self, serial: int, sale: UUID, *, id: UUID | None = None, **more: object) -> Answer:  # noqa: A002
        body = {
            "kind": "coupon_use",
            "id": id or self.hub.new_id(),
            "sale": sale,
            "serial": serial,
            "issuer": "S001",
            "epoch": epoch_text(self.shop.epoch),
            "seq": self.pushed,
            **more,
        }
        return await self.hub.call("POST", "/sync/v1/commands", body, token=self.shop.token)

    async def reserve(self, serial: int, sale: UUID) -> UUID:
        status, answer = await self.ask(serial, sale)
        assert status == 201, answer
        return UUID(answer["reservation"])

    async def refusal(self, serial: int, **more: Any) -> str:  # noqa: ANN401
        """The code of the refusal for one more sale, or ok."""
        status, answer = await self.ask(serial, self.hub.new_id(), **more)
        return "ok" if status == 201 else str(answer["code"])

    async def token(self, serial: str) -> Answer:
        status, answer = await self.hub.call("GET", f"/sync/v1/coupons/{serial}", token=self.shop.token)
        return status, {name: answer[name] for name in ("serial", "token")} if status == 200 else answer

    async def told(self, entity: str) -> dict[str, object]:
        """What the feed says to this store of a kind of thing, by key."""
        status, page = await self.shop.pull()
        assert status == 200, page
        return {row["key"]: row["value"] for row in page["items"] if row["entity"] == entity and row.get("value")}


@pytest.fixture
async def first(hub: RunningHub) -> Taker:
    """S001, which issued the coupons 1 and 2."""
    taker = await Taker.enrolled(hub, "S001")
    taker.issue(1)
    taker.issue(2, uses_max=2)
    await taker.tell()
    return taker


@pytest.fixture
async def second(hub: RunningHub) -> Taker:
    return await Taker.enrolled(hub, "S002")


async def test_of_two_stores_that_ask_at_the_same_instant_one_gets_the_coupon(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    for serial in range(100, 200):
        first.issue(serial)
    await first.tell()
    for serial in range(100, 200):
        answers = await asyncio.gather(first.ask(serial, hub.new_id()), second.ask(serial, hub.new_id()))
        assert sorted(status for status, _ in answers) == [201, 409], answers
        assert [answer["code"] for status, answer in answers if status == 409] == ["coupon_spent"]
        # Each is booked as it was promised, so that the next round finds room.
        for taker, (status, answer) in zip((first, second), answers, strict=True):
            if status == 201:
                taker.give_back(UUID(answer["reservation"]), hub.new_id())
                await taker.tell()


async def test_the_same_command_again_is_one_reservation(hub: RunningHub, first: Taker, second: Taker) -> None:
    id_, sale = hub.new_id(), hub.new_id()
    answers = [await first.ask(1, sale, id=id_) for _ in range(2)]
    assert [status for status, _ in answers] == [201, 200]
    assert answers[0][1]["reservation"] == answers[1][1]["reservation"] == str(id_)
    for serial, of in ((2, sale), (1, hub.new_id())):
        status, answer = await first.ask(serial, of, id=id_)
        assert (status, answer["code"]) == (409, "id_conflict")
    assert await second.refusal(1) == "coupon_spent"
    # The answer was lost and the sale asks under another name: it is the same sale.
    assert (await first.ask(1, sale))[0] == 201


async def test_the_id_of_another_stores_reservation_gets_nothing(hub: RunningHub, first: Taker, second: Taker) -> None:
    id_ = hub.new_id()
    assert (await first.ask(2, hub.new_id(), id=id_, uses_max=2))[0] == 201
    status, answer = await second.ask(2, hub.new_id(), id=id_, uses_max=2)
    assert (status, answer["code"]) == (409, "id_conflict")


async def test_the_sale_uses_the_reservation_up(hub: RunningHub, first: Taker, second: Taker) -> None:
    sale = hub.new_id()
    reserved = await second.reserve(1, sale)
    assert list(await second.told("reservation")) == [str(reserved)]
    second.use(1, sale, reserved)
    await second.tell()
    assert await second.told("reservation") == {}
    assert await first.refusal(1) == "coupon_spent"
    second.void(sale, 1)
    await second.tell()
    assert await first.refusal(1) == "ok"


async def test_a_use_whose_goods_came_back_elsewhere_is_free_once_its_store_says_so(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    """The sale had given a coupon as well, which no store takes any more."""
    sale = hub.new_id()
    first.issue(3)
    second.use(1, sale, await second.reserve(1, sale))
    await first.tell()
    await second.tell()
    assert len(await first.told("coupon_used")) == 1
    undone = UndoneVouchers(given_back=(CouponGivenBack(serial=1, n=1),), voided=(3,))
    followed = ReturnFollowed(sale=sale, sale_number="", returned={1: 1000}, vouchers=undone)
    second.shop.write("return.followed", followed)
    await second.tell()
    assert await first.told("coupon_used") == {}
    assert [await first.refusal(serial) for serial in (1, 3)] == ["ok", "coupon_ended"]


async def test_what_was_given_back_is_good_for_others_and_never_again_under_its_name(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    id_, sale = hub.new_id(), hub.new_id()
    assert (await second.ask(1, sale, id=id_))[0] == 201
    second.give_back(id_, sale)
    await second.tell()
    status, answer = await second.ask(1, sale, id=id_)
    assert (status, answer["code"]) == (409, "reservation_over")
    assert await first.refusal(1) == "ok"


async def test_another_stores_word_ends_no_reservation(hub: RunningHub, first: Taker, second: Taker) -> None:
    sale = hub.new_id()
    reserved = await first.reserve(1, sale)
    second.give_back(reserved, sale)
    await second.tell()
    assert await second.refusal(1) == "coupon_spent"


async def test_time_alone_gives_nothing_back(hub: RunningHub, first: Taker, second: Taker) -> None:
    await first.reserve(1, hub.new_id())
    hub.clock.now_ms += 20 * DAY_MS
    assert await second.refusal(1) == "coupon_spent"


async def test_a_revoked_stores_reservations_count_until_the_longest_lease_and_a_day_are_over(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    await second.reserve(1, hub.new_id())
    status, _ = await hub.call("POST", f"/v1/stores/{second.shop.store}/revoke", {}, token=await hub.office())
    assert status == 200
    assert await first.refusal(1) == "coupon_spent"
    hub.clock.now_ms += DAY_MS + 3_600_001
    assert await first.refusal(1) == "ok"


async def test_what_the_coupon_is_decides(hub: RunningHub, first: Taker, second: Taker) -> None:
    anna, berta = hub.new_id(), hub.new_id()
    first.issue(10, member=anna)
    first.issue(11)
    first.shop.write("coupon.voided", CouponVoided(request="", serial=11, reason="wet"))
    await first.tell()
    assert await second.refusal(10) == "coupon_of_another"
    assert await second.refusal(10, member=berta) == "coupon_of_another"
    assert await second.refusal(10, member=anna) == "ok"
    assert await second.refusal(11) == "coupon_ended"
    assert await second.refusal(999) == "coupon_not_known"
    assert await second.refusal(1, issuer="S002") == "coupon_not_known"
    # Two uses are two: the third finds none, whatever the store believes. One that knows of fewer gets no more.
    assert await second.refusal(2, uses_max=9) == "ok"
    assert await second.refusal(2, uses_max=1) == "coupon_spent"
    assert [await second.refusal(2, uses_max=9) for _ in range(2)] == ["ok", "coupon_spent"]


async def test_what_the_store_itself_has_booked_comes_first(hub: RunningHub, first: Taker) -> None:
    status, answer = await first.ask(1, hub.new_id(), seq=first.pushed + 1)
    assert (status, answer["code"]) == (409, "not_yet_applied")


async def test_a_store_that_reserves_everything_gets_its_share_and_no_more(address: str, tmp_path: Path) -> None:
    async with running_hub(address, tmp_path, store_reservations=3) as hub:
        first, second = await Taker.enrolled(hub, "S001"), await Taker.enrolled(hub, "S002")
        for serial in range(1, 6):
            first.issue(serial)
        await first.tell()
        assert [await second.refusal(serial) for serial in range(1, 6)] == ["ok"] * 3 + ["too_much_reserved"] * 2
        assert await first.refusal(4) == "ok"


async def test_a_session_of_one_store_reserves_nothing_in_the_name_of_another(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    status, _ = await second.ask(1, hub.new_id(), store=str(first.shop.store))
    assert status == 422
    second.shop.token = "x" * 40
    status, _ = await second.ask(1, hub.new_id())
    assert status == 401


async def test_head_office_put_back_from_a_backup_keeps_nothing_for_a_while(small_hub: RunningHub) -> None:
    first = await Taker.enrolled(small_hub, "S001")
    first.issue(1)
    await first.tell()
    now_ms = small_hub.clock.now_ms
    await small_hub.hub.database.write(lambda tx: close_lending(tx, now_ms + 1_000))
    assert await first.refusal(1) == "lending_closed"
    small_hub.clock.now_ms += 1_001
    assert await first.refusal(1) == "ok"


async def test_a_coupon_taken_twice_without_a_line_is_an_incident_and_the_first_that_came_in_is_kept(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    """The second store's clock is an hour behind: that gives it nothing."""
    sales = [hub.new_id(), hub.new_id()]
    second.use(1, sales[1], value_minor=250)
    hub.clock.now_ms += 3_600_000
    first.use(1, sales[0], value_minor=300)
    await first.tell()
    hub.clock.now_ms += 1_000
    await second.tell()
    status, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    assert status == 200
    [incident] = [each for each in page["items"] if each["kind"] == "coupon_reuse"]
    assert [(ref["number"], ref["value_minor"]) for ref in incident["refs"]] == [
        ("S001-T01-000001", 300),
        ("S002-T01-000001", 250),
    ]
    assert incident["store"] == str(second.shop.store)
    status, report = await hub.call("GET", "/v1/reports/exposure", token=await hub.office())
    assert report["figures"]["coupon_loss_minor"] == 250
    # Whoever hears of it takes the coupon no third time.
    used = await first.told("coupon_used")
    assert set(used) == {use_name(LAST_DAY, 1)}
    assert await second.refusal(1) == "coupon_spent"


async def test_a_used_coupon_is_told_until_it_comes_back_or_its_day_is_over(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    sale, other = hub.new_id(), hub.new_id()
    first.use(1, sale)
    second.use(2, other)
    await first.tell()
    await second.tell()
    assert set(await second.told("coupon_used")) == {use_name(LAST_DAY, 1), use_name(LAST_DAY, 2)}
    first.void(sale, 1)
    await first.tell()
    assert set(await second.told("coupon_used")) == {use_name(LAST_DAY, 2)}
    hub.clock.now_ms += 5 * 365 * DAY_MS
    await hub.hub.upkeep.sweep_now()
    assert await second.told("coupon_used") == {}


async def test_what_a_store_says_of_a_coupon_that_is_no_day_is_told_to_nobody(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    for last_day in ("x" * 1_000, "2030-1-1", ""):
        use = UsedCoupon(serial=77, n=1, offer="TEN", last_day=last_day)
        second.use(77, hub.new_id(), use=use)
    await second.tell()
    assert await first.told("coupon_used") == {}


async def test_a_store_fills_nobodys_feed_with_used_coupons(
    hub: RunningHub, first: Taker, second: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many a day are told, and one incident says how many were not. Others are told as ever, uses are counted."""
    monkeypatch.setattr(told_limit, "TOLD_PER_DAY", 3)
    for serial in (51, 52):
        second.use(serial, hub.new_id())
    await second.tell()
    sales = {serial: hub.new_id() for serial in range(53, 57)}
    for serial, sale in sales.items():
        second.use(serial, sale)
    await second.tell()
    assert set(await first.told("coupon_used")) == {use_name(LAST_DAY, serial) for serial in (51, 52, 53)}
    assert await not_told(hub) == [(str(second.shop.store), 3)]
    second.use(1, hub.new_id())
    await second.tell()
    assert await not_told(hub) == [(str(second.shop.store), 4)]
    assert await first.refusal(1) == "coupon_spent", "head office knows it all the same"
    # In one batch: what is free again is told however much was said.
    second.void(sales[53], 53)
    second.use(59, hub.new_id())
    await second.tell()
    assert await not_told(hub) == [(str(second.shop.store), 5)]
    first.use(60, hub.new_id())
    await first.tell()
    assert set(await first.told("coupon_used")) == {use_name(LAST_DAY, serial) for serial in (51, 52, 60)}
    hub.clock.now_ms += DAY_MS
    second.use(61, hub.new_id())
    await second.tell()
    assert use_name(LAST_DAY, 61) in await first.told("coupon_used")
    hub.clock.now_ms += 30 * DAY_MS
    second.use(63, hub.new_id())
    await second.tell()
    select = "SELECT count(*) FROM coupon_news WHERE store = ?"
    rows = await hub.hub.database.read(lambda tx: tx.execute(select, (second.shop.store.bytes,)).fetchone())
    assert rows is not None
    assert tuple(rows) == (1,), "what was counted on days long over is forgotten"


async def not_told(hub: RunningHub) -> list[tuple[str, int]]:
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    return [(each["store"], each["amount"]) for each in page["items"] if each["kind"] == told_limit.KIND]


@pytest.mark.parametrize("last_day", ["9999-99-99", "9999-12-31", "2026-02-30", "20301231", "2030-W01-1", "tomorrow"])
async def test_a_day_that_never_comes_stands_in_nobodys_feed(
    hub: RunningHub, first: Taker, second: Taker, last_day: str
) -> None:
    second.use(1, hub.new_id(), use=UsedCoupon(serial=1, n=1, offer="TEN", last_day=last_day, value_minor=1))
    await second.tell()
    assert await first.told("coupon_used") == {}


async def test_a_coupon_that_is_used_for_ever_makes_no_thing_without_end(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    for n in range(1, 131):
        use = UsedCoupon(serial=2, n=n, offer="TEN", uses_max=2**31, last_day=LAST_DAY, value_minor=1)
        second.use(2, hub.new_id(), use=use)
    await second.tell()
    [told] = (await first.told("coupon_used")).values()
    assert isinstance(told, dict)
    assert len(told["sales"]) == 100


async def test_a_serial_names_the_token_that_its_store_signed_however_it_was_issued(
    hub: RunningHub, first: Taker, second: Taker
) -> None:
    """By hand, with a sale, in the place of a lost one: the token is what another store checks."""
    issued = {serial: replace(coupon_of(serial), token=f"{serial:0200d}") for serial in (71, 72, 73)}
    first.shop.write("coupons.issued", CouponsIssued(request="", source="till", coupons=(issued[71],)))
    sale = hub.new_id()
    first.book("sale.completed", first.sale(sale, vouchers=SaleVouchers(issued=(issued[72],))), sale)
    voided = CouponVoided(request="", serial=71, reason="wet", replacement=issued[73])
    first.shop.write("coupon.voided", voided)
    await first.tell()
    for serial, coupon in issued.items():
        status, answer = await second.token(f"{serial:016x}")
        assert (status, answer) == (200, {"serial": serial, "token": coupon.token})
    for unknown in (f"{99:016x}", "47", "g" * 16, "f" * 16, "-" + "0" * 15):
        assert (await second.token(unknown))[0] == 404
    second.shop.token = "x" * 40
    assert (await second.token(f"{71:016x}"))[0] == 401


def coupon_of(serial: int) -> IssuedCoupon:
    return IssuedCoupon(serial=serial, offer="TEN", offer_version=1, valid_until=LAST_DAY, kid=1, token="")
