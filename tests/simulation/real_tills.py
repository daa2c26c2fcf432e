"""Customers at the tills of simulated shops: they buy, collect and spend points, carry coupons, gift cards and goods
from one shop to another, and ask again under the same id until they are answered.
"""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.identity.approvals import grant_approval
from sync.http.auth import hash_token
from tests.kiosk.shopkit import device_of
from tests.simulation.in_process_http import Reply, code_of

if TYPE_CHECKING:
    from tests.simulation.real_shop import RealShop
    from tests.simulation.real_universe import RealUniverse

PAUSE_S = 6.0
AGAIN_S = 1.5
MUCH = 1_000_000
OFFER = "CHOC20"
GIFT_CARD, PRICED = "GC", "100"
CARD_MINOR = 500
WAITS = frozenset({"read_only", "storage_unavailable", "too_many_requests"})
KINDS = (
    *("sale",) * 6,
    *("adjust",) * 2,
    "enrol",
    *("issue",) * 2,
    *("coupon",) * 3,
    "sell_card",
    *("pay_with_card",) * 2,
    *("bring_back",) * 3,
    *("spend",) * 3,
)


class Carried(Struct):
    """What customers carry from shop to shop: codes of coupons and gift cards, and receipts by number."""

    coupons: list[str] = []
    cards: list[str] = []
    receipts: list[tuple[str, str]] = []


class Gone(Exception):
    """This shop's machine was taken away."""


class Till:
    """One till of one shop, and whoever comes to it."""

    def __init__(self, universe: "RealUniverse", shop: "RealShop", phones: tuple[str, ...]) -> None:
        self.universe, self.shop, self._phones = universe, shop, phones
        self.random: Random = universe.random

    async def serve(self, customers: int) -> None:
        """So many customers, one after another."""
        for _ in range(customers):
            kind = self.random.choice(KINDS)
            if self.shop.up and self.universe.luck("power cut"):
                self.universe.faults.befall("power cut", self.shop)
            try:
                await getattr(self, kind)()
            except Gone:
                return
            await asyncio.sleep(self.random.random() * 2 * PAUSE_S)

    # -- what they want

    async def sale(self) -> None:
        """Some goods."""
        skus = [self.random.choice((PRICED, "101", "105")) for _ in range(self.random.randrange(1, 4))]
        await self.sell(skus, await self._member())

    async def adjust(self) -> None:
        """A present for whoever belongs to this shop."""
        points = 1 + self.random.randrange(60)
        body = {"points": points, "reason": "a small present"}
        await self._book("POST", f"/v1/members/{self.universe.members[self.shop.joined.code]}/adjustments", body)

    async def enrol(self) -> None:
        """Somebody joins."""
        await self._book("POST", "/v1/members", {"locale": "pl", "name": f"Anna {self.random.randrange(100)}"})

    async def issue(self) -> None:
        """A coupon that every shop takes."""
        reply = await self._book("POST", "/v1/coupons", {"offer": OFFER, "scope": "chain"})
        if code_of(reply) == "":
            self.universe.carried.coupons.append(msgspec.json.decode(reply.body)["token"])

    async def coupon(self) -> None:
        """Somebody shows a coupon, used or not."""
        shown = self._pick(self.universe.carried.coupons)
        if shown is not None:
            await self.sell(["101"], None, coupons=[shown])

    async def sell_card(self) -> None:
        """A gift card."""
        code = f"CARD {self.random.randrange(10**12):012}"
        lines = [{"sku": GIFT_CARD, "gift_card": code}]
        reply = await self._book("POST", "/v1/sales", {"lines": lines, "tenders": [_cash()]})
        if code_of(reply) == "":
            self.universe.carried.cards.append(code)

    async def pay_with_card(self) -> None:
        """Somebody pays with a gift card, as long as anything is on it and longer."""
        code = self._pick(self.universe.carried.cards)
        if code is not None:
            paid = {"kind": "gift_card", "amount_minor": 100 + self.random.randrange(100), "code": code}
            await self.sell(["101"], None, tenders=[paid, _cash()])

    async def bring_back(self) -> None:
        """Goods come back, here or elsewhere, once or twice."""
        picked = self._pick(self.universe.carried.receipts)
        if picked is None:
            return
        number, store = picked
        lines = [{"line": 1, "quantity_milli": 1000}]
        quote = await self._ask("POST", "/v1/return-quotes", {"sale": number, "lines": lines})
        if code_of(quote):
            self._refused("return", quote)
            return
        refund = msgspec.json.decode(quote.body)["refund_minor"]
        refunds = [{"kind": "cash", "amount_minor": refund}] if refund else []
        body = {"sale": number, "lines": lines, "refunds": refunds, "reason": "did not fit"}
        reply = await self._book("POST", "/v1/returns", body)
        if code_of(reply):
            self._refused("return", reply)
        elif store != self.shop.joined.code:
            self.universe.counts["returned elsewhere"] += 1

    async def spend(self) -> None:
        """Somebody pays with points; a manager vouches for her."""
        member = await self._member(always=True)
        if member is None or not self.shop.up:
            return
        hold, points = self.universe.new_id(), 1 + self.random.randrange(40)
        expires_at = self.universe.now_ms() + 600_000
        reply = None
        while reply is None:
            await self.approve(hold.hex, expires_at)
            asked = {"id": hold, "member": member, "points": points}
            proof = {"kind": "approval", "value": hold.hex}
            reply = await self._try("POST", "/v1/holds", {**asked, "proof": proof}, hold)
        if code_of(reply):
            self._refused("points", reply)
            return
        self.universe.counts["points held"] += 1
        if self.random.random() < 0.8:
            paid = {"kind": "points", "amount_minor": points, "hold": hold}
            await self.sell(["101"], UUID(str(member)), tenders=[paid, _cash()])

    # -- how they get it

    async def sell(self, skus: list[str], member: UUID | None, **more: Any) -> None:  # noqa: ANN401  any field
        """These goods, for cash unless `more` says otherwise."""
        lines = [{"sku": sku} for sku in skus]
        body = {"lines": lines, "member": member, "tenders": [_cash()], **more}
        reply = await self._book("POST", "/v1/sales", body)
        if code_of(reply):
            self._refused("sale", reply)
            return
        sold = msgspec.json.decode(reply.body)
        self.universe.carried.receipts.append((sold["number"], self.shop.joined.code))
        used = (sold.get("coupons") or {}).get("used") or []
        if used:
            self.universe.counts["coupon used"] += 1
        kinds = [tender["kind"] for tender in sold["tenders"]]
        for kind in ("points", "gift_card"):
            if kind in kinds:
                self.universe.counts[f"paid with {kind}"] += 1

    async def _member(self, *, always: bool = False) -> UUID | None:
        """Somebody shows her phone's number; half of them none."""
        if not always and self.random.random() < 0.5:
            return None
        phone = self.random.choice(self._phones)
        reply = await self._ask("POST", "/v1/members/resolve", {"phone": phone})
        return UUID(msgspec.json.decode(reply.body)["member"]["id"]) if code_of(reply) == "" else None

    def _pick(self, things: list[Any]) -> Any:  # noqa: ANN401  a code or a receipt
        return self.random.choice(things[-6:]) if things else None

    async def approve(self, token: str, expires_at: int) -> None:
        """A manager vouches for somebody."""
        if self.shop.up:
            device = device_of("T01")
            await self.shop.approve(lambda tx: _grant(tx, token, device, expires_at))

    async def _book(self, method: str, target: str, body: dict[str, Any]) -> Reply:
        """Ask under one id until there is an answer."""
        op = self.universe.new_id()
        while True:
            reply = await self._try(method, target, {"id": op, **body}, op)
            if reply is not None:
                return reply

    async def _ask(self, method: str, target: str, body: dict[str, Any]) -> Reply:
        """Ask something that books nothing."""
        while True:
            reply = await self._try(method, target, body, None)
            if reply is not None:
                return reply

    async def _try(self, method: str, target: str, body: dict[str, Any], op: UUID | None) -> Reply | None:
        """Ask once; nothing where it has to be asked again."""
        shop, universe = self.shop, self.universe
        if shop.scrapped:
            raise Gone
        reply = await shop.call(method, target, body)
        code = code_of(reply) if reply is not None else ""
        if reply is None or code in WAITS:
            if code:
                universe.counts[f"till heard {code}"] += 1
            await asyncio.sleep(AGAIN_S * (0.5 + self.random.random()))
            return None
        assert reply.status != 500, f"{shop.name}: {target} failed: {universe.trace[-1:]}"
        if op is not None and not code:
            shop.told[op] = True
            universe.owed[(shop.joined.id, op.bytes)] = True
            place = msgspec.json.decode(reply.body).get("journal")
            if place:
                shop.remember(place)
        return reply

    def _refused(self, what: str, reply: Reply) -> None:
        self.universe.counts[f"{what} refused: {code_of(reply)}"] += 1


def _grant(tx: Any, token: str, device: UUID, expires_at: int) -> None:  # noqa: ANN401  a Tx
    if tx.execute("SELECT 1 FROM approval WHERE hash = ?", (hash_token(token),)).fetchone() is None:
        grant_approval(tx, token, "mia", "redeem", device, expires_at)


def _cash() -> dict[str, object]:
    return {"kind": "cash", "amount_minor": MUCH}
