"""What happens at a counter, over HTTP, in few words: the scenarios of complaints are told with it.

async with open_counter(tmp_path, loyalty={"points": 1}) as shop:
    anna = await shop.enrol()
    sold = await shop.sell({"101": 2}, member=anna)
    await shop.take_back(sold, {1: 2})
    assert await shop.active(anna) == 0
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from tests.kiosk.shopkit import MANAGER as MANAGER_NAME
from tests.kiosk.shopkit import PIN, Reply, Running, make_config, new_id, running_store
from tests.kiosk.web.proving import prove

MANAGER = "manager"
ROLES = ("cashier", MANAGER)
"""Who stands at the two tills."""

Body = dict[str, Any]
PIECE = 1000


class Counter:
    """A store with an open shift on the cashier's till and one on the manager's."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.shifts: dict[str, str] = {}

    async def open_shifts(self, float_minor: int = 10_000) -> None:
        """Both tills count their change."""
        for role in ROLES:
            self.shifts[role] = await self.running.open_shift(float_minor, role=role)

    async def send(
        self, method: str, path: str, body: object = None, *, role: str = "cashier", **headers: str
    ) -> Reply:
        """Any request, whatever comes of it."""
        return await self.running.call(method, path, body, role=role, headers=headers)

    async def ask(self, method: str, path: str, body: object = None, *, role: str = "cashier", **headers: str) -> Body:
        """A request that must go well; its answer."""
        reply = await self.send(method, path, body, role=role, **headers)
        assert reply.status < 300, reply.json
        return dict(reply.json)

    async def refused(self, method: str, path: str, body: object = None, *, role: str = "cashier") -> str:
        """A request that must not; the code of the refusal, which always has a hint."""
        reply = await self.send(method, path, body, role=role)
        assert 400 <= reply.status < 500, reply
        assert reply.json["hint"]
        return str(reply.json["code"])

    async def race(self, path: str, *bodies: object) -> list[Reply]:
        """One body from each till at the same instant: the first from the cashier's, the second from the manager's."""
        tills = zip(bodies, ROLES, strict=True)
        return await asyncio.gather(*(self.send("POST", path, body, role=role) for body, role in tills))

    async def put_product(self, sku: str, price_minor: int, tax_class: str = "standard", **more: object) -> Body:
        """A new article."""
        fields = {"name": f"Article {sku}", "department": "OTHER", "tax_class": tax_class, "price_minor": price_minor}
        return await self.ask("PUT", f"/v1/products/{sku}", {**fields, **more}, role=MANAGER)

    async def change_price(self, sku: str, price_minor: int) -> None:
        """Another price from now on."""
        found = await self.send("GET", f"/v1/products/{sku}", role=MANAGER)
        names = ("name", "department", "tax_class", "unit", "gtins", "item_code", "active")
        body = {**{name: found.json[name] for name in names}, "price_minor": price_minor}
        tag = {"If-Match": found.headers["ETag"]}
        await self.ask("PUT", f"/v1/products/{sku}", body, role=MANAGER, **tag)

    async def quote(self, basket: Mapping[str, int], **more: object) -> Body:
        """What a basket of {sku: pieces} costs."""
        return await self.ask("POST", "/v1/quotes", {"lines": lines_of(basket), **more})

    async def sell(
        self,
        basket: Mapping[str, int],
        tenders: Mapping[str, int] | None = None,
        *,
        role: str = "cashier",
        **more: object,
    ) -> Body:
        """Sell {sku: pieces} for {kind: amount}; in cash with plenty of change if nothing is said."""
        return await self.ask("POST", "/v1/sales", sale_of(basket, tenders, **more), role=role)

    async def take_back(self, sold: Body, pieces: Mapping[int, int], kind: str = "cash", **more: object) -> Body:
        """Take {line: pieces} back and refund what is quoted, all in one kind."""
        lines = [{"line": line, "quantity_milli": count * PIECE} for line, count in pieces.items()]
        quote = await self.ask("POST", "/v1/return-quotes", {"sale": sold["id"], "lines": lines})
        refunds = [{"kind": kind, "amount_minor": quote["refund_minor"]}] if quote["refund_minor"] else []
        body = {"id": str(new_id()), "sale": sold["id"], "lines": lines, "refunds": refunds, "reason": "no", **more}
        return await self.ask("POST", "/v1/returns", body)

    async def enrol(self, phone: str | None = None, name: str = "Anna") -> str:
        """A new member's id."""
        return str((await self.enrol_answer(phone, name))["id"])

    async def enrol_answer(self, phone: str | None = None, name: str = "Anna") -> Body:
        """A new member, as answered."""
        body: Body = {"id": str(new_id()), "name": name, "phone": phone, "locale": "en", "consents": []}
        return await self.ask("POST", "/v1/members", body)

    async def points(self, member: str) -> Body:
        """A member's balance."""
        return await self.ask("GET", f"/v1/members/{member}/points")

    async def active(self, member: str) -> int:
        """The points that may be spent."""
        return int((await self.points(member))["active"])

    async def give_points(self, member: str, points: int) -> None:
        """Points by hand."""
        body = {"id": str(new_id()), "points": points, "reason": "welcome"}
        await self.ask("POST", f"/v1/members/{member}/adjustments", body, role=MANAGER)

    async def hold(self, member: str, points: int, *, role: str = "cashier") -> str:
        """Points set aside, with the manager's word for it; the id of the hold."""
        return str(
            (await self.ask("POST", "/v1/holds", await self.hold_of(member, points, role=role), role=role))["id"]
        )

    async def hold_of(self, member: str, points: int, *, role: str = "cashier") -> Body:
        """The body of a hold, with an approval of its own."""
        asked = {"operator": MANAGER_NAME, "pin": PIN, "for": "redeem"}
        approval = (await self.ask("POST", "/v1/approvals", asked, role=role))["approval"]
        proof = {"kind": "approval", "value": approval}
        return {"id": str(new_id()), "member": member, "points": points, "proof": proof}

    async def stock(self, sku: str) -> int:
        """Pieces that should lie on the shelf."""
        return int((await self.ask("GET", f"/v1/products/{sku}"))["stock_milli"]) // PIECE

    async def paper(self, job: str) -> str:
        """A paper as text."""
        return (await self.send("GET", f"/v1/print-jobs/{job}.txt")).raw.decode()

    async def printed(self, job: str) -> None:
        """Wait until a paper has come out; the first one waits for the helper process to start."""
        for _ in range(1200):
            jobs = (await self.ask("GET", "/v1/print-jobs"))["items"]
            if [each["state"] for each in jobs if each["id"] == job] == ["printed"]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(jobs)

    async def expected(self, role: str = "cashier") -> dict[str, int]:
        """What should lie in the drawer of a till, by kind."""
        report = await self.ask("GET", f"/v1/shifts/{self.shifts[role]}/report", role=MANAGER)
        return {tender["kind"]: tender["expected_minor"] for tender in report["tenders"]}

    async def prove(self) -> None:
        """The journal explains every row, and the rules of every shop hold."""
        await prove(self.running)


def lines_of(basket: Mapping[str, int]) -> list[Body]:
    """{sku: pieces} as lines."""
    return [{"sku": sku, "quantity_milli": count * PIECE} for sku, count in basket.items()]


def points_tender(hold: str, amount_minor: int) -> Body:
    """A tender in points that are on hold."""
    return {"kind": "points", "amount_minor": amount_minor, "hold": hold}


def sale_of(basket: Mapping[str, int], tenders: Mapping[str, int] | None = None, **more: object) -> Body:
    """The body of a sale."""
    paid = {"cash": 10_000_000} if tenders is None else tenders
    named = [{"kind": kind, "amount_minor": amount} for kind, amount in paid.items()]
    return {"id": str(new_id()), "lines": lines_of(basket), "tenders": named, **more}


@contextlib.asynccontextmanager
async def open_counter(folder: Path, **sections: Mapping[str, object]) -> AsyncIterator[Counter]:
    """A running store with both shifts open; what happened is proved at the end."""
    async with running_store(make_config(folder, **sections)) as running:
        counter = Counter(running)
        await counter.open_shifts()
        yield counter
        await counter.prove()
