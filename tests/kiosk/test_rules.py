"""`counterfoil verify`, the rules between facts: each invariant is broken in a real database, and told by its name.

Journal, tables and caches of these shops agree with each other: one and the same faulty program wrote and replays them.
Only the rules tell that something is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis
import msgspec
import pytest

import kiosk.life.proof
from kiosk.answers import SaleAnswer
from kiosk.commands import LineRequest
from kiosk.life.doctor import examine
from kiosk.life.proof import mending, open_scratch, prove, read_breach, read_finding
from kiosk.life.rules import RULES
from kiosk.life.start import DATABASE_NAME
from kiosk.shop import origin_of
from loyalty.errors import Problem
from loyalty.points import fold as folding
from loyalty.points.account import Balance
from loyalty.points.facts import Posting, place_of
from loyalty.points.invariants import CHECKS, MEANINGS, check
from loyalty.points_proof import INVARIANTS, check_points
from sync.db import SqliteError
from sync.facts import Body
from sync.facts.points import PointsAdjusted, fact_postings
from sync.facts.returns import ReturnTaken
from sync.facts.sales import SaleCompleted
from sync.verify import RULE
from tests.kiosk.couponing import issue, make_offer
from tests.kiosk.damage import allow_anything
from tests.kiosk.selling import Till, open_till
from tests.kiosk.shopkit import make_config, prove_all
from tests.kiosk.test_gift_cards import SECTIONS, pay, sell_card, stock
from tests.kiosk.test_points_merged import merge
from tests.property.histories import ANA, accounts
from tests.property.test_ledger_invariants import PLANTED, join_without_debt, names_of, searching

BY_THE_KEY = "I4"
"""No row of postings has its name twice, so no faulty program can count one twice here: the table refuses it."""


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path) as opened:
        yield opened


def in_one_journal(arrived: Sequence[Posting]) -> list[Posting]:
    """What stores sent, as one journal holds it: each once, numbered as they came."""
    once = {posting.op_id: posting for posting in arrived}.values()
    return [msgspec.structs.replace(posting, origin=1, seq=seq) for seq, posting in enumerate(once, 1)]


def breaks(name: str, arrived: Sequence[Posting]) -> bool:
    postings = in_one_journal(arrived)
    account = folding.fold(sorted(postings, key=lambda posting: posting.op_id))
    return name in names_of(check(account, sorted(postings, key=place_of)))


def book(till: Till, posting: Posting) -> None:
    """A fact with this posting, whatever it is."""
    body = PointsAdjusted(
        request="", member=UUID(bytes=ANA), points=0, reason="", postings=fact_postings([posting]), balance=Balance()
    )
    till.connection.execute("BEGIN")
    till.shop.journal.record(till.connection, origin_of(till.who, "2026-11-21"), UUID(bytes=posting.op_id), body)
    till.connection.execute("COMMIT")


@pytest.mark.parametrize(
    ("name", "place", "attribute", "bug"),
    [planted for planted in PLANTED if planted[0] != BY_THE_KEY],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_invariant_of_points_that_a_program_breaks_is_told(
    name: str, place: object, attribute: str, bug: object, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, attribute, bug)
    monkeypatch.setattr(kiosk.life.proof, "open_scratch", careless_scratch)
    arrived, _ = hypothesis.find(accounts(), lambda drawn: breaks(name, drawn[0]), settings=searching)
    allow_anything(till.connection)
    for posting in in_one_journal(arrived):
        book(till, posting)
    report = prove_all(till.connection)
    assert not report.tables[f"{RULE}points"]
    told = broken_invariants(till)
    assert any(f"({name}): " in sentence and MEANINGS[name] in sentence for sentence in told), told
    monkeypatch.undo()
    assert broken_invariants(till) == [], "the facts are sound, only the program was not"


def broken_invariants(till: Till) -> list[str]:
    return [sentence for name, sentence in check_points(till.connection) if name == INVARIANTS]


def careless_scratch() -> Any:  # noqa: ANN401  pysqlite3 has no types
    scratch = open_scratch()
    allow_anything(scratch)
    return scratch


def test_a_merge_that_forgets_what_is_owed_is_told(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "join_books", join_without_debt)
    ana, bea = till.enrol("Ana"), till.enrol("Bea")
    sold = till.sell("100", "104", member=ana)
    till.adjust(ana, -20)
    till.take_back(sold, [(1, 1000), (2, 1000)], [("cash", 2119)])
    assert till.points(ana).debt == 20
    till.adjust(bea, 50)
    merge(till, ana, bea)
    assert not prove_all(till.connection).tables[f"{RULE}points"]
    assert any("(I13): 50 and -20 points became 50" in told for told in broken_invariants(till))


def test_a_posting_cannot_be_there_twice(till: Till) -> None:
    till.adjust(till.enrol(), 5)
    with pytest.raises(SqliteError, match="UNIQUE"):
        till.connection.execute("INSERT INTO posting SELECT * FROM posting")


def test_every_check_of_points_is_planted_and_has_its_meaning() -> None:
    assert {planted[0] for planted in PLANTED} == set(CHECKS)
    assert set(MEANINGS) == {*CHECKS, "I13"}


# -- facts of sales ----------------------------------------------------------------------------------------------------

CHEESE = LineRequest(sku="104", quantity_milli=2000)  # 39.80


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Till]:
    """A shop with a coupon offer and gift cards."""
    with open_till(tmp_path, **SECTIONS) as opened:
        stock(opened)
        make_offer(opened)
        yield opened


def write_wrongly(
    till: Till, kind: type[Body], change: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From now on the till's program writes something else into facts of a kind than it decided."""
    record = till.shop.journal.record

    def faulty(tx: Any, origin: Any, op_id: UUID, body: Body, private: Any = None, **_: Any) -> Any:  # noqa: ANN401
        if isinstance(body, kind):
            values = msgspec.json.decode(msgspec.json.encode(body))
            change(values)
            body = msgspec.json.decode(msgspec.json.encode(values), type=kind)
        return record(tx, origin, op_id, body, private)

    monkeypatch.setattr(till.shop.journal, "record", faulty)


def live(till: Till) -> list[str]:
    """A use of a coupon, a sale to a member that comes back in two parts, a gift card that pays. What was refused after
    the program had gone wrong."""
    coupon, ana, refused = issue(till).token, till.enrol(), []
    sold: list[SaleAnswer] = []
    steps: list[Callable[[], object]] = [
        lambda: till.sell("101", coupons=(coupon,)),
        lambda: sold.append(till.sell(CHEESE, member=ana)),
        lambda: till.take_back(sold[0], [(1, 1000)], [("cash", 1990)]),
        lambda: till.take_back(sold[0], [(1, 1000)], [("cash", 1990)]),
        lambda: sell_card(till),
        lambda: pay(till, 350),
    ]
    for step in steps:
        try:
            step()
        except Problem as problem:
            refused.append(problem.code)
    return refused


def _lose_money(body: Any) -> None:  # noqa: ANN401
    body["taken"]["lines"][0]["net_minor"] -= 1


def _use_twice(body: Any) -> None:  # noqa: ANN401
    if used := body.get("vouchers", {}).get("used"):
        used.append({**used[0], "n": 2, "given_back": 1})


def _fill_card(body: Any) -> None:  # noqa: ANN401
    for posted in body.get("vouchers", {}).get("gift_cards", ()):
        posted["balance_minor"] += 1


def _refund(**changed: object) -> Callable[[Any], object]:
    return lambda body: body["taken"]["refunds"][0].update(changed)


def _returned(**changed: object) -> Callable[[Any], object]:
    return lambda body: body["taken"]["lines"][0].update(changed)


@pytest.mark.parametrize(
    ("rule", "words", "kind", "change"),
    [
        ("numbers", "have a gap", SaleCompleted, lambda body: body.update(n=body["n"] + 100)),
        ("sales", "are not its total", SaleCompleted, lambda body: body["lines"][0].update(net_minor=1, gross_minor=1)),
        ("sales", "is not what was due", SaleCompleted, lambda body: body.update(due_minor=body["due_minor"] + 1)),
        ("sales", "are not what was paid", SaleCompleted, lambda body: body["tenders"].pop()),
        ("sales", "not what their uses say", SaleCompleted, lambda body: body.pop("offers", None)),
        ("returns", "more came back than was sold", ReturnTaken, _returned(quantity_milli=2500)),
        ("returns", "(I7)", ReturnTaken, _returned(points=30)),
        ("returns", "(I14)", ReturnTaken, _lose_money),
        ("refunds", "(I9)", ReturnTaken, _refund(settles="card")),
        ("refunds", "is not what they were worth", ReturnTaken, _refund(amount_minor=1991)),
        ("coupons", "(I10)", SaleCompleted, _use_twice),
        ("gift_cards", "is not what moved it", SaleCompleted, _fill_card),
    ],
)
def test_a_rule_of_the_books_that_a_program_breaks_is_told(
    rule: str,
    words: str,
    kind: type[Body],
    change: Callable[[Any], object],
    shop: Till,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_wrongly(shop, kind, change, monkeypatch)
    live(shop)
    report = prove_all(shop.connection)
    assert (report.ok, report.breach, report.mark) == (False, True, None)
    assert not report.tables[f"{RULE}{rule}"]
    assert all(ok for name, ok in report.tables.items() if not name.startswith(RULE)), "the books agree with themselves"
    assert any(words in sentence for sentence in RULES[rule](shop.connection))


def test_a_shop_without_faults_breaks_no_rule(shop: Till) -> None:
    assert live(shop) == []
    assert prove_all(shop.connection).ok


def test_a_broken_rule_is_told_and_closes_no_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_till(tmp_path) as till:
        write_wrongly(till, ReturnTaken, _refund(settles="card"), monkeypatch)
        till.take_back(till.sell("100"), [(1, 1000)], [("cash", 129)])
    config = make_config(tmp_path)
    folder = config.data_dir()
    report = prove(folder / DATABASE_NAME, full=False)
    assert report.breach
    assert "more went back in card than was paid in it (I9)" in mending(report)
    assert (read_finding(folder), read_breach(folder)) == (None, mending(report))
    (told,) = [check for check in examine(config) if check.name == "verify"]
    assert (told.ok, told.mend) == (False, f"counterfoil verify --json --config {config.file}")
