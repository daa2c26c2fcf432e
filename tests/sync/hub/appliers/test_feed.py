"""What other shops are told, and that a shop which put it together has the right balance."""

from uuid import UUID

import msgspec
import pytest

from loyalty.points.account import Balance
from loyalty.points.facts import Posting
from loyalty.points.fold import apply_postings
from loyalty.points.told import AccountValue, make_account, told_of
from sync.facts import decode_body
from sync.facts.members import MemberMerged
from sync.facts.points import PointsAdjusted, PointsPosted, ledger_postings
from sync.facts.postings import members_of, postings_of
from sync.feed_values import MemberValue, MergeValue
from sync.hub.feed_store import store_bucket
from sync.hub.received import ReceivedOp
from sync.hub.store_members import complete_members
from tests.sync.hub.appliers.office import NOW_MS, OTHER, STORE, Office, Shop

ANNA = Shop(epoch=1).id()
BEN = Shop(epoch=2).id()


def bring(office: Office, *shops: Shop) -> None:
    for shop in shops:
        office.take_in(shop.store, shop.journal)
        office.apply_all(shop.store)


def account(office: Office, store: UUID, member: UUID = ANNA) -> AccountValue | None:
    raw = [
        row[1]
        for row in office.rows("feed", "bucket, value, entity, key")
        if row[0] == store_bucket(str(store)) and row[2:] == ("account", str(member)) and row[1] is not None
    ]
    return msgspec.json.decode(raw[0], type=AccountValue) if raw else None


def shops() -> tuple[Shop, Shop]:
    return Shop(), Shop(OTHER, epoch=8, at_ms=NOW_MS + 60_000)


def test_a_member_of_one_shop_costs_no_feed(office: Office) -> None:
    shop = Shop()
    shop.enrol(ANNA, "+48600100200")
    shop.sell(ANNA, earn=10)
    bring(office, shop)
    assert office.rows("feed") == []


def test_the_other_shop_is_told_of_the_account_and_the_shop_that_meets_her_of_everything(office: Office) -> None:
    here, there = shops()
    here.enrol(ANNA, "+48600100200", card="1234")
    here.sell(ANNA, earn=100)
    there.sell(ANNA, pay=30)
    bring(office, here, there)
    for store in (STORE, OTHER):
        told = account(office, store)
        assert told is not None
        assert told_of(told).account.active == 70
    met = msgspec.json.decode(msgspec.json.encode(office.feed(OTHER)["member", str(ANNA)]), type=MemberValue)
    assert (met.name, met.phone, met.card, met.status) == ("Anna", "+48600100200", "1234", "active")
    assert ("member", str(ANNA)) not in office.feed(STORE)
    here_through, there_through = (account(office, store) for store in (STORE, OTHER))
    assert here_through is not None
    assert here_through.through == {f"{7:016x}": 3}
    assert there_through is not None
    assert there_through.through == {f"{8:016x}": 2}


@pytest.mark.parametrize("limit", [1, 2, 500])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_a_shop_is_told_and_its_own_newer_entries_make_the_account(office: Office, limit: int) -> None:
    """The use of `through`: whatever the shop has not pushed yet comes on top, and nothing counts twice."""
    here, there = shops()
    for n in range(6):
        (here, there)[n % 2].now_ms = NOW_MS + 100_000 * n
        (here, there)[n % 2].sell(ANNA, earn=10 + n, pay=3 if n > 2 else 0)
    kept = list(here.ops)
    here.ops[:] = kept[:3]
    for shop in (here, there):
        office.take_in(shop.store, shop.journal)
        office.apply_all(shop.store, limit=limit)
    told = account(office, STORE)
    assert told is not None
    behind = [op for op in kept if op.seq > told.through[f"{7:016x}"]]
    assert [op.seq for op in behind] == [4]
    entry = msgspec.json.decode(behind[0].content)
    own = ledger_postings(behind[0].op_id, 7, 4, postings_of_raw(entry), at=max(entry["at"], NOW_MS + 600_000))
    mine = apply_postings(told_of(told).account, own)
    here.ops[:] = kept
    bring(office, here)
    assert (mine.active, mine.debt) == office.rows("account", "active, debt")[0]


def postings_of_raw(content: dict[str, object]) -> tuple[PointsPosted, ...]:
    raw = msgspec.Raw(msgspec.json.encode(content["body"]))
    body = decode_body(str(content["kind"]), 1, raw)
    assert members_of(body) == (ANNA,)
    return postings_of(body)


def test_a_report_that_comes_late_corrects_what_its_own_shop_believes(office: Office) -> None:
    here, there = shops()
    here.sell(ANNA, earn=100)
    bring(office, here)
    there.sell(ANNA, earn=5)
    bring(office, there)
    here.now_ms = NOW_MS + 30_000
    here.sell(ANNA, pay=10)
    bring(office, here)
    told = account(office, STORE)
    assert told is not None
    assert (told_of(told).account.active, told.through) == (95, {f"{7:016x}": 3})


def adjust(shop: Shop, points: int) -> UUID:
    posting = shop.posting(ANNA, "adjust", points)
    return shop.log(
        PointsAdjusted(request="", member=ANNA, points=points, reason="", postings=(posting,), balance=Balance())
    )


def later_life(shop: Shop, logged_again: int) -> Shop:
    """The next life of the same store, in which its newest entries are logged again."""
    later = Shop(shop.store, epoch=9, at_ms=shop.now_ms + 1_000)
    for op in shop.ops[-logged_again:]:
        later.relog(op)
    return later


def test_operations_that_nothing_shows_any_more_are_named_to_the_store_that_wrote_them(office: Office) -> None:
    here, there = shops()
    bought = here.sell(ANNA, earn=100)
    taken = adjust(here, -100)
    shown = here.sell(ANNA, earn=7)
    bring(office, here)
    there.sell(ANNA, earn=1)
    bring(office, there)
    told, theirs = account(office, STORE), account(office, OTHER)
    assert told is not None
    assert theirs is not None
    assert set(told.known) == {bought.bytes, taken.bytes}
    assert shown.bytes not in told.known, "its points are there"
    assert theirs.known == ()
    again = [own for op in later_life(here, 3).ops[1:] for own in as_posted(op, 9)]
    assert [own.seq for own in again] == [2, 3, 4]
    assert make_account(again, told=[told_of(told)]).net == 8, "a later life changes nothing"


@pytest.mark.parametrize("tells", ["another shop", "head office"])
def test_a_store_that_logged_again_what_is_known_is_told_under_which_numbers(office: Office, tells: str) -> None:
    here, there = shops()
    here.sell(ANNA, earn=100)
    adjust(here, -100)
    bring(office, here)
    if tells == "another shop":
        there.sell(ANNA, earn=1)
        bring(office, there)
    else:
        office.do(lambda tx: complete_members(tx, STORE, b"", 10, office.now_ms, 400))
    before = account(office, STORE)
    assert before is not None
    later = later_life(here, 2)
    bring(office, later)
    told = account(office, STORE)
    assert told is not None
    assert told.through == {f"{7:016x}": 3, f"{9:016x}": 3}
    assert msgspec.structs.replace(told, through=before.through) == before, "nothing else is new"


def test_a_store_that_was_never_told_of_a_member_is_not_told_for_logging_again(office: Office) -> None:
    here, _ = shops()
    here.sell(ANNA, earn=100)
    bring(office, here)
    bring(office, later_life(here, 1))
    assert office.rows("feed") == []


def as_posted(op: ReceivedOp, epoch: int) -> list[Posting]:
    """The postings of an entry as its store has them."""
    entry = msgspec.json.decode(op.content)
    raw = msgspec.Raw(msgspec.json.encode(entry["body"]))
    return ledger_postings(op.op_id, epoch, op.seq, postings_of(decode_body(str(entry["kind"]), 1, raw)))


def test_a_merge_and_its_end_are_told_to_whoever_knows_either(office: Office) -> None:
    here, there = shops()
    here.sell(ANNA, earn=10)
    there.sell(BEN, earn=20)
    merged = there.log(MemberMerged(request="", absorbed=BEN, into=ANNA, effective_at=there.now_ms, reason="one"))
    bring(office, here, there)
    value = msgspec.json.decode(msgspec.json.encode(office.feed(STORE)["merge", str(BEN)]), type=MergeValue)
    assert (value.into, value.op) == (ANNA, merged)
    told = account(office, STORE)
    assert told is not None
    assert told_of(told).account.active == 30
    assert account(office, OTHER, BEN) is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_more_than_eight_stores_are_told_of_one_member(office: Office) -> None:
    for n in range(12):
        shop = Shop(UUID(int=100 + n), epoch=100 + n, at_ms=NOW_MS + n * 60_000)
        shop.sell(ANNA, earn=1)
        bring(office, shop)
    last = Shop(UUID(int=200), epoch=200, at_ms=NOW_MS + 6_000_000)
    last.sell(ANNA, earn=1)
    office.do(lambda tx: tx.execute("DELETE FROM feed"))
    office.do(lambda tx: tx.execute("DELETE FROM feed_head"))
    bring(office, last)
    told = {row[0] for row in office.rows("feed", "bucket, entity") if row[1] == "account"}
    assert len(told) == 9
    assert store_bucket(str(UUID(int=200))) in told
    assert store_bucket(str(UUID(int=103))) not in told
