"""Ids that are the same on every run, and never the same for two things."""

from uuid import RFC_4122

from kiosk.demo.baskets import Basket
from kiosk.demo.files import bundled_baskets, load_baskets
from kiosk.demo.ids import MEMBERS_SINCE_MS, member_id_of, sale_id_of, shift_id_of


def basket(basket_id: str, store_id: str, at_ms: int = 1_483_273_590_000) -> Basket:
    return Basket(basket_id=basket_id, household_id=None, store_id=store_id, at_ms=at_ms, lines=(), total_minor=0)


def test_ids_stay_the_same_for_ever() -> None:
    # Values of the first release: a store that replayed half a file then must be able to go on with the other half.
    assert str(member_id_of("1228")) == "01595753-6400-7ffb-95e0-71028837d20a"
    assert str(sale_id_of(basket("31198655051", "406"))) == "015959fe-d4f0-796c-bd68-cf095034149e"
    assert str(shift_id_of("till-1", 1_483_273_590_000)) == "015959fe-d4f0-7210-8e88-cffc792aa129"


def test_ids_are_version_7_and_begin_with_their_time() -> None:
    for made, at_ms in [
        (member_id_of("1228"), MEMBERS_SINCE_MS),
        (sale_id_of(basket("1", "2", 1_500_000_000_000)), 1_500_000_000_000),
        (shift_id_of("till-1", 5), 5),
    ]:
        assert (made.version, made.variant) == (7, RFC_4122)
        assert made.int >> 80 == at_ms


def test_names_that_read_alike_when_joined_get_different_ids() -> None:
    assert sale_id_of(basket("12", "3")) != sale_id_of(basket("2", "31"))
    assert sale_id_of(basket("23", "1")) != sale_id_of(basket("3", "12"))
    assert shift_id_of("till-1", 5, 11) != shift_id_of("till-11", 5, 1)
    assert shift_id_of("till-1", 5) != shift_id_of("till-1", 5, 2)


def test_no_two_things_of_the_real_file_share_an_id() -> None:
    baskets = load_baskets(bundled_baskets()).baskets
    households = {basket.household_id for basket in baskets if basket.household_id is not None}
    ids = {sale_id_of(basket) for basket in baskets} | {member_id_of(household) for household in households}
    assert len(ids) == 10_160 + 466
