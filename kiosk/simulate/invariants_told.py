"""pure: what must hold of what head office tells. Each raises Breach.

told         a shop that has read everything has what head office has, and in the end its rows add up one by one
snapshot     what is installed is never older than what was read
instant      a shop sells by no price before its instant, and by the newest that has begun once it has read of it
consent      nobody is written to whose last word head office knows to be no
"""

from typing import TYPE_CHECKING
from uuid import UUID

from kiosk.simulate.hub_books import HubBooks
from kiosk.simulate.told import Told
from kiosk.simulate.truth import Breach
from kiosk.simulate.world import START_MS, World
from sync.protocol.feed import checksum_text
from sync.protocol.messages import PullAnswer

if TYPE_CHECKING:
    from kiosk.simulate.shop import Shop


def check_read(world: World, disk: str, told: Told, page: PullAnswer) -> None:
    """The last page has just been written."""
    for state in page.buckets:
        if state.checksum is not None and checksum_text(told.sums.get(state.bucket, 0)) != state.checksum:
            raise Breach("told", f"{disk} has read everything of {state.bucket} and has something else")
        if state.seq < told.numbers.get(state.bucket, 0) and not world.truth.nobody_knows:
            raise Breach("told", f"{disk} has read further in {state.bucket} than it was told")


def check_snapshot(world: World, disk: str, before: Told, after: Told) -> None:
    """A snapshot has just been installed."""
    world.truth.counts.snapshots += 1
    if after.timeline < before.timeline:
        raise Breach("snapshot", f"{disk} goes back to timeline {after.timeline}")
    for bucket, number in before.numbers.items():
        if after.timeline == before.timeline and after.numbers[bucket] < number:
            raise Breach("snapshot", f"{disk} goes back to {after.numbers[bucket]} of {bucket}, {number} was read")


def check_price(world: World, shop: "Shop", price: int) -> None:
    """A shop has just sold at a price. A shop whose clock was ever wrong sells by that, and one with a damaged row by
    what is whole."""
    truth, now_ms = world.truth, START_MS + world.now_ms
    if truth.wrong_clocks.get(shop.shop):
        return
    if price in truth.planned and truth.planned[price][0] > now_ms and not _took_another(world, shop, price):
        raise Breach("instant", f"{shop.disk} sells by price {price} before its instant")
    if price in truth.withdrawn or price in truth.unplanned or world.mix.bit_flip:
        return
    begun = [
        (at, each)
        for each, (at, planned) in truth.planned.items()
        if at <= now_ms and planned < shop.books.read_wall_ms and not _took_another(world, shop, each)
    ]
    if begun and truth.planned.get(price, (0, 0))[0] < max(begun)[0]:
        raise Breach("instant", f"{shop.disk} sells by price {price}, and has read of {max(begun)[1]}")


def _took_another(world: World, shop: "Shop", price: int) -> bool:
    """Whether the shop has in use, under the version of this price, a bundle that head office has forgotten: it does
    not know that it went back in time, and gave the version out again. A bundle begins once, by its version."""
    truth = world.truth
    begun = shop.books.begun.get(truth.versions[price])
    return truth.nobody_knows and begun is not None and begun[0] != truth.planned[price][0]


def check_last_price(world: World, shop: "Shop", price: int) -> None:
    """All trouble is over, and every shop has read of the last price. A head office that does not know that it went
    back in time gives a version out again."""
    if shop.books.price != price and not world.truth.nobody_knows:
        raise Breach("instant", f"{shop.disk} goes on selling by price {shop.books.price}, everybody's is {price}")


def check_mail(world: World, books: HubBooks, member: UUID) -> None:
    """Head office writes to a member."""
    known = [world.truth.said[word.op] for word in books.words.get(member, ())]
    if known and not max(known)[1]:
        raise Breach("consent", f"{member} is written to, and her last word is no")


def check_rows(shop: "Shop", books: HubBooks) -> None:
    """All trouble is over: row by row."""
    wrong = shop.books.told.wrong()
    if wrong:
        raise Breach("told", f"what {shop.disk} was told of {' '.join(wrong)} does not add up")
    for bucket, checksum in shop.books.told.sums.items():
        if books.feed.bucket(bucket).checksum != checksum:
            raise Breach("told", f"{shop.disk} has another {bucket} than head office")
