"""pure: reasons, near misses and refusals in English, Korean, Japanese and Polish. The only place where they are words.

A template names parameters with their units (outcome.Reason), and they are written as the language does: money with
its currency, percent, days, pieces with the right plural. A language we do not have is answered in English.

    >>> from loyalty.offers.outcome import Code, Note, Reason
    >>> miss = Note("DAIRY10", Code.MORE_MONEY, {"missing_minor": 210}, Reason(Code.PERCENT_OFF, {"percent": "10"}))
    >>> say_note(miss, "en", "EUR"), say_note(miss, "pl", "PLN").replace(chr(0xa0), " ")
    ('€2.10 more and: 10% off', 'Jeszcze 2,10 zł, a otrzymasz: rabat 10%')
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import format_currency, format_decimal

from loyalty.money import currency_exponent
from loyalty.offers.outcome import Note, Reason

LANGUAGES = ("en", "ko", "ja", "pl")
LOWEST_PRICE = "lowest_price"
"""Key of the sentence beside a reduced price; its only parameter is `price_minor`."""

TEMPLATES: dict[str, tuple[str, str, str, str]] = {
    # why there is a discount; on the receipt and after "… more and:"
    "percent_off": ("{percent} off", "{percent} 할인", "{percent}引き", "rabat {percent}"),
    "amount_off": ("{amount_minor} off", "{amount_minor} 할인", "{amount_minor}引き", "rabat {amount_minor}"),
    "amount_off_each": (
        "{amount_minor} off each",
        "개당 {amount_minor} 할인",
        "1点につき{amount_minor}引き",
        "rabat {amount_minor} na sztukę",
    ),
    "fixed_price": ("now {price_minor}", "특가 {price_minor}", "特価{price_minor}", "cena {price_minor}"),
    "cheapest_free": (
        "{all} for the price of {buy}",
        "{all}개를 {buy}개 가격에",
        "{all}点で{buy}点分の価格",
        "{all} w cenie {buy}",
    ),
    "cheapest_percent": (
        "of {all}, the cheapest {get} at {percent} off",
        "{all}개 중 가장 싼 {get}개 {percent} 할인",
        "{all}点のうち安い{get}点が{percent}引き",
        "najtańsze z {all} sztuk ({get}) o {percent} taniej",
    ),
    "reward_free": (
        "buy {buy}, get {get} free",
        "{buy}개 구매 시 {get}개 무료",
        "{buy}点購入で{get}点無料",
        "kup {buy}, a {get} gratis",
    ),
    "reward_percent": (
        "buy {buy}, get {get} at {percent} off",
        "{buy}개 구매 시 {get}개 {percent} 할인",
        "{buy}点購入で{get}点が{percent}引き",
        "kup {buy}, a {get} o {percent} taniej",
    ),
    "set_price": (
        "{pieces} together for {price_minor}",
        "{pieces} 세트 {price_minor}",
        "{pieces}セットで{price_minor}",
        "{pieces} razem za {price_minor}",
    ),
    "step_percent": (
        "{percent} off for {pieces} or more",
        "{pieces} 이상 {percent} 할인",
        "{pieces}以上で{percent}引き",
        "rabat {percent}, próg: {pieces}",
    ),
    "step_price": (
        "{price_minor} each for {pieces} or more",
        "{pieces} 이상 개당 {price_minor}",
        "{pieces}以上で1点{price_minor}",
        "po {price_minor}, próg: {pieces}",
    ),
    "gift": ("free gift: {pieces}", "사은품 {pieces}", "プレゼント{pieces}", "gratis: {pieces}"),
    # what is missing
    "more_money": (
        "{missing_minor} more and: {reward}",
        "{missing_minor} 더 담으면: {reward}",
        "あと{missing_minor}で：{reward}",
        "Jeszcze {missing_minor}, a otrzymasz: {reward}",
    ),
    "more_pieces": (
        "Just {pieces} more and: {reward}",
        "{pieces} 더 담으면: {reward}",
        "あと{pieces}で：{reward}",
        "Jeszcze {pieces}, a otrzymasz: {reward}",
    ),
    "add_gift": (
        "Your gift is waiting, please take it along: {reward}",
        "사은품을 함께 가져오세요: {reward}",
        "プレゼントをお持ちください：{reward}",
        "Prezent czeka, prosimy go zabrać: {reward}",
    ),
    "with_card": (
        "With a loyalty card: {reward}",
        "회원 카드가 있으면: {reward}",
        "会員カードで：{reward}",
        "Z kartą klienta: {reward}",
    ),
    "with_tier": (
        "For members of level {tiers}: {reward}",
        "{tiers} 등급 회원이면: {reward}",
        "{tiers}会員なら：{reward}",
        "Dla poziomu {tiers}: {reward}",
    ),
    "in_channel": (
        "{channels}: {reward}",
        "{channels}: {reward}",
        "{channels}：{reward}",
        "{channels}: {reward}",
    ),
    "from_day": ("From {day}: {reward}", "{day}부터: {reward}", "{day}から：{reward}", "Od {day}: {reward}"),
    "from_time": ("From {time}: {reward}", "{time}부터: {reward}", "{time}から：{reward}", "Od {time}: {reward}"),
    # why a coupon or a limited offer gave nothing
    "no_matching_goods": (
        "Nothing in the basket takes this offer",
        "장바구니에 이 혜택 대상 상품이 없습니다",
        "対象の商品がカゴにありません",
        "W koszyku nie ma towarów objętych ofertą",
    ),
    "better_offer": (
        "Another offer already takes these goods",
        "이 상품에는 다른 혜택이 이미 적용되었습니다",
        "この商品には別の特典が適用されています",
        "Te towary są już objęte inną ofertą",
    ),
    "limit_reached": (
        "This offer has been used as often as it can be",
        "이 혜택은 사용 한도에 도달했습니다",
        "この特典は利用上限に達しました",
        "Limit użyć tej oferty został wyczerpany",
    ),
    "limit_unknown": (
        "It cannot be checked now whether this offer is still left",
        "지금은 이 혜택의 남은 한도를 확인할 수 없습니다",
        "現在、この特典の残りを確認できません",
        "Nie można teraz sprawdzić, czy oferta jest jeszcze dostępna",
    ),
    "budget_used_up": (
        "What is left of this offer is not enough for this basket",
        "이 혜택의 남은 예산으로는 적용할 수 없습니다",
        "この特典の残りの予算では適用できません",
        "Pozostała pula tej oferty nie wystarcza na ten koszyk",
    ),
    "not_now": (
        "This offer does not run now",
        "지금은 이 혜택의 기간이 아닙니다",
        "この特典は現在ご利用いただけません",
        "Ta oferta teraz nie obowiązuje",
    ),
    "not_for_you": (
        "This offer does not apply here",
        "이 혜택은 적용 대상이 아닙니다",
        "この特典の対象ではありません",
        "Ta oferta tu nie przysługuje",
    ),
    "only_first_purchase": (
        "This offer is for a first purchase",
        "첫 구매에만 적용되는 혜택입니다",
        "初回購入限定の特典です",
        "Ta oferta dotyczy pierwszych zakupów",
    ),
    "unknown_offer": (
        "This shop does not know the offer of this coupon",
        "이 매장에 등록되지 않은 쿠폰 혜택입니다",
        "当店に登録のないクーポンです",
        "Ten sklep nie zna oferty z tego kuponu",
    ),
    # beside a reduced price
    "lowest_price": (
        "Lowest price of the 30 days before: {price_minor}",
        "할인 전 30일간 최저가: {price_minor}",
        "値下げ前30日間の最低価格：{price_minor}",
        "Najniższa cena z 30 dni przed obniżką: {price_minor}",
    ),
}

PIECES: dict[str, Mapping[str, str]] = {
    "en": {"one": "{n} piece", "other": "{n} pieces"},
    "ko": {"other": "{n}개"},
    "ja": {"other": "{n}点"},
    "pl": {"one": "{n} sztuka", "few": "{n} sztuki", "many": "{n} sztuk", "other": "{n} sztuki"},
}
"""Counted pieces by plural category of Unicode CLDR."""

CHANNELS: dict[str, tuple[str, str, str, str]] = {
    "till": ("At the till", "계산대에서", "レジで", "Przy kasie"),
    "kiosk": ("At the kiosk", "키오스크에서", "キオスクで", "W kiosku"),
    "web": ("In the web shop", "온라인 매장에서", "ネットショップで", "W sklepie internetowym"),
}


def language_of(locale: str) -> str:
    """The one of LANGUAGES that a locale is answered in."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else LANGUAGES[0]


def say_reason(reason: Reason, locale: str, currency: str) -> str:
    """Why there is a discount, or what an offer gives: "3 for the price of 2"."""
    return _fill(reason.code, reason.parameters, None, locale, currency)


def say_note(note: Note, locale: str, currency: str) -> str:
    """A near miss or a refusal, with what the offer would give where the sentence has a place for it."""
    return _fill(note.code, note.parameters, note.reward, locale, currency)


def say_lowest_price(price_minor: int, locale: str, currency: str) -> str:
    """The sentence beside a reduced price (lowest_price)."""
    return _fill(LOWEST_PRICE, {"price_minor": price_minor}, None, locale, currency)


def _fill(key: str, parameters: Mapping[str, int | str], reward: Reason | None, locale: str, currency: str) -> str:
    language = language_of(locale)
    written = {name: write_parameter(name, value, language, currency) for name, value in parameters.items()}
    if reward is not None:
        written["reward"] = say_reason(reward, language, currency)
    return TEMPLATES[key][LANGUAGES.index(language)].format_map(written)


def write_parameter(name: str, value: int | str, language: str, currency: str) -> str:
    """One parameter in the manner of one of LANGUAGES; its name says its unit (outcome.Reason)."""
    if name.endswith("_minor"):
        amount = Decimal(value).scaleb(-currency_exponent(currency))
        return format_currency(amount, currency, locale=language)
    if name == "pieces":
        forms = PIECES[language]
        count = int(value)
        return forms.get(Locale(language).plural_form(count), forms["other"]).format(n=count)
    if name == "percent":
        return f"{format_decimal(Decimal(value), locale=language)}%"
    if name == "day":
        return format_skeleton("MMMEd", dt.date.fromisoformat(str(value)), locale=language)
    if name == "channels":
        index = LANGUAGES.index(language)
        return ", ".join(CHANNELS[channel][index] for channel in str(value).split(","))
    return str(value)
