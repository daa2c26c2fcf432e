"""Money of gift cards that head office keeps for one sale: never more than is on the card, whatever stores do."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from sync.chain import epoch_text
from sync.facts.gift_cards import CardPosted
from sync.facts.reserving import ReservationEnded
from sync.facts.vouchers import SaleVouchers
from tests.sync.hub.hubkit import Answer, RunningHub, Shop
from tests.sync.hub.selling_store import SellingStore


def name(n: int) -> str:
    """The hash of the n-th card's code."""
    return f"{n:064x}"


class Till(SellingStore):
    """A store that sells gift cards of 50.00 and takes them."""

    def __init__(self, hub: RunningHub, shop: Shop, code: str) -> None:
        super().__init__(hub, shop, code)
        self.moves: dict[str, int] = {}

    def move(self, card: str, kind: str, amount_minor: int, sale: UUID | None = None) -> None:
        """Book a sale that sells a card, or is paid with one."""
        sale = sale or self.hub.new_id()
        self.moves[card] = self.moves.get(card, 0) + 1
        posted = CardPosted(
            card=card,
            ending="0001",
            n=self.moves[card],
            kind=kind,
            amount_minor=amount_minor,
            balance_minor=0,
            elsewhere=True,
        )
        body = self.sale(sale, vouchers=SaleVouchers(gift_cards=(posted,)))
        content = {"v": 1, "kind": "sale.completed", "op_id": sale, "at": self.hub.clock.now_ms}
        self.shop.append(msgspec.json.encode({**content, "business_day": "2026-11-21", "body": body}).decode())

    async def ask(self, card: str, amount_minor: int, op: UUID | None = None, **more: object) -> Answer:
        body = {
            "kind": "gift_card",
            "id": self.hub.new_id(),
            "op": op or self.hub.new_id(),
            "card": card,
            "amount_minor": amount_minor,
            "currency": "EUR",
            "epoch": epoch_text(self.shop.epoch),
            "seq": self.pushed,
            **more,
        }
        return await self.hub.call("POST", "/sync/v1/commands", body, token=self.shop.token)


@pytest.fixture
async def seller(hub: RunningHub) -> Till:
    till = await Till.enrolled(hub, "S001")
    till.move(name(1), "activate", 5000)
    await till.tell()
    return till


@pytest.fixture
async def other(hub: RunningHub) -> Till:
    return await Till.enrolled(hub, "S002")


async def test_of_two_stores_that_ask_at_the_same_instant_one_gets_the_money(
    hub: RunningHub, seller: Till, other: Till
) -> None:
    for n in range(100, 200):
        seller.move(name(n), "activate", 5000)
    await seller.tell()
    for n in range(100, 200):
        answers = await asyncio.gather(seller.ask(name(n), 3000), other.ask(name(n), 3000))
        assert sorted(status for status, _ in answers) == [201, 409], answers
        [short] = [answer for status, answer in answers if status == 409]
        assert (short["code"], short["balance_minor"]) == ("card_short", 2000)
        for till, (status, answer) in zip((seller, other), answers, strict=True):
            if status == 201:
                end = ReservationEnded(reservation=UUID(answer["reservation"]), kind="gift_card", op=hub.new_id())
                till.shop.write("reservation.ended", end)
                await till.tell()


async def test_the_fact_that_spends_uses_the_reservation_up(hub: RunningHub, seller: Till, other: Till) -> None:
    sale = hub.new_id()
    status, answer = await other.ask(name(1), 3000, sale)
    assert (status, answer["ending"], answer["balance_minor"]) == (201, "0001", 5000)
    assert (await seller.ask(name(1), 0))[1]["balance_minor"] == 2000
    other.move(name(1), "redeem", -3000, sale)
    await other.tell()
    assert (await seller.ask(name(1), 0))[1]["balance_minor"] == 2000
    assert (await seller.ask(name(1), 2001))[1]["code"] == "card_short"
    assert (await seller.ask(name(1), 2000))[0] == 201


async def test_a_question_keeps_nothing(seller: Till, other: Till) -> None:
    for till in (seller, other, other):
        status, answer = await till.ask(name(1), 0)
        assert (status, answer["balance_minor"]) == (201, 5000)
    _, page = await other.shop.pull()
    assert [item for item in page["items"] if item["entity"] == "reservation"] == []


async def test_the_same_command_again_is_one_reservation(hub: RunningHub, seller: Till, other: Till) -> None:
    id_, sale = hub.new_id(), hub.new_id()
    answers = [await other.ask(name(1), 3000, sale, id=id_) for _ in range(2)]
    assert [(status, answer["balance_minor"]) for status, answer in answers] == [(201, 5000), (200, 5000)]
    status, answer = await other.ask(name(1), 2999, sale, id=id_)
    assert (status, answer["code"]) == (409, "id_conflict")
    assert (await seller.ask(name(1), 0))[1]["balance_minor"] == 2000
    # The same sale with another amount is one sale still.
    assert (await other.ask(name(1), 5000, sale))[0] == 201


@pytest.mark.parametrize(("n", "currency"), [(9, "EUR"), (1, "PLN")])
@pytest.mark.usefixtures("seller")
async def test_a_card_that_no_store_sold_is_not_known(other: Till, n: int, currency: str) -> None:
    status, answer = await other.ask(name(n), 100, currency=currency)
    assert (status, answer["code"]) == (409, "card_not_known")
