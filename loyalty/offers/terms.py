"""pure: what an offer gives and asks, in words for its page in an app, on a kiosk or on a coupon, in en, ko, ja, pl.

>>> from loyalty.offers.offer import Goods, Minimum, PercentOff
>>> ten = PercentOff(percent="10", goods=Goods(categories=("dairy",)))
>>> offer = Offer(format=1, id="D", version=1, title={"en": "Dairy week"}, effect=ten, limits=Limits(per_member=1),
...               conditions=Conditions(member_required=True, minimum=Minimum(amount_minor=1000)))
>>> say_title(offer, "ko"), say_terms(offer, "en", "EUR")
('Dairy week', '10% off · from €10.00 · for members · at most 1 per member')
"""

import datetime as dt
from collections.abc import Iterator

from babel import Locale

from loyalty.offers.offer import Conditions, Limits, Minimum, Offer, Schedule
from loyalty.offers.reasons import reason_of
from loyalty.offers.texts import LANGUAGES, language_of, say_reason, write_parameter

_SEPARATOR = " · "
TERMS: dict[str, tuple[str, str, str, str]] = {
    "from_amount": ("from {amount_minor}", "{amount_minor} 이상", "{amount_minor}以上", "od {amount_minor}"),
    "from_pieces": ("from {pieces}", "{pieces} 이상", "{pieces}以上", "od: {pieces}"),
    "members": ("for members", "회원 전용", "会員限定", "dla członków klubu"),
    "tiers": ("for level {tiers}", "{tiers} 등급", "{tiers}会員限定", "dla poziomu {tiers}"),
    "first_purchase": ("on a first purchase", "첫 구매 시", "初回購入時", "przy pierwszych zakupach"),
    "channels": ("{channels}", "{channels}", "{channels}", "{channels}"),
    "first_day": ("from {day}", "{day}부터", "{day}から", "od {day}"),
    "last_day": ("until {day}", "{day}까지", "{day}まで", "do {day}"),
    "weekdays": ("{weekdays}", "{weekdays}", "{weekdays}", "{weekdays}"),
    "hours": (
        "{from_time}–{until_time}",
        "{from_time}–{until_time}",
        "{from_time}–{until_time}",
        "{from_time}–{until_time}",
    ),
    "coupon": ("with a coupon", "쿠폰 제시 시", "クーポン提示で", "z kuponem"),
    "per_member": (
        "at most {count} per member",
        "회원당 {count}회",
        "会員お一人{count}回まで",
        "na osobę najwyżej {count}×",
    ),
    "per_sale": (
        "at most {count} per purchase",
        "1회 구매당 {count}회",
        "1回のお買い物で{count}回まで",
        "na zakupy najwyżej {count}×",
    ),
    "while_left": ("while it lasts", "소진 시 종료", "なくなり次第終了", "do wyczerpania"),
}
"""What an offer may ask, in the order of texts.LANGUAGES."""


def say_title(offer: Offer, locale: str) -> str:
    """The shop's own title in the language, else in English, else in whatever there is."""
    return offer.title.get(language_of(locale)) or offer.title.get(LANGUAGES[0]) or next(iter(offer.title.values()), "")


def say_terms(offer: Offer, locale: str, currency: str) -> str:
    """What the offer gives, then everything it asks."""
    language = language_of(locale)
    parts = [say_reason(reason_of(offer.effect), language, currency)]
    for key, parameters in _terms_of(offer, language):
        written = {name: write_parameter(name, value, language, currency) for name, value in parameters.items()}
        parts.append(TERMS[key][LANGUAGES.index(language)].format_map(written))
    return _SEPARATOR.join(parts)


def _terms_of(offer: Offer, language: str) -> Iterator[tuple[str, dict[str, int | str]]]:
    conditions = offer.conditions
    if conditions.minimum is not None:
        yield from _minimum(conditions.minimum)
    if offer.trigger == "coupon":
        yield "coupon", {}
    yield from _shopper(conditions)
    if conditions.channels:
        yield "channels", {"channels": ",".join(conditions.channels)}
    if conditions.schedule is not None:
        yield from _schedule(conditions.schedule, language)
    yield from _limits(offer.limits)


def _minimum(minimum: Minimum) -> Iterator[tuple[str, dict[str, int | str]]]:
    if minimum.amount_minor is not None:
        yield "from_amount", {"amount_minor": minimum.amount_minor}
    if minimum.pieces is not None:
        yield "from_pieces", {"pieces": minimum.pieces}


def _shopper(conditions: Conditions) -> Iterator[tuple[str, dict[str, int | str]]]:
    """Segments are how head office sees people: a shopper is told that an offer is hers, never why."""
    if conditions.tiers:
        yield "tiers", {"tiers": ",".join(conditions.tiers)}
    elif conditions.member_required:
        yield "members", {}
    if conditions.first_purchase:
        yield "first_purchase", {}


def _schedule(schedule: Schedule, language: str) -> Iterator[tuple[str, dict[str, int | str]]]:
    if schedule.first_day is not None:
        yield "first_day", {"day": schedule.first_day.isoformat()}
    if schedule.last_day is not None:
        yield "last_day", {"day": schedule.last_day.isoformat()}
    if schedule.weekdays:
        names = Locale(language).days["stand-alone"]["abbreviated"]  # Monday is 0 there
        yield "weekdays", {"weekdays": ", ".join(names[day - 1] for day in sorted(schedule.weekdays))}
    if schedule.from_time is not None and schedule.until_time is not None:
        yield "hours", {"from_time": f"{schedule.from_time:%H:%M}", "until_time": f"{schedule.until_time:%H:%M}"}


def _limits(limits: Limits) -> Iterator[tuple[str, dict[str, int | str]]]:
    if limits.per_sale is not None:
        yield "per_sale", {"count": limits.per_sale}
    if limits.per_member is not None:
        yield "per_member", {"count": limits.per_member}
    if limits.total is not None or limits.budget_minor is not None:
        yield "while_left", {}


def end_of(schedule: Schedule) -> dt.datetime | None:
    """The first moment, local time, at which a schedule is over for good; None for one without a last day.

    hours         | last day | over
    --------------|----------|------------------
                  | Nov 30   | Dec 1 00:00
    17:00 - 20:00 | Nov 30   | Nov 30 20:00
    22:00 - 02:00 | Nov 30   | Dec 1 02:00
    """
    last, begin, end = schedule.last_day, schedule.from_time, schedule.until_time
    if last is None:
        return None
    if begin is not None and end is not None and begin < end:
        return dt.datetime.combine(last, end)
    return dt.datetime.combine(last + dt.timedelta(days=1), end or dt.time())
