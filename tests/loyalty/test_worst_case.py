"""The stated maximum loss, found by walking through every order of events in small worlds: never exceeded, and reached.

A world is two or three stores with one or two members: redemptions on the floor and on leases, pushes whose answer may
be lost, reads, spending elsewhere, leases that end and are reported, in any order (offline_worlds.py).
"""

import pytest

from loyalty.exposure import OfflinePolicy, worst_case_minor
from tests.loyalty.offline_worlds import World

PLENTY = 9


def policy_of(member_limit: int, store_limit: int = PLENTY) -> OfflinePolicy:
    return OfflinePolicy(member_limit_minor=member_limit, store_limit_minor=store_limit, account_max_age_ms=0)


def worst(world: World) -> tuple[int, int]:
    """What was overspent in all and what of it head office has not seen, at the worst moments of all that can happen.

    The two are not of the same moment.
    """
    states = world.reachable()
    return max(map(world.overspent, states)), max(map(world.unseen, states))


def stated(world: World) -> int:
    return worst_case_minor(
        world.policy,
        world.stores,
        members=world.members,
        account_minor=world.balance,
        others_spend=world.others_spend,
    )


# stores | balance | F | C      | loss of one member: others can spend | nobody else can
ONE_MEMBER = [
    (1, 2, 2, PLENTY, 2, 0),
    (2, 1, 1, PLENTY, 2, 1),
    (2, 2, 1, PLENTY, 2, 1),
    (2, 1, 2, PLENTY, 2, 1),
    (2, 2, 2, PLENTY, 4, 2),
    (2, 3, 2, PLENTY, 4, 2),
    (2, 2, 2, 1, 2, 1),
    (2, 2, 0, PLENTY, 0, 0),
    (2, 2, 2, 0, 0, 0),
    (3, 1, 1, PLENTY, 3, 2),
    (3, 2, 1, PLENTY, 3, 2),
]


@pytest.mark.parametrize(("stores", "balance", "member_limit", "store_limit", "loss", "alone"), ONE_MEMBER)
def test_one_member_overspends_exactly_as_much_as_is_stated(
    stores: int, balance: int, member_limit: int, store_limit: int, loss: int, alone: int
) -> None:
    policy = policy_of(member_limit, store_limit)
    for others_spend, expected in ((True, loss), (False, alone)):
        world = World(stores, 1, balance, policy, others_spend)
        assert worst(world) == (expected, expected)
        assert stated(world) == expected


@pytest.mark.parametrize(
    ("stores", "balance", "member_limit", "store_limit", "loss"),
    [(1, 1, 1, 1, 1), (1, 1, 1, 2, 2), (1, 2, 2, 3, 3), (2, 1, 1, 1, 2), (2, 1, 2, 1, 2)],
)
def test_a_store_cap_bounds_what_all_members_overspend_in_one_outage(
    stores: int, balance: int, member_limit: int, store_limit: int, loss: int
) -> None:
    world = World(stores, 2, balance, policy_of(member_limit, store_limit))
    in_all, unseen = worst(world)
    assert unseen == stated(world) == loss
    # Over several outages each member can still not owe more than alone.
    assert in_all <= 2 * stated(world._replace(members=1))


def test_without_others_the_cap_is_a_bound_all_the_same() -> None:
    world = World(2, 2, 1, policy_of(1, 1), others_spend=False)
    assert worst(world)[1] <= stated(world)


def test_leases_alone_lose_nothing() -> None:
    for lend in (1, 2):
        world = World(2, 1, 2, policy_of(0, 0), lend=lend)
        assert worst(world) == (0, 0)
        assert any(place.taken for state in world.reachable() for row in state.places for place in row)


def test_leases_beside_the_floor_add_nothing() -> None:
    world = World(2, 1, 2, policy_of(1), lend=1)
    assert worst(world) == (2, 2)
    assert stated(world) == 2


def test_the_formula_of_one_outage_would_be_exceeded() -> None:
    """max(0, k * min(F, account) - account) forgets that the balance can be spent and reported elsewhere."""
    world = World(2, 1, 2, policy_of(1), others_spend=False)
    assert max(0, 2 * min(1, 2) - 2) == 0 < worst(world)[0]


def test_a_lease_that_spends_the_balance_is_somebody_else_who_spends() -> None:
    world = World(2, 1, 2, policy_of(1), others_spend=False, lend=1)
    assert worst(world)[0] == 2 == stated(world._replace(others_spend=True))


def test_a_store_that_took_arrival_for_acknowledgement_would_lose_more() -> None:
    world = World(2, 1, 3, policy_of(1), arrival_acknowledges=True)
    assert worst(world)[0] > stated(world)


def test_a_head_office_that_took_leases_back_by_time_would_lose_what_was_spent() -> None:
    sound = World(2, 1, 2, policy_of(0, 0), lend=2)
    assert worst(sound)[0] == 0
    assert worst(sound._replace(time_takes_leases_back=True))[0] == 4


@pytest.mark.parametrize(
    ("stores", "more", "loss"),
    [
        (0, {}, 0),
        (5, {"members": 1}, 2_500),
        (5, {"members": 1, "others_spend": False}, 2_000),
        (5, {"members": 1, "account_minor": 100}, 500),
        (0, {"members": 3, "others_spend": False}, 0),
        (10, {}, 100_000),
        (10, {"members": 3}, 15_000),
        (10, {"members": 1_000_000}, 100_000),
        (2, {"copied_leases_minor": 20_000}, 40_000),
    ],
)
def test_the_figures_of_a_chain(stores: int, more: dict[str, int], loss: int) -> None:
    policy = OfflinePolicy(member_limit_minor=500, store_limit_minor=10_000, account_max_age_ms=0)
    assert worst_case_minor(policy, stores, **more) == loss  # type: ignore[arg-type]
