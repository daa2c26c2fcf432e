"""A hold asks head office for what no lease covers, and does not wait for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.life.proof import forget_finding, remember_fault
from kiosk.points.link import note_line, note_pushed, note_read
from kiosk.web import borrowing
from loyalty.transactions import Tx
from sync.agent.client import HubRefused, HubSilent
from sync.facts.lending import LeaseEnded
from sync.journal import find, read_head
from sync.protocol.commands import LeaseAnswer, LeaseCommand
from tests.kiosk.shopkit import Reply, Running, make_config, new_id, running_store
from tests.kiosk.web.proving import prove
from tests.kiosk.web.test_points import PIN, member_with


class Office:
    """Head office as a till meets it."""

    def __init__(self) -> None:
        self.asked: list[LeaseCommand] = []
        self.problem: Exception | None = None
        self.delay_s = 0.0

    async def lend(self, command: LeaseCommand) -> LeaseAnswer:
        self.asked.append(command)
        await asyncio.sleep(self.delay_s)
        if self.problem is not None:
            raise self.problem
        return LeaseAnswer(lease=command.id, member=command.member, points=command.points, duration_ms=3_600_000)


class Shop:
    """A store under a head office, with a member who has 200 points."""

    def __init__(self, running: Running, office: Office, member: str) -> None:
        self.running, self.office, self.member = running, office, member

    async def line(self, *, online: bool) -> None:
        """The line goes up, with everything acknowledged, or down."""
        store = self.running.store
        door, epoch = store.door, store.door.shop.journal.epoch

        def note(tx: Tx) -> None:
            seq = read_head(tx, epoch).seq
            note_line(tx, online=online, now_ms=door.now_ms())
            note_pushed(tx, epoch, seq)
            note_read(tx, epoch, door.now_ms(), door.uptime(), {epoch: seq})

        await store.database.write(note)

    async def hold(self, points: int, hold: str | None = None, proof: object = PIN) -> Reply:
        body = {"id": hold or str(new_id()), "member": self.member, "points": points, "proof": proof}
        return await self.running.call("POST", "/v1/holds", body)

    async def leases(self) -> list[int]:
        select = "SELECT points FROM lease ORDER BY points"
        return [
            points for (points,) in await self.running.store.database.read(lambda tx: tx.execute(select).fetchall())
        ]

    async def ends(self) -> list[tuple[int, int]]:
        """Points and unspent points of the leases whose end was reported."""
        select = "SELECT op_id FROM journal WHERE kind = 'lease.ended' ORDER BY seq"

        def read(tx: Tx) -> list[tuple[int, int]]:
            found = [find(tx, UUID(bytes=op)) for (op,) in tx.execute(select).fetchall()]
            bodies = [entry.body for entry in found if entry is not None]
            return [(body.points, body.unspent) for body in bodies if isinstance(body, LeaseEnded)]

        return await self.running.store.database.read(read)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    config = make_config(
        tmp_path, points={"adjust_limit_cashier": 20}, **{"loyalty.offline": {"member_limit_minor": 50}}
    )
    async with running_store(config) as running:
        await running.open_shift()
        office = Office()
        running.store.door.lender = office
        shop = Shop(running, office, await member_with(running, 200))
        await shop.line(online=True)
        yield shop
        await prove(running)


async def test_what_is_set_aside_is_lent_first(shop: Shop) -> None:
    assert (await shop.hold(80)).status == 201
    [command] = shop.office.asked
    assert (str(command.member), command.points, command.seq > 0) == (shop.member, 80, True)
    assert await shop.leases() == [80]


async def test_a_wrong_pin_lends_nothing(shop: Shop) -> None:
    wrong = await shop.hold(80, proof={"kind": "pin", "value": "0000"})
    assert (wrong.status, wrong.json["code"]) == (422, "member_pin_wrong")
    assert shop.office.asked == []


async def test_what_was_lent_for_a_hold_that_is_refused_goes_back_at_once(shop: Shop) -> None:
    refused = await shop.hold(80, proof={"kind": "approval", "value": "nobody gave this"})
    assert (refused.status, refused.json["code"]) == (403, "approval_unknown")
    assert [command.points for command in shop.office.asked] == [80]
    assert await shop.leases() == []
    assert await shop.ends() == [(80, 80)]


async def test_a_read_only_store_asks_for_nothing_and_books_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = shop.running.store.door
    lend = shop.office.lend

    def find_a_fault() -> None:
        """As verify and upkeep do it together."""
        remember_fault(door.config.data_dir(), "Run: counterfoil verify --full")
        door.follow_finding("Run: counterfoil verify --full")

    async def lend_and_find_a_fault(command: LeaseCommand) -> LeaseAnswer:
        find_a_fault()
        return await lend(command)

    find_a_fault()
    assert (await shop.hold(80)).json["code"] == "read_only"
    assert shop.office.asked == []
    forget_finding(door.config.data_dir())
    door.follow_finding(None)
    monkeypatch.setattr(shop.office, "lend", lend_and_find_a_fault)
    assert (await shop.hold(80)).json["code"] == "read_only"
    assert (len(shop.office.asked), await shop.ends()) == (1, [])
    forget_finding(door.config.data_dir())
    door.follow_finding(None)


async def test_a_lease_that_another_hold_took_of_stays(shop: Shop) -> None:
    assert (await shop.hold(80)).status == 201
    refused = await shop.hold(90, proof={"kind": "approval", "value": "nobody gave this"})
    assert refused.status == 403
    assert await shop.leases() == [80]
    assert await shop.ends() == [(90, 90)]


async def test_a_replay_and_a_store_of_its_own_ask_nobody(shop: Shop) -> None:
    hold = str(new_id())
    assert [(await shop.hold(80, hold)).status for _ in range(2)] == [201, 200]
    assert len(shop.office.asked) == 1
    shop.running.store.door.lender = None
    await shop.line(online=False)
    assert (await shop.hold(50)).status == 201
    assert len(shop.office.asked) == 1


async def test_points_that_are_not_free_are_refused_and_nothing_is_set_aside(shop: Shop) -> None:
    shop.office.problem = HubRefused("points_not_free")
    reply = await shop.hold(80)
    assert (reply.status, reply.json["code"]) == (409, "points_elsewhere")
    assert await shop.leases() == []


@pytest.mark.parametrize("problem", [HubSilent("gone"), HubRefused("lending_closed"), None], ids=str)
async def test_without_an_answer_the_limits_without_a_line_decide(
    shop: Shop, problem: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(borrowing, "PATIENCE_S", 0.05)
    shop.office.problem = problem
    shop.office.delay_s = 0.0 if problem else 5.0
    too_many = await shop.hold(51)
    assert (too_many.status, too_many.json["code"], too_many.json["left_minor"]) == (409, "member_limit_reached", 50)
    assert (await shop.hold(50)).status == 201
    assert await shop.leases() == []
