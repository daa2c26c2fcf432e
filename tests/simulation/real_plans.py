"""A universe in which every sort of trouble and every deed occurs for certain: no luck, no customers by chance. Each is
made to happen where somebody notices it, and what has to follow from it is waited for, before the next one begins.

The seed draws the order, the shops, and what breaks where. So a change of the product can hardly make one of them rare:
what does not occur is an error here, with its name.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from sync.hub.marker import look, read_mark
from tests.simulation.real_hub import settings
from tests.simulation.real_shop import RealShop
from tests.simulation.real_templates import PHONES
from tests.simulation.real_tills import PRICED, Till
from tests.simulation.real_universe import HEALED_MS, RealUniverse, live

LOST = "power really lost"
FOLLOWS: dict[str, tuple[str, ...]] = {
    "line down": (),
    "disk full": ("till heard storage_unavailable",),
    "power cut": (LOST,),
    "restore": (),
    "revert": ("till heard read_only", "new life"),
    "clone": ("released",),
    "new disk": ("recovered",),
    "bit in the journal": ("bit in the journal found", "recovered"),
    "bit in a table": ("bit in a table found",),
    "hub disk full": (),
    "hub power cut": (LOST,),
    "hub restore": ("hub timeline",),
    "hub restore unnoticed": (),
}
"""What is counted because of each trouble, sooner or later."""

BEFORE_ALL = "revert"
"""After any new life that somebody else noticed, no till is believed for ten minutes (kiosk/web/seen.py)."""
POWER_CUTS = 5
"""So often the power goes in one of the shops, and as often at head office."""
_TRIES = 60
_FEW, _MANY = 3, 4
"""Things from which on head office offers a file, and things on a page: everybody begins with a file."""


def run_planned(seed: int) -> RealUniverse:
    """One such universe. Raises AssertionError with the end of its trace."""
    return live(seed, _live, luck=0)


def run_power_cuts(name: str, postgres: str | None = None) -> RealUniverse:
    """One in which nothing but the power goes, at the shops (`power cut`) or at head office (`hub power cut`)."""

    def cut_often(universe: RealUniverse) -> None:
        for _ in range(POWER_CUTS):
            _have(universe, name)

    return live(1, lambda universe: universe.tell(cut_often), luck=0, postgres=postgres)


def _live(universe: RealUniverse) -> None:
    universe.hub.settings, universe.page_items = settings(_FEW), _MANY
    universe.tell(_have_all)


def _have_all(universe: RealUniverse) -> None:
    _do_every_deed(universe)
    others = [name for name in FOLLOWS if name != BEFORE_ALL] + ["power cut", "hub power cut"] * (POWER_CUTS - 1)
    universe.random.shuffle(others)
    for name in (BEFORE_ALL, *others):
        _have(universe, name)


def _have(universe: RealUniverse, name: str) -> None:
    """The trouble, after a sale that it can touch, and whatever follows."""
    faults, hub = universe.faults, universe.hub
    store = universe.random.choice(universe.shops).joined.id
    (shop,) = universe.disks_of(store)
    settle(universe)
    faults.back_up_hub()
    faults.take_image(shop)
    _visit(universe, shop)
    settle(universe)
    while read_mark(hub.folder) != hub.read(look):  # noted every few seconds
        _pass(universe, 1_000)
    before = {what: _seen(universe, what) for what in FOLLOWS[name]}
    timelines = universe.counts["hub timeline"]
    universe.count_luck(name)
    if name.startswith("hub "):
        if name == "hub disk full":  # not even the log may have room left over
            universe.run_until(hub.database.truncate_wal())
        faults.befall_hub(name)
    else:
        if name == "disk full":
            universe.run_until(shop.database.truncate_wal())
        if name == "revert":  # a till is to notice it, not head office
            universe.count_luck("line down")
            faults.befall("line down", shop)
        faults.befall(name, shop)
    for _ in range(_TRIES):
        _visit(universe, universe.disks_of(store)[0])
        missing = [what for what, count in before.items() if _seen(universe, what) <= count]
        if not missing:
            break
        _pass(universe, 2_000)
    else:
        raise AssertionError(f"{name}: {missing} did not follow")
    settle(universe)
    lost = universe.counts["hub timeline"] - timelines
    assert lost == (name == "hub restore"), f"{name}: head office lost what it had noted to hold"


def _do_every_deed(universe: RealUniverse) -> None:
    """In one shop something is sold or issued, in the other it is used."""
    here, there = (Till(universe, shop, tuple(PHONES.values())) for shop in universe.shops)
    carried = universe.carried
    for first, then, count in (
        (here.issue, there.coupon, "coupon used"),
        (here.sell_card, there.pay_with_card, "paid with gift_card"),
        (lambda: here.sell([PRICED, "101"], None), there.bring_back, "returned elsewhere"),
        (there.adjust, there.spend, "paid with points"),
    ):
        carried.coupons.clear()
        carried.cards.clear()
        carried.receipts.clear()
        _do(universe, first)
        settle(universe)
        _repeat(universe, then, count)
    universe.faults.plan_price(0)
    while universe.faults.prices[-1].active_at > universe.now_ms():
        _pass(universe, 1_000)
    settle(universe)
    for shop in universe.shops:
        _visit(universe, shop)


def _repeat(universe: RealUniverse, deed: Callable[[], Coroutine[Any, Any, None]], count: str) -> None:
    """Again until it is done: some customers think better of it."""
    before = universe.counts[count]
    for _ in range(_TRIES):
        _do(universe, deed)
        if universe.counts[count] > before:
            return
    raise AssertionError(f"{count} did not occur: {dict(universe.counts)}")


def _do(universe: RealUniverse, deed: Callable[[], Coroutine[Any, Any, None]]) -> None:
    universe.run_until(deed())


def _visit(universe: RealUniverse, shop: RealShop) -> None:
    """Somebody buys milk, however long it takes."""
    universe.run_until(Till(universe, shop, tuple(PHONES.values())).sell([PRICED], None))


def _pass(universe: RealUniverse, duration_ms: int) -> None:
    """Time, in which people do what they always do about trouble."""
    universe.wait(duration_ms)
    universe.faults.mend_hub()
    for shop in list(universe.faults.waiting):
        universe.faults.recover(shop)
    universe.replace_scrapped()


def settle(universe: RealUniverse) -> None:
    """Everybody agrees again."""
    until_ms = universe.loop.now_ms + HEALED_MS
    while why := universe.unsettled():
        assert universe.loop.now_ms < until_ms, f"they do not agree: {why}"
        _pass(universe, 1_000)


def _seen(universe: RealUniverse, what: str) -> int:
    return universe.power_cuts if what == LOST else universe.counts[what]
