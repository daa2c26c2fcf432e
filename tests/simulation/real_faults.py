"""What befalls the shops and the head office of a universe on the real SQL, and what people do about it. All of it
happens between two turns of the loop, but for the power, which goes in the middle of a write.

power cut, hub power cut   at a write or sync that was drawn before
line down                  of one shop
restore, revert            of a shop's database alone, or of its disk with the marks beside it
clone                      a copy of a running shop runs beside it, with customers of its own, until a person chooses
new disk                   `counterfoil recover`
bit in the journal         found at the start or by verify; then a new disk
bit in a table             found by verify; then `counterfoil rebuild`
disk full, hub disk full   nothing grows for a while
hub restore                from a backup, with or without the mark that tells
bundle                     no trouble: the office plans a price
"""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from kiosk.life import proof
from kiosk.life.enrolment import FILE_NAME as ENROLMENT_NAME
from kiosk.life.enrolment import enrol
from kiosk.life.rebuild import rebuild
from kiosk.life.recover import recover
from kiosk.life.start import StoreDamaged
from kiosk.simulate.network import GOOD
from loyalty.errors import Problem
from sync.agent.key import FILE_NAME as KEY_NAME
from sync.db import connect
from sync.hub.enrolment import CODE_RANDOM_BYTES, make_code
from sync.hub.problems import HubWasRestored
from tests.simulation.crash_disk import flip_bit
from tests.simulation.flipped_cell import flip_cell
from tests.simulation.in_process_http import LineClient, code_of
from tests.simulation.real_hub import LEAD_S
from tests.simulation.real_shop import RealShop

if TYPE_CHECKING:
    from tests.simulation.real_universe import RealUniverse

OUTAGE_S, FULL_S, COPY_S = 60.0, 20.0, 60.0
RATES = {
    "power cut": 0.5,
    "hub power cut": 0.5,
    "line down": 0.2,
    "restore": 0.12,
    "revert": 0.12,
    "clone": 0.12,
    "new disk": 0.12,
    "bit in the journal": 0.1,
    "bit in a table": 0.1,
    "disk full": 0.2,
    "hub disk full": 0.2,
    "hub restore": 0.25,
    "hub restore unnoticed": 0.15,
    "download broken": 0.6,
}
PRICE_MINOR = 129


class Price(NamedTuple):
    """What the office says that an article costs, and from when on."""

    minor: int
    active_at: int


class Faults:
    """Bad luck, and the people who live with it. Called while the loop does not run."""

    def __init__(self, universe: "RealUniverse") -> None:
        self.universe = universe
        self.prices: list[Price] = []
        self.waiting: list[RealShop] = []
        self._restored_unnoticed = False

    # -- turns

    def turn(self) -> None:
        """Whatever the moment brings."""
        universe, random = self.universe, self.universe.random
        self.mend_hub()
        for shop in list(self.waiting):
            self.recover(shop)
        for shop in list(universe.disks):
            if shop.up and not shop.scrapped:
                self._try_shop(shop)
        if universe.hub.up:
            if random.random() < 0.3:
                self.back_up_hub()
            if random.random() < 0.3 * universe.bundles:
                self.plan_price(random.randrange(10))
            self._try_hub()

    def _try_shop(self, shop: RealShop) -> None:
        universe, random = self.universe, self.universe.random
        if random.random() < 0.3 or not self._image(shop).exists():
            self.take_image(shop)
        for name in ("line down", "disk full"):
            if universe.luck(name):
                self.befall(name, shop)
        for name in ("restore", "revert"):
            if shop.up and universe.luck(name):
                self.befall(name, shop)
                return
        if len(universe.disks_of(shop.joined.id)) > 1:
            return
        for name in ("clone", "new disk", "bit in the journal", "bit in a table"):
            if universe.luck(name):
                self.befall(name, shop)
                return

    def _try_hub(self) -> None:
        universe = self.universe
        if universe.hub.postgres is not None:
            if universe.luck("hub power cut"):
                self.befall_hub("hub power cut")
            return
        if universe.luck("hub disk full"):
            self.befall_hub("hub disk full")
        for name in ("hub power cut", "hub restore", "hub restore unnoticed"):
            if universe.luck(name):
                self.befall_hub(name)
                return

    def befall(self, name: str, shop: RealShop) -> None:
        """This happens to a shop that is up, now. What goes back in time goes back to its image."""
        universe = self.universe
        match name:
            case "line down":
                universe.network.cut[shop.name] = True
                universe.later(OUTAGE_S, _async(lambda: universe.network.cut.pop(shop.name, None)))
            case "disk full":
                self._fill(shop.disk)
            case "power cut":
                shop.disk.cut_after(1 + universe.random.randrange(50))
            case "restore" | "revert":
                shop.put_back(self._image(shop), marks_too=name == "revert")
                self.take_stock(shop)
            case "clone":
                self.clone(shop)
            case "new disk":
                self.replace_disk(shop)
            case "bit in the journal":
                self.flip_in_journal(shop)
            case "bit in a table":
                self.flip_in_table(shop)
            case _:
                raise AssertionError(name)

    def befall_hub(self, name: str) -> None:
        """This happens to head office, now. It goes back to its newest backup."""
        universe, hub = self.universe, self.universe.hub
        match name:
            case "hub disk full":
                self._fill(hub.disk)
            case "hub power cut" if hub.postgres is not None:  # its process; the server is another machine
                hub.kill()
                hub.power_cuts += 1
            case "hub power cut":
                hub.disk.cut_after(1 + universe.random.randrange(80))
            case "hub restore" | "hub restore unnoticed":
                self.restore_hub(unnoticed=name == "hub restore unnoticed")
            case _:
                raise AssertionError(name)

    def _fill(self, disk: Any) -> None:  # noqa: ANN401  a CrashDisk
        disk.is_full = True
        self.universe.later(FULL_S, _async(lambda: setattr(disk, "is_full", False)))

    @property
    def _backup(self) -> Path:
        return self.universe.folder / "hub.backup"

    def _image(self, shop: RealShop) -> Path:
        return self.universe.folder / f"{shop.name}.image"

    def take_image(self, shop: RealShop) -> None:
        """Keep a shop's disk as it is now."""
        shop.copy_to(self._image(shop))

    # -- head office

    def mend_hub(self) -> None:
        """Switch it on. One that was put back says so, and the operator does what it asks for."""
        universe, hub = self.universe, self.universe.hub
        if hub.up:
            return
        try:
            universe.run_until(hub.start())
        except HubWasRestored:
            universe.counts["hub timeline"] += 1
            hub.begin_timeline()
            universe.run_until(hub.start())
        universe.note("hub", "starts")

    def back_up_hub(self) -> None:
        """Keep head office's books as they are now; those on PostgreSQL are kept by whoever runs it."""
        if self.universe.hub.postgres is None:
            self.universe.hub.back_up(self._backup)

    def restore_hub(self, *, unnoticed: bool) -> None:
        """Put it back from its backup."""
        self.universe.note("hub", "is put back" + (", the mark too" if unnoticed else ""))
        self.universe.hub_forgot |= unnoticed
        self.universe.hub.put_back(self._backup, mark_too=unnoticed)
        for shop in self.universe.shops:
            self.take_stock(shop)
        self.mend_hub()

    def plan_price(self, later_s: int) -> None:
        """The office says what an article will cost."""
        universe = self.universe
        price = PRICE_MINOR + 1 + len(self.prices)
        active_at = (universe.now_ms() // 1000 + LEAD_S + 5 + later_s) * 1000
        text = dt.datetime.fromtimestamp(active_at / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"name": "Milk 1 l", "department": "DAIRY", "tax_class": "food", "price_minor": price}
        reply = universe.run_until(universe.hub.decide("/v1/products/100", f"active_from={text}", body))
        self.prices.append(Price(price, active_at))  # also where nobody heard whether it was planned
        if reply is not None and code_of(reply) != "storage_unavailable":
            assert not code_of(reply), reply
            universe.counts["bundle planned"] += 1
            universe.note("hub", f"plans {price} for {text}")

    # -- shops

    def clone(self, shop: RealShop) -> RealShop:
        """A copy of the machine is started beside it."""
        universe = self.universe
        place = universe.folder / f"{shop.name}.copy"
        shop.copy_to(place)
        number = len([disk for disk in universe.disks if disk.joined == shop.joined])
        copied = RealShop(universe, shop.joined, shop.folder, name=f"{shop.joined.code}~{number}")
        shutil.rmtree(copied.data)
        shutil.copytree(place, copied.data)
        universe.disks.append(copied)
        copied.told = dict.fromkeys(shop.told, True)
        copied.forget_lost()
        universe.note(copied.name, "is a copy")
        universe.run_until(copied.start())
        universe.serve(copied, 6)
        universe.later(COPY_S, _async(lambda: self.choose(copied)))
        return copied

    def choose(self, copied: RealShop) -> None:
        """A person finds two machines that say to be one store: the quarantine ends, one of them is switched off."""
        universe = self.universe
        both = universe.disks_of(copied.joined.id)
        if len(both) < 2:
            return
        if not universe.hub.up or universe.hub.disk.is_full or not all(disk.up for disk in both):
            if universe.trouble:
                universe.later(5.0, _async(lambda: self.choose(copied)))
            return
        true = universe.random.choice(both)
        for disk in both:
            if disk is not true:
                universe.note(disk.name, "is switched off for ever")
                disk.scrapped = True
                disk.kill()
        universe.release(true)
        self.take_stock(true)

    def replace_disk(self, shop: RealShop) -> None:
        """The disk dies; a new one is made from what head office holds."""
        self.universe.note(shop.name, "has a new disk")
        shop.kill()
        shop.boot += 1
        shutil.rmtree(shop.data)
        shop.told, shop.seen = {}, ""  # its tills are paired anew
        self.take_stock(shop)
        self.waiting.append(shop)
        self.recover(shop)

    def recover(self, shop: RealShop) -> None:
        """`counterfoil recover`, as often as it takes."""
        universe, hub = self.universe, self.universe.hub
        if not hub.up or hub.disk.is_full or universe.network.cut.get(shop.name):
            return
        now_ms = universe.now_ms()
        random = universe.random.randbytes(CODE_RANDOM_BYTES)
        code = hub.write(lambda tx: make_code(tx, shop.joined.id, random, now_ms + 600_000))
        with self._at_the_command_line(shop):
            try:
                made = recover(shop.config, f"http://{shop.name.lower()}.example", code, "mia", "Mia Manager", "4711")
            except Problem as problem:
                universe.note(shop.name, f"is not recovered: {type(problem).__name__}")
                return
        universe.counts["recovered"] += 1
        universe.note(shop.name, f"is recovered: {made.entries} entries of {made.lives} lives")
        self.waiting.remove(shop)
        shop.told = {}
        universe.run_until(shop.start())

    def enrol_again(self, shop: RealShop) -> None:
        """Head office was put back and knows another key, or none: the shop's old papers are moved away, and it joins
        with a new code."""
        universe = self.universe
        now_ms, random = universe.now_ms(), universe.random.randbytes(CODE_RANDOM_BYTES)
        code = universe.hub.write(lambda tx: make_code(tx, shop.joined.id, random, now_ms + 600_000))
        universe.run_until(shop.stop())
        for name in (ENROLMENT_NAME, KEY_NAME):
            (shop.data / name).unlink(missing_ok=True)
        with self._at_the_command_line(shop):
            enrol(shop.config, f"http://{shop.name.lower()}.example", code)
        universe.counts["enrolled again"] += 1
        universe.note(shop.name, "is enrolled again")
        universe.run_until(shop.start())

    @contextmanager
    def _at_the_command_line(self, shop: RealShop) -> Iterator[None]:
        """A command is typed when the line is good, and has an event loop: this one, which does not run just now."""
        universe = self.universe
        manners, universe.network.manners = universe.network.manners, GOOD

        def make_client(url: str) -> LineClient:
            return LineClient(url, shop.line, lambda: None)

        with (
            patch("kiosk.life.recover.HubClient", make_client),
            patch("kiosk.life.enrolment.HubClient", make_client),
            patch("kiosk.life.recover.hash_pin", lambda _: "no PIN is ever compared"),
            patch("asyncio.run", universe.run_until),
        ):
            try:
                yield
            finally:
                universe.network.manners = manners

    def flip_in_journal(self, shop: RealShop) -> None:
        """One bit of an entry: it is found, the shop books nothing more, and gets a new disk."""
        universe = self.universe
        universe.run_until(shop.stop())
        with connect(shop.path) as connection:
            contents = [row[0] for row in connection.execute("SELECT content FROM journal")]
        connection.close()
        chosen = universe.random.choice(contents)
        for content in (chosen, *contents):
            if flip_bit(shop.path, content, universe.random):
                break
        else:
            raise AssertionError("each entry runs over a page's end")
        report = proof.prove(shop.path, full=True)
        assert not report.ok, f"{shop.name}: a changed bit in the journal is not found"
        self._need_read_only(shop)
        universe.run_until(shop.stop())
        universe.counts["bit in the journal found"] += 1
        self.replace_disk(shop)

    def flip_in_table(self, shop: RealShop, cell: str = "") -> None:
        """One bit of a row: verify finds it, the shop books nothing more until `counterfoil rebuild` has mended it.
        `cell` is the table and the column, where it shall be no other."""
        universe = self.universe
        universe.run_until(shop.stop())
        what = flip_cell(shop.path, universe.random, cell)
        universe.note(shop.name, f"a bit flips in {what}")
        report = proof.prove(shop.path, full=True)
        assert not report.ok, f"{shop.name}: a changed bit in {what} is not found"
        self._need_read_only(shop)
        universe.run_until(shop.stop())
        rebuild(shop.path)
        report = proof.prove(shop.path, full=True)
        assert report.ok, (what, report.first_wrong)
        universe.counts["bit in a table found"] += 1
        universe.run_until(shop.start())

    def _need_read_only(self, shop: RealShop) -> None:
        """The store does not start, or a till is told that nothing is booked."""
        universe = self.universe
        try:
            universe.run_until(shop.start())
        except StoreDamaged:
            universe.counts["damage seen at the start"] += 1
            return
        reply = universe.run_until(shop.call("POST", "/v1/members", {"id": universe.new_id(), "locale": "pl"}))
        assert reply is not None, f"{shop.name} does not answer"
        assert code_of(reply) == "read_only", f"{shop.name} books on a damaged disk: {reply}"

    def take_stock(self, shop: RealShop) -> None:
        """What lies neither in the shop nor at head office any more is owed by nobody."""
        universe, store = self.universe, shop.joined.id
        held = universe.hub.ops_of(store)
        for disk in universe.disks_of(store):
            if disk.path.exists():
                held |= disk.ops()
        for key in [key for key in universe.owed if key[0] == store and key[1] not in held]:
            del universe.owed[key]


def _async(action: Callable[[], Any]) -> Callable[[], Any]:
    async def act() -> None:
        action()

    return act
