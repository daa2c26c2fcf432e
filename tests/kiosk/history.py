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

import msgspec
from msgspec import Struct

from kiosk.catalogue.catalogue_service import count_shelves
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
from kiosk.identity.approvals import grant_approval
from kiosk.identity.people import SaveOperator
from kiosk.identity.people_service import save_operator
from kiosk.identity.proofs import CheckedProof
from kiosk.members.member_service import (
    CHANGE_RANDOM_BYTES,
    ENROL_RANDOM_BYTES,
    change_member,
    enrol_member,
    erase_member,
    record_consents,
)
from kiosk.members.member_views import show_member
from kiosk.members.members import (
    ChangeMember,
    ConsentRequest,
    EnrolMember,
    EraseMember,
    RecordConsents,
    tag_of,
)
from kiosk.offers.offer_service import end_offer, put_offer
from kiosk.offers.offer_store import read_offer
from kiosk.points.feed_lending import save_lease
from kiosk.points.lease_service import end_leases
from kiosk.points.link import note_line
from kiosk.points.points import AdjustPoints, HoldPoints
from kiosk.points.points_service import adjust_points, hold_points, release_hold
from kiosk.sales.basket_service import claim_basket, park_basket
from kiosk.sales.reservations import give_back
from kiosk.sales.return_service import quote_return, take_back
from kiosk.sales.sale_service import complete_sale, void_sale
from kiosk.shifts.shift_service import close_shift, move_cash, open_drawer, open_shift
from kiosk.shop import Caller, Shop, origin_of
from loyalty.ids import uuid7
from loyalty.leases import Lease
from loyalty.offers.offer import Conditions, Goods, Limits, PercentOff
from loyalty.offers.request import OfferRequest
from loyalty.points.account import Balance
from loyalty.points_store import open_account, read_balance
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts import KINDS
from sync.facts.lives import EntriesRecovered, EpochCut, SetAside
from sync.facts.points import PointsAdjusted, PointsPosted
from sync.http.etag import strong_etag
from sync.journal import read_head
from sync.protocol.commands import ReservationValue
from tests.kiosk.bundle_history import office_contents, tell_bundles
from tests.kiosk.earning_history import tell_earning
from tests.kiosk.member_history import merge, part, tell_records
from tests.kiosk.shopkit import CATALOGUE, NOW_MS, add_products, caller, new_id, open_shop, perform, pin_hash
from tests.kiosk.voucher_history import tell_vouchers

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

    def adjust(self, member: UUID, points: int, reason: str = "sorry") -> None:
        """Give or take points by hand."""
        self.do_as(self.manager(), adjust_points, member, AdjustPoints(id=self.id(), points=points, reason=reason))

    def hold(self, member: UUID, points: int, reward: str | None = None) -> UUID:
        """Set points aside; a manager vouches for the member."""
        command = HoldPoints(id=self.id(), member=member, points=points, reward=reward)
        token, who = command.id.hex, self.manager()
        self.do_as(
            who, lambda tx, _, caller: grant_approval(tx, token, "mia", "redeem", caller.device, caller.now_ms + 60_000)
        )
        self.do_as(who, hold_points, command, CheckedProof("approval", member, token))
        return command.id

    def hold_on_the_floor(self, member: UUID, points: int) -> UUID:
        """Set points of a member aside while a head office cannot be reached; afterwards there is none again."""
        note_line(self.connection, online=False, now_ms=self.now_ms)
        hold = self.hold(member, points)
        self.connection.execute("DELETE FROM head_office_line")
        return hold

    def end_lease(self, member: UUID, points: int) -> None:
        """A lease of an earlier life goes back to head office."""
        lease = Lease(id=self.id().bytes, member=member.bytes, points=points, boot="earlier", ends_at_ms=0)
        save_lease(self.connection, self.shop.journal.epoch, lease)
        self.do(lambda tx, shop, who: end_leases(tx, shop, who.now_ms, who.uptime))

    def give_back_reservation(self) -> None:
        """Head office kept something for a sale that was never booked: it goes back."""
        value = ReservationValue(kind="coupon_use", op=self.id(), granted_at=0)
        self.connection.execute(
            "INSERT INTO feed_row (bucket, entity, key, seq, generation, value)"
            " VALUES ('x', 'reservation', ?, 1, 0, ?)",
            (str(self.id()), msgspec.json.encode(value)),
        )
        self.do(lambda tx, shop, who: give_back(tx, shop, who.now_ms, ()))
        self.connection.execute("DELETE FROM feed_row WHERE bucket = 'x'")

    def release(self, hold: UUID) -> None:
        """Let points go."""
        self.do(release_hold, hold)

    def pay_with_points(self, member: UUID, points: int, *lines: LineRequest) -> UUID:
        """Sell, `points` of it paid with points, which are worth a minor unit each; the rest in cash."""
        hold = self.hold(member, points)
        paid = TenderRequest(kind="points", amount_minor=points, hold=hold)
        return self.sell(*lines, member=member, tenders=(paid, TenderRequest(kind="cash", amount_minor=MUCH)))

    def overspend(self, member: UUID, points: int) -> None:
        """A fact from elsewhere that nobody could refuse: points that are not there are gone. An incident."""
        at, fact = self.now_ms, self.id()
        opened = open_account(self.connection, member, fact, self.shop.journal.epoch, at, "open")
        posted = PointsPosted(n=1, member=member, kind="transfer", points=-points, effective_at=opened.at)
        body = PointsAdjusted(
            request="", member=member, points=-points, reason="sent away", postings=(posted,), balance=Balance()
        )
        self.do(lambda tx, shop, who: shop.journal.record(tx, origin_of(who, "2026-11-21"), fact, body))

    def offer(self, offer: str, percent: str, department: str, limits: Limits | None = None) -> None:
        """Make an offer for members, or change it."""
        known = read_offer(self.connection, offer)
        effect = PercentOff(percent=percent, goods=Goods(categories=(department,)))
        wanted = OfferRequest(
            title={"en": "An offer"},
            effect=effect,
            conditions=Conditions(member_required=True),
            limits=limits or Limits(),
        )
        tag = strong_etag(known.revision) if known else None
        self.do_as(self.manager(), put_offer, self.id(), offer, wanted, tag)

    def end_offer(self, offer: str) -> None:
        """End an offer."""
        known = read_offer(self.connection, offer)
        assert known is not None
        self.do_as(self.manager(), end_offer, self.id(), offer, strong_etag(known.revision))

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
    story.adjust(anna, 50)
    tell_records(story, anna, ben)
    story.offer("DAIRY10", "10", "DAIRY", limits=Limits(per_member=9, total=90, budget_minor=90_000))
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
        returns=(ExchangeLine(sale=str(first), line=2, quantity_milli=1000),),
    )
    voided = story.sell(LineRequest(sku="101", quantity_milli=2000), LineRequest(sku="100"), member=anna)
    story.do_as(story.manager(), void_sale, voided, VoidSale(reason="wrong customer"))
    story.take_back(story.sell(LineRequest(sku="100"), member=anna))
    story.offer("DAIRY10", "15", "DAIRY", limits=Limits(per_member=8, total=80))
    story.end_offer("DAIRY10")
    paid = story.pay_with_points(anna, 30, LineRequest(sku="101", quantity_milli=2000))
    story.take_back(paid)
    story.release(story.hold(anna, 10))
    story.hold(anna, 5)
    story.hold_on_the_floor(anna, 3)
    story.release(story.hold_on_the_floor(anna, 2))
    unpaid = ParkBasket(
        id=story.id(), lines=(LineRequest(sku="101"),), member=anna, holds=(story.hold_on_the_floor(anna, 1),)
    )
    story.do(park_basket, unpaid)
    story.overspend(anna, 10_000)
    tell_earning(story, anna, story.enrol("Carl Friend", "602 303 404"))
    tell_vouchers(story, anna)
    parked = story.id()
    story.do(park_basket, ParkBasket(id=parked, lines=(LineRequest(sku="103"),), label="blue coat"))
    story.do(claim_basket, parked)
    story.do(erase_member, ben, EraseMember(reason="asked for it"))
    story.do(close_shift, shift, CloseShift(counted={"cash": 12_345}))
    story.open_shift(0)
    story.end_lease(anna, 5)
    story.give_back_reservation()
    story.do(tell_bundles, [story.id() for _ in range(4)])
    tell_lives(story)
    return story


def tell_lives(story: Story) -> None:
    """What is written when a life was cut and when one came back. Nothing of this very life is missing: it is said to
    have been cut behind its present end, and what came back is an entry that writes no table."""

    def tell(tx: Tx, shop: Shop, who: Caller) -> None:
        origin, epoch = origin_of(who, "2026-11-21"), epoch_text(shop.journal.epoch)
        kept = read_head(tx, shop.journal.epoch)
        cut = EpochCut(
            epoch=epoch, seq=kept.seq, hash=kept.hash.hex(), lost_seq=kept.seq + 9, lost_hash=bytes(32).hex()
        )
        last = shop.journal.record(tx, origin, story.id(), cut)
        back = EntriesRecovered(
            epoch=epoch,
            from_seq=last.seq,
            seq=last.seq,
            hash=last.hash.hex(),
            set_aside=(SetAside(seq=last.seq, code="conflict"),),
        )
        shop.journal.record(tx, origin, story.id(), back)

    story.do(tell)


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
            self.merge,
            self.erase,
            self.spend,
            self.count,
            self.reprice,
            self.offer,
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
            there = read_balance(self.story.connection, member, self.story.now_ms).active
            points = self.random.choice([-min(70, there), 30])
            if points:
                self.story.adjust(member, points, "by hand")

    def merge(self) -> None:
        if len(self.members) > 1:
            merged = merge(self.story, self.members[-1], self.members[0])
            if self.random.random() < 0.5:
                part(self.story, merged)
            else:
                self.members.pop()

    def spend(self) -> None:
        """Somebody pays with points, or only sets them aside."""
        for member in self.members:
            there = read_balance(self.story.connection, member, self.story.now_ms).active
            if there and self.random.random() < 0.5:
                self._need_shift()
                line = LineRequest(sku="102", quantity_milli=1000 * self.random.randint(1, 3))
                self.sales.append(self.story.pay_with_points(member, min(there, 100), line))
            elif there:
                self.story.hold(member, self.random.randint(1, there))

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

    def offer(self) -> None:
        offer = self.random.choice(["A", "B"])
        if self.random.random() < 0.3 and read_offer(self.story.connection, offer) is not None:
            self.story.end_offer(offer)
        else:
            percent, department = str(self.random.randint(1, 50)), self.random.choice(["DAIRY", "PRESS"])
            self.story.offer(offer, percent, department, limits=Limits(total=self.random.randint(1, 9)))

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
        contents = contents_by_kind(connection) | office_contents([new_id(NOW_MS), new_id(NOW_MS)], NOW_MS)
        for (kind, version), content in contents.items():
            path = folder / f"{kind}.v{version}.json"
            if not path.exists():
                path.write_bytes(content)
        connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
