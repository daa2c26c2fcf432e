"""Offers made, changed, ended and shown, and the book that pricing takes them from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.members.member_records import MergeMembers
from kiosk.members.merge_service import merge_members
from kiosk.offers import offer_shelf
from kiosk.offers.member_offers import list_member_offers
from kiosk.offers.offer_service import (
    LIVE_MAX,
    OfferMissing,
    OfferRefused,
    TooManyOffers,
    list_offers,
    put_offer,
    show_offer,
)
from kiosk.offers.offer_store import read_books
from loyalty.offers.offer import (
    AmountOff,
    BuyGet,
    Conditions,
    FixedPrice,
    Gift,
    Goods,
    Limits,
    Minimum,
    PercentOff,
)
from sync.http.paging import InvalidCursor
from sync.http.problems import PreconditionFailed, PreconditionRequired
from tests.kiosk.offering import CLOCK, at, change, end, for_members, look, make, on, percent, request, tag_of
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller, new_id, perform


@pytest.fixture(name="till")
def open_one(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path) as till:
        yield till
        assert_holds(till.connection)


def put(till: Till, offer: str, wanted: Any, if_match: str | None = None) -> tuple[Any, bool]:  # noqa: ANN401
    return perform(till.connection, put_offer, till.shop, caller("manager"), new_id(), offer, wanted, if_match)


def ids(till: Till, state: Any = "live") -> list[str]:  # noqa: ANN401
    return [offer.id for offer in list_offers(till.connection, till.shop, till.who, state, None, 200).items]


def test_an_offer_is_made_shown_changed_and_ended(till: Till) -> None:
    made = make(till, "MILK10", percent("10", "100"))
    assert (made.id, made.version, made.state, made.uses, made.discount_minor) == ("MILK10", 1, "live", 0, 0)
    assert made.effect == percent("10", "100")
    assert look(till, "MILK10") == made
    changed = change(till, "MILK10", percent("15", "100"), priority=5)
    assert (changed.version, changed.effect.percent, changed.priority) == (2, "15", 5)
    assert changed.revision != made.revision
    ended = end(till, "MILK10")
    assert (ended.version, ended.state, ended.effect) == (3, "ended", changed.effect)
    assert (ids(till), ids(till, "ended"), ids(till, "all")) == ([], ["MILK10"], ["MILK10"])
    assert till.rows("SELECT offer, version, live, book FROM offer_version") == [
        ("MILK10", 1, 1, 1),
        ("MILK10", 2, 1, 2),
        ("MILK10", 3, 0, 3),
    ]


def test_the_same_offer_again_writes_nothing(till: Till) -> None:
    make(till, "MILK10", percent("10", "100"))
    entries = till.entries()
    again, is_new = put(till, "MILK10", request(percent("10", "100")), tag_of(till, "MILK10"))
    assert (again, is_new, till.entries()) == (look(till, "MILK10"), False, entries)
    end(till, "MILK10")
    assert end(till, "MILK10").version == 2
    assert till.entries() == entries + 1


def test_an_ended_offer_can_be_made_live_again(till: Till) -> None:
    make(till, "MILK10", percent("10", "100"))
    at(till, days=2)
    change(till, "MILK10", percent("12", "100"))
    end(till, "MILK10")
    at(till, days=3)
    revived = change(till, "MILK10", percent("12", "100"))
    assert (revived.version, revived.state) == (4, "live")
    since = [(row[0] - NOW_MS) // 86_400_000 for row in till.rows("SELECT live_since FROM offer_version")]
    assert since == [0, 0, 0, 3], "a change does not begin a reduction anew, an end does"


def test_a_change_says_what_it_replaces(till: Till) -> None:
    made = make(till, "MILK10", percent("10", "100"))
    change(till, "MILK10", percent("15", "100"))
    entries = till.entries()
    wanted = request(percent("20", "100"))
    with pytest.raises(PreconditionRequired):
        put(till, "MILK10", wanted)
    with pytest.raises(PreconditionFailed):
        put(till, "MILK10", wanted, f'"{made.revision}"')
    with pytest.raises(PreconditionFailed):
        put(till, "OTHER", wanted, f'"{made.revision}"')
    with pytest.raises(OfferMissing):
        show_offer(till.connection, till.shop, till.who, "OTHER")
    assert till.entries() == entries


@pytest.mark.parametrize(
    ("wanted", "faults"),
    [
        (request(percent("100")), [("/effect", "free_for_all")]),
        (
            request(percent("0", "100"), title={"en": " "}),
            [("/title", "title_missing"), ("/effect/percent", "no_discount")],
        ),
        (request(Gift(goods=Goods(products=("105",)))), [("/conditions", "gift_for_all")]),
        (request(FixedPrice(price_minor=1, goods=Goods())), [("/effect", "price_for_everything")]),
        (request(percent("5"), conditions=Conditions(tiers=("gold",))), [("/conditions/tiers", "guest_has_none")]),
        (request(percent("5"), limits=Limits(per_member=1)), [("/limits/per_member", "guest_has_none")]),
        (
            request(AmountOff(amount_minor=900), conditions=Conditions(minimum=Minimum(amount_minor=500))),
            [("/conditions/minimum", "pays_the_shopper")],
        ),
    ],
)
def test_what_nobody_could_explain_is_refused_with_every_reason(till: Till, wanted: Any, faults: Any) -> None:  # noqa: ANN401
    entries = till.entries()
    with pytest.raises(OfferRefused) as refused:
        put(till, "BAD", wanted)
    assert [
        (error.pointer, fault["code"])
        for error, fault in zip(refused.value.errors, refused.value.extra["faults"], strict=True)
    ] == faults  # type: ignore[call-overload]
    assert (till.entries(), ids(till, "all")) == (entries, [])


@pytest.mark.parametrize("offer", ["", "has blanks", "żółty", "x" * 65, "line\n", "reward:coffee"])
def test_an_id_that_is_none_is_refused(till: Till, offer: str) -> None:
    with pytest.raises(OfferRefused) as refused:
        put(till, offer, request(percent("5")))
    assert [error.pointer for error in refused.value.errors] == ["/id"]


def test_offers_come_in_pages_by_id(till: Till) -> None:
    for offer in ("C", "A", "B", "D"):
        make(till, offer, percent("5", "100"))
    end(till, "B")
    first = list_offers(till.connection, till.shop, till.who, "live", None, 2)
    second = list_offers(till.connection, till.shop, till.who, "live", first.next, 2)
    assert ([each.id for each in first.items], [each.id for each in second.items]) == (["A", "C"], ["D"])
    assert second.next is None
    with pytest.raises(InvalidCursor):
        list_offers(till.connection, till.shop, till.who, "all", first.next, 2)


def test_there_is_an_end_to_how_many_offers_run(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LIVE_MAX >= 500
    monkeypatch.setattr("kiosk.offers.offer_service.LIVE_MAX", 2)
    make(till, "A", percent("5", "100"))
    make(till, "B", percent("5", "101"))
    with pytest.raises(TooManyOffers):
        make(till, "C", percent("5", "102"))
    change(till, "B", percent("6", "101"))
    end(till, "A")
    make(till, "C", percent("5", "102"))
    with pytest.raises(TooManyOffers):
        change(till, "A", percent("5", "100"))


def test_a_book_is_made_once_and_again_when_an_offer_changes(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    read_shelf = offer_shelf.read_shelf
    monkeypatch.setattr(offer_shelf, "read_shelf", lambda tx: made.append(1) or read_shelf(tx))

    def live() -> list[tuple[str, int]]:
        book = till.shop.shelf.find(till.connection, read_books(till.connection).offers).book
        return [(entry.offer.id, entry.offer.version) for entry in book.entries]

    assert (live(), len(made)) == ([], 0)
    make(till, "MILK10", percent("10", "100"))
    assert (live(), live(), live(), len(made)) == ([("MILK10", 1)],) * 3 + (1,)
    change(till, "MILK10", percent("15", "100"))
    assert (live(), live(), len(made)) == ([("MILK10", 2)], [("MILK10", 2)], 2)
    end(till, "MILK10")
    assert (live(), len(made)) == ([], 3)


def test_a_book_of_what_was_rolled_back_is_never_used(till: Till) -> None:
    """A group of writes may be undone and run again: then the same number stands for another offer."""

    def live(off: str, *, undo: bool) -> list[str]:
        till.connection.execute("BEGIN IMMEDIATE")
        put_offer(till.connection, till.shop, caller("manager"), new_id(), "MILK", request(percent(off, "100")), None)
        books = read_books(till.connection)
        offers = [each.offer.effect for each in till.shop.shelf.find(till.connection, books.offers).book.entries]
        till.connection.execute("ROLLBACK" if undo else "COMMIT")
        return [effect.percent for effect in offers if isinstance(effect, PercentOff)]

    assert live("50", undo=True) == ["50"]
    assert live("10", undo=False) == ["10"]
    found = till.shop.shelf.find(till.connection, read_books(till.connection).offers)
    assert [each.offer.effect for each in found.book.entries] == [percent("10", "100")]
    assert till.rows("SELECT book, version FROM offer_version") == [(1, 1)]


def test_a_member_sees_what_she_may_get(till: Till) -> None:
    anna = till.enrol("Anna")
    make(till, "FIRST", percent("10"), conditions=for_members(first_purchase=True))
    make(till, "COUPON", percent("20", "100"), trigger="coupon", limits=Limits(per_sale=None))
    make(till, "GOLD", percent("30", "100"), conditions=for_members(tiers=("gold",)))
    make(till, "OVER", percent("40", "100"), conditions=on(last_day=CLOCK.date().replace(day=20)))
    make(till, "MONDAYS", percent("50", "100"), conditions=on(weekdays=(1,)))
    make(till, "ENDED", percent("60", "100"))
    end(till, "ENDED")
    make(till, "WEEK", BuyGet(buy=2, get=1, goods=Goods(products=("101",))), conditions=on(last_day=CLOCK.date()))
    page = list_member_offers(till.connection, till.shop, till.who, anna)
    assert [(each.offer, each.coupon, each.valid_until) for each in page.items] == [
        ("COUPON", True, None),
        ("FIRST", False, None),
        ("MONDAYS", False, None),
        ("WEEK", False, "2026-11-21T23:00:00.000Z"),
    ]
    assert [each.terms for each in page.items] == [
        "20% off · with a coupon",
        "10% off · for members · on a first purchase",
        "50% off · Mon",
        "3 for the price of 2 · until Sat, Nov 21",
    ]
    assert page.items[0].title == "An offer"


def test_used_up_offers_are_not_promised(till: Till) -> None:
    anna, ben = till.enrol("Anna"), till.enrol("Ben")
    make(till, "ONCE", percent("10", "100"), conditions=for_members(), limits=Limits(per_member=1, total=2))
    till.sell("100", member=anna)

    def promised(member: Any) -> int:  # noqa: ANN401
        return len(list_member_offers(till.connection, till.shop, till.who, member).items)

    assert (promised(anna), promised(ben)) == (0, 1)
    till.sell("100", member=ben)
    assert promised(till.enrol("Cleo")) == 0


def test_a_merged_member_has_used_what_both_had_used(till: Till) -> None:
    anna, anna_again = till.enrol("Anna", "600 100 200"), till.enrol("Anna", "600 100 201")
    make(till, "ONCE", percent("10", "100"), conditions=for_members(), limits=Limits(per_member=1))
    make(till, "HELLO", percent("10", "101"), conditions=for_members(first_purchase=True))
    till.sell("100", member=anna_again)
    assert till.quote("100", "101", member=anna).totals.discount_minor == 13 + 26
    merge = MergeMembers(id=new_id(), absorbed=anna_again, into=anna, reason="the same person")
    manager = caller("manager", till="T01", at_ms=till.who.now_ms)
    perform(till.connection, merge_members, till.shop, manager, merge)
    assert till.quote("100", "101", member=anna).totals.discount_minor == 0
