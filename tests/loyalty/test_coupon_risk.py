"""What a coupon that several stores take may give away while nobody can be asked."""

import pytest

from loyalty.exposure import CouponLimitReached, OfflinePolicy, StoreLimitReached, may_risk_coupon

POLICY = OfflinePolicy(member_limit_minor=0, store_limit_minor=1000, account_max_age_ms=0, coupon_limit_minor=300)


@pytest.mark.parametrize(
    ("value", "risked", "left"),
    [
        (300, 0, None),
        (301, 0, ("coupon_limit_reached", 300)),
        (300, 700, None),
        (300, 701, ("store_limit_reached", 299)),
        (1, 1000, ("store_limit_reached", 0)),
        (1, 5000, ("store_limit_reached", 0)),
        (0, 5000, None),
    ],
)
def test_one_coupon_has_a_limit_and_so_has_the_store(value: int, risked: int, left: tuple[str, int] | None) -> None:
    if left is None:
        may_risk_coupon(value, risked, POLICY)
        return
    with pytest.raises((CouponLimitReached, StoreLimitReached)) as refused:
        may_risk_coupon(value, risked, POLICY)
    assert (refused.value.code, refused.value.extra["left_minor"]) == left
