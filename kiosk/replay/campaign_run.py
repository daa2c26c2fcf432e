"""edge: `counterfoil campaigns`: real coupons over real baskets, through the services a till uses.

    run = run_campaigns(folder)
    run.used, run.unspent, run.refused_again

A throw-away store lives through the year of the data, moved by whole weeks so that it begins now: coupons count by the
calendar. Each is issued on the first day of its campaign to the household that used it, and brought to the baskets of
the day it was used on. Then it is tried where nobody should take it: once more, by another member, and when its
campaign is over. Sales are service calls at the time of their basket: over HTTP nobody can tell a store what time it
is, and that is as it should be.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.answers import SaleAnswer
from kiosk.bench.server import write_store
from kiosk.catalogue.catalogue_service import import_catalogue
from kiosk.commands import CompleteSale, LineRequest, OpenShift, QuoteBasket, TenderRequest
from kiosk.compose import now_ms
from kiosk.config import load_config
from kiosk.coupons.coupon_service import issue_coupon
from kiosk.coupons.coupons import IssueCoupon
from kiosk.coupons.keyring import load_signer
from kiosk.demo.baskets import Basket
from kiosk.demo.campaigns import SHOP_ZONE, Redemption, Run, make_offer, offer_id_of, shop_day
from kiosk.demo.ids import coupon_id_of, goods_id_of, member_id_of, shift_id_of
from kiosk.life.initialise import create_database
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.offers.offer_service import end_offer, etag_of, put_offer, show_offer
from kiosk.offers.offer_store import read_offer
from kiosk.replay.campaign_plan import CampaignPlan
from kiosk.replay.replay_orders import command_of
from kiosk.sales.sale_service import complete_sale, quote_basket
from kiosk.shifts.shift_service import open_shift
from kiosk.shop import Caller, Shop
from loyalty.ids import derived_uuid
from loyalty.offers.offer import Offer
from loyalty.offers.request import OfferRequest
from loyalty.transactions import Tx

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_FLOAT_MINOR = 20_000
_LONGEST_CAMPAIGN_DAYS = 366
_TILL = "T01"
_DEVICE = UUID("01596a5b-0000-7000-8000-000000000001")


class CampaignRun(Struct, frozen=True, kw_only=True):
    """What `counterfoil campaigns --json` prints.

    Of `redemptions` in the data `without_goods` name a coupon without products and `without_basket` fall on a day
    without a basket of that household in the slice. The others were brought to the till: `used`, or `unspent` by the
    reason (loyalty.offers.outcome). The three last count the codes with which the same coupons were refused later.
    """

    baskets: int
    offers: int
    redemptions: int
    without_goods: int
    without_basket: int
    used: int
    unspent: dict[str, int]
    discount_minor: int
    refused_again: dict[str, int]
    refused_to_others: dict[str, int]
    refused_after: dict[str, int]
    wrong_totals: int
    verify_ok: bool
    verify_entries: int

    @property
    def ok(self) -> bool:
        """Whether every coupon counted exactly once, every total is right and the journal holds."""
        brought = self.used + sum(self.unspent.values()) + self.without_goods + self.without_basket
        return self.verify_ok and not self.wrong_totals and brought == self.redemptions

    def describe(self) -> Iterator[str]:
        """The outcome in lines for a person."""
        yield f"{self.baskets} baskets, {self.offers} coupon offers, {self.redemptions} redemptions in the data:"
        yield f"  {self.without_goods} of coupons that name no goods, {self.without_basket} without a basket that day"
        yield f"  {self.used} used, {self.discount_minor} minor units off in all; not used: {_count(self.unspent)}"
        yield f"  used ones once more: {_count(self.refused_again)}"
        yield f"  for another member: {_count(self.refused_to_others)}"
        yield f"  the day after the campaign: {_count(self.refused_after)}"
        verdict = "holds" if self.verify_ok else "DOES NOT HOLD"
        yield f"{self.wrong_totals} wrong totals; the journal {verdict}: {self.verify_entries} entries"


class _Held(Struct):
    """A coupon in a household's pocket."""

    redemption: Redemption
    token: str
    serial: str
    brought: bool = False
    used: bool = False
    reason: str = ""


def run_campaigns(folder: Path, plan: CampaignPlan, on_basket: Callable[[], None] = lambda: None) -> CampaignRun:
    """Live through `plan` in a new store in `folder`. Raises StoreExists."""
    config = load_config(
        write_store(folder, {"store": f'time_zone = "{SHOP_ZONE}"', "coupons": f"days = {_LONGEST_CAMPAIGN_DAYS}"})
    )
    with create_database(config) as (tx, shop):
        signer = load_signer(config.data_dir(), shop.journal.epoch)
        year = _Year(tx, msgspec.structs.replace(shop, signer=signer), plan)
        year.open_shop()
        for basket in plan.baskets:
            year.live_until(basket.at_ms)
            year.sell(basket)
            on_basket()
        year.end()
    proof = prove(config.data_dir() / DATABASE_NAME, full=True)
    return year.report(verify_ok=proof.ok, verify_entries=proof.entries)


class _Year:
    """The store while the year goes on. `live_until` starts and ends campaigns, `sell` sells a basket."""

    def __init__(self, tx: Tx, shop: Shop, plan: CampaignPlan) -> None:
        self._tx, self._shop, self._plan = tx, shop, plan
        self._later_ms = -(-(now_ms() - plan.baskets[0].at_ms) // _WEEK_MS) * _WEEK_MS
        self._waiting = sorted(plan.runs, key=lambda campaign: plan.runs[campaign].first_day, reverse=True)
        self._running: list[str] = []
        self._pockets: dict[str, list[_Held]] = {}
        self._again: Counter[str] = Counter()
        self._to_others: Counter[str] = Counter()
        self._after: Counter[str] = Counter()
        self._wrong_totals = 0
        self._discount_minor = 0

    def open_shop(self) -> None:
        """Goods, members, and a shift that lasts the year."""
        first = self._plan.baskets[0].at_ms
        caller = self._at(first)
        import_catalogue(self._tx, self._shop, caller, goods_id_of("campaigns"), self._plan.products)
        for household in self._plan.households:
            command = EnrolMember(id=member_id_of(household), locale="en", name=f"Household {household}")
            enrol_member(self._tx, self._shop, caller, command, _random_of(household))
        shift = shift_id_of(_TILL, first)
        open_shift(self._tx, self._shop, caller, OpenShift(id=shift, float_minor=_FLOAT_MINOR))

    def live_until(self, at_ms: int) -> None:
        """Start the campaigns that begin by the day of `at_ms`, and end those that are over."""
        day = shop_day(at_ms)
        while self._waiting and self._plan.runs[self._waiting[-1]].first_day <= day:
            campaign = self._waiting.pop()
            self._start(campaign, self._at(at_ms))
            self._running.append(campaign)
        for campaign in [name for name in self._running if self._plan.runs[name].last_day < day]:
            self._running.remove(campaign)
            self._close(campaign, self._at(at_ms))

    def sell(self, basket: Basket) -> None:
        """Sell a basket with the coupons its household brings on this day."""
        brought = [] if basket.household_id is None else self._find_due(basket)
        command = command_of(basket, self._plan.prices)
        caller = self._at(basket.at_ms)
        if brought:
            self._try_elsewhere(caller, brought)
            command = self._with_coupons(caller, command, [held.token for held in brought])
        sale = complete_sale(self._tx, self._shop, caller, command).answer
        given_minor = sum(each.amount_minor for line in sale.lines for each in line.discounts if each.kind == "offer")
        self._discount_minor += given_minor
        self._wrong_totals += sale.totals.due_minor != basket.total_minor - given_minor
        for held in brought:
            self._note(held, sale)
            if held.used:
                self._again[self._quote(caller, held, held.redemption.household)] += 1

    def end(self) -> None:
        """Let the campaigns that still run end, each on the day after its last."""
        for campaign in list(self._running):
            over = dt.datetime.combine(self._plan.runs[campaign].last_day, dt.time(12), dt.UTC) + dt.timedelta(days=1)
            self._close(campaign, self._at(int(over.timestamp() * 1000)))

    def report(self, *, verify_ok: bool, verify_entries: int) -> CampaignRun:
        """All that came of it."""
        held = [each for pocket in self._pockets.values() for each in pocket]
        brought = [each for each in held if each.brought]
        return CampaignRun(
            baskets=len(self._plan.baskets),
            offers=len({each.redemption.coupon for each in held}),
            redemptions=len(self._plan.redemptions),
            without_goods=sum(each.coupon not in self._plan.coupons for each in self._plan.redemptions),
            without_basket=len(held) - len(brought),
            used=sum(each.used for each in brought),
            unspent=dict(sorted(Counter(each.reason for each in brought if not each.used).items())),
            discount_minor=self._discount_minor,
            refused_again=dict(self._again),
            refused_to_others=dict(self._to_others),
            refused_after=dict(self._after),
            wrong_totals=self._wrong_totals,
            verify_ok=verify_ok,
            verify_entries=verify_entries,
        )

    def _start(self, campaign: str, caller: Caller) -> None:
        """Make the offers of the coupons that will be used, and issue those coupons."""
        issued: Counter[tuple[str, str]] = Counter()
        for redemption in self._plan.redemptions:
            coupon = redemption.coupon
            products = self._plan.coupons.get(coupon)
            if coupon.campaign != campaign or products is None:
                continue
            offer = offer_id_of(coupon)
            if read_offer(self._tx, offer) is None:
                run = self._moved(self._plan.runs[campaign])
                made = make_offer(coupon, products, run, self._plan.amounts_minor[coupon])
                self._put(caller, made)
            issued[redemption.household, coupon.number] += 1
            number = issued[redemption.household, coupon.number]
            command = IssueCoupon(
                id=coupon_id_of(redemption.household, coupon.number, campaign, number),
                offer=offer,
                member=member_id_of(redemption.household),
            )
            answer = issue_coupon(self._tx, self._shop, caller, command).answer
            self._pockets.setdefault(redemption.household, []).append(_Held(redemption, answer.token, answer.serial))

    def _put(self, caller: Caller, offer: Offer) -> None:
        fields = {name: getattr(offer, name) for name in OfferRequest.__struct_fields__}
        op_id = derived_uuid(goods_id_of(offer.id), "offer")
        put_offer(self._tx, self._shop, caller, op_id, offer.id, OfferRequest(**fields), None)

    def _close(self, campaign: str, caller: Caller) -> None:
        """Try what is left of a campaign on the day after it, then end its offers."""
        held = [each for pocket in self._pockets.values() for each in pocket]
        mine = [each for each in held if each.redemption.coupon.campaign == campaign]
        for each in mine:
            if each.brought:
                self._after[self._quote(caller, each, each.redemption.household)] += 1
        for offer in sorted({offer_id_of(each.redemption.coupon) for each in mine}):
            tag = etag_of(show_offer(self._tx, self._shop, caller, offer))
            end_offer(self._tx, self._shop, caller, derived_uuid(goods_id_of(offer), "end"), offer, tag)

    def _find_due(self, basket: Basket) -> list[_Held]:
        """The coupons the household uses on the day of this basket and has not used yet."""
        day = shop_day(basket.at_ms)
        pocket = self._pockets.get(basket.household_id or "", ())
        return [held for held in pocket if held.redemption.day == day and not held.used]

    def _with_coupons(self, caller: Caller, command: CompleteSale, tokens: list[str]) -> CompleteSale:
        """The basket with coupons, paid in cash: what it costs is asked first, and the sale is held to it."""
        asked = QuoteBasket(lines=command.lines, member=command.member, coupons=tuple(tokens))
        due_minor = quote_basket(self._tx, self._shop, caller, asked).totals.due_minor
        tenders = (TenderRequest(kind="cash", amount_minor=due_minor),) if due_minor else ()
        return msgspec.structs.replace(command, coupons=asked.coupons, tenders=tenders, quote_due_minor=due_minor)

    def _note(self, held: _Held, sale: SaleAnswer) -> None:
        """What the sale says of a coupon that was brought."""
        assert sale.coupons is not None, "a sale with coupons answers what became of them"
        held.brought = True
        held.used = held.serial in sale.coupons.used
        held.reason = next((each.code for each in sale.coupons.unspent if each.serial == held.serial), "")

    def _try_elsewhere(self, caller: Caller, brought: list[_Held]) -> None:
        """The same paper in another member's hand, while it is still good."""
        for held in brought:
            if not held.brought:
                other = next(name for name in self._plan.households if name != held.redemption.household)
                self._to_others[self._quote(caller, held, other)] += 1

    def _quote(self, caller: Caller, held: _Held, household: str) -> str:
        """The code with which a basket of the coupon's own goods is priced without it; `taken` if it were not."""
        known = {product.sku for product in self._plan.products}
        goods = [sku for sku in self._plan.coupons[held.redemption.coupon] if sku in known]
        asked = QuoteBasket(
            lines=tuple(LineRequest(sku=sku) for sku in goods[:1]),
            member=member_id_of(household),
            coupons=(held.token,),
        )
        refused = quote_basket(self._tx, self._shop, caller, asked).refused
        return refused[0].code if refused else "taken"

    def _moved(self, run: Run) -> Run:
        later = dt.timedelta(milliseconds=self._later_ms)
        return Run(run.first_day + later, run.last_day + later)

    def _at(self, at_ms: int) -> Caller:
        """The cashier at the till at a moment of the data."""
        return Caller(device=_DEVICE, till=_TILL, role="manager", operator="manager", now_ms=at_ms + self._later_ms)


def _random_of(household: str) -> bytes:
    """What stands in for chance, so that two runs give the same cards."""
    return hashlib.shake_256(household.encode()).digest(ENROL_RANDOM_BYTES)


def _count(codes: dict[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in codes.items()) or "none"
