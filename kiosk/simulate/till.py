"""pure: the tills of a simulated shop: what they want, asked until it is answered, always under the same id; and the
newest entry each of them has seen, which it tells with every call."""

from typing import NamedTuple
from uuid import UUID

from kiosk.simulate.chance import spread
from kiosk.simulate.entries import Deed, deed_of
from kiosk.simulate.invariants import check_coupons, check_floor, check_leases
from kiosk.simulate.lending import CannotTell, decide_redemption
from kiosk.simulate.shop import Shop
from kiosk.simulate.world import World
from loyalty.errors import Problem
from loyalty.exposure import LeaseNeeded
from loyalty.points.decide import Stamp
from loyalty.points.facts import Posting, PostingId
from sync.chain import Head

_AGAIN_MS = 4_000
_TRIES = 6
_POINTS_MAX = 30
_MINUTE_MS = 60_000


class Wish(NamedTuple):
    """What a customer wants. `number` is a coupon, or points."""

    op_id: UUID
    kind: str
    member: bytes
    number: int


class Refused(Exception):
    """The shop says no, and nothing is written."""


class Till:
    """One till, or a kiosk."""

    def __init__(self, world: World, shop: Shop, members: list[bytes], coupons: dict[int, tuple[str, ...]]) -> None:
        self.world, self.shop, self.members, self.coupons = world, shop, members, coupons
        self.seen: Head | None = None
        self._wish: Wish | None = None
        self._tries = 0

    def open(self) -> None:
        """Customers come."""
        self._plan(spread(self.world.chance, self.world.mix.pause_ms))

    def _plan(self, delay_ms: int) -> None:
        self.world.scheduler.after(delay_ms, f"{self.shop.disk} till", self._turn)

    def _turn(self) -> None:
        if self.shop.scrapped:
            return
        if self._wish is None:
            if not self.world.trouble:
                return
            self._wish, self._tries = self._draw_wish(), 0
        if self.ask(self._wish):
            self._wish = None
            self._plan(spread(self.world.chance, self.world.mix.pause_ms))
        else:
            self._plan(_AGAIN_MS)

    def _draw_wish(self) -> Wish:
        chance, mix = self.world.chance, self.world.mix
        luck = chance.random()
        kind = "sale"
        if luck < 0.35:
            kind = "redeem"
        elif luck < 0.45 and self.coupons:
            kind = "coupon"
        elif luck < 0.55 and mix.returns:
            kind = "return"
        elif luck < 0.65:
            kind = "member"
        number = 1 + chance.randrange(0, _POINTS_MAX)
        if kind == "coupon":
            number = chance.choice(list(self.coupons))
        return Wish(self.world.new_id(), kind, chance.choice(self.members), number)

    def ask(self, wish: Wish) -> bool:
        """Ask the service. False: no answer, or not yet; the same again later. Nothing, a cut before or behind the
        commit included, makes the till ask under another id."""
        shop, world = self.shop, self.world
        if shop.agent is None:
            return False
        if self.seen is not None:
            shop.look_for_signs((self.seen,))
        if wish.op_id not in shop.books.places:
            try:
                deed = self._decide(wish)
            except LeaseNeeded:
                if world.mix.leases:
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
        shop.told[wish.op_id] = True
        self.seen = shop.books.life.head
        shop.wake()
        return True

    def _book(self, wish: Wish, deed: Deed) -> None:
        shop, world = self.shop, self.world
        entry = shop.write(wish.kind, deed, wish.op_id)
        world.note(shop.disk, f"{wish.kind} {wish.number} is {shop.books.life.epoch >> 48:04x}/{entry.seq}")
        if deed.backing is not None and deed.backing.floor_minor:
            check_floor(world, shop, wish.member)
        if deed.backing is not None:
            check_leases(world)
        if deed.coupon is not None:
            check_coupons(world, self.coupons)

    def _decide(self, wish: Wish) -> Deed:
        """The entry that the wish comes to. Raises Problem, CannotTell or Refused."""
        shop = self.shop
        stamp = Stamp(wish.member, wish.op_id.bytes, 0, shop.wall_ms)
        match wish.kind:
            case "redeem":
                assert shop.agent is not None
                return decide_redemption(
                    shop.books,
                    stamp,
                    wish.number,
                    online=shop.agent.push.is_online,
                    uptime=shop.uptime,
                    policy=self.world.mix.policy,
                )
            case "coupon":
                if wish.number in shop.books.used_coupons or shop.shop not in self.coupons[wish.number]:
                    raise Refused
                return Deed(coupon=wish.number)
            case "return":
                return self._take_back(wish)
            case "sale":
                return deed_of([self._earn(wish)])
            case _:
                return Deed()

    def _earn(self, wish: Wish) -> Posting:
        wall_ms, expires = self.shop.wall_ms, None
        if self.world.mix.expiry and wish.number % 3 == 0:
            expires = wall_ms + wish.number * _MINUTE_MS
        return Posting(
            member=wish.member,
            op_id=wish.op_id.bytes,
            kind="earn",
            points=wish.number,
            effective_at=wall_ms,
            expires_at=expires,
        )

    def _take_back(self, wish: Wish) -> Deed:
        """The goods of an earlier sale of this shop come back, the newest that nothing came back of."""
        returned = {
            posted.reference.op
            for _, entry in self.shop.books.entries()
            for posted in entry.deed.postings
            if posted.reference is not None
        }
        for entry in reversed(self.shop.books.life.entries):
            for posted in entry.deed.postings:
                if posted.kind == "earn" and posted.member.bytes == wish.member and entry.op_id not in returned:
                    reference = PostingId(entry.op_id.bytes, 0, wish.member)
                    back = Posting(
                        member=wish.member,
                        op_id=wish.op_id.bytes,
                        kind="reverse_earn",
                        points=-posted.points,
                        effective_at=self.shop.wall_ms,
                        reference=reference,
                    )
                    return deed_of([back])
        raise Refused
