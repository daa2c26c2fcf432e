"""Offers for tests of selling: made as a manager makes them, on a till of tests/kiosk/selling.py.

with open_till(tmp_path) as till:
    make(till, "MILK10", percent("10", "100"))
    assert till.quote("100").totals.discount_minor == 13
    change(till, "MILK10", percent("20", "100"))
    end(till, "MILK10")
"""

import datetime as dt
from typing import Any

from kiosk.offers.offer_service import OfferAnswer, end_offer, etag_of, put_offer, show_offer
from loyalty.offers.offer import Conditions, Effect, Goods, Limits, PercentOff, Schedule
from loyalty.offers.request import OfferRequest
from tests.kiosk.selling import Till
from tests.kiosk.shopkit import NOW_MS, caller, new_id, perform

CLOCK = dt.datetime.fromisoformat("2026-11-21T16:00")
"""What the shop's clock on the wall shows when a test begins: a Saturday."""


def percent(off: str, *products: str, **more: Any) -> PercentOff:  # noqa: ANN401
    """So many percent off these products, off everything where none is named."""
    return PercentOff(percent=off, goods=Goods(products=products), **more)


def request(effect: Effect, **more: Any) -> OfferRequest:  # noqa: ANN401
    """An offer with a title."""
    return OfferRequest(**{"title": {"en": "An offer", "pl": "Oferta"}, "effect": effect, **more})


def make(till: Till, offer: str, effect: Effect, **more: Any) -> OfferAnswer:  # noqa: ANN401
    """Make an offer."""
    return _put(till, offer, request(effect, **more), None)


def change(till: Till, offer: str, effect: Effect, **more: Any) -> OfferAnswer:  # noqa: ANN401
    """Make it another one."""
    return _put(till, offer, request(effect, **more), tag_of(till, offer))


def end(till: Till, offer: str) -> OfferAnswer:
    """End it."""
    manager = caller("manager", till=till.who.till, at_ms=till.who.now_ms)
    return perform(till.connection, end_offer, till.shop, manager, new_id(), offer, tag_of(till, offer))


def look(till: Till, offer: str) -> OfferAnswer:
    """How it is now."""
    return show_offer(till.connection, till.shop, till.who, offer)


def tag_of(till: Till, offer: str) -> str:
    """The ETag that changes it."""
    return etag_of(look(till, offer))


def used(till: Till, offer: str) -> tuple[int, int]:
    """Its uses and what it took off."""
    found = look(till, offer)
    return found.uses, found.discount_minor


def at(till: Till, **later: int) -> Till:
    """The same till when it is later: days=1, hours=2."""
    moment = NOW_MS + int(dt.timedelta(**later).total_seconds()) * 1000
    till.who = caller(till.who.role, till=till.who.till, at_ms=moment, operator=till.who.operator)
    return till


def for_members(**more: Any) -> Conditions:  # noqa: ANN401
    """Only for members."""
    return Conditions(member_required=True, **more)


def limited(**limits: int) -> dict[str, Any]:
    """Limits, and the member that a limit per member asks for."""
    conditions = for_members() if "per_member" in limits else Conditions()
    return {"limits": Limits(**limits), "conditions": conditions}


def on(**schedule: Any) -> Conditions:  # noqa: ANN401
    """On these days, at these hours."""
    return Conditions(schedule=Schedule(**schedule))


def _put(till: Till, offer: str, wanted: OfferRequest, if_match: str | None) -> OfferAnswer:
    manager = caller("manager", till=till.who.till, at_ms=till.who.now_ms)
    answer, _ = perform(till.connection, put_offer, till.shop, manager, new_id(), offer, wanted, if_match)
    return answer
