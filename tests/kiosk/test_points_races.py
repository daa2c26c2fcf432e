"""Two tills reach for the same points at the same instant: exactly one gets them, a hundred times out of a hundred."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kiosk.commands import CompleteSale, LineRequest, OpenShift, TenderRequest
from kiosk.compose import make_shop
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.points.points import AdjustPoints, HoldPoints
from kiosk.points.points_service import adjust_points, hold_points, release_hold
from kiosk.sales.sale_service import complete_sale
from kiosk.shifts.shift_service import open_shift
from kiosk.shop import Caller, Shop
from loyalty.errors import Problem
from loyalty.points_store import read_balance
from loyalty.transactions import Tx
from sync.db import Database
from sync.journal import read_life
from tests.kiosk.selling import grant_redemption
from tests.kiosk.shopkit import NOW_MS, caller, make_config, new_id, prepare_store

ROUNDS = 100
TILLS = (caller("cashier"), caller("manager"))


class Desk:
    """A shop behind its one writer, with the shifts of two tills open and one member."""

    def __init__(self, database: Database, shop: Shop) -> None:
        self.database, self.shop = database, shop
        self.member = new_id()

    async def open(self) -> None:
        """Both shifts and the member."""
        for who in TILLS:
            await self.do(who, open_shift, OpenShift(id=new_id()))
        enrol = EnrolMember(id=self.member, name="Anna", locale="en")
        await self.do(TILLS[1], enrol_member, enrol, bytes(ENROL_RANDOM_BYTES))

    async def do(self, who: Caller, service: Callable[..., Any], *args: Any) -> Any:  # noqa: ANN401
        """One service call in a transaction of its own."""
        return await self.database.write(lambda tx: service(tx, self.shop, who, *args))

    async def give(self, points: int) -> None:
        await self.do(TILLS[1], adjust_points, self.member, AdjustPoints(id=new_id(), points=points, reason="gift"))

    async def hold(self, who: Caller, points: int) -> UUID:
        command = HoldPoints(id=new_id(), member=self.member, points=points)

        def job(tx: Tx) -> None:
            proof = grant_redemption(tx, who, self.member)
            hold_points(tx, self.shop, who, command, proof)

        await self.database.write(job)
        return command.id

    async def pay(self, who: Caller, hold: UUID, amount: int = 129) -> UUID:
        tender = TenderRequest(kind="points", amount_minor=amount, hold=hold)
        command = CompleteSale(id=new_id(), lines=(LineRequest(sku="100"),), member=self.member, tenders=(tender,))
        await self.do(who, complete_sale, command)
        return command.id

    async def active(self) -> int:
        return await self.database.read(lambda tx: read_balance(tx, self.member, NOW_MS).active)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    config = make_config(tmp_path)
    path = prepare_store(config, NOW_MS)
    database = Database(path)
    await database.open()
    life = await database.read(read_life)
    assert life is not None
    desk = Desk(database, make_shop(config, *life))
    await desk.open()
    yield desk
    await database.close()
    report = prove(config.data_dir() / DATABASE_NAME, full=True)
    assert report.ok, report.first_wrong


async def outcomes(*attempts: Any) -> Counter[str]:  # noqa: ANN401
    """How the attempts ended that were made at once: `done`, or the code of the refusal."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    counted: Counter[str] = Counter()
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Problem):
            raise result
        counted[result.code if isinstance(result, Problem) else "done"] += 1
    return counted


async def test_two_tills_hold_the_same_points_at_once(desk: Desk) -> None:
    await desk.give(100)
    for round_number in range(ROUNDS):
        first, second = TILLS if round_number % 2 else TILLS[::-1]
        assert await outcomes(desk.hold(first, 80), desk.hold(second, 80)) == {"done": 1, "insufficient_points": 1}
        assert await desk.active() == 20
        held = await desk.database.read(
            lambda tx: tx.execute("SELECT id FROM points_hold WHERE state = 'open'").fetchall()
        )
        await desk.do(first, release_hold, UUID(bytes=held[0][0]))


async def test_two_tills_pay_with_the_same_hold_at_once(desk: Desk) -> None:
    await desk.give(129 * ROUNDS)
    for round_number in range(ROUNDS):
        hold = await desk.hold(TILLS[round_number % 2], 129)
        assert await outcomes(*(desk.pay(who, hold) for who in TILLS)) == {"done": 1, "hold_captured": 1}
    assert await desk.active() == 0


async def test_a_payment_and_a_release_at_once_end_in_one_of_the_two(desk: Desk) -> None:
    await desk.give(129 * 20)
    spent = 0
    for round_number in range(20):
        hold = await desk.hold(TILLS[0], 129)
        attempts = [desk.pay(TILLS[0], hold), desk.do(TILLS[1], release_hold, hold)]
        counted = await outcomes(*(attempts if round_number % 2 else attempts[::-1]))
        assert counted["done"] == 1
        spent += counted["hold_captured"]
    assert await desk.active() == 129 * (20 - spent)


async def test_a_doubled_payment_is_one(desk: Desk) -> None:
    await desk.give(200)
    hold = await desk.hold(TILLS[0], 129)
    tender = TenderRequest(kind="points", amount_minor=129, hold=hold)
    sale = CompleteSale(id=new_id(), lines=(LineRequest(sku="100"),), member=desk.member, tenders=(tender,))
    answers = await asyncio.gather(*(desk.do(TILLS[0], complete_sale, sale) for _ in range(8)))
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 7
    assert {answer.answer.points.redeemed for answer in answers} == {129}
    assert await desk.active() == 71
