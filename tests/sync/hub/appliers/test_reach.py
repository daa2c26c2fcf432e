"""What a store that lies does to other shops' members, coupons, cards, sales and points: no more than its share."""

from collections.abc import Callable
from uuid import UUID

import pytest
from msgspec.structs import replace

from loyalty.member_store import read_member
from loyalty.points.account import Balance
from loyalty.transactions import Tx
from sync.facts.coupons import CouponVoided
from sync.facts.members import Consent, ConsentRecorded, MemberErased, MemberMerged, MemberParted
from sync.facts.points import PointsAdjusted, PointsHeld
from sync.facts.returns import ReturnTaken, TakenBack
from sync.hub.applier import Applied, apply_next
from sync.hub.coupon_uses import coupon_subject
from sync.hub.failures import FAILURES_MAX
from sync.hub.incidents import list_incidents, resolve_incident
from sync.hub.let_through import find_let_through, let_through
from sync.hub.reach import KIND, Shares
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.test_members import change
from tests.sync.hub.appliers.test_proof import proof_of
from tests.sync.hub.appliers.test_vouchers import void_of
from tests.sync.hub.appliers.vouchers import card, coupon, undone, used, vouchers

NOBODY = Balance(active=0, pending=0, held=0, debt=0)
ALWAYS = Shares(1_000_000, 1_000_000_000)
DAY_MS = 86_400_000


class Chain:
    """An honest shop with members, coupons, a gift card and sales, and one that lies."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.honest, self.liar = Shop(), Shop(OTHER, epoch=8, at_ms=Shop().now_ms + 3_600_000)
        self.anna, self.ben = self.honest.id(), self.honest.id()
        self.honest.enrol(self.anna, "+48600100200")
        self.honest.enrol(self.ben, "+48600100201", name="Ben")
        issued = [coupon(serial) for serial in (5, 6)]
        self.sale = self.honest.sell(
            self.anna, earn=500, vouchers=vouchers(issued=issued, cards=[card(1, "activate", 1_000)])
        )
        self.merged = merge(self.honest, self.honest.enrol(UUID(int=71)), self.honest.enrol(UUID(int=72)))
        self.accomplice = self.liar.id()
        self.liar.enrol(self.accomplice, "+48600100299", name="Liar")
        self.tell(self.honest, ALWAYS)
        self.tell(self.liar, ALWAYS)

    def tell(self, shop: Shop, shares: Shares) -> Applied:
        """Push and apply; what came of the last batch."""
        self.office.take_in(shop.store, shop.journal)
        return self.office.do(
            lambda tx: apply_next(tx, shop.store, shop.epoch, self.office.now_ms, shares=shares, version="1")
        )

    def name(self) -> str | None:
        """What Anna is called now."""
        row = self.office.do(lambda tx: read_member(tx, self.anna))
        return row.name if row is not None else None

    def letters(self) -> list[str]:
        return [row[0] for row in self.office.rows("dead_letter", "code") if row]

    def incident(self) -> list[tuple[str, int]]:
        found = self.office.do(lambda tx: list_incidents(tx, "open"))
        return [(each.kind, each.amount) for each in found if each.kind == KIND]

    def resolve(self) -> None:
        """A person lets it through."""
        [incident] = [each for each in self.office.do(list_incidents) if each.kind == KIND]
        self.office.do(lambda tx: resolve_incident(tx, incident.id, "office", "looked at", self.office.now_ms))

    def let_through(self) -> int:
        """What the upkeep does then; how many entries it took up."""
        entries = 0
        for store, day in self.office.do(lambda tx: find_let_through(tx, self.office.now_ms)):
            while done := self._next(store, day):
                entries += done
        return entries

    def _next(self, store: bytes, day: int) -> int:
        return self.office.do(lambda tx: let_through(tx, store, day, self.office.now_ms, "1")).entries


@pytest.fixture
def chain(office: Office) -> Chain:
    return Chain(office)


def take(shop: Shop, member: UUID, points: int, kind: str = "adjust") -> None:
    postings = (shop.posting(member, kind, points),)
    shop.log(PointsAdjusted(request="", member=member, points=points, reason="", postings=postings, balance=NOBODY))


def hold(shop: Shop, member: UUID, points: int) -> None:
    identity = shop.id()
    posting = shop.posting(member, "hold", points, hold=identity, expires_at=shop.now_ms + 900_000)
    body = PointsHeld(
        request="",
        member=member,
        points=points,
        lapses_at=shop.now_ms + 900_000,
        proof="pin",
        postings=(posting,),
        balance=NOBODY,
    )
    shop.log(body, identity)


def return_of(shop: Shop, sale: UUID) -> ReturnTaken:
    taken = TakenBack(sale=sale, sale_number="S007-T01-000001", lines=(), value_minor=0)
    number = f"S008-T01-{len(shop.ops):06}"
    return ReturnTaken(
        request="", number=number, till="T01", series=1, n=1, shift=sale, currency="EUR", reason="", taken=taken
    )


def merge(shop: Shop, absorbed: UUID, into: UUID, told: UUID | None = None) -> UUID:
    body = MemberMerged(
        request="", absorbed=absorbed, into=into, effective_at=shop.now_ms, reason="one person", told=told
    )
    return shop.log(body)


def erase(shop: Shop, member: UUID) -> None:
    shop.log(MemberErased(member=member, reason="asked", locale="en", revision=9, enrolled_at=5))


def consent(shop: Shop, member: UUID) -> None:
    words = (Consent("sms", "marketing", granted=True),)
    shop.log(ConsentRecorded(request="", member=member, at=shop.now_ms, consents=words))


def part(shop: Shop, merged: UUID, *, is_told: bool = False) -> None:
    """Whoever it says that they were: what counts is the merge."""
    shop.log(MemberParted(merge=merged, absorbed=UUID(int=1), into=UUID(int=2), reason="", is_told=is_told))


# What it is, what one store does to another's things, and what that counts: things and points.
ATTACKS: list[tuple[str, Callable[[Chain, Shop], object], int, int]] = [
    ("profile", lambda c, s: change(s, c.anna, 7, "Nobody"), 1, 0),
    ("home", lambda c, s: s.enrol(c.anna, "+48600100222", name="Nobody"), 1, 0),
    ("consent", lambda c, s: consent(s, c.anna), 1, 0),
    ("erasure", lambda c, s: erase(s, c.anna), 11, 0),
    ("erasure of nobody", lambda _, s: erase(s, UUID(int=77)), 1, 0),
    ("merge", lambda c, s: merge(s, c.anna, c.accomplice), 10, 0),
    ("merge of two", lambda c, s: merge(s, c.anna, c.ben), 20, 0),
    ("part", lambda c, s: part(s, c.merged), 10, 0),
    ("coupon", lambda _, s: s.sell(vouchers=vouchers(used=[used(5)])), 1, 0),
    ("coupons", lambda _, s: s.sell(vouchers=vouchers(used=[used(5), used(6)])), 2, 0),
    ("coupon voided", lambda _, s: s.log(CouponVoided(request="", serial=5, reason="")), 1, 0),
    ("void", lambda c, s: s.log(void_of(c.sale, undone(5))), 2, 0),
    ("return", lambda c, s: s.log(return_of(s, c.sale)), 1, 0),
    ("card", lambda _, s: s.sell(vouchers=vouchers(cards=[card(1, "redeem", -900)])), 10, 0),
    ("points", lambda c, s: take(s, c.anna, -400), 0, 400),
    ("points set aside", lambda c, s: hold(s, c.anna, 400), 0, 400),
    ("points spent", lambda c, s: s.sell(c.anna, pay=400), 0, 400),
]


NAMES = [each[0] for each in ATTACKS]
Attack = Callable[[Chain, Shop], object]


def test_what_is_anothers_waits_behind_the_share_and_nothing_of_it_moves(chain: Chain) -> None:
    tables = ("posting", "member", "member_merge", "consent_word", "coupon_spending", "card_movement", "goods_back")
    before = [chain.office.rows(table) for table in tables]
    for n, (name, attack, things, points) in enumerate(ATTACKS):
        liar = Shop(UUID(int=0x2000 + n), epoch=100 + n, at_ms=chain.liar.now_ms)
        chain.accomplice = liar.id()
        attack(chain, liar)
        done = chain.tell(liar, Shares(max(things - 1, 0), max(points - 1, 0)))
        assert (done.fresh, done.waiting, done.dead, done.parked) == (1, 1, 0, 0), name
    assert chain.letters() == ["beyond_share"] * len(ATTACKS)
    assert sorted(chain.incident()) == sorted((KIND, things) for _, _, things, _ in ATTACKS)
    assert [chain.office.rows(table) for table in tables] == before
    assert proof_of(chain.office).ok


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("attack", "things", "points"), [each[1:] for each in ATTACKS], ids=NAMES)
def test_exactly_the_share_is_applied_at_once(chain: Chain, attack: Attack, things: int, points: int) -> None:
    attack(chain, chain.liar)
    done = chain.tell(chain.liar, Shares(things, points))
    assert (done.fresh, done.waiting, chain.incident()) == (1, 0, [])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_a_stores_own_it_changes_as_it_likes(chain: Chain) -> None:
    chain.accomplice = chain.ben
    own = [attack for name, attack, *_ in ATTACKS if name not in {"home", "erasure", "erasure of nobody"}]
    for act in own:
        act(chain, chain.honest)
    done = chain.tell(chain.honest, Shares(0, 0))
    assert (done.fresh, done.waiting) == (len(own), 0)
    assert chain.office.rows("reach_day") == []


def test_what_every_shop_does_with_members_of_others_counts_nothing(chain: Chain) -> None:
    shop = chain.liar
    shop.sell(chain.anna, earn=50)
    take(shop, chain.anna, 10)
    merge(shop, chain.anna, chain.ben, told=UUID(int=5))
    part(shop, chain.merged, is_told=True)
    shop.sell(vouchers=vouchers(used=[used(2**50)], cards=[card(1, "refund", 900)]))
    assert chain.tell(shop, Shares(0, 0)).waiting == 0
    assert chain.office.rows("reach_day") == []


def test_the_echo_of_a_word_that_every_store_is_told_counts_nothing(chain: Chain) -> None:
    erase(chain.honest, chain.anna)
    assert chain.tell(chain.honest, Shares(1, 0)).fresh == 1
    erase(chain.liar, chain.anna)
    done = chain.tell(chain.liar, Shares(0, 0))
    assert (done.fresh, done.waiting) == (1, 0)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_head_office_keeps_for_a_store_counts_nothing(chain: Chain) -> None:
    def keep(tx: Tx, subject: bytes, n: int) -> None:
        insert = "INSERT INTO reservation VALUES (?, ?, 'k', ?, ?, '{}', '{}', 0, 0)"
        tx.execute(insert, (OTHER.bytes, n.to_bytes(16), subject, n.to_bytes(16)))

    subjects = [coupon_subject(5), b"sale " + chain.sale.bytes, b"card " + bytes.fromhex(card(1, "", 0).card)]
    for n, subject in enumerate(subjects):
        chain.office.do(lambda tx, subject=subject, n=n: keep(tx, subject, n))  # type: ignore[misc]
    chain.liar.sell(vouchers=vouchers(used=[used(5)], cards=[card(1, "redeem", -900)]))
    chain.liar.log(return_of(chain.liar, chain.sale))
    done = chain.tell(chain.liar, Shares(0, 0))
    assert (done.fresh, done.waiting) == (2, 0)
    chain.liar.sell(vouchers=vouchers(used=[used(6)]))
    assert chain.tell(chain.liar, Shares(0, 0)).waiting == 1, "another coupon was not kept for it"


def test_the_share_is_one_for_all_lives_of_a_store_and_new_on_the_next_day(chain: Chain) -> None:
    later = Shop(OTHER, epoch=88, at_ms=chain.liar.now_ms)
    for n, shop in enumerate((chain.liar, later, chain.liar, later)):
        change(shop, chain.anna, 10 + n, "Nobody")
        chain.tell(shop, Shares(2, 0))
    assert len(chain.letters()) == 2
    chain.office.now_ms += DAY_MS
    change(later, chain.anna, 20, "Anna B")
    assert chain.tell(later, Shares(2, 0)).fresh == 1
    assert chain.name() == "Anna B"


def test_facts_that_a_later_life_logs_again_count_once(chain: Chain) -> None:
    change(chain.liar, chain.anna, 7, "Anna B")
    assert chain.tell(chain.liar, Shares(1, 0)).fresh == 1
    later = Shop(OTHER, epoch=88, at_ms=chain.liar.now_ms)
    later.relog(chain.liar.ops[-1])
    done = chain.tell(later, Shares(1, 0))
    assert (done.repeated, done.waiting) == (1, 0)


def test_entries_behind_the_one_that_waits_go_on(chain: Chain) -> None:
    change(chain.liar, chain.anna, 7, "Nobody")
    own = chain.liar.sell(chain.accomplice, earn=5)
    done = chain.tell(chain.liar, Shares(0, 0))
    assert (done.fresh, done.waiting) == (1, 1)
    assert (own.bytes,) in chain.office.rows("receipt", "op")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_entries_that_wait_stop_no_appliers(chain: Chain) -> None:
    for n in range(FAILURES_MAX + 10):
        change(chain.liar, chain.anna, 7 + n, "Nobody")
    done = chain.tell(chain.liar, Shares(0, 0))
    assert (done.waiting, done.dead) == (FAILURES_MAX + 10, 0)
    chain.liar.log_raw({"v": 1, "kind": "member.changed", "body": {}})
    assert chain.tell(chain.liar, Shares(0, 0)).dead == 1, "an entry that fails meets no breaker because of them"


def test_once_a_person_has_looked_all_of_it_is_let_through_and_as_much_again(chain: Chain) -> None:
    for n in range(3):
        change(chain.liar, chain.anna, 7 + n, f"Anna {n}")
    merge(chain.liar, chain.ben, chain.anna)
    assert chain.tell(chain.liar, Shares(1, 0)).waiting == 3
    assert (chain.let_through(), chain.incident()) == (0, [(KIND, 23)])
    chain.resolve()
    assert (chain.let_through(), chain.let_through()) == (3, 0)
    assert chain.name() == "Anna 2"
    assert (chain.ben.bytes,) in chain.office.rows("member_merge", "absorbed")
    assert proof_of(chain.office).ok
    for n in range(23):
        change(chain.liar, chain.anna, 20 + n, "Anna")
    assert chain.tell(chain.liar, Shares(1, 0)).waiting == 0
    change(chain.liar, chain.anna, 99, "Nobody")
    assert (chain.tell(chain.liar, Shares(1, 0)).waiting, chain.incident()) == (1, [(KIND, 47)])
    assert chain.let_through() == 0, "it waits for a new word"


def test_what_is_let_through_and_fails_is_a_dead_letter_and_comes_once(chain: Chain) -> None:
    chain.liar.sell(vouchers=vouchers(cards=[card(1, "redeem", -900), card(1, "redeem", -900)]))
    assert chain.tell(chain.liar, Shares(0, 0)).waiting == 1
    chain.resolve()
    assert (chain.let_through(), chain.let_through(), chain.letters()) == (1, 0, ["constraint_broken"])


@pytest.mark.parametrize("first", ["honest", "liar"])
def test_no_store_makes_another_stores_member_its_own(office: Office, first: str) -> None:
    honest, liar = Shop(), Shop(OTHER, epoch=8, at_ms=Shop().now_ms - DAY_MS)
    anna = honest.id()
    honest.enrol(anna)
    liar.enrol(anna, name="Nobody")
    office.take_in(STORE, honest.journal)
    office.take_in(OTHER, liar.journal, now_ms=office.now_ms + 1)
    for store in (STORE, OTHER) if first == "honest" else (OTHER, STORE):
        office.apply_all(store)
    assert office.rows("member_place", "home") == [(STORE.bytes,)]
    assert proof_of(office).ok


def test_nonsense_in_what_is_touched_fails_no_batch(chain: Chain) -> None:
    for serial in (-1, 2**63, 2**70):
        chain.liar.log(CouponVoided(request="", serial=serial, reason=""))
    for text in ("", "x" * 64, "ab", "ab " * 21 + "a"):
        chain.liar.sell(vouchers=vouchers(cards=[replace(card(1, "redeem", -5), card=text)]))
    own = chain.liar.sell()
    done = chain.tell(chain.liar, Shares(0, 0))
    assert (done.waiting, done.more) == (0, False)
    assert (own.bytes,) in chain.office.rows("receipt", "op")
