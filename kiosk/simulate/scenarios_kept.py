"""pure: stories by hand about what head office keeps for one shop at a time, and about damaged entries."""

from kiosk.simulate.faults import SETTLE_MS
from kiosk.simulate.head_office import CREDITS
from kiosk.simulate.shop import Shop
from kiosk.simulate.stage import A_WHILE_MS, SOON_MS, Stage
from kiosk.simulate.vouchers import command_for
from kiosk.simulate.wishes import Wish
from sync.protocol.commands import ReservedAnswer

_COUPON, _CARD = 1, 1
_IN_USE_MS = 30_000


def share_coupon(stage: Stage) -> None:
    """Both shops take the coupon."""
    stage.universe.customers.coupons[_COUPON] = (stage.one.shop, stage.other.shop)


def asked_for_at_once(stage: Stage) -> None:
    """A coupon is shown in two shops at one instant."""
    share_coupon(stage)
    for shop in (stage.one, stage.other):
        stage.want(shop, "coupon", _COUPON)
    stage.wait(SOON_MS)


def kept_for_one_who_is_silent(stage: Stage) -> None:
    """A coupon is used, and the line fails before head office hears of it; then it is shown in the other shop."""
    share_coupon(stage)
    use_coupon_unheard(stage, stage.one)
    stage.wait(A_WHILE_MS)
    stage.want(stage.other, "coupon", _COUPON)
    stage.wait(SOON_MS)
    stage.mend(stage.one)


def kept_and_forgotten(stage: Stage) -> None:
    """The same, and head office goes back to before it kept the coupon."""
    share_coupon(stage)
    stage.faults.back_up_hub()
    use_coupon_unheard(stage, stage.one)
    stage.faults.restore_hub(mark_too=False)
    stage.wait(A_WHILE_MS)
    stage.want(stage.other, "coupon", _COUPON)
    stage.wait(SOON_MS)
    stage.mend(stage.one)


def use_coupon_unheard(stage: Stage, shop: Shop) -> None:
    """The sale is booked, and the line fails in that instant."""
    wish = stage.want(shop, "coupon", _COUPON)
    while wish.op_id not in shop.books.places:
        stage.wait(1)
    stage.world.network.cut[shop.disk] = True


def answered_when_it_was_given_back(stage: Stage) -> None:
    """The answer of head office comes to a till so late that the shop has given the coupon back already, and the other
    shop has used it."""
    share_coupon(stage)
    shop = stage.one
    wish = Wish(stage.world.new_id(), "coupon", stage.member, _COUPON)
    command = command_for(shop.books, shop.shop, wish, stage.universe.customers.coupons, None)
    assert command is not None, "two shops take it"
    shop.in_use[command.id] = stage.world.now_ms + _IN_USE_MS
    stage.wait(SOON_MS)
    answer = stage.hub.reserve(shop.shop, stage.hub.books.sessions[shop.shop], command)
    assert isinstance(answer, ReservedAnswer), answer
    stage.wait(A_WHILE_MS)
    stage.want(stage.other, "coupon", _COUPON)
    stage.wait(SOON_MS)
    stage.till(shop).hear_late(wish, answer)
    stage.wait(SOON_MS)


def came_back_elsewhere(stage: Stage) -> None:
    """Goods of a sale came back in the other shop, and the first has heard of it."""
    shop = stage.one
    stage.ask(shop, "sale", 20)
    receipt = stage.world.truth.receipts[-1]
    stage.wait(A_WHILE_MS)
    stage.want(stage.other, "goods_back", 15, receipt)
    stage.wait(A_WHILE_MS)
    stage.want(shop, "goods_back", 10, receipt)
    stage.wait(SOON_MS)


def paid_by_card_everywhere(stage: Stage) -> None:
    """A gift card of 50 is shown for 40 in two shops, whose lines fail at different times."""
    stage.want(stage.one, "card_sold", 50, stage.world.truth.new_card())
    stage.wait(A_WHILE_MS)
    stage.want(stage.other, "card_paid", 40, _CARD)
    stage.wait(SOON_MS)
    stage.cut(stage.one)
    stage.want(stage.one, "card_paid", 40, _CARD)
    stage.mend(stage.one)


def spoiled_before_it_was_sent(stage: Stage) -> None:
    """One bit of an entry that head office does not have flips on the disk, and it is sent before anybody looks."""
    shop = stage.one
    stage.wait(SETTLE_MS - stage.world.now_ms % SETTLE_MS + 1)
    stage.world.network.cut[shop.disk] = True
    for number in range(1, 2 * CREDITS):  # more than a batch, whose end is compared with what the shop says of its own
        stage.ask(shop, "member", number)
    life = shop.books.life
    stage.faults.spoil(shop, life, life.entries[2])
    stage.world.network.cut[shop.disk] = False
    stage.wait(A_WHILE_MS)
