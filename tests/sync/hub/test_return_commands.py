"""Goods that head office keeps for one return: of all stores that ask, one gets them, one return after the other."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from sync.chain import epoch_text
from sync.facts.reserving import ReservationEnded
from sync.facts.returns import Elsewhere, Refunded, ReturnedLine, ReturnTaken, TakenBack
from sync.facts.sales import SaleVoided, SoldLine, Tendered, VoidedLine
from sync.protocol.sale_states import name_word
from tests.sync.hub.hubkit import Answer, RunningHub
from tests.sync.hub.selling_store import SellingStore

PRICE = 100
DAY_MS, HOUR_MS = 86_400_000, 3_600_000


class Counter(SellingStore):
    """A store that sells pieces of one article at 1.00, and takes them back."""

    def sell(self, pieces: int, change_minor: int = 0) -> UUID:
        sale, due = self.hub.new_id(), PRICE * pieces
        line = SoldLine(
            line=1,
            sku="100",
            name="Milk",
            department="DAIRY",
            quantity_milli=pieces * 1000,
            unit_price_minor=PRICE,
            gross_minor=due,
            net_minor=due,
            tax_rate="0",
            tax_minor=0,
        )
        body = self.sale(
            sale,
            lines=(line,),
            gross_minor=due,
            net_minor=due,
            due_minor=due,
            tenders=(Tendered(kind="cash", amount_minor=due + change_minor, settles="cash"),),
            paid_minor=due + change_minor,
            change_minor=change_minor,
        )
        self.book("sale.completed", body, sale)
        return sale

    def take_back(self, sale: UUID, pieces: int, op: UUID | None = None, elsewhere: Elsewhere | None = None) -> None:
        value = PRICE * pieces
        line = ReturnedLine(
            line=1, sku="100", name="Milk", quantity_milli=pieces * 1000, net_minor=value, tax_rate="0", tax_minor=0
        )
        taken = TakenBack(
            sale=sale,
            sale_number="",
            lines=(line,),
            value_minor=value,
            refunds=(Refunded(kind="cash", amount_minor=value, settles="cash"),),
            elsewhere=elsewhere,
        )
        op = op or self.hub.new_id()
        body = ReturnTaken(
            request="",
            number=self.number(),
            till="T01",
            series=1,
            n=self.documents,
            shift=sale,
            currency="EUR",
            reason="x",
            taken=taken,
        )
        self.book("return.taken", body, op)

    def void(self, sale: UUID, pieces: int) -> None:
        body = SaleVoided(
            request="",
            sale=sale,
            sale_number="",
            till="T01",
            shift=sale,
            currency="EUR",
            reason="x",
            lines=(VoidedLine(1, "100", pieces * 1000),),
            due_minor=PRICE * pieces,
        )
        self.shop.write("sale.voided", body)

    def book(self, kind: str, body: object, op: UUID) -> None:
        content = {"v": 1, "kind": kind, "op_id": op, "at": self.hub.clock.now_ms, "business_day": "2026-11-21"}
        self.shop.append(msgspec.json.encode({**content, "body": body}).decode())

    async def ask(self, sale: UUID, pieces: int = 1, *, taken: UUID | None = None, **more: object) -> Answer:
        body = {
            "kind": "return_reserve",
            "id": self.hub.new_id(),
            "taken": taken or self.hub.new_id(),
            "sale": sale,
            "lines": [[1, pieces * 1000]],
            "returns": 0,
            "epoch": epoch_text(self.shop.epoch),
            "seq": self.pushed,
            **more,
        }
        return await self.hub.call("POST", "/sync/v1/commands", body, token=self.shop.token)

    async def refusal(self, sale: UUID, pieces: int = 1, **more: Any) -> str:  # noqa: ANN401
        status, answer = await self.ask(sale, pieces, **more)
        return "ok" if status == 201 else str(answer["code"])

    async def state(self, text: object) -> Answer:
        return await self.hub.call("GET", f"/sync/v1/sales/{text}/state", token=self.shop.token)


def from_there(reservation: UUID, pieces: int) -> Elsewhere:
    return Elsewhere(store="S001", tax_mode="included", sold={1: pieces * 1000}, reservation=reservation)


@pytest.fixture
async def seller(hub: RunningHub) -> Counter:
    return await Counter.enrolled(hub, "S001")


@pytest.fixture
async def others(hub: RunningHub) -> tuple[Counter, Counter]:
    return await Counter.enrolled(hub, "S002"), await Counter.enrolled(hub, "S003")


async def test_of_two_stores_that_ask_at_the_same_instant_one_gets_the_goods(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sales = [seller.sell(1) for _ in range(100)]
    await seller.tell()
    for sale in sales:
        taken = hub.new_id(), hub.new_id()
        asked = zip(others, taken, strict=True)
        answers = await asyncio.gather(*(other.ask(sale, taken=op) for other, op in asked))
        assert sorted(status for status, _ in answers) == [201, 409], answers
        assert [answer["code"] for status, answer in answers if status == 409] == ["return_pending"]
        for other, op, (status, answer) in zip(others, taken, answers, strict=True):
            if status == 201:
                other.take_back(sale, 1, op, from_there(UUID(answer["reservation"]), 1))
                await other.tell()
        assert [await other.refusal(sale, returns=1) for other in others] == ["return_gone"] * 2
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    assert page["items"] == []


async def test_the_state_of_a_sale_says_what_came_back_of_it_anywhere(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale = seller.sell(3)
    await seller.tell()
    op = hub.new_id()
    status, answer = await others[0].ask(sale, taken=op)
    assert status == 201
    others[0].take_back(sale, 1, op, from_there(UUID(answer["reservation"]), 3))
    await others[0].tell()
    for text in (sale, "S001-T01-000001", "s001-t01-000001"):
        status, state = await others[1].state(text)
        assert (status, state["returned"], state["refunded"]) == (200, {"1": 1000}, {"cash": 100})
        assert (state["op"], state["returns"], state["voided"]) == (str(sale), 1, False)
    assert (await others[1].state("S001-T01-000099"))[0] == 404
    assert await others[1].refusal(sale, returns=0) == "return_changed"
    assert await others[1].refusal(sale, 3, returns=1) == "return_gone"
    assert await others[1].refusal(sale, 2, returns=1) == "ok"


async def test_a_voided_sale_gives_nothing_back(seller: Counter, others: tuple[Counter, Counter]) -> None:
    sale = seller.sell(2)
    seller.void(sale, 2)
    await seller.tell()
    assert await others[0].refusal(sale, returns=1) == "return_gone"
    assert (await others[0].state(sale))[1]["voided"]


async def test_a_sale_is_voided_by_nobody_but_the_store_that_made_it(
    seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale = seller.sell(2)
    await seller.tell()
    others[1].void(sale, 2)
    await others[1].tell()
    state = (await others[0].state(sale))[1]
    assert (state["voided"], state["returned"], state["returns"]) == (False, {}, 0)
    _, page = await seller.shop.pull()
    assert [item for item in page["items"] if item["entity"] == "returned_elsewhere" and item["value"]] == []
    assert await others[0].refusal(sale, 2) == "ok"


async def test_two_stores_that_keep_goods_of_each_other_at_once_never_wait_in_a_circle(
    hub: RunningHub, others: tuple[Counter, Counter]
) -> None:
    sales = [(one.sell(1), two.sell(1)) for one, two in [others] * 30]
    for other in others:
        await other.tell()
    for mine, yours in sales:
        answers = await asyncio.gather(others[0].ask(yours), others[1].ask(mine))
        assert [status for status, _ in answers] == [201, 201], answers


async def test_what_was_given_back_is_free_and_the_same_return_may_ask_again(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale, op = seller.sell(2), hub.new_id()
    await seller.tell()
    status, answer = await others[0].ask(sale, 1, taken=op)
    assert status == 201
    assert (await others[0].ask(sale, 2, taken=op))[0] == 201, "the cashier changed the lines"
    assert await others[1].refusal(sale) == "return_pending"
    _, page = await seller.shop.pull()
    told = {item["entity"]: item["value"] for item in page["items"] if item.get("value")}
    assert told["returned_elsewhere"]["pending"] == {"1": 3000}
    for reservation in [item["key"] for item in (await others[0].shop.pull())[1]["items"] if item.get("value")]:
        body = ReservationEnded(reservation=UUID(reservation), kind="return_reserve", op=op)
        others[0].shop.write("reservation.ended", body)
    await others[0].tell()
    assert answer["reservation"]
    assert await others[1].refusal(sale) == "ok"


async def test_money_is_kept_by_the_kind_it_was_paid_in_and_told_to_the_store_that_sold(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale, op = seller.sell(3, change_minor=200), hub.new_id()
    await seller.tell()
    assert await others[0].refusal(sale, refunds={"cash": 301}) == "refund_gone", "the change was given back at once"
    assert await others[0].refusal(sale, refunds={"card": 1}) == "refund_gone"
    status, answer = await others[0].ask(sale, taken=op, refunds={"cash": 100})
    assert status == 201
    assert (await others[0].ask(sale, taken=op, id=answer["reservation"], refunds={"cash": 99}))[0] == 409
    assert await paying(seller) == {"pending": {"1": 1000}, "paying": {"cash": 100}}
    others[0].take_back(sale, 1, op, from_there(UUID(answer["reservation"]), 1))
    await others[0].tell()
    assert await paying(seller) == {"pending": {}, "paying": {}}
    assert await others[1].refusal(sale, returns=1, refunds={"cash": 201}) == "refund_gone"
    assert await others[1].refusal(sale, returns=1, refunds={"cash": 200}) == "ok"


async def paying(store: Counter) -> dict[str, object]:
    """What the feed says to a store of money that is on its way."""
    _, page = await store.shop.pull()
    [value] = [each["value"] for each in page["items"] if each["entity"] == "returned_elsewhere"]
    return {name: value[name] for name in ("pending", "paying")}


async def test_the_same_goods_back_in_two_stores_are_an_incident_and_the_first_that_came_in_is_kept(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    """The first store had no line: its own receipts it takes back always."""
    sale, op = seller.sell(2), hub.new_id()
    await seller.tell()
    status, answer = await others[0].ask(sale, 2, taken=op)
    assert status == 201
    seller.take_back(sale, 1)
    others[0].take_back(sale, 2, op, from_there(UUID(answer["reservation"]), 2))
    await others[0].tell()
    hub.clock.now_ms += 1_000
    await seller.tell()
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    [incident] = page["items"]
    assert (incident["kind"], incident["amount"], incident["store"]) == ("return_twice", 100, str(seller.shop.store))
    assert [ref["number"] for ref in incident["refs"]] == ["S001-T01-000001", "S002-T01-000001", "S001-T01-000002"]


async def test_a_store_that_takes_back_more_than_was_sold_is_found_out(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale, other = seller.sell(1), seller.sell(1)
    await seller.tell()
    others[0].take_back(sale, 9, None, from_there(hub.new_id(), 1))
    # It says how much was sold, too; the sale knows better.
    others[0].take_back(other, 8, None, from_there(hub.new_id(), 8))
    await others[0].tell()
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    assert sorted((each["kind"], each["amount"]) for each in page["items"]) == [
        ("return_twice", 700),
        ("return_twice", 800),
    ]


async def test_a_sale_that_is_voided_after_its_goods_came_back_is_an_incident(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale, op = seller.sell(1), hub.new_id()
    await seller.tell()
    status, answer = await others[0].ask(sale, taken=op)
    assert status == 201
    others[0].take_back(sale, 1, op, from_there(UUID(answer["reservation"]), 1))
    await others[0].tell()
    seller.void(sale, 1)
    await seller.tell()
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    assert [each["kind"] for each in page["items"]] == ["return_twice"]


async def test_what_the_selling_store_takes_back_nobody_else_gets_meanwhile(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    """Its own books decide between its tills, so what it asked for itself bars nobody there; in another store, who
    says that he has heard everything bars nothing."""
    sale, ops = seller.sell(2), [hub.new_id(), hub.new_id()]
    await seller.tell()
    for op in ops:
        assert await seller.refusal(sale, taken=op, heard="", refunds={"cash": 100}) == "ok"
    assert await others[0].refusal(sale) == "return_pending"
    assert await others[0].refusal(sale, heard="") == "return_pending"
    assert await seller.refusal(sale, 3, heard="") == "return_gone"
    assert await seller.refusal(sale, heard="", refunds={"cash": 201}) == "refund_gone"
    _, page = await seller.shop.pull()
    assert [item for item in page["items"] if item["entity"] == "returned_elsewhere"] == [], "it knows that itself"
    seller.take_back(sale, 1, ops[0])
    seller.take_back(sale, 1, ops[1])
    await seller.tell()
    assert await others[0].refusal(sale, returns=2) == "return_gone"
    assert (await hub.call("GET", "/v1/incidents", token=await hub.office()))[1]["items"] == []


async def test_the_selling_store_gets_nothing_before_it_heard_what_is_kept_or_came_back_elsewhere(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    sale, op = seller.sell(3), hub.new_id()
    await seller.tell()
    words = [""]
    status, answer = await others[0].ask(sale, taken=op, refunds={"cash": 100})
    assert status == 201
    words.append(await heard(seller))
    assert [await seller.refusal(sale, heard=word) for word in words] == ["return_changed", "ok"]
    others[0].take_back(sale, 1, op, from_there(UUID(answer["reservation"]), 1))
    await others[0].tell()
    words.append(await heard(seller))
    assert [await seller.refusal(sale, heard=word) for word in words] == ["return_changed", "return_changed", "ok"]
    assert await seller.refusal(sale, 3, heard=words[-1]) == "return_gone"
    # One who says another store's word gets nothing by it.
    assert await others[1].refusal(sale, heard=words[-1], returns=1) == "return_pending"


async def heard(store: Counter) -> str:
    """The name of the newest word that the feed has for a store."""
    _, page = await store.shop.pull()
    [item] = [each for each in page["items"] if each["entity"] == "returned_elsewhere"]
    return name_word(msgspec.json.encode(item["value"]))


async def test_what_a_revoked_store_kept_comes_free_at_the_store_that_sold_too(
    hub: RunningHub, seller: Counter, others: tuple[Counter, Counter]
) -> None:
    """Nobody hears of that return any more. Until the sweep finds it, the seller holds it for kept."""
    sale = seller.sell(1)
    await seller.tell()
    assert await others[0].refusal(sale, refunds={"cash": 100}) == "ok"
    status, _ = await hub.call("POST", f"/v1/stores/{others[0].shop.store}/revoke", {}, token=await hub.office())
    assert status == 200
    for waits, pending in ((0, [{"1": 1000}]), (DAY_MS + HOUR_MS + 1, [])):
        hub.clock.now_ms += waits
        await hub.hub.upkeep.sweep_now()
        _, page = await seller.shop.pull()
        told = [each["value"] for each in page["items"] if each["entity"] == "returned_elsewhere" and each["value"]]
        assert [value["pending"] for value in told] == pending
    assert await seller.refusal(sale, heard="") == "ok"
    await seller.tell()
    assert await others[1].refusal(sale) == "return_pending", "what an honest store keeps stays kept"
    await hub.hub.upkeep.sweep_now()
    assert await others[1].refusal(sale) == "return_pending"


async def test_goods_that_came_back_in_two_lives_of_their_own_store_are_an_incident(
    hub: RunningHub, seller: Counter
) -> None:
    """The second life had lost the return of the first, and nobody could be asked."""
    once, twice = seller.sell(2), seller.sell(2)
    for pieces in (1, 1):
        seller.take_back(once, pieces)
    for pieces in (1, 2):
        seller.take_back(twice, pieces)
    await seller.tell()
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    assert [(each["kind"], each["amount"]) for each in page["items"]] == [("return_twice", 100)]
    numbers = ["S001-T01-000002", "S001-T01-000005", "S001-T01-000006"]
    assert [ref["number"] for ref in page["items"][0]["refs"]] == numbers
