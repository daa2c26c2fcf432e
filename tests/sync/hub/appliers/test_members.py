"""Members as several shops tell of them: one phone, one person, one consent, and forgotten for ever."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from loyalty.identifier_store import read_identifiers
from loyalty.member_store import read_member
from sync.chain import private_hash
from sync.db import Database
from sync.facts.members import (
    Consent,
    ConsentRecorded,
    MemberChanged,
    MemberErased,
    MemberMerged,
    MemberParted,
    PrivateProfile,
)
from sync.hub.appliers.apply_contacts import hash_of
from sync.hub.consent_store import read_standing
from sync.hub.schema_all import ALL_TABLES
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of

PHONE = "+48600100200"
ONE, TWO, THREE = (Shop(epoch=n, at_ms=Shop().now_ms + n * 1_000).id() for n in (1, 2, 3))
"""Members in the order of their age."""


def bring(office: Office, *shops: Shop) -> None:
    for shop in shops:
        office.take_in(shop.store, shop.journal)
        office.apply_all(shop.store)
    assert office.rows("dead_letter") == []


def change(shop: Shop, member: UUID, revision: int, name: str, **more: str) -> None:
    data = msgspec.json.encode(PrivateProfile(name=name, **more))  # type: ignore[arg-type]
    body = MemberChanged(
        member=member, locale="en", revision=revision, enrolled_at=5, private=private_hash(b"salt", data)
    )
    shop.log(body, private=(member, b"salt", data))


def erase(shop: Shop, member: UUID) -> None:
    shop.log(MemberErased(member=member, reason="asked", locale="en", revision=9, enrolled_at=5))


def merge(shop: Shop, absorbed: UUID, into: UUID) -> UUID:
    return shop.log(
        MemberMerged(request="", absorbed=absorbed, into=into, effective_at=shop.now_ms, reason="one person")
    )


def shops() -> tuple[Shop, Shop]:
    return Shop(), Shop(OTHER, epoch=8)


# -- contacts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations((ONE, TWO, THREE))))
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_phone_in_several_hands_belongs_to_the_oldest_and_every_pair_is_asked_about(
    office: Office, order: Sequence[UUID]
) -> None:
    for n, member in enumerate(order):
        shop = Shop(UUID(int=50 + n), epoch=50 + n)
        shop.enrol(member, PHONE)
        bring(office, shop)
    assert office.rows("contact") == [(hash_of("phone", PHONE), ONE.bytes)]
    pairs = {tuple(ref["member"] for ref in refs) for _, _, refs in office.incidents()}
    assert pairs == {(str(ONE), str(TWO)), (str(ONE), str(THREE)), (str(TWO), str(THREE))}


def test_two_shops_enrol_one_phone_and_a_merge_answers_the_question(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE)
    there.enrol(TWO, PHONE)
    here.sell(ONE, earn=10)
    there.sell(TWO, earn=20)
    bring(office, here, there)
    assert [incident[0] for incident in office.incidents()] == ["duplicate_member"]
    merged = merge(here, TWO, ONE)
    bring(office, here)
    assert office.incidents() == []
    assert office.rows("account", "member, active") == [(ONE.bytes, 30)]
    row = office.do(lambda tx: read_member(tx, TWO))
    assert row is not None
    assert (row.status, row.name) == ("merged", "Anna")
    change(there, TWO, 2, "Anna Maria", phone=PHONE)
    bring(office, there)
    assert office.incidents() == []
    here.log(MemberParted(merge=merged, absorbed=TWO, into=ONE, reason="two after all"))
    bring(office, here)
    assert sorted(active for (active,) in office.rows("account", "active")) == [10, 20]
    assert [incident[0] for incident in office.incidents()] == ["duplicate_member"]
    assert proof_of(office).ok


def test_a_phone_that_is_given_up_goes_to_whoever_still_has_it(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE)
    there.enrol(TWO, PHONE)
    change(here, ONE, 2, "Anna", phone="+48600100299")
    bring(office, there, here)
    assert (hash_of("phone", PHONE), TWO.bytes) in office.rows("contact")
    change(there, TWO, 2, "Anna", phone="+48600100298")
    bring(office, there)
    assert (hash_of("phone", PHONE),) not in office.rows("contact", "value_hash")
    assert office.incidents() == []


# -- profiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("here_first", [True, False])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_of_two_changes_of_one_profile_the_later_one_counts_whoever_reports_first(
    office: Office, here_first: bool
) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE)
    there.now_ms = here.now_ms + 5_000
    change(here, ONE, 2, "Early", phone=PHONE)
    change(there, ONE, 2, "Late", email="late@example.org")
    bring(office, *((here, there) if here_first else (there, here)))
    row = office.do(lambda tx: read_member(tx, ONE))
    assert row is not None
    assert (row.name, row.phone, row.email, row.revision) == ("Late", None, "late@example.org", 2)
    assert [each.value for each in office.do(lambda tx: read_identifiers(tx, ONE))] == ["late@example.org"]
    assert office.rows("member_place", "home") == [(STORE.bytes,)]


def test_a_personal_half_that_is_not_the_entrys_is_refused(office: Office) -> None:
    shop = Shop()
    shop.enrol(ONE, PHONE)
    swapped = shop.ops[-1]
    shop.ops[-1] = swapped._replace(private=(ONE, b"salt", b'{"name":"Eve"}'))
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    assert office.rows("dead_letter", "code, error") == [
        ("failed", "PrivateHalfWrong: the personal data is not what the entry's hash says")
    ]
    assert office.rows("member") == []


# -- merges -----------------------------------------------------------------------------------------------------------


def test_a_merge_that_comes_in_after_its_end_has_no_effect(office: Office) -> None:
    here, there = shops()
    here.sell(ONE, earn=10)
    here.sell(TWO, earn=20)
    merged = merge(here, TWO, ONE)
    there.log(MemberParted(merge=merged, absorbed=TWO, into=ONE, reason="no"))
    bring(office, there, here)
    assert office.rows("member_merge") == []
    assert office.rows("account", "active") == [(10,), (20,)]


def test_two_shops_merge_one_member_into_two_others_and_all_are_one_account(office: Office) -> None:
    here, there = shops()
    for member in (ONE, TWO, THREE):
        here.sell(member, earn=10)
    merge(here, TWO, ONE)
    there.now_ms = here.now_ms
    merge(there, TWO, THREE)
    bring(office, here, there)
    assert office.rows("account", "active") == [(30,)]
    assert [incident[0] for incident in office.incidents()] == ["merge_conflict"]
    assert proof_of(office).ok


def test_a_merge_in_a_circle_ends(office: Office) -> None:
    here, there = shops()
    here.sell(ONE, earn=10)
    here.sell(TWO, earn=20)
    merge(here, TWO, ONE)
    merge(there, ONE, TWO)
    bring(office, here, there)
    assert office.rows("account", "active") == [(30,)]
    assert len(office.rows("member_merge")) == 1


def test_points_and_a_merge_in_one_batch_end_as_one_after_the_other(office: Office) -> None:
    here = Shop()
    here.enrol(ONE, PHONE)
    here.enrol(TWO, "+48600100201")
    here.sell(TWO, earn=30)
    merge(here, TWO, ONE)
    here.sell(TWO, pay=20)
    here.sell(ONE, pay=50)
    bring(office, here)
    assert office.rows("account", "member, active, debt") == [(ONE.bytes, 0, 40)]
    assert [incident[:2] for incident in office.incidents()] == [("overspend", 40)]
    assert proof_of(office).ok


# -- consents ---------------------------------------------------------------------------------------------------------


def consent(shop: Shop, granted: bool, replaces: tuple[UUID, ...] = ()) -> UUID:
    said = (Consent("sms", "marketing", granted=granted),)
    return shop.log(ConsentRecorded(request="", member=ONE, at=shop.now_ms, consents=said, replaces=replaces))


def test_a_grant_that_knew_of_no_withdrawal_does_not_overrule_it(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE, consents=[Consent("sms", "marketing", granted=True)])
    withdrawn = consent(here, granted=False)
    there.now_ms = here.now_ms + 60_000
    consent(there, granted=True)
    bring(office, here, there)
    (word,) = office.do(lambda tx: read_standing(tx, ONE))
    assert (word.granted, word.op) == (False, withdrawn)
    again = consent(there, granted=True, replaces=(withdrawn,))
    bring(office, there)
    (word,) = office.do(lambda tx: read_standing(tx, ONE))
    assert (word.granted, word.op) == (True, again)


def test_what_an_alias_withdrew_her_person_withdrew(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE, consents=[Consent("sms", "marketing", granted=True)])
    there.enrol(TWO, "+48600100201", consents=[Consent("sms", "marketing", granted=False)])
    merge(here, TWO, ONE)
    bring(office, here, there)
    assert [word.granted for word in office.do(lambda tx: read_standing(tx, ONE))] == [False]


# -- forgotten --------------------------------------------------------------------------------------------------------


def test_a_forgotten_member_stays_forgotten_whatever_comes_later(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE, email="anna@example.org")
    here.sell(ONE, earn=10)
    change(there, ONE, 7, "Anna Again", phone=PHONE)
    there.sell(ONE, earn=5)
    bring(office, here)
    erase(here, ONE)
    bring(office, here, there)
    assert office.rows("member", "status, name, phone, email, card") == [("erased", None, None, None, None)]
    assert office.rows("member_identifier") == office.rows("contact") == office.rows("inbox_private") == []
    assert office.rows("member_secret") == []
    assert office.rows("account", "active") == [(15,)]
    assert proof_of(office).ok


def test_what_a_later_life_logs_again_about_a_forgotten_member_brings_nothing_personal_back(office: Office) -> None:
    before, after = Shop(), Shop(epoch=9, at_ms=Shop().now_ms + 100_000)
    before.enrol(ONE, PHONE)
    erase(before, ONE)
    after.relog(before.ops[1])
    bring(office, before)
    bring(office, after)
    assert office.rows("applied", "count(*)") == [(4,)]
    assert office.rows("inbox_private") == office.rows("member_identifier") == []


def test_an_erasure_says_so_to_its_caller_and_to_every_store(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE)
    there.sell(ONE, earn=10)
    bring(office, here, there)
    assert office.feed(OTHER)["member", str(ONE)]["phone"] == PHONE
    erase(here, ONE)
    office.take_in(STORE, here.journal)
    (done,) = office.apply_all(STORE)
    assert done.erased
    assert office.feed(OTHER)["member", str(ONE)] is None
    assert set(office.feed()["erased", str(ONE)]) == {"op", "at"}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_it_makes_no_difference_whether_the_erasure_comes_in_first(office: Office) -> None:
    tables = ("member", "member_place", "member_identifier", "contact", "consent_word", "inbox_private")
    books = []
    for first in (0, 1):
        here, there = shops()
        here.enrol(ONE, PHONE, consents=[Consent("sms", "marketing", granted=True)])
        erase(there, ONE)
        bring(office, *((here, there) if first else (there, here)))
        books.append({table: office.rows(table) for table in tables})
        office.do(lambda tx: [tx.execute(f"DELETE FROM {table.name}") for table in ALL_TABLES])
    assert books[0] == books[1]


def test_two_shops_forget_one_member_and_once_is_enough(office: Office) -> None:
    here, there = shops()
    here.enrol(ONE, PHONE)
    erase(here, ONE)
    erase(there, ONE)
    bring(office, here, there)
    assert len(office.rows("erased_member")) == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_trace_of_a_forgotten_phone_is_left_in_the_files(office: Office) -> None:
    assert isinstance(office.storage, Database)
    folder = office.storage.path.parent
    here, there = shops()
    here.enrol(ONE, PHONE, name="Bartholomew")
    for _ in range(30):
        here.sell(ONE, earn=1)
    there.enrol(TWO, PHONE, name="Bartholomew")
    bring(office, here, there)
    assert traces(folder)
    erase(here, ONE)
    erase(there, TWO)
    bring(office, here, there)
    office.run(office.storage.erase_traces())
    assert traces(folder) == []
    change(here, ONE, 2, "Bartholomew")  # reported late, by a life that had not heard of it
    office.take_in(here.store, here.journal)
    [applied] = office.apply_all(here.store)
    assert applied.erased, "whoever applies sees to it that no trace stays"
    assert traces(folder), "the log still has it"
    office.run(office.storage.erase_traces())
    assert traces(folder) == []


def traces(folder: Path) -> list[str]:
    needles = (PHONE.encode(), b"Bartholomew", hash_of("phone", PHONE))
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]
