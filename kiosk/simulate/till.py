"""pure: the tills and kiosks of a simulated shop: what their customers want, asked until it is answered, always under
the same id; and the newest entry each of them has seen, which it tells with every call.

What only one shop may do with a thing is asked of head office first, for two seconds at most (vouchers)."""

from collections.abc import Callable

from kiosk.simulate.books import DiskFull
from kiosk.simulate.chance import spread
from kiosk.simulate.decisions import decide
from kiosk.simulate.entries import Deed
from kiosk.simulate.hub_vouchers import SaleSeen
from kiosk.simulate.invariants import check_floor, check_leases
from kiosk.simulate.invariants_kept import check_card, check_coupons, check_goods
from kiosk.simulate.invariants_told import check_price
from kiosk.simulate.lending import CannotTell
from kiosk.simulate.shop import Shop
from kiosk.simulate.truth import Receipt
from kiosk.simulate.vouchers import Refused, command_for
from kiosk.simulate.wishes import Customers, Wish
from kiosk.simulate.world import World
from loyalty.errors import Problem
from loyalty.exposure import LeaseNeeded
from sync.chain import Head
from sync.protocol.commands import Reserving

_AGAIN_MS = 4_000
_TRIES = 6
_WALKS_AWAY = 3
_PATIENCE_MS = 2_000
_IN_USE_MS = 30_000
_KIOSK_PAUSES = 2
_ASKS = frozenset({"coupon", "card_paid", "goods_back"})
_UNASKED = object()


class Till:
    """One till; `at_kiosk`: a kiosk, whose customers walk away when it takes too long."""

    def __init__(self, world: World, shop: Shop, customers: Customers, *, at_kiosk: bool = False) -> None:
        self.world, self.shop, self.customers, self.at_kiosk = world, shop, customers, at_kiosk
        self.seen: Head | None = None
        self._wish: Wish | None = None
        self._tries = 0
        self._answer: object = _UNASKED
        self._question = 0  # the one that is out; 0: none
        self._asked = 0

    def open(self) -> None:
        """Customers come."""
        self._plan(self._pause_ms())

    def want(self, wish: Wish) -> None:
        """The next customer wants this."""
        self._wish, self._tries = wish, 0
        self._turn()

    def hear_late(self, wish: Wish, answer: object) -> None:
        """The answer comes to a question that was asked long ago."""
        self._wish, self._answer = wish, answer
        self._turn()

    def _pause_ms(self) -> int:
        return spread(self.world.chance, self.world.mix.pause_ms * (_KIOSK_PAUSES if self.at_kiosk else 1))

    def _plan(self, delay_ms: int) -> None:
        self.world.scheduler.after(delay_ms, f"{self.shop.disk} till", self._turn)

    def _turn(self) -> None:
        if self.shop.scrapped:
            return
        if self._wish is None:
            if not self.world.trouble:
                return
            self._wish, self._tries = self.customers.draw(at_kiosk=self.at_kiosk), 0
        is_done = self.ask(self._wish)
        if self._question:
            return  # it goes on with the answer
        if is_done or (self.at_kiosk and self._tries >= _WALKS_AWAY):
            self._wish = None
            self._plan(self._pause_ms())
        else:
            self._plan(_AGAIN_MS)

    def ask(self, wish: Wish) -> bool:
        """Ask the service. False: no answer, or not yet; the same again later. Nothing, a cut before or behind the
        commit included, makes the till ask under another id."""
        shop = self.shop
        if shop.agent is None:
            self._answer = _UNASKED
            return False
        try:
            if self.seen is not None:
                shop.look_for_signs((self.seen,))
            if wish.op_id not in shop.books.places:
                if self._asks_first(wish):
                    return False
                is_done = self._decide_and_book(wish)
                self._answer = _UNASKED
                if is_done is not None:
                    return is_done
        except DiskFull:
            self._answer = _UNASKED
            return False
        shop.told[wish.op_id] = True
        self.seen = shop.books.life.head
        shop.wake()
        return True

    def _decide_and_book(self, wish: Wish) -> bool | None:
        """What the customer hears; None: it is booked. Raises DiskFull."""
        shop, world = self.shop, self.world
        price = shop.reach()
        try:
            deed = decide(shop, wish, self._answer, self.customers.coupons, price)
        except LeaseNeeded:
            if world.mix.leases and shop.agent is not None:
                shop.agent.ask_lease(wish.member, 2 * wish.number)
            self._tries += 1
            return self._tries >= _TRIES
        except (Problem, CannotTell, Refused):
            return True
        if world.luck(world.mix.power_cut):
            cut_short = world.machines.flaws.answers_before_it_is_on_disk
            if cut_short:
                shop.told[wish.op_id] = True
            world.note(shop.disk, "loses power before the commit")
            shop.lose_power()
            return cut_short
        self._book(wish, deed)
        if world.luck(world.mix.power_cut):
            world.note(shop.disk, "loses power before the answer")
            shop.lose_power()
            return False
        return None

    def _book(self, wish: Wish, deed: Deed) -> None:
        shop, world = self.shop, self.world
        entry = shop.write(wish.kind, deed, wish.op_id)
        world.note(shop.disk, f"{wish.kind} {wish.number} is {shop.books.life.epoch >> 48:04x}/{entry.seq}")
        if deed.backing is not None:
            check_leases(world)
        if deed.backing is not None and deed.backing.floor_minor:
            check_floor(world, shop, wish.member)
        if deed.coupon is not None and deed.coupon.risk_minor:
            check_floor(world, shop, None)
        if deed.coupon is not None:
            check_coupons(world, deed.coupon.coupon, self.customers.coupons)
        if deed.card is not None:
            check_card(world, deed.card.card)
        if deed.back is not None:
            check_goods(world, shop, deed.back.sale)
        if deed.sold_minor:
            check_price(world, shop, deed.price)

    # What head office is asked before.

    def _asks_first(self, wish: Wish) -> bool:
        """Whether a question to head office is out; False where there is none to ask, or it was answered."""
        if wish.kind not in _ASKS or self._answer is not _UNASKED:
            return False
        if self._question:
            return True
        shop = self.shop
        assert shop.agent is not None, "the service runs"
        if not shop.agent.push.is_online or shop.agent.push.session is None:
            return False
        if not isinstance(wish.about, Receipt):
            return self._reserve(wish, None)
        sale = wish.about.op
        if sale in shop.books.sales or wish.about.shop == shop.shop:
            return False
        self._send(
            "sale", lambda session: shop.hub.find_sale(shop.shop, session, sale), lambda a: self._hear_of_sale(wish, a)
        )
        return True

    def _hear_of_sale(self, wish: Wish, answer: object) -> None:
        """Another shop's sale: its goods are kept for this return, or nothing comes back."""
        known = answer if isinstance(answer, SaleSeen) and not answer.by_card else None
        if known is None or self.shop.agent is None or not self._reserve(wish, known):
            self._hear(wish, None)

    def _reserve(self, wish: Wish, sale: SaleSeen | None) -> bool:
        shop = self.shop
        try:
            command = command_for(shop.books, shop.shop, wish, self.customers.coupons, sale)
        except Refused:
            return False
        if command is None:
            return False
        asked: Reserving = command
        shop.in_use[asked.id] = self.world.now_ms + _IN_USE_MS
        self._send("keep", lambda session: shop.hub.reserve(shop.shop, session, asked), lambda a: self._hear(wish, a))
        return True

    def _hear(self, wish: Wish, answer: object) -> None:
        if self._wish is wish:
            self._answer = answer
            self._turn()

    def _send(self, what: str, ask: Callable[[str], object], then: Callable[[object], None]) -> None:
        """Ask head office; `then` hears the answer, or None after a while."""
        self._asked += 1
        number = self._question = self._asked

        def hear(answer: object) -> None:
            if self._question == number:
                self._question = 0
                then(answer)

        self.world.scheduler.after(_PATIENCE_MS, f"{self.shop.disk} waits no longer", lambda: hear(None))
        agent = self.shop.agent
        assert agent is not None, "the service runs"
        timeline = agent.push.timeline
        # What head office kept before it was put back may be kept for somebody else by now.
        agent.ask(what, ask, lambda answer: hear(answer if agent.push.timeline == timeline else None))
