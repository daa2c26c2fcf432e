"""Small histories of a shop, made by the real services: one of every kind of fact, or whatever a random source picks.

    connection, shop = open_shop(tmp_path)
    tell_everything(connection, shop)                # now every FACT table has rows
    Storyteller(connection, shop, Random(7)).tell(20)

`python -m tests.kiosk.history FOLDER` writes the content bytes of one entry of each kind, as golden files are kept.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from msgspec import Struct

from kiosk.basket_service import claim_basket, park_basket
from kiosk.catalogue_service import count_shelves
from kiosk.commands import (
    CloseShift,
    CompleteSale,
    Discount,
    ExchangeLine,
    LineRequest,
    MoveCash,
    OpenDrawer,
    OpenShift,
    ParkBasket,
    QuoteReturn,
    RefundRequest,
    ReturnLine,
    TakeBack,
    TenderRequest,
    VoidSale,
)
from kiosk.member_service import (
    CHANGE_RANDOM_BYTES,
    ENROL_RANDOM_BYTES,
    adjust_points,
    change_member,
    enrol_member,
    erase_member,
    record_consents,
)
from kiosk.member_views import show_member
from kiosk.members import (
    AdjustPoints,
    ChangeMember,
    ConsentRequest,
    EnrolMember,
    EraseMember,
    RecordConsents,
    tag_of,
)
from kiosk.people import SaveOperator
from kiosk.people_service import save_operator
from kiosk.return_service import quote_return, take_back
from kiosk.sale_service import complete_sale, void_sale
from kiosk.shift_service import close_shift, move_cash, open_drawer, open_shift
from kiosk.shop import Caller, Shop
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.facts import KINDS
from tests.kiosk.shopkit import CATALOGUE, NOW_MS, add_products, caller, open_shop, perform, pin_hash

P = ParamSpec("P")
T = TypeVar("T")
MUCH = 1_000_000


class CountRequest(Struct, frozen=True):
    """What a stock count's fingerprint is taken of here."""

    counts: tuple[tuple[str, int], ...]


class Story:
    """A shop in which time goes on by a second with everything that happens; ids and salts follow from it."""

    def __init__(self, connection: Any, shop: Shop, at_ms: int = NOW_MS) -> None:  # noqa: ANN401  pysqlite3 has no types
        self.connection, self.shop, self.now_ms = connection, shop, at_ms
        self._bytes = Random(at_ms)

    def do(
        self,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a service as the cashier of T01."""
        return self.do_as(caller(at_ms=self.now_ms), service, *args, **kwargs)

    def do_as(
        self,
        who: Caller,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a service as somebody."""
        self.now_ms += 1_000
        return perform(self.connection, service, self.shop, who, *args, **kwargs)

    def manager(self) -> Caller:
        """The manager, at T01 where the shift is."""
        return caller("manager", till="T01", at_ms=self.now_ms)

    def random(self, length: int) -> bytes:
        """Salt and the like."""
        return self._bytes.randbytes(length)

    def id(self) -> UUID:
        """An id that this story has not used."""
        return uuid7(self.now_ms, self.random(10))

    def open_shift(self, float_minor: int = 10_000) -> UUID:
        """Open the shift of T01."""
        command = OpenShift(id=self.id(), float_minor=float_minor)
        self.do(open_shift, command)
        return command.id

    def sell(self, *lines: LineRequest, member: UUID | None = None, **more: Any) -> UUID:  # noqa: ANN401  any field
        """Sell, paid in cash with more than enough."""
        tenders = (TenderRequest(kind="cash", amount_minor=MUCH),)
        command = CompleteSale(**{"id": self.id(), "lines": lines, "member": member, "tenders": tenders, **more})
        self.do_as(self.manager(), complete_sale, command)
        return command.id

    def take_back(self, sale: UUID, line: int = 1, quantity_milli: int = 1000) -> UUID:
        """Take one line back for cash."""
        lines = (ReturnLine(line=line, quantity_milli=quantity_milli),)
        refund = self.do(quote_return, QuoteReturn(sale=str(sale), lines=lines)).refund_minor
        refunds = (RefundRequest("cash", refund),) if refund else ()
        command = TakeBack(id=self.id(), sale=str(sale), lines=lines, refunds=refunds, reason="did not fit")
        self.do(take_back, command)
        return command.id

    def enrol(self, name: str = "Anna Kowalska", phone: str | None = "600 100 200") -> UUID:
        """A new member with one consent."""
        consents = (ConsentRequest("sms", "marketing", granted=True),)
        command = EnrolMember(id=self.id(), locale="pl", name=name, phone=phone, consents=consents)
        self.do(enrol_member, command, self.random(ENROL_RANDOM_BYTES))
        return command.id

    def rename(self, member: UUID, name: str) -> None:
        """Change a member's name."""
        tag = tag_of(self.do(show_member, member))
        self.do(change_member, member, ChangeMember(name=name), tag, self.random(CHANGE_RANDOM_BYTES))

    def count(self, *counts: tuple[str, int]) -> None:
        """Count shelves."""
        self.do(count_shelves, self.id(), CountRequest(counts), counts, "stock-taking")


def tell_everything(connection: Any, shop: Shop, at_ms: int = NOW_MS) -> Story:  # noqa: ANN401  pysqlite3 has no types
    """One of every kind of fact, so that every FACT table has rows. One member stays, another is erased."""
    story = Story(connection, shop, at_ms)
    shift = story.open_shift()
    story.do(move_cash, shift, MoveCash(id=story.id(), kind="pay_in", amount_minor=500, reason="more change"))
    story.do_as(story.manager(), open_drawer, OpenDrawer(id=story.id(), reason="change for a customer"))
    story.count(("100", 24_000), ("104", 8_250))
    anna, ben = story.enrol(), story.enrol("Benedikt Maria Ochs", "601 202 303")
    story.rename(anna, "Anna Nowak")
    withdrawn = (ConsentRequest("sms", "marketing", granted=False),)
    story.do(record_consents, anna, RecordConsents(id=story.id(), consents=withdrawn))
    story.do_as(story.manager(), adjust_points, anna, AdjustPoints(id=story.id(), points=50, reason="sorry"))
    first = story.sell(
        LineRequest(sku="100", quantity_milli=3000, discount=Discount("percent", 10, "short date")),
        LineRequest(sku="101", unit_price_minor=199, reason="shelf says so"),
        LineRequest(sku="104", quantity_milli=350),
        member=anna,
        receipt="paper",
    )
    story.sell(LineRequest(sku="102"), member=ben)
    story.take_back(first)
    story.sell(
        LineRequest(sku="102"),
        LineRequest(sku="103", quantity_milli=4000),
        returns=(ExchangeLine(sale=first, line=2, quantity_milli=1000),),
    )
    voided = story.sell(LineRequest(sku="101", quantity_milli=2000), member=anna)
    story.do_as(story.manager(), void_sale, voided, VoidSale(reason="wrong customer"))
    parked = story.id()
    story.do(park_basket, ParkBasket(id=parked, lines=(LineRequest(sku="103"),), label="blue coat"))
    story.do(claim_basket, parked)
    story.do(erase_member, ben, EraseMember(reason="asked for it"))
    story.do(close_shift, shift, CloseShift(counted={"cash": 12_345}))
    story.open_shift(0)
    return story


class Storyteller:
    """Lets a shop live at random: every step is one of the services, with whatever is there."""

    def __init__(self, connection: Any, shop: Shop, random: Random) -> None:  # noqa: ANN401  pysqlite3 has no types
        self.story = Story(connection, shop)
        self.random = random
        self.shift: UUID | None = None
        self.sales: list[UUID] = []  # of this shift, neither voided nor returned
        self.members: list[UUID] = []
        self.enrolled = 0
        self.parked: list[UUID] = []

    def tell(self, steps: int) -> None:
        """So many things happen, the first sale among them."""
        self.sell()
        happenings = [
            self.sell,
            self.sell,
            self.sell,
            self.give_back,
            self.void,
            self.enrol,
            self.change_members,
            self.erase,
            self.count,
            self.reprice,
            self.move,
            self.park,
            self.end_shift,
            self.hire,
        ]
        for _ in range(steps):
            self.random.choice(happenings)()

    def sell(self) -> None:
        shift = self._need_shift()
        lines = tuple(
            LineRequest(sku=self.random.choice(CATALOGUE).sku, quantity_milli=1000 * self.random.randint(1, 5))
            for _ in range(self.random.randint(1, 4))
        )
        member = self.random.choice([None, *self.members])
        self.sales.append(self.story.sell(*lines, member=member))
        assert shift == self.shift

    def give_back(self) -> None:
        if self.sales:
            self._need_shift()
            self.story.take_back(self.sales.pop(self.random.randrange(len(self.sales))))

    def void(self) -> None:
        if self.sales and self.shift is not None:
            sale = self.sales.pop(self.random.randrange(len(self.sales)))
            self.story.do_as(self.story.manager(), void_sale, sale, VoidSale(reason="changed their mind"))

    def enrol(self) -> None:
        self.enrolled += 1
        self.members.append(self.story.enrol(f"Member Number{self.enrolled}", f"600 100 {self.enrolled:03}"))

    def change_members(self) -> None:
        for member in self.members:
            self.story.rename(member, f"Renamed{self.random.randint(1, 99)} Person")
            adjust = AdjustPoints(id=self.story.id(), points=self.random.choice([-70, 30]), reason="by hand")
            self.story.do_as(self.story.manager(), adjust_points, member, adjust)

    def erase(self) -> None:
        if len(self.members) > 1:
            self.story.do(erase_member, self.members.pop(), EraseMember(reason="wished so"))

    def count(self) -> None:
        self.story.count((self.random.choice(CATALOGUE).sku, self.random.randint(0, 50_000)))

    def reprice(self) -> None:
        old = self.random.choice(CATALOGUE)
        fields = {name: getattr(old, name) for name in old.__struct_fields__}
        new = type(old)(**{**fields, "price_minor": self.random.randint(1, 5_000)})
        at_ms = self.story.now_ms
        self.story.do(lambda tx, shop, _: add_products(tx, shop, new, at_ms=at_ms))

    def move(self) -> None:
        command = MoveCash(id=self.story.id(), kind="pay_in", amount_minor=self.random.randint(1, 900), reason="change")
        self.story.do(move_cash, self._need_shift(), command)
        self.story.do_as(self.story.manager(), open_drawer, OpenDrawer(id=self.story.id(), reason="looked"))

    def park(self) -> None:
        self._need_shift()
        parked = self.story.id()
        self.story.do(park_basket, ParkBasket(id=parked, lines=(LineRequest(sku="101"),)))
        if self.random.random() < 0.5:
            self.story.do(claim_basket, parked)

    def end_shift(self) -> None:
        if self.shift is not None:
            self.story.do(close_shift, self.shift, CloseShift(counted={"cash": self.random.randint(0, 90_000)}))
            self.shift, self.sales = None, []

    def hire(self) -> None:
        name = f"op{self.story.now_ms}"
        command = SaveOperator(name="New Hand", role="cashier", pin="0000")
        self.story.do_as(self.story.manager(), save_operator, name, command, pin_hash(), None, self.story.random(10))

    def _need_shift(self) -> UUID:
        if self.shift is None:
            self.shift = self.story.open_shift()
        return self.shift


def contents_by_kind(connection: Any) -> dict[tuple[str, int], bytes]:  # noqa: ANN401  pysqlite3 has no types
    """The exact bytes of the longest entry of each kind."""
    rows = connection.execute("SELECT kind, content FROM journal ORDER BY length(content)").fetchall()
    return {next(key for key in KINDS if key[0] == kind): content for kind, content in rows}


def main(folder: Path) -> None:
    """Write one golden file for each kind that has none yet. A file that is there is what a release wrote: it stays."""
    with tempfile.TemporaryDirectory() as place:
        connection, shop = open_shop(Path(place))
        tell_everything(connection, shop)
        for (kind, version), content in contents_by_kind(connection).items():
            path = folder / f"{kind}.v{version}.json"
            if not path.exists():
                path.write_bytes(content)
        connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
