"""edge: a real store with a kiosk: offers, rewards, members with a PIN, and a printer that can be broken.

with KioskShop(folder) as shop:
    anna = shop.new_member("Anna Nowak", points=500)
    shop.printer.turn("paper out")
"""

import asyncio
import itertools
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tests.browser.shop_service import ShopService, new_id
from tests.ports import reserve_port
from tests.printers.fake_printer import FakePrinter

OFFER, PAID_OFFER, APOLOGY, REWARD, REWARD_POINTS = "COFFEE20", "FREEMILK", "SORRY5", "milk", 150
OFFER_TITLE = "20 % off coffee"
REWARD_TITLE = {"en": "A litre of milk", "ko": "우유 1리터", "ja": "牛乳1リットル", "pl": "Litr mleka"}
_CONFIG = """
[kiosk]
printer = "kiosk"
withheld_offers = ["{withheld}"]
[printing]
printers = [
  {{ name = "receipt", kind = "virtual", profile = "epson-80mm" }},
  {{ name = "kiosk", kind = "tcp", profile = "epson-80mm", host = "127.0.0.1", port = {port} }},
]
"""


class Member(msgspec.Struct, frozen=True):
    """A member as she comes: her card, her phone, the PIN in her head."""

    id: str
    card: str
    name: str
    phone: str
    pin: str

    @property
    def traces(self) -> tuple[str, ...]:
        """What must not be left on a screen that she has gone from."""
        return (self.id, self.card, self.name, self.name.split()[-1], self.phone, self.phone[-9:], self.phone[-3:])


class PrinterThread:
    """A printer with a loop of its own: a browser test has none."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._fake = FakePrinter()

    @property
    def port(self) -> int:
        return self._fake.port

    @property
    def jobs(self) -> int:
        """How many papers came out."""
        return sum(bool(data) for data in self._fake.received)

    def turn(self, state: str) -> None:
        """ready, paper out or cover open."""
        self._loop.call_soon_threadsafe(self._fake.turn, state)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._fake.__aenter__(), self._loop).result(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._fake.__aexit__(kind, error, trace), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()


class KioskShop(ShopService):
    """A store on a port of its own, so that it is found again after it was killed."""

    def __init__(self, folder: Path, printer: PrinterThread) -> None:
        self.printer = printer
        self._phones = itertools.count(600_200_117)
        super().__init__(folder, _CONFIG.format(port=printer.port, withheld=APOLOGY), reserve_port())
        self._offer(OFFER, OFFER_TITLE, {"kind": "percent", "percent": "20", "goods": {"products": ["1041455"]}})
        self._offer(PAID_OFFER, "Free milk", {"kind": "gift", "goods": {"products": ["1041453"]}})
        self._offer(APOLOGY, "Sorry", {"kind": "amount", "amount_minor": 500})
        reward = {"title": REWARD_TITLE, "points": REWARD_POINTS, "gives": {"kind": "coupon", "offer": PAID_OFFER}}
        self.call("PUT", f"/v1/rewards/{REWARD}", reward, self.manager)

    def new_kiosk(self) -> str:
        """The token of a kiosk of its own for a test: each may ask only so often about members."""
        code = self.call("POST", "/v1/pairing-codes", {"kind": "kiosk"}, self.manager)["code"]
        paired = {"code": code, "device": {"name": "Kiosk", "kind": "kiosk"}}
        return str(self.call("POST", "/v1/pairings", paired)["token"])

    def new_phone(self) -> str:
        """A phone that nobody has."""
        return str(next(self._phones))

    def new_member(
        self, name: str = "Anna Nowak", *, points: int = 500, pin: str = "4711", locale: str = "en", phone: str = ""
    ) -> Member:
        """Somebody who joined at the till a while ago."""
        number = phone or f"+48{self.new_phone()}"
        wanted = {"id": new_id(), "locale": locale, "name": name, "phone": number}
        joined = self.call("POST", "/v1/members", wanted, self.manager)
        self.call("PUT", f"/v1/members/{joined['id']}/pin", {"pin": pin}, self.manager)
        if points:
            given = {"id": new_id(), "points": points, "reason": "opening balance"}
            self.call("POST", f"/v1/members/{joined['id']}/adjustments", given, self.manager)
        return Member(joined["id"], joined["token"], name, number, pin)

    def points_of(self, member: Member) -> dict[str, Any]:
        """The member's balance."""
        return dict(self.call("GET", f"/v1/members/{member.id}/points", None, self.manager))

    def coupons_of(self, member: Member) -> list[dict[str, Any]]:
        """The member's coupons."""
        return list(self.call("GET", f"/v1/members/{member.id}/coupons", None, self.manager)["items"])

    def consents_of(self, member: str) -> dict[tuple[str, str], bool]:
        """What a member consents to."""
        items = self.call("GET", f"/v1/members/{member}/consents", None, self.manager)["items"]
        return {(each["channel"], each["purpose"]): each["granted"] for each in items}

    def _offer(self, name: str, title: str, effect: dict[str, object]) -> None:
        body = {"title": {"en": title}, "effect": effect, "trigger": "coupon", "conditions": {"member_required": True}}
        self.call("PUT", f"/v1/offers/{name}", body, self.manager)
