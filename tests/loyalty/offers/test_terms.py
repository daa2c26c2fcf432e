"""What an offer gives and asks, in words: every condition in every language, nothing that is nobody's business."""

import datetime as dt
from typing import Any

import pytest

from loyalty.offers.offer import Conditions, Gift, Goods, Limits, Minimum, Offer, PercentOff, Schedule, Step, Steps
from loyalty.offers.terms import TERMS, end_of, say_terms, say_title
from loyalty.offers.texts import LANGUAGES

DAY = dt.date(2026, 11, 27)
EVERYTHING = Conditions(
    member_required=True,
    first_purchase=True,
    channels=("till", "web"),
    schedule=Schedule(first_day=DAY, last_day=DAY, weekdays=(5, 1), from_time=dt.time(17), until_time=dt.time(20, 30)),
    minimum=Minimum(amount_minor=1050),
)


def offer(conditions: Conditions = EVERYTHING, **more: Any) -> Offer:  # noqa: ANN401  any field of an offer
    fields: dict[str, Any] = {"title": {"en": "Friday"}, "effect": PercentOff(percent="12.5"), "trigger": "coupon"}
    limits = Limits(per_sale=1, per_member=2, total=100)
    return Offer(**{"format": 1, "id": "F", "version": 1, "conditions": conditions, "limits": limits, **fields, **more})


@pytest.mark.parametrize(
    ("language", "currency", "terms"),
    [
        (
            "en",
            "EUR",
            (
                "12.5% off · from €10.50 · with a coupon · for members · on a first purchase"
                " · At the till, In the web shop · from Fri, Nov 27 · until Fri, Nov 27 · Mon, Fri · 17:00–20:30"
                " · at most 1 per purchase"
                " · at most 2 per member · while it lasts"
            ),
        ),
        (
            "ko",
            "KRW",
            (
                "12.5% 할인 · ₩1,050 이상 · 쿠폰 제시 시 · 회원 전용 · 첫 구매 시 · 계산대에서, 온라인 매장에서"
                " · 11월 27일 (금)부터 · 11월 27일 (금)까지 · 월, 금 · 17:00–20:30"
                " · 1회 구매당 1회 · 회원당 2회 · 소진 시 종료"
            ),
        ),
        (
            "ja",
            "JPY",
            (
                "12.5%引き · ￥1,050以上 · クーポン提示で · 会員限定 · 初回購入時 · レジで, ネットショップで"
                " · 11月27日(金)から · 11月27日(金)まで · 月, 金 · 17:00–20:30"
                " · 1回のお買い物で1回まで · 会員お一人2回まで"
                " · なくなり次第終了"
            ),
        ),
        (
            "pl",
            "PLN",
            (
                "rabat 12,5% · od 10,50 zł · z kuponem · dla członków klubu · przy pierwszych zakupach"
                " · Przy kasie, W sklepie internetowym · od pt., 27 lis · do pt., 27 lis · pon., pt. · 17:00–20:30"
                " · na zakupy najwyżej 1× · na osobę najwyżej 2× · do wyczerpania"
            ),
        ),
    ],
)
def test_everything_an_offer_asks_is_said_in_every_language(language: str, currency: str, terms: str) -> None:
    assert say_terms(offer(), language, currency).replace("\u00a0", " ") == terms


def test_every_term_has_words_in_every_language() -> None:
    for key, texts in TERMS.items():
        assert len(texts) == len(LANGUAGES), key
        assert all(texts), key


def test_a_shopper_is_told_her_level_and_never_her_segment() -> None:
    personal = Conditions(member_required=True, tiers=("gold",), segments=("at_risk",))
    told = say_terms(offer(personal, limits=Limits(), trigger="automatic"), "en", "EUR")
    assert told == "12.5% off · for level gold"


def test_pieces_and_steps_are_counted() -> None:
    gift = Gift(goods=Goods(products=("bag",)))
    told = say_terms(
        offer(Conditions(minimum=Minimum(pieces=3)), effect=gift, limits=Limits(), trigger="automatic"), "en", "EUR"
    )
    assert told == "free gift: 1 piece · from 3 pieces"
    steps = Steps(
        steps=(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20")), goods=Goods(products=("a",))
    )
    told = say_terms(offer(Conditions(), effect=steps, limits=Limits(), trigger="automatic"), "en", "EUR")
    assert told == "10% off for 3 pieces or more"


@pytest.mark.parametrize(
    ("titles", "locale", "title"),
    [
        ({"en": "Week", "pl": "Tydzień"}, "pl-PL", "Tydzień"),
        ({"en": "Week", "pl": "Tydzień"}, "ko", "Week"),
        ({"de": "Woche"}, "ja", "Woche"),
        ({}, "en", ""),
    ],
)
def test_a_title_is_told_in_the_language_there_is(titles: dict[str, str], locale: str, title: str) -> None:
    assert say_title(offer(title=titles), locale) == title


@pytest.mark.parametrize(
    ("schedule", "over"),
    [
        (Schedule(last_day=DAY), "2026-11-28T00:00"),
        (Schedule(last_day=DAY, from_time=dt.time(17), until_time=dt.time(20)), "2026-11-27T20:00"),
        (Schedule(last_day=DAY, from_time=dt.time(22), until_time=dt.time(2)), "2026-11-28T02:00"),
        (Schedule(weekdays=(1,)), None),
    ],
)
def test_an_offer_is_over_after_its_last_hour(schedule: Schedule, over: str | None) -> None:
    end = end_of(schedule)
    assert (end.isoformat(timespec="minutes") if end else None) == over
