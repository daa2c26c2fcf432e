"""A disk that went back forgets a return, and the same goods come back once more: every fact counts at head office."""

from uuid import UUID

from sync.facts.coupons import CouponGivenBack
from sync.facts.returns import Refunded, ReturnedLine, ReturnTaken, TakenBack
from sync.facts.vouchers import UndoneVouchers
from tests.sync.hub.appliers.office import STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of
from tests.sync.hub.appliers.vouchers import coupon, used, vouchers

UNDONE = UndoneVouchers(given_back=(CouponGivenBack(serial=5, n=1),), voided=(6,))


def take_back(shop: Shop, sale: UUID, n: int) -> UUID:
    """Everything that was sold comes back, with what follows for coupons."""
    line = ReturnedLine(
        line=1, sku="100", name="Thing", unit="piece", quantity_milli=1000, net_minor=100, tax_rate="0", tax_minor=0
    )
    taken = TakenBack(
        sale=sale,
        sale_number="S007-T01-000001",
        lines=(line,),
        value_minor=100,
        refunds=(Refunded(kind="cash", settles="cash", amount_minor=100),),
        vouchers=UNDONE,
    )
    body = ReturnTaken(
        request="",
        number=f"S{shop.epoch:03}-T01-{n:06}",
        till="T01",
        series=shop.epoch,
        n=n,
        shift=UUID(int=shop.epoch),
        currency="EUR",
        reason="did not fit",
        taken=taken,
    )
    return shop.log(body)


def test_a_return_that_two_lives_have_booked_counts_twice_and_its_coupon_is_free_once(office: Office) -> None:
    lost, later = Shop(), Shop(epoch=9, at_ms=Shop().now_ms + 3_600_000)
    sale = lost.sell(vouchers=vouchers(used=[used(5)], issued=[coupon(6)]))
    returns = [take_back(lost, sale, 2), take_back(later, sale, 1)]
    for shop in (lost, later):
        office.take_in(STORE, shop.journal)
        office.apply_all(STORE)
    assert office.rows("dead_letter") == []
    assert {row[0] for row in office.rows("goods_back", "op")} == {each.bytes for each in returns}
    assert sum(row[0] for row in office.rows("money_back", "amount_minor")) == 200
    assert dict(office.rows("coupon_count"))[5] == 0, "the coupon was used once and is free once"
    assert [kind for (kind,) in office.rows("incident", "kind")] == ["return_twice"]
    report = proof_of(office)
    assert report.ok, report.first_wrong
