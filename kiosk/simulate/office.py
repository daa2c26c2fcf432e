"""pure: what people decide at a simulated head office, in their browsers: prices, as bundles that begin at one instant
everywhere, and whom to write to. A bundle that is taken back in time never begins.

Versions come from the real rule (sync.bundle_values.next_version), the parts and their head have the real form.
"""

from typing import NamedTuple
from uuid import UUID

import msgspec

from kiosk.simulate.bundles import SKU
from kiosk.simulate.chance import spread
from kiosk.simulate.feed import CONSENT, GLOBAL, ConsentTold, encode
from kiosk.simulate.head_office import HeadOffice
from kiosk.simulate.invariants_told import check_mail
from kiosk.simulate.world import World
from sync.bundle_values import HEAD, PART_PREFIX, PRODUCT, head_of, part_key
from sync.facts.bundles import BundleChange
from sync.protocol.feed import checksum_of, checksum_text

LEAD_MS = 25_000
_PLAN_MS, _MAIL_MS = 90_000, 60_000
_KEPT_MS = 200_000
"""Things that are gone are told so long."""
_consent = msgspec.json.Decoder(ConsentTold)


class Planned(NamedTuple):
    """A bundle as head office planned it."""

    version: int
    price: int
    active_at: int
    planned_at: int


class Office:
    """The people at head office."""

    def __init__(self, world: World, hub: HeadOffice) -> None:
        self.world, self.hub = world, hub
        self._next_price = 1
        self.latest_ms = 0
        """The last instant that was ever planned, forgotten or not: a shop with a wrong clock may have begun it."""
        if world.mix.bundles:
            world.scheduler.after(spread(world.chance, _PLAN_MS), "office plans", self._plan_again)
        if world.mix.consents:
            world.scheduler.after(spread(world.chance, _MAIL_MS), "office writes", self._write_again)

    def _plan_again(self) -> None:
        if not self.world.trouble:
            return
        if self.hub.up and self.world.luck(0.15):
            self.withdraw()
        elif self.hub.up:
            self.plan(LEAD_MS + self.world.chance.randrange(0, 2 * LEAD_MS))
        self.hub.books.feed.collect(self.hub.wall_ms - _KEPT_MS)
        self.world.scheduler.after(spread(self.world.chance, _PLAN_MS), "office plans", self._plan_again)

    def plan(self, lead_ms: int) -> Planned:
        """Plan another price, which counts from an instant on."""
        world, books, now_ms = self.world, self.hub.books, self.hub.wall_ms
        version = world.machines.next_version(max(books.bundles, default=0), books.timeline)
        planned = Planned(version, self._next_price, now_ms + lead_ms, now_ms)
        self.latest_ms = max(self.latest_ms, planned.active_at)
        self._next_price += 1
        books.bundles[version] = planned
        world.truth.planned[planned.price] = planned.active_at, planned.planned_at
        world.truth.versions[planned.price] = version
        change = BundleChange(sort=PRODUCT, name=SKU, definition=msgspec.Raw(encode(planned.price)))
        entity, key, value = f"{PART_PREFIX}{version}", part_key(PRODUCT, SKU), encode(change)
        checksum = checksum_text(checksum_of([(entity, key, value.decode())]))
        books.feed.put(GLOBAL, entity, key, value, now_ms)
        books.feed.put(GLOBAL, HEAD, str(version), encode(head_of(version, planned.active_at, 1, checksum)), now_ms)
        world.note("office", f"plans price {planned.price} as bundle {version}, in {lead_ms / 1000:.0f} s")
        return planned

    def withdraw(self) -> None:
        """Take the newest bundle back, if the stores can still hear of it."""
        books, now_ms = self.hub.books, self.hub.wall_ms
        newest = max(books.bundles.values(), default=None)
        if newest is None or now_ms + LEAD_MS > newest.active_at or newest.price not in self.world.truth.planned:
            return
        del self.world.truth.planned[newest.price]
        self.world.truth.withdrawn[newest.price] = True
        books.feed.put(GLOBAL, f"{PART_PREFIX}{newest.version}", part_key(PRODUCT, SKU), None, now_ms)
        books.feed.put(GLOBAL, HEAD, str(newest.version), None, now_ms)
        self.world.note("office", f"takes bundle {newest.version} back")

    def _write_again(self) -> None:
        if not self.world.trouble:
            return
        if self.hub.up:
            self.write()
        self.world.scheduler.after(spread(self.world.chance, _MAIL_MS), "office writes", self._write_again)

    def write(self) -> None:
        """Write to every member who may be written to."""
        for key, value in self.hub.books.feed.values(CONSENT):
            if _consent.decode(value).granted:
                check_mail(self.world, self.hub.books, UUID(key))
