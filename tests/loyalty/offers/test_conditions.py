"""Who gets an offer, where and when, and what is nearly given."""

import datetime as dt

import pytest

from loyalty.offers.conditions import is_running, next_opening
from loyalty.offers.context import OfferContext, Shopper
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    Gift,
    Minimum,
    Offer,
    PercentOff,
    Schedule,
    Stacking,
    Step,
    Steps,
)
from loyalty.offers.outcome import NEAR_MISSES_SHOWN
from tests.loyalty.offers.carts import a_context, an_offer, goods, outcome_of

TEN = PercentOff(percent="10", goods=goods("dairy"))
MILK = "1 milk 2.00"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def schedule(days: str = "", weekdays: str = "", hours: str = "") -> Schedule:
    """ "2026-11-01..2026-11-30", "567", "22:00-02:00"; each may be empty."""
    first, _, last = days.partition("..")
    begin, _, end = hours.partition("-")
    return Schedule(
        first_day=dt.date.fromisoformat(first) if first else None,
        last_day=dt.date.fromisoformat(last) if last else None,
        weekdays=tuple(map(int, weekdays)),
        from_time=dt.time.fromisoformat(begin) if begin else None,
        until_time=dt.time.fromisoformat(end) if end else None,
    )


def near(cart: str, *offers: Offer, context: OfferContext | None = None) -> list[tuple[str, str, dict[str, int | str]]]:
    return [(n.offer, n.code.value, dict(n.parameters)) for n in outcome_of(cart, offers, context).near_misses]


@pytest.mark.parametrize(
    ("days", "weekdays", "hours", "time", "runs"),
    [
        ("2026-11-21..2026-11-22", "", "", "2026-11-20T23:59", False),
        ("2026-11-21..2026-11-22", "", "", "2026-11-21T00:00", True),
        ("2026-11-21..2026-11-22", "", "", "2026-11-22T23:59", True),
        ("2026-11-21..2026-11-22", "", "", "2026-11-23T00:00", False),
        ("2026-11-21..", "", "", "2030-01-01T00:00", True),
        ("..2026-11-21", "", "", "2020-01-01T00:00", True),
        ("", "67", "", "2026-11-21T12:00", True),
        ("", "5", "", "2026-11-21T12:00", False),
        ("", "", "17:00-20:00", "2026-11-21T16:59:59", False),
        ("", "", "17:00-20:00", "2026-11-21T17:00", True),
        ("", "", "17:00-20:00", "2026-11-21T19:59:59", True),
        ("", "", "17:00-20:00", "2026-11-21T20:00", False),
        ("", "5", "22:00-02:00", "2026-11-20T22:00", True),
        ("", "5", "22:00-02:00", "2026-11-21T01:59", True),
        ("", "5", "22:00-02:00", "2026-11-21T02:00", False),
        ("", "5", "22:00-02:00", "2026-11-20T01:00", False),
        ("", "5", "22:00-02:00", "2026-11-21T22:00", False),
        ("2026-11-20..2026-11-20", "", "22:00-02:00", "2026-11-21T01:00", True),
    ],
)
def test_a_schedule_runs_by_day_weekday_and_hour(days: str, weekdays: str, hours: str, time: str, runs: bool) -> None:
    assert is_running(schedule(days, weekdays, hours), at(time)) is runs
    offer = an_offer("TEN", TEN, conditions=Conditions(schedule=schedule(days, weekdays, hours)))
    assert bool(outcome_of(MILK, [offer], a_context(at(time))).uses) is runs


@pytest.mark.parametrize(
    ("days", "weekdays", "hours", "time", "opens"),
    [
        ("2026-11-27..", "", "", "2026-11-21T12:00", "2026-11-27T00:00"),
        ("2026-11-29..", "", "", "2026-11-21T12:00", None),
        ("", "5", "17:00-20:00", "2026-11-21T12:00", "2026-11-27T17:00"),
        ("", "6", "17:00-20:00", "2026-11-21T12:00", "2026-11-21T17:00"),
        ("", "6", "17:00-20:00", "2026-11-21T21:00", "2026-11-28T17:00"),
        ("..2026-11-20", "", "", "2026-11-21T12:00", None),
    ],
)
def test_the_next_opening_is_found_within_a_week(
    days: str, weekdays: str, hours: str, time: str, opens: str | None
) -> None:
    assert next_opening(schedule(days, weekdays, hours), at(time)) == (at(opens) if opens else None)


@pytest.mark.parametrize(
    ("conditions", "member", "channel", "given"),
    [
        (Conditions(member_required=True), None, "till", False),
        (Conditions(member_required=True), Shopper(), "till", True),
        (Conditions(tiers=("gold",)), None, "till", False),
        (Conditions(tiers=("gold", "silver")), Shopper(tier="silver"), "till", True),
        (Conditions(tiers=("gold",)), Shopper(tier="silver"), "till", False),
        (Conditions(segments=("a", "b")), Shopper(segments=frozenset({"b"})), "till", True),
        (Conditions(segments=("a", "b")), Shopper(segments=frozenset({"c"})), "till", False),
        (Conditions(segments=("a",)), None, "till", False),
        (Conditions(first_purchase=True), Shopper(first_purchase=True), "till", True),
        (Conditions(first_purchase=True), Shopper(), "till", False),
        (Conditions(first_purchase=True), None, "till", False),
        (Conditions(channels=("web", "kiosk")), None, "kiosk", True),
        (Conditions(channels=("web", "kiosk")), None, "till", False),
    ],
)
@pytest.mark.parametrize("stacking", list(Stacking))
def test_an_offer_is_given_to_whom_it_names(
    conditions: Conditions, member: Shopper | None, channel: str, given: bool, stacking: Stacking
) -> None:
    offer = an_offer("TEN", TEN, conditions=conditions, stacking=stacking)
    context = a_context(member=member, channel=channel)
    assert bool(outcome_of(MILK, [offer], context).uses) is given


@pytest.mark.parametrize("stacking", list(Stacking))
@pytest.mark.parametrize(
    ("conditions", "code", "parameters"),
    [
        (Conditions(member_required=True), "with_card", {}),
        (Conditions(channels=("web", "kiosk")), "in_channel", {"channels": "web,kiosk"}),
        (Conditions(schedule=schedule("2026-11-27..")), "from_day", {"day": "2026-11-27"}),
        (Conditions(schedule=schedule(hours="17:00-20:00")), "from_time", {"time": "17:00"}),
        (Conditions(minimum=Minimum(amount_minor=399)), "more_money", {"missing_minor": 199}),
        (Conditions(minimum=Minimum(pieces=2)), "more_pieces", {"pieces": 1}),
    ],
)
def test_what_one_thing_keeps_away_is_a_near_miss(
    conditions: Conditions, code: str, parameters: dict[str, int | str], stacking: Stacking
) -> None:
    offer = an_offer("TEN", TEN, conditions=conditions, stacking=stacking)
    assert near(MILK, offer) == [("TEN", code, parameters)]
    (note,) = outcome_of(MILK, [offer]).near_misses
    assert note.reward is not None
    assert note.reward.code.value == "percent_off"
    assert near("1 cola 2.00", offer) == []
    assert near(MILK, offer, context=a_context(with_near_misses=False)) == []


def test_a_tier_is_a_near_miss_for_members_only() -> None:
    gold = an_offer("TEN", TEN, conditions=Conditions(member_required=True, tiers=("gold",)))
    assert near(MILK, gold, context=a_context(member=Shopper())) == [("TEN", "with_tier", {"tiers": "gold"})]
    assert near(MILK, gold) == []


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(minimum=Minimum(amount_minor=500)),
        Conditions(minimum=Minimum(pieces=3)),
        Conditions(member_required=True, minimum=Minimum(amount_minor=300)),
        Conditions(member_required=True, segments=("a",)),
        Conditions(schedule=schedule("2026-12-24..")),
        Conditions(schedule=schedule("..2026-11-20")),
    ],
    ids=["money far away", "pieces far away", "two things", "segment", "in a month", "over"],
)
def test_what_is_far_away_or_private_is_no_near_miss(conditions: Conditions) -> None:
    assert near(MILK, an_offer("TEN", TEN, conditions=conditions)) == []


THREE_FOR_TWO = BuyGet(buy=2, get=1, goods=goods("cola"))
BRUNCH = Bundle(parts=(BundlePart(goods=goods("bread")), BundlePart(goods=goods("milk"))), price_minor=300)
TWO_STEPS = Steps(goods=goods("cola"), steps=(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20")))


@pytest.mark.parametrize("stacking", list(Stacking))
@pytest.mark.parametrize(
    ("effect", "cart", "missing"),
    [
        (THREE_FOR_TWO, "1 cola 2.00", None),
        (THREE_FOR_TWO, "2 cola 2.00", 1),
        (THREE_FOR_TWO, "3 cola 2.00", None),
        (THREE_FOR_TWO, "5 cola 2.00", 1),
        (BRUNCH, "1 bread 3.00", 1),
        (BRUNCH, "1 milk 1.00", 1),
        (BRUNCH, "1 bread 3.00, 1 milk 1.00", None),
        (TWO_STEPS, "1 cola 2.00", None),
        (TWO_STEPS, "2 cola 2.00", 1),
        (TWO_STEPS, "4 cola 2.00", 2),
        (TWO_STEPS, "6 cola 2.00", None),
    ],
)
def test_pieces_missing_to_the_next_set_or_step_are_a_near_miss(
    effect: BuyGet | Bundle | Steps, cart: str, missing: int | None, stacking: Stacking
) -> None:
    expected = [("SET", "more_pieces", {"pieces": missing})] if missing else []
    assert near(cart, an_offer("SET", effect, stacking=stacking)) == expected


def test_the_next_step_is_what_the_near_miss_promises() -> None:
    (note,) = outcome_of("4 cola 2.00", [an_offer("STEPS", TWO_STEPS)]).near_misses
    assert note.reward is not None
    assert note.reward.parameters == {"pieces": 6, "percent": "20"}


def test_a_gift_not_taken_along_is_a_near_miss() -> None:
    gift = an_offer("GIFT", Gift(goods=goods("cola")), conditions=Conditions(minimum=Minimum(amount_minor=300)))
    assert near("1 bread 3.00", gift) == [("GIFT", "add_gift", {"pieces": 1})]
    assert near("1 bread 3.00, 1 cola 2.00", gift) == []
    assert near("1 bread 2.00", gift) == []


def test_goods_another_set_has_taken_promise_nothing() -> None:
    brunch = an_offer("BRUNCH", BRUNCH, stacking=Stacking.EXCLUSIVE)
    bread = an_offer("BREAD", BuyGet(buy=1, get=1, goods=goods("bread")))
    assert near("1 bread 3.00", bread) == [("BREAD", "more_pieces", {"pieces": 1})]
    assert near("1 bread 3.00, 1 milk 1.00", brunch, bread) == []


def test_a_card_promises_nothing_where_another_offer_gives_as_much() -> None:
    card = an_offer("CARD", PercentOff(percent="10", goods=goods("milk")), conditions=Conditions(member_required=True))
    for rate, expected in (("9", [("CARD", "with_card", {})]), ("10", []), ("20", [])):
        assert near(MILK, card, an_offer("ALL", PercentOff(percent=rate))) == expected


def test_the_nearest_near_misses_come_first_and_no_more_than_can_be_read() -> None:
    offers = [
        an_offer(f"M{n:02}", AmountOff(amount_minor=10), conditions=Conditions(minimum=Minimum(amount_minor=201 + n)))
        for n in range(20)
    ]
    offers.append(an_offer("CARD", TEN, conditions=Conditions(member_required=True)))
    offers.append(an_offer("SET", BuyGet(buy=1, get=1, goods=goods("milk"))))
    found = near(MILK, *offers)
    assert len(found) == NEAR_MISSES_SHOWN
    assert [offer for offer, _, _ in found] == ["SET", *(f"M{n:02}" for n in range(NEAR_MISSES_SHOWN - 1))]


def test_one_near_miss_come_true_gives_what_it_promised() -> None:
    offer = an_offer("TWO", AmountOff(amount_minor=200), conditions=Conditions(minimum=Minimum(amount_minor=1000)))
    (note,) = outcome_of("1 bread 7.90", [offer]).near_misses
    assert note.parameters == {"missing_minor": 210}
    assert outcome_of("1 bread 7.90, 1 cola 2.10", [offer]).discount_minor == 200
    assert outcome_of("1 bread 7.90, 1 cola 2.09", [offer]).discount_minor == 0


def test_the_context_needs_the_time_on_the_wall() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        a_context(dt.datetime(2026, 11, 21, tzinfo=dt.UTC))
