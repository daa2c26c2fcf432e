"""pure: what goes wrong in a universe, and what its people do about it.

power, line, clock    of a shop; the power comes back, the line too, the clock not always
restore               a backup is put in place of a shop's database; the file beside it stays
revert                the image of the whole disk goes back in time, the file beside the database with it
new disk              a shop begins with nothing but what head office holds of it
full, flip            no room for anything for a while; one bit of a row or of an entry is another
clone                 a copy of a running shop runs too, with tills of its own; a person settles it in the end
head office           is put back from a backup, with or without the mark that would tell
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from kiosk.simulate.books import Books, Life
from kiosk.simulate.chance import spread
from kiosk.simulate.entries import Entry, read_content
from kiosk.simulate.head_office import HeadOffice
from kiosk.simulate.hub_books import HubBooks
from kiosk.simulate.shop import Shop, Sidecar
from kiosk.simulate.told import flip
from kiosk.simulate.world import World

_TURN_MS = 7_000
_OUTAGE_MS = 120_000
_YEAR_MS = 366 * 86_400_000
SETTLE_MS = 15_000
"""People look so often."""
COPIES_MAX = 2
_IN_AN_ENTRY = 0.3
_AT, _AT_FLIPPED = b'"at":1', b'"at":3'
"""The one bit of an entry that flips: it can still be read, and says something else."""


class Faults:
    """Bad luck for every shop and head office. `more_tills` is asked for tills at a copy of a shop."""

    def __init__(self, world: World, hub: HeadOffice, more_tills: Callable[[Shop], None]) -> None:
        self.world, self.hub, self._more_tills = world, hub, more_tills
        self._images: dict[str, tuple[Books, Sidecar]] = {}
        self._hub_backup: HubBooks = hub.books.copy()
        world.scheduler.after(_TURN_MS, "luck", self._turn)
        world.scheduler.after(SETTLE_MS, "people look", self._look_after)

    def _turn(self) -> None:
        if not self.world.trouble:
            return
        for shop in [shop for shop in self.hub.disks if not shop.scrapped]:
            self._try_shop(shop)
        self._try_hub()
        self.world.scheduler.after(spread(self.world.chance, _TURN_MS), "luck", self._turn)

    def _try_shop(self, shop: Shop) -> None:
        world, mix = self.world, self.world.mix
        if shop.held_back:
            return
        if shop.disk not in self._images or world.luck(0.15):
            self._images[shop.disk] = (shop.books.copy(), shop.sidecar)
        if world.luck(mix.power_cut):
            shop.lose_power()
        if world.luck(mix.cut_line):
            self._cut_line(shop)
        if world.luck(mix.clock_jump):
            shop.clock_offset_ms = world.chance.choice((-_YEAR_MS, _YEAR_MS, -600_000, 600_000, 0))
            world.truth.wrong_clocks[shop.shop] = True
            world.note(shop.disk, f"clock is off by {shop.clock_offset_ms // 1000} s")
        if world.luck(mix.full_disk):
            self.fill_disk(shop)
        if world.luck(mix.bit_flip):
            self.flip_bit(shop)
        if world.luck(mix.restore):
            self.restore(shop)
        elif world.luck(mix.revert):
            self.revert(shop)
        elif world.luck(mix.new_disk):
            self.replace_disk(shop)
        elif world.luck(mix.clone) and len(self._disks_of(shop.shop)) < COPIES_MAX:
            self.clone(shop)

    def _cut_line(self, shop: Shop) -> None:
        world = self.world
        world.network.cut[shop.disk] = True
        world.note(shop.disk, "line is down")

        def mend() -> None:
            world.network.cut[shop.disk] = False

        world.scheduler.after(spread(world.chance, _OUTAGE_MS), f"{shop.disk} line is up", mend)

    def fill_disk(self, shop: Shop) -> None:
        """There is no room on the disk for a while: whatever would be written is refused, and nothing is half there."""
        world = self.world
        shop.disk_full = True
        world.truth.counts.full_disks += 1
        world.note(shop.disk, "disk is full")

        def clear() -> None:
            shop.disk_full = False

        world.scheduler.after(spread(world.chance, _OUTAGE_MS // 2), f"{shop.disk} has room", clear)

    def flip_bit(self, shop: Shop) -> None:
        """One bit of what the shop was told is another, or one of an entry that head office does not have yet: of
        others the shop has no more need."""
        world, books = self.world, shop.books
        rows = [(bucket, key) for bucket, rows in books.told.rows.items() for key in rows]
        waiting = [
            (life, entry)
            for life in books.lives
            for entry in life.entries[books.cursors[life.epoch].seq if life.epoch in books.cursors else 0 :]
        ]
        world.truth.counts.bit_flips += 1
        if waiting and world.chance.random() < _IN_AN_ENTRY:
            self.spoil(shop, *world.chance.choice(waiting))
        elif rows:
            books.told = flip(books.told, *world.chance.choice(rows))
            world.note(shop.disk, "a bit of what it was told is another")

    def spoil(self, shop: Shop, life: Life, entry: Entry) -> None:
        """One bit of an entry is another."""
        changed = entry.content.replace(_AT, _AT_FLIPPED, 1)
        life.entries[entry.seq - 1] = entry._replace(content=changed)
        shop.books.is_rotten = True
        self.world.note(shop.disk, f"a bit of entry {life.epoch >> 48:04x}/{entry.seq} is another")

    def _try_hub(self) -> None:
        world, mix = self.world, self.world.mix
        if world.luck(0.1):
            self._hub_backup = self.hub.books.copy()
        if world.luck(mix.hub_crash) and self.hub.up:
            self.hub.crash()
        if world.luck(mix.hub_restore):
            self.restore_hub(mark_too=world.luck(mix.forgotten_timeline))

    def restore_hub(self, *, mark_too: bool) -> None:
        """Head office is put back from its last backup."""
        self.hub.restore(self._hub_backup, mark_too=mark_too)
        for shop in dict.fromkeys(disk.shop for disk in self.hub.disks):
            self._take_stock(shop)

    def back_up_hub(self) -> None:
        """Keep a backup of head office as it is now."""
        self._hub_backup = self.hub.books.copy()

    def keep_image(self, shop: Shop) -> None:
        """Keep an image of a shop's disk as it is now."""
        self._images[shop.disk] = (shop.books.copy(), shop.sidecar)

    def restore(self, shop: Shop) -> None:
        """A backup is put in place of the database. It carries no mark, so the next start sees what it is."""
        shop.stop()
        books = self._images[shop.disk][0].copy()
        books.nonce = 0
        if self.world.machines.flaws.goes_on_in_the_epoch_of_a_backup:
            books.nonce = shop.sidecar.nonces[0] if shop.sidecar.nonces else 0
        self.world.note(shop.disk, "a backup is put back")
        self.world.truth.counts.restores += 1
        self._swap(shop, books)

    def revert(self, shop: Shop) -> None:
        """The disk is what it was some time ago, the file beside the database included: nothing on it tells."""
        shop.stop()
        image, shop.sidecar = self._images[shop.disk]
        books = image.copy()
        self.world.note(shop.disk, "disk goes back in time")
        self.world.truth.counts.restores += 1
        self.world.truth.run_unnoticed(shop.shop, books)
        self._swap(shop, books)

    def _swap(self, shop: Shop, books: Books) -> None:
        shop.books = books
        shop.told = {op_id: True for op_id in shop.told if op_id in books.places}
        faults = self.world.truth.disk_faults
        faults[shop.shop] = faults.get(shop.shop, 0) + 1
        self._take_stock(shop.shop)
        shop.start_later()

    def replace_disk(self, shop: Shop) -> None:
        """The disk dies; `counterfoil recover` gets the shop's lives back from head office and begins a new one."""
        shop.stop()
        shop.boot += 1
        shop.sidecar = Sidecar()
        shop.disk_full = False
        self.world.note(shop.disk, "disk dies")
        self.world.truth.counts.restores += 1
        self._swap(shop, Books())
        shop.held_back = True
        self._recover_later(shop)

    def _recover_later(self, shop: Shop) -> None:
        delay_ms = spread(self.world.chance, SETTLE_MS)
        self.world.scheduler.after(delay_ms, f"{shop.disk} recovers", lambda: self._recover(shop))

    def _recover(self, shop: Shop) -> None:
        if not self.hub.up:
            self._recover_later(shop)
            return
        for whose, epoch in self.hub.books.inbox:
            if whose != shop.shop:
                continue
            life = Life(epoch, 0)
            shop.books.lives.append(life)
            for held in self.hub.entries_held(shop.shop, epoch):
                _, deed = read_content(held.content)
                life.ordinal = deed.life or life.ordinal
                shop.books.log(life, held.op_id, held.content, deed)
        shop.books.lives.sort(key=lambda life: life.ordinal)
        shop.begin_life("recovered")
        shop.held_back = False
        shop.start()

    def clone(self, shop: Shop) -> Shop:
        """A copy of the shop's machine is started beside it."""
        world = self.world
        number = sum(disk.shop == shop.shop for disk in self.hub.disks)
        copied = Shop(world, self.hub, shop.shop, shop.store, f"{shop.shop}~{number}")
        copied.books, copied.sidecar = shop.books.copy(), shop.sidecar
        copied.clock_offset_ms = shop.clock_offset_ms
        copied.booted_at_ms = world.now_ms
        self.hub.disks.append(copied)
        world.note(copied.disk, f"is a copy of {shop.disk}, and runs")
        world.truth.counts.clones += 1
        world.truth.run_unnoticed(shop.shop, copied.books)
        faults = world.truth.disk_faults
        faults[shop.shop] = faults.get(shop.shop, 0) + 1
        copied.start()
        self._more_tills(copied)
        return copied

    def _disks_of(self, shop: str) -> list[Shop]:
        return [disk for disk in self.hub.disks if disk.shop == shop and not disk.scrapped]

    def _take_stock(self, shop: str) -> None:
        """What lies nowhere any more is nobody's debt."""
        self.world.truth.survivors(shop, self._ops_anywhere(shop))

    def _ops_anywhere(self, shop: str) -> Iterable[UUID]:
        for disk in self._disks_of(shop):
            yield from disk.books.places
        for place, entries in self.hub.books.inbox.items():
            if place[0] == shop:
                for entry in entries:
                    yield entry.op_id

    # What people do.

    def _look_after(self) -> None:
        """Whoever is quarantined is settled: copy after copy reports everything under a life of its own and is
        scrapped; the first disk stays."""
        for shop in dict.fromkeys(disk.shop for disk in self.hub.disks):
            self._settle(shop)
        for disk in self.hub.disks:
            if not (disk.scrapped or disk.held_back or disk.books.is_sound()):
                self.replace_disk(disk)
        self.world.scheduler.after(SETTLE_MS, "people look", self._look_after)

    def _settle(self, shop: str) -> None:
        disks = self._disks_of(shop)
        standing = self.hub.books.standings.get(shop)
        if not self.hub.up:
            return
        if standing is not None and standing.state == "quarantined":
            for disk in disks:
                disk.stop()
                disk.held_back = True
            # Whoever is started next is a new run, which nobody knows yet and nobody can mistake for another.
            self.hub.release(shop, "")
        waiting = [disk for disk in disks if disk.held_back and disk.books.lives]
        running = [disk for disk in disks if not disk.held_back]
        if not waiting:
            return
        if not running:
            self._let_report(waiting[-1])
        elif len(running) == 1 and self.has_reported(running[0]):
            running[0].stop()
            running[0].scrapped = True
            self._take_stock(shop)

    def _let_report(self, disk: Shop) -> None:
        """Start one of the copies, the last of them the one that stays, under a new life."""
        disk.held_back = False
        disk.disk_full = False
        disk.begin_life("copied")
        disk.start()

    def has_reported(self, disk: Shop) -> bool:
        """Whether head office holds every life of this disk as the disk does, and the other way round."""
        held = self.hub.books.inbox
        if disk.agent is None:
            return False
        acknowledged = {cursor.epoch: cursor.acknowledged for cursor in disk.agent.push.cursors}
        return all(
            acknowledged.get(life.epoch) == life.head
            and [entry.hash for entry in held.get((disk.shop, life.epoch), ())] == [e.hash for e in life.entries]
            for life in disk.books.lives
        )
