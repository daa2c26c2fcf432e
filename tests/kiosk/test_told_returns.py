"""Goods of own sales that came back at other stores: what else an own return undoes is undone when it is told."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.answers import SaleAnswer
from kiosk.commands import LineRequest
from kiosk.program.program_service import RULES, TYPES
from kiosk.sales.sale_service import AlreadyReturned
from kiosk.sales.told_returns import follow_returns, note_whole
from loyalty.earning_rules.rule import Once, RuleConditions, RuleTerms
from sync.protocol.sale_states import ReturnedElsewhere
from tests.kiosk.couponing import OFFER, issue, make_offer
from tests.kiosk.earning_shop import define, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till

GIVES = {"with_sale": [{"offer": "NEXT", "from_minor": 500}]}
BIG = RuleTerms(
    title={"en": "A big basket"},
    trigger="purchase_basket",
    op="add",
    gives=Once(points=40),
    conditions=RuleConditions(minimum_minor=500),
)
ALL = {1: 1000, 2: 2000}
PARTS: list[tuple[list[dict[int, int]], list[tuple[int, str]]]] = [
    ([ALL], [(-40, "big@1"), (-200, "referral@1")]),
    ([{1: 1000}, {2: 1000}, {2: 1000}], [(-40, "big@1"), (-200, "referral@1")]),
    ([{2: 2000}, {1: 1000}], [(-40, "big@1"), (-200, "referral@1")]),
    ([{1: 1000}], []),
    ([{2: 1000}], []),
    ([{2: 1000}, {2: 1000}], [(-40, "big@1")]),
]
"""Goods as they come back, and the points that go beside those of the lines: for 5.00 and more there was a bonus."""


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with _open(tmp_path) as opened:
        yield opened
        assert_holds(opened.connection)


@contextlib.contextmanager
def _open(folder: Path) -> Iterator[Till]:
    with open_till(folder, coupons=GIVES, loyalty={"per_minor": 100}) as opened:
        opened.do(lambda tx, shop, who: note_whole(tx, shop, who.now_ms))
        yield opened


def rich_sale(till: Till) -> SaleAnswer:
    """Everything that a return has to undo: an offer and a coupon used, another issued, a bonus, a friend paid."""
    if not till.rows("SELECT 1 FROM offer_version"):
        make_offer(till)
        make_offer(till, "NEXT")
        define(till, RULES, "big", BIG)
        define(till, TYPES, "referral", type_terms("referral", 200))
    coupon = issue(till, scope="chain")
    anna, ben = till.enrol("Anna"), till.enrol("Ben")
    record(till, anna, "referral", subject=str(ben))
    lines = LineRequest(sku="101"), LineRequest(sku="102", quantity_milli=2000)
    sold = till.sell(*lines, member=ben, coupons=(coupon.code,))
    assert sold.coupons is not None
    assert (len(sold.coupons.used), len(sold.coupons.issued)) == (1, 1)
    return sold


def tell(
    till: Till,
    sale: UUID,
    returned: Mapping[int, int],
    pending: Mapping[int, int] | None = None,
    *,
    everything: bool = False,
) -> None:
    """A page of head office's feed that says what came back of a sale elsewhere."""
    key = "returned_elsewhere", str(sale)

    def page(tx: Any, shop: Any, who: Any) -> None:  # noqa: ANN401
        value = ReturnedElsewhere(returned=dict(returned), refunded={}, pending=dict(pending or {}))
        tx.execute("DELETE FROM feed_row WHERE entity = ? AND key = ?", key)
        if returned or pending:
            tx.execute(
                "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES ('store:x', ?, ?, 1, 0, ?)",
                (*key, msgspec.json.encode(value)),
            )
        follow_returns(tx, shop, who.now_ms, None if everything else {key})

    till.do(page)


def undone(till: Till) -> dict[str, list[tuple[Any, ...]]]:
    """What is undone so far, but for the points of the lines, which the store books that takes them back."""
    return {
        "coupons": till.rows("SELECT serial - (SELECT min(serial) FROM coupon_use), n FROM coupon_give_back"),
        "void": till.rows("SELECT offer FROM coupon_void JOIN coupon USING (serial)"),
        "offers": till.rows(
            "SELECT offer, sum(uses), sum(discount_minor) FROM offer_use GROUP BY offer ORDER BY offer"
        ),
        "points": till.rows(
            "SELECT back.points, earned.rule FROM posting AS back JOIN posting AS earned ON earned.op = back.reference"
            " AND earned.n = back.reference_n AND earned.member = back.member WHERE back.kind = 'reverse_earn'"
            " AND json_extract(back.lines, '$[0][0]') = 0 ORDER BY earned.rule"
        ),
    }


def take_back(till: Till, sold: SaleAnswer, part: Mapping[int, int]) -> None:
    lines = list(part.items())
    till.take_back(sold, lines, refunds=[("cash", till.quote_return(sold, lines).refund_minor)])


@pytest.mark.parametrize(("parts", "points"), PARTS)
def test_what_a_return_elsewhere_undoes_is_what_an_own_return_undoes(
    tmp_path: Path, parts: list[dict[int, int]], points: list[tuple[int, str]]
) -> None:
    seen: list[list[Any]] = []
    for name, come_back in (("own", _own), ("told", _told)):
        with _open(tmp_path / name) as till:
            sold = rich_sale(till)
            seen.append([])
            so_far: dict[int, int] = {}
            for part in parts:
                so_far = {line: so_far.get(line, 0) + part.get(line, 0) for line in so_far | part}
                come_back(till, sold, part, so_far)
                seen[-1].append(undone(till))
            assert_holds(till.connection)
    assert seen[0] == seen[1]
    assert seen[0][-1]["points"] == points


def _own(till: Till, sold: SaleAnswer, part: Mapping[int, int], _so_far: Mapping[int, int]) -> None:
    take_back(till, sold, part)


def _told(till: Till, sold: SaleAnswer, _part: Mapping[int, int], so_far: Mapping[int, int]) -> None:
    tell(till, sold.id, so_far)


def test_once_all_is_back_everything_is_undone_once_however_often_it_is_told(till: Till) -> None:
    sold = rich_sale(till)
    before = till.entries()
    for everything in (False, True, False):
        tell(till, sold.id, ALL, everything=everything)
    assert till.entries() == before + 1
    assert undone(till) == {
        "coupons": [(0, 1)],
        "void": [("NEXT",)],
        "offers": [(OFFER, 0, 0)],
        "points": [(-40, "big@1"), (-200, "referral@1")],
    }
    tell(till, sold.id, {})
    tell(till, sold.id, ALL)
    assert till.entries() == before + 1, "head office was put back, and hears of it again"


Step = Callable[[Till, SaleAnswer], None]
ORDERS: list[tuple[str, list[Step]]] = [
    ("here, then there", [lambda t, s: take_back(t, s, {1: 1000}), lambda t, s: tell(t, s.id, {2: 2000})]),
    ("there, then here", [lambda t, s: tell(t, s.id, {2: 2000}), lambda t, s: take_back(t, s, {1: 1000})]),
    (
        "both took the same, nobody had a line",
        [lambda t, s: take_back(t, s, ALL), lambda t, s: tell(t, s.id, {2: 2000}), lambda t, s: tell(t, s.id, ALL)],
    ),
    (
        "there, forgotten by a restored head office, then here",
        [lambda t, s: tell(t, s.id, ALL), lambda t, s: tell(t, s.id, {}), lambda t, s: take_back(t, s, ALL)],
    ),
    (
        "kept for there, then here, then there",
        [
            lambda t, s: tell(t, s.id, {}, {2: 2000}),
            lambda t, s: take_back(t, s, {1: 1000}),
            lambda t, s: tell(t, s.id, {2: 2000}),
        ],
    ),
]


@pytest.mark.parametrize(("_name", "steps"), ORDERS, ids=[name for name, _ in ORDERS])
def test_whoever_takes_the_rest_back_everything_is_undone_exactly_once(
    till: Till, _name: str, steps: list[Step]
) -> None:
    sold = rich_sale(till)
    for step in steps:
        step(till, sold)
    found = undone(till)
    assert (found["coupons"], found["void"], found["offers"]) == ([(0, 1)], [("NEXT",)], [(OFFER, 0, 0)])
    assert found["points"] == [(-40, "big@1"), (-200, "referral@1")]


def test_what_is_only_kept_for_a_return_elsewhere_undoes_nothing(till: Till) -> None:
    """Nor does an own return of the rest: the goods that are kept may stay with the shopper."""
    sold = rich_sale(till)
    tell(till, sold.id, {}, ALL)
    tell(till, sold.id, {}, {2: 1000})
    take_back(till, sold, {1: 1000, 2: 1000})
    tell(till, sold.id, {})
    found = undone(till)
    assert (found["coupons"], found["offers"][0][1]) == ([], 1)
    assert [points for points, rule in found["points"] if rule == "referral@1"] == []
    lost = till.rows("SELECT sum(points) FROM taken_back_line")[0][0]
    assert (
        lost
        == sum(line.points for line in sold.lines)
        - till.rows("SELECT active + pending FROM account WHERE member = ?", sold_member(till, sold))[0][0]
    ), "only what came back has lost its points"


def sold_member(till: Till, sold: SaleAnswer) -> bytes:
    return bytes(till.rows("SELECT member FROM sale WHERE id = ?", sold.id.bytes)[0][0])


def test_a_coupon_that_the_sale_gave_and_somebody_used_stays_used(till: Till) -> None:
    sold = rich_sale(till)
    assert sold.coupons is not None
    till.sell("101", member=UUID(bytes=sold_member(till, sold)), coupons=(sold.coupons.issued[0].token,))
    tell(till, sold.id, ALL)
    assert undone(till)["void"] == []


def test_of_a_voided_sale_and_of_one_that_is_not_in_the_books_nothing_is_undone(till: Till) -> None:
    sold = rich_sale(till)
    till.void(sold)
    entries = till.entries()
    tell(till, sold.id, ALL)
    tell(till, UUID(int=7), ALL)
    assert till.entries() == entries


def test_a_sale_of_which_something_came_back_elsewhere_is_not_voided(till: Till) -> None:
    sold = rich_sale(till)
    tell(till, sold.id, {1: 1000})
    with pytest.raises(AlreadyReturned):
        till.void(sold)


def test_a_plain_sale_writes_nothing_when_its_goods_came_back_elsewhere(till: Till) -> None:
    sold = till.sell("100")
    entries = till.entries()
    tell(till, sold.id, {1: 1000})
    assert till.entries() == entries


@pytest.mark.parametrize("value", [b"", b"{", b"null", b'{"returned":{"1":-5000},"refunded":{},"pending":{}}'])
def test_a_word_that_cannot_be_read_stops_neither_the_page_nor_a_return(till: Till, value: bytes) -> None:
    sold = till.sell("100")

    def page(tx: Any, shop: Any, who: Any) -> None:  # noqa: ANN401
        for key in (str(sold.id), "nonsense"):
            tx.execute(
                "INSERT INTO feed_row (bucket, entity, key, seq, generation, value)"
                " VALUES ('store:x', 'returned_elsewhere', ?, 1, 0, ?)",
                (key, value),
            )
        follow_returns(tx, shop, who.now_ms, None)

    till.do(page)
    take_back(till, sold, {1: 1000})
