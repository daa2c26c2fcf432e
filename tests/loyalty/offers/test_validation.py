"""Offers nobody could explain are refused when they are made."""

import datetime as dt
import re

import pytest

import loyalty.offers.validation
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    Effect,
    FixedPrice,
    Gift,
    Goods,
    Limits,
    Minimum,
    Offer,
    PercentOff,
    Schedule,
    Step,
    Steps,
    WrongOffer,
    decode_offer,
)
from loyalty.offers.validation import validate_offer
from tests.loyalty.offers.carts import an_offer, goods

COLA, MILK = goods("cola"), goods("milk")
TEN = PercentOff(percent="10")


def a_day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def an_hour(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


def with_conditions(effect: Effect = TEN, **fields: object) -> Offer:
    return an_offer("X", effect, conditions=Conditions(**fields))  # type: ignore[arg-type]


def with_limits(effect: Effect = TEN, member: bool = True, **fields: int) -> Offer:
    return an_offer("X", effect, conditions=Conditions(member_required=member), limits=Limits(**fields))


def scheduled(**fields: object) -> Offer:
    return with_conditions(schedule=Schedule(**fields))  # type: ignore[arg-type]


def steps(*found: Step) -> Offer:
    return an_offer("X", Steps(goods=COLA, steps=found))


def bundle(*parts: BundlePart) -> Offer:
    return an_offer("X", Bundle(parts=parts, price_minor=100))


REFUSED = [
    ("title_missing", an_offer("X", TEN, title={})),
    ("title_missing", an_offer("X", TEN, title={"en": " "})),
    ("no_discount", an_offer("X", PercentOff(percent="0"))),
    ("no_discount", an_offer("X", BuyGet(buy=1, get=1, goods=COLA, percent="0.00"))),
    ("no_discount", steps(Step(from_pieces=2, percent="0"))),
    ("free_for_all", an_offer("X", PercentOff(percent="100"))),
    ("free_for_all", with_conditions(PercentOff(percent="100.00"), channels=("web",))),
    ("price_for_everything", an_offer("X", FixedPrice(price_minor=100, goods=Goods()))),
    ("price_for_everything", an_offer("X", BuyGet(buy=1, get=1, goods=Goods()))),
    ("price_for_everything", bundle(BundlePart(goods=Goods()), BundlePart(goods=COLA))),
    ("contradiction", an_offer("X", PercentOff(percent="10", goods=goods("cola", but="cola")))),
    ("contradiction", an_offer("X", PercentOff(percent="10", goods=goods("dairy", but="dairy")))),
    ("contradiction", with_conditions(minimum=Minimum(pieces=1, goods=goods("cola", but="cola")))),
    ("overlapping_goods", an_offer("X", BuyGet(buy=1, get=1, goods=COLA, reward=goods("cola", "milk")))),
    ("overlapping_goods", bundle(BundlePart(goods=COLA), BundlePart(goods=MILK), BundlePart(goods=COLA))),
    ("pieces_without_meaning", an_offer("X", AmountOff(amount_minor=5, at_most_pieces=2))),
    ("one_piece_bundle", bundle(BundlePart(goods=COLA))),
    ("one_piece_bundle", bundle()),
    ("steps_unordered", steps()),
    ("steps_unordered", steps(Step(from_pieces=3))),
    ("steps_unordered", steps(Step(from_pieces=3, percent="10", price_minor=100))),
    ("steps_unordered", steps(Step(from_pieces=3, percent="10"), Step(from_pieces=6, price_minor=100))),
    ("steps_unordered", steps(Step(from_pieces=1, percent="10"))),
    ("steps_unordered", steps(Step(from_pieces=3, percent="10"), Step(from_pieces=3, percent="20"))),
    ("steps_unordered", steps(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="10.0"))),
    ("steps_unordered", steps(Step(from_pieces=3, price_minor=100), Step(from_pieces=6, price_minor=100))),
    ("two_thresholds", with_conditions(minimum=Minimum(amount_minor=1, pieces=1))),
    ("two_thresholds", with_conditions(BuyGet(buy=1, get=1, goods=COLA), minimum=Minimum(pieces=5))),
    ("empty_minimum", with_conditions(minimum=Minimum(goods=COLA))),
    ("pays_the_shopper", with_conditions(AmountOff(amount_minor=1001), minimum=Minimum(amount_minor=1000))),
    ("minimum_of_gifts", with_conditions(Gift(goods=COLA), minimum=Minimum(amount_minor=1000, goods=COLA))),
    ("gift_for_all", an_offer("X", Gift(goods=COLA))),
    ("gift_for_all", with_conditions(Gift(goods=COLA), channels=("till",))),
    ("guest_has_none", with_conditions(segments=("families",))),
    ("guest_has_none", with_conditions(tiers=("gold",))),
    ("guest_has_none", with_conditions(first_purchase=True)),
    ("guest_has_none", with_limits(member=False, per_member=1)),
    ("never_runs", scheduled(first_day=a_day("2026-11-22"), last_day=a_day("2026-11-21"))),
    ("never_runs", scheduled(first_day=a_day("2026-11-21"), last_day=a_day("2026-11-22"), weekdays=(1, 5))),
    ("never_runs", scheduled(from_time=an_hour("10:00"))),
    ("never_runs", scheduled(until_time=an_hour("10:00"))),
    ("never_runs", scheduled(from_time=an_hour("10:00"), until_time=an_hour("10:00"))),
    ("never_runs", scheduled(from_time=an_hour("10:00Z"), until_time=an_hour("11:00"))),
    ("repeated", scheduled(weekdays=(1, 1))),
    ("repeated", with_conditions(channels=("till", "till"))),
    ("limits_disagree", with_limits(per_member=5, total=4)),
    ("limits_disagree", with_limits(BuyGet(buy=1, get=1, goods=COLA), per_sale=5, per_member=4)),
    ("budget_too_small", with_limits(AmountOff(amount_minor=500), budget_minor=499)),
    ("used_once", with_limits(per_sale=2)),
]

GOOD = [
    an_offer("X", TEN),
    an_offer("X", PercentOff(percent="100", goods=COLA)),
    an_offer("X", PercentOff(percent="100"), trigger="coupon"),
    an_offer("X", PercentOff(percent="10", goods=goods("dairy", but="milk"))),
    an_offer("X", AmountOff(amount_minor=50, each=True, at_most_pieces=2, goods=COLA)),
    an_offer("X", Gift(goods=COLA), trigger="coupon"),
    with_conditions(Gift(goods=COLA), minimum=Minimum(amount_minor=1000)),
    with_conditions(Gift(goods=COLA), minimum=Minimum(amount_minor=1000, goods=goods("cola", "milk"))),
    with_conditions(AmountOff(amount_minor=1000), minimum=Minimum(amount_minor=1000)),
    with_conditions(BuyGet(buy=1, get=1, goods=COLA), minimum=Minimum(amount_minor=1000)),
    with_conditions(member_required=True, segments=("a",), tiers=("gold",), first_purchase=True),
    with_limits(BuyGet(buy=1, get=1, goods=COLA), per_sale=1, per_member=1, total=1, budget_minor=1),
    bundle(BundlePart(goods=COLA, pieces=2)),
    bundle(BundlePart(goods=COLA), BundlePart(goods=goods("dairy"))),
    an_offer("X", BuyGet(buy=1, get=1, goods=COLA, reward=MILK)),
    steps(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20")),
    steps(Step(from_pieces=3, price_minor=100), Step(from_pieces=6, price_minor=90)),
    scheduled(first_day=a_day("2026-11-21"), last_day=a_day("2026-11-21"), weekdays=(6,)),
    scheduled(from_time=an_hour("22:00"), until_time=an_hour("02:00")),
]


@pytest.mark.parametrize(("code", "offer"), REFUSED)
def test_what_nobody_could_explain_is_refused(code: str, offer: Offer) -> None:
    faults = validate_offer(offer)
    assert {fault.code for fault in faults} == {code}
    assert all(fault.pointer.startswith("/") and fault.message.endswith(".") for fault in faults)


@pytest.mark.parametrize("offer", GOOD)
def test_what_can_be_explained_may_be_published(offer: Offer) -> None:
    assert validate_offer(offer) == []


def test_the_table_of_rules_is_complete() -> None:
    text = loyalty.offers.validation.__doc__ or ""
    listed = re.findall(r"^([a-z_]+) +\| ", text.replace("\n    ", "\n"), re.MULTILINE)
    assert set(listed) - {"code"} == {code for code, _ in REFUSED}


def test_everything_wrong_is_said_at_once() -> None:
    offer = an_offer("X", PercentOff(percent="0"), title={}, conditions=Conditions(tiers=("gold",)))
    assert {fault.code for fault in validate_offer(offer)} == {"title_missing", "no_discount", "guest_has_none"}


HEAD = '{"format":1,"id":"A","version":1,"title":{"en":"A"},'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        HEAD + '"effect":{"kind":"percent","percent":"10"},"surprise":1}',
        HEAD + '"effect":{"kind":"percent","percent":"10"},"conditions":{"moon":"full"}}',
        HEAD + '"effect":{"kind":"lottery"}}',
        HEAD + '"effect":{"kind":"percent","percent":"101"}}',
        HEAD + '"effect":{"kind":"percent","percent":"-1"}}',
        HEAD + '"effect":{"kind":"percent","percent":"1e1"}}',
        HEAD + '"effect":{"kind":"percent","percent":"10\\n"}}',
        HEAD + '"effect":{"kind":"percent","percent":10}}',
        HEAD + '"effect":{"kind":"amount","amount_minor":0}}',
        HEAD + '"effect":{"kind":"bundle","parts":[],"price_minor":100}}',
        HEAD + '"effect":{"kind":"steps","steps":[],"goods":{"products":["cola"]}}}',
        HEAD + '"effect":{"kind":"percent","percent":"10"},"conditions":{"schedule":{"from_time":"10:00:00Z"}}}',
        HEAD + '"effect":{"kind":"amount","amount_minor":1.5}}',
        HEAD + '"effect":{"kind":"amount","amount_minor":1000000000001}}',
        HEAD + '"effect":{"kind":"amount","amount_minor":5},"limits":{"total":0}}',
        HEAD.replace('"format":1', '"format":2') + '"effect":{"kind":"amount","amount_minor":5}}',
        HEAD.replace('"A"', '"A B"') + '"effect":{"kind":"amount","amount_minor":5}}',
        HEAD + '"effect":{"kind":"percent","percent":"10","goods":{"products":["\\u0000"]}}}',
        '{"a":' * 100_000,
    ],
)
def test_what_cannot_be_read_is_refused_whole(text: str) -> None:
    with pytest.raises(WrongOffer):
        decode_offer(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(WrongOffer):
        decode_offer(b'{"format":1,"id":"\xff"}')


def test_an_offer_made_by_hand_is_read_with_its_defaults() -> None:
    offer = decode_offer((HEAD + '"effect":{"kind":"buy_get","buy":2,"get":1,"goods":{"products":["cola"]}}}').encode())
    assert offer == an_offer("A", BuyGet(buy=2, get=1, goods=COLA), title={"en": "A"})
