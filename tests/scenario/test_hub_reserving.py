"""Real processes killed between what head office granted and what the store booked: what is kept for a store is used
once at most, nothing stays kept for ever, and every sum is right to the cent."""

import asyncio
import functools
import itertools
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kiosk.shopkit import TOKENS, new_id
from tests.kiosk.web.chain import CARD, OFFER
from tests.scenario.branches import SETTLE_S, Branch, Office
from tests.scenario.lines import COMMANDS, Line

Answer = tuple[int, dict[str, Any]]
PRICE, OFF, ON_CARD, POINTS, LENT = 259, 52, 5_000, 200, 150
PIN = "4321"
SECTIONS: dict[str, Any] = {
    "loyalty.offline": {"member_limit_minor": 0, "coupon_limit_minor": 60, "store_limit_minor": 110},
    "gift_cards": {"departments": ["GIFT"]},
}
# A store waits for its answer until the test has killed somebody, however slow the machine is: after two seconds it
# would go by the rules without a line.
WAITING = "from kiosk.web import borrowing, reserving; reserving.PATIENCE_S = borrowing.PATIENCE_S = 300.0"
# What a service that lives on worked with is given back after two minutes; no test has to wait for them.
FORGETTING = f"{WAITING}; reserving.IN_USE_S = 15.0"
_numbers = itertools.count(1)


class Chain:
    """Head office and two stores: everything is made in `home` and first used in `there`, whose line is the test's."""

    def __init__(self, office: Office, home: Branch, there: Branch, line: Line) -> None:
        self.office, self.home, self.there, self.line = office, home, there, line

    async def agree(self) -> None:
        """Both lines are up, and head office has applied everything."""
        for branch in (self.home, self.there):
            await branch.until("online")
        await self.office.has_everything(self.home, self.there)


class Kind(ABC):
    """Two things of one kind. The first is asked for again after the kill, with the same id; nobody comes back for the
    second one."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.things: list[Any] = []
        self.ids = [str(new_id()), str(new_id())]
        self.ids_at_home = [str(new_id()), str(new_id())]

    @abstractmethod
    async def make(self) -> None:
        """Make both in the home store, and wait until they can be used in the other."""

    @abstractmethod
    async def use(self, n: int) -> Answer:
        """Use the n-th in the other store; the same again is the same use."""

    @abstractmethod
    async def use_at_home(self, n: int) -> Answer:
        """Use what is left of it in the home store."""

    @abstractmethod
    async def check(self) -> None:
        """The sums, after both were used."""


class Coupons(Kind):
    """Each is used by one sale of the chain, whichever that is."""

    async def make(self) -> None:
        home, there = self.chain.home, self.chain.there
        for _ in range(2):
            body = {"id": str(new_id()), "offer": "CHOC20", "scope": "chain"}
            self.things.append((await need(home, "POST", "/v1/coupons", body))["token"])
        await self.chain.agree()
        await eventually(lambda: told(there, "coupon_key", 2))

    async def use(self, n: int) -> Answer:
        return await self._sell(self.chain.there, n, self.ids[n])

    async def use_at_home(self, n: int) -> Answer:
        return await self._sell(self.chain.home, n, self.ids_at_home[n])

    async def check(self) -> None:
        taken = [
            due
            for branch, ids in ((self.chain.there, self.ids), (self.chain.home, self.ids_at_home))
            for (due,) in branch.ask(f"SELECT due_minor FROM sale WHERE id IN ({among(ids)})")
        ]
        assert taken == [PRICE - OFF] * 2, "each was used by one sale"

    async def _sell(self, branch: Branch, n: int, sale: str) -> Answer:
        body = {"id": sale, "lines": [{"sku": "101"}], "coupons": [self.things[n]], "tenders": cash(PRICE)}
        return await branch.call("POST", "/v1/sales", body)


class Cards(Kind):
    """Each pays for chocolate in the other store; at home it pays whatever was on it."""

    async def make(self) -> None:
        for _ in range(2):
            code = f"KILLED-CARD-{next(_numbers):04d}"
            lines = [{"sku": "GC", "quantity_milli": 1000, "gift_card": code}]
            body = {"id": str(new_id()), "lines": lines, "tenders": cash(ON_CARD)}
            await need(self.chain.home, "POST", "/v1/sales", body)
            self.things.append(code)
        await self.chain.agree()

    async def use(self, n: int) -> Answer:
        tenders = [{"kind": "gift_card", "amount_minor": PRICE, "code": self.things[n]}]
        body = {"id": self.ids[n], "lines": [{"sku": "101"}], "tenders": tenders}
        return await self.chain.there.call("POST", "/v1/sales", body)

    async def use_at_home(self, n: int) -> Answer:
        left = ON_CARD - await self._paid(n)
        line = {"sku": "100", "quantity_milli": 1000, "unit_price_minor": left, "reason": "x"}
        tenders = [{"kind": "gift_card", "amount_minor": left, "code": self.things[n]}]
        body = {"id": self.ids_at_home[n], "lines": [line], "tenders": tenders}
        return await self.chain.home.call("POST", "/v1/sales", body, token=TOKENS["manager"])

    async def check(self) -> None:
        for code in self.things:
            shown = await need(self.chain.there, "POST", "/v1/gift-cards/balance", {"code": code}, status=200)
            assert shown["balance_minor"] == 0

    async def _paid(self, n: int) -> int:
        return PRICE * len(self.chain.there.ask(f"SELECT id FROM sale WHERE id IN ({among(self.ids[n : n + 1])})"))


class Returns(Kind):
    """Each is a receipt of the home store with two pieces: one comes back in the other store, at home what is left."""

    async def make(self) -> None:
        discount = {"kind": "amount", "value": 1, "reason": "x"}
        for _ in range(2):
            line = {"sku": "100", "quantity_milli": 2000, "discount": discount}
            tenders = [{"kind": "card", "amount_minor": 257, "reference": "T1"}]
            body = {"id": str(new_id()), "lines": [line], "tenders": tenders}
            self.things.append(await need(self.chain.home, "POST", "/v1/sales", body))
        await self.chain.agree()
        for n in range(2):
            await eventually(functools.partial(self._quote, self.chain.there, n, 1000))

    async def use(self, n: int) -> Answer:
        return await self._take_back(self.chain.there, n, 1000, self.ids[n])

    async def use_at_home(self, n: int) -> Answer:
        left = 2000 - 1000 * len(self._refunds(self.chain.there, self.ids[n : n + 1]))
        if left == 1000:
            # Its own receipts it takes back without asking; what they come to follows from what it has heard.
            await eventually(functools.partial(self._heard, n))
        return await self._take_back(self.chain.home, n, left, self.ids_at_home[n])

    async def check(self) -> None:
        for n in range(2):
            refunds = [
                *self._refunds(self.chain.there, self.ids[n : n + 1]),
                *self._refunds(self.chain.home, self.ids_at_home[n : n + 1]),
            ]
            assert sum(refunds) == 257, "what was paid came back, to the cent"

    async def _heard(self, n: int) -> Answer:
        key, value = self.things[n]["id"], '%"returned":{"1":1000}%'
        text = "CAST(value AS TEXT)"
        where = f"entity = 'returned_elsewhere' AND key = '{key}' AND {text} LIKE '{value}'"
        ((found,),) = self.chain.home.ask(f"SELECT count(*) FROM feed_row WHERE {where}")
        return (200 if found else 409), {"heard": found}

    async def _quote(self, branch: Branch, n: int, milli: int) -> Answer:
        body = {"sale": self.things[n]["number"], "lines": [{"line": 1, "quantity_milli": milli}]}
        return await branch.call("POST", "/v1/return-quotes", body)

    async def _take_back(self, branch: Branch, n: int, milli: int, name: str) -> Answer:
        status, quoted = await self._quote(branch, n, milli)
        if status != 200:
            return status, quoted
        body = {
            "id": name,
            "sale": self.things[n]["number"],
            "lines": [{"line": 1, "quantity_milli": milli}],
            "refunds": [{"kind": "card", "amount_minor": quoted["refund_minor"]}],
            "reason": "changed my mind",
        }
        return await branch.call("POST", "/v1/returns", body)

    def _refunds(self, branch: Branch, ids: list[str]) -> list[int]:
        return [row[0] for row in branch.ask(f"SELECT amount_minor FROM refund WHERE op IN ({among(ids)})")]


class Points(Kind):
    """Each is a member of the home store with points: most are set aside in the other store, at home what is left."""

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        self._sales: dict[str, str] = {}

    async def make(self) -> None:
        home, there = self.chain.home, self.chain.there
        cards = []
        for _ in range(2):
            member = str(new_id())
            made = await need(home, "POST", "/v1/members", {"id": member, "locale": "en", "name": "Anna"})
            cards.append(made["token"])
            await need(home, "PUT", f"/v1/members/{member}/pin", {"pin": PIN}, status=200)
            gift = {"id": str(new_id()), "points": POINTS, "reason": "gift"}
            await need(home, "POST", f"/v1/members/{member}/adjustments", gift, token=TOKENS["manager"])
            self.things.append(member)
        await self.chain.agree()
        for member, card in zip(self.things, cards, strict=True):
            await eventually(functools.partial(there.call, "POST", "/v1/members/resolve", {"token": card}))
            await eventually(functools.partial(self._has, there, member, POINTS))

    async def use(self, n: int) -> Answer:
        return await self._pay(self.chain.there, n, LENT, self.ids[n])

    async def use_at_home(self, n: int) -> Answer:
        paid = sum(self._paid(self.chain.there, n))
        return await self._pay(self.chain.home, n, POINTS - paid, self.ids_at_home[n])

    async def check(self) -> None:
        branches = (self.chain.home, self.chain.there)
        for n, member in enumerate(self.things):
            assert sum(points for branch in branches for points in self._paid(branch, n)) == POINTS, "every point once"
            earned = sum(
                points
                for branch in branches
                for (points,) in branch.ask(f"SELECT points_earned FROM sale WHERE member IN ({among([member])})")
            )
            for branch in branches:
                await eventually(functools.partial(self._has, branch, member, earned))

    async def _pay(self, branch: Branch, n: int, points: int, name: str) -> Answer:
        hold = {"id": name, "member": self.things[n], "points": points, "proof": {"kind": "pin", "value": PIN}}
        status, held = await branch.call("POST", "/v1/holds", hold)
        if status not in {200, 201}:
            return status, held
        sale = self._sales.setdefault(name, str(new_id()))
        tenders = [{"kind": "points", "amount_minor": points, "hold": name}, *cash(PRICE)]
        body = {"id": sale, "member": self.things[n], "lines": [{"sku": "101"}], "tenders": tenders}
        return await branch.call("POST", "/v1/sales", body)

    async def _has(self, branch: Branch, member: str, points: int) -> Answer:
        status, shown = await branch.call("GET", f"/v1/members/{member}/points")
        return (status if shown.get("active") == points else 409), shown

    def _paid(self, branch: Branch, n: int) -> list[int]:
        """Points that this member paid with; one is worth a cent."""
        tenders = "SELECT amount_minor FROM sale JOIN sale_tender ON sale = id WHERE kind = 'points'"
        return [row[0] for row in branch.ask(f"{tenders} AND member IN ({among(self.things[n : n + 1])})")]


KINDS: tuple[type[Kind], ...] = (Points, Coupons, Cards, Returns)


def cash(amount_minor: int) -> list[dict[str, object]]:
    return [{"kind": "cash", "amount_minor": amount_minor}]


def among(ids: list[str]) -> str:
    return ", ".join(f"x'{each.replace('-', '')}'" for each in ids)


async def need(
    branch: Branch, method: str, path: str, body: object, *, token: str = "", status: int = 201
) -> dict[str, Any]:
    """A call that is done."""
    answered, answer = await branch.call(method, path, body, token=token)
    assert answered == status, (path, answer)
    return dict(answer)


async def told(branch: Branch, entity: str, count: int) -> Answer:
    """Whether head office told the store so many things."""
    ((found,),) = branch.ask(f"SELECT count(*) FROM feed_row WHERE entity = '{entity}' AND length(value) > 0")
    return (200 if found == count else 409), {"told": found}


async def eventually(asked: Callable[[], Awaitable[Answer]]) -> dict[str, Any]:
    """Ask until it is done: what is kept for somebody who never comes must come free."""
    answer: Answer = (0, {})
    try:
        async with asyncio.timeout(SETTLE_S):
            while (answer := await asked())[0] not in {200, 201}:  # noqa: ASYNC110  the service says so
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"it never came free: {answer}")
    return answer[1]


@pytest.fixture(name="chain")
async def make_chain(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Chain]:
    async with Office.started(tmp_path / "office") as office, Line.up(office.url) as line:
        home = await Branch.joined(tmp_path / "S001", "S001", office, first=WAITING, **SECTIONS)
        there = await Branch.joined(tmp_path / "S002", "S002", office, url=line.url, first=request.param, **SECTIONS)
        try:
            for branch in (home, there):
                shift = {"id": str(new_id()), "float_minor": 0}
                for method, path, body in (
                    ("PUT", "/v1/offers/CHOC20", OFFER),
                    ("PUT", "/v1/products/GC", CARD),
                    ("POST", "/v1/shifts", shift),
                ):
                    await need(branch, method, path, body, token=TOKENS["manager"])
            yield Chain(office, home, there, line)
        finally:
            for branch in (home, there):
                await branch.service.end(signal.SIGKILL)


async def ask_and_kill(kind: Kind, killed: Branch | Office) -> list[Answer | BaseException]:
    """Both are asked for; as soon as head office has granted both, and before the store hears of it, somebody dies."""
    asked = [asyncio.create_task(kind.use(n)) for n in range(2)]
    async with kind.chain.line.holding(COMMANDS, 2):
        await killed.service.end(signal.SIGKILL)
    return await asyncio.gather(*asked, return_exceptions=True)


async def settle(chain: Chain, kind: Kind, *, booked: bool) -> None:
    """The till asks again for the first; the home store uses all that is left of both. Nothing is left or kept then.
    `booked`: the second was used before its answer was lost."""
    await eventually(lambda: kind.use(0))
    await chain.agree()
    if booked:
        assert (await kind.use_at_home(1))[0] == 409
    else:
        await eventually(lambda: kind.use_at_home(1))
    if isinstance(kind, Coupons):
        assert (await kind.use_at_home(0))[0] == 409
    else:
        await eventually(lambda: kind.use_at_home(0))
    await chain.agree()
    await kind.check()
    for branch in (chain.home, chain.there):
        await eventually(functools.partial(told, branch, "reservation", 0))
        await eventually(functools.partial(told, branch, "lease", 0))


async def nothing_is_wrong(chain: Chain) -> None:
    """All proofs hold, and head office saw nothing that somebody has to look at."""
    await chain.agree()
    for branch in (chain.home, chain.there):
        await branch.prove()
    assert (await chain.office.call("GET", "/v1/incidents"))["items"] == []


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("chain", [WAITING], indirect=True, ids=["store"])
async def test_a_store_killed_between_the_grant_and_its_fact_uses_it_once_or_not_at_all(chain: Chain) -> None:
    for each in KINDS:
        kind = each(chain)
        await kind.make()
        lost = await ask_and_kill(kind, chain.there)
        assert all(isinstance(answer, BaseException) for answer in lost), lost
        await chain.home.until("online")
        for n in range(2):
            assert (await kind.use_at_home(n))[0] == 409, "it is kept for a store that is dead for the moment"
        await chain.there.service.start()
        await settle(chain, kind, booked=False)
    await nothing_is_wrong(chain)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("chain", [FORGETTING], indirect=True, ids=["office"])
async def test_a_head_office_killed_between_the_grant_and_its_answer_leaves_nothing_kept(chain: Chain) -> None:
    for each in KINDS:
        kind = each(chain)
        await kind.make()
        answers = await ask_and_kill(kind, chain.office)
        statuses = [answer[0] for answer in answers if not isinstance(answer, BaseException)]
        # Without an answer the rules without a line decide: coupons up to their limit, the others not at all.
        assert statuses == ([201, 201] if each is Coupons else [409, 409]), answers
        await chain.office.service.start()
        await settle(chain, kind, booked=each is Coupons)
    await nothing_is_wrong(chain)
