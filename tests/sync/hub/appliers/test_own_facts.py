"""What head office decides itself is a fact like any other: chained, applied, told, proved."""

import pytest

from loyalty.errors import IdConflict
from loyalty.ids import derived_uuid
from loyalty.member_store import MemberNotFound, UnknownMember
from loyalty.transactions import Tx
from sync.hub.accepted import HEAD_OFFICE
from sync.hub.applier import apply_next
from sync.hub.own_facts import MemberForgotten, MergeCommand, SamePerson, erase_person, merge_members
from sync.hub.state import begin, raise_timeline
from tests.sync.hub.appliers.office import NOW_MS, OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of

PHONE = "+48600100200"
ONE, TWO, THREE = (Shop(epoch=n, at_ms=Shop().now_ms + n * 1_000).id() for n in (1, 2, 3))
LATER_MS = NOW_MS + 2 * 86_400_000
MERGE = MergeCommand(id=Shop(epoch=4).id(), absorbed=TWO, into=ONE)


@pytest.fixture
def chain(office: Office) -> Office:
    """Two shops with a member each, who have one phone."""
    office.do(lambda tx: begin(tx, bytes(32)))
    here, there = Shop(), Shop(OTHER, epoch=8)
    here.enrol(ONE, PHONE)
    here.sell(ONE, earn=10)
    there.enrol(TWO, PHONE, name="Anne")
    there.sell(TWO, earn=20)
    for shop in (here, there):
        office.take_in(shop.store, shop.journal)
        office.apply_all(shop.store)
    return office


def merge(tx: Tx, command: MergeCommand = MERGE) -> bool:
    merged = merge_members(tx, command, "mia", LATER_MS)
    apply_next(tx, HEAD_OFFICE, 1, LATER_MS)
    return merged


def erase(tx: Tx) -> int:
    erased = erase_person(tx, TWO, "mia", LATER_MS + 1_000)
    apply_next(tx, HEAD_OFFICE, 1, LATER_MS + 1_000)
    return len(erased)


def test_a_merge_answers_the_question_and_is_told_to_both_shops(chain: Office) -> None:
    assert [incident[0] for incident in chain.incidents()] == ["duplicate_member"]
    assert chain.do(merge)
    assert chain.incidents() == []
    assert chain.rows("account", "active") == [(30,)]
    for store in (STORE, OTHER):
        assert chain.feed(store)["merge", str(TWO)]["into"] == str(ONE)
    assert chain.feed(HEAD_OFFICE) == {}
    assert not chain.do(merge)
    assert proof_of(chain).ok


def test_a_merge_that_cannot_be_is_refused_and_writes_nothing(chain: Office) -> None:
    chain.do(merge)
    with pytest.raises(IdConflict):
        chain.do(lambda tx: merge(tx, MergeCommand(id=MERGE.id, absorbed=ONE, into=TWO)))
    again = Shop(epoch=5).id()
    with pytest.raises(SamePerson):
        chain.do(lambda tx: merge(tx, MergeCommand(id=again, absorbed=TWO, into=ONE)))
    with pytest.raises(UnknownMember):
        chain.do(lambda tx: merge(tx, MergeCommand(id=again, absorbed=THREE, into=ONE)))
    chain.do(erase)
    with pytest.raises(MemberForgotten):
        chain.do(lambda tx: merge(tx, MergeCommand(id=again, absorbed=TWO, into=ONE)))
    with pytest.raises(IdConflict):
        chain.do(lambda tx: merge(tx, MergeCommand(id=derived_uuid(TWO, "erase"), absorbed=TWO, into=ONE)))
    assert chain.rows("inbox", "store, seq")[0] == (HEAD_OFFICE.bytes, 1)


def test_a_person_is_forgotten_under_every_name_and_only_once(chain: Office) -> None:
    chain.do(merge)
    assert chain.do(erase) == 2
    assert chain.do(erase) == 0
    assert chain.rows("member", "status, name") == [("erased", None)] * 2
    assert chain.rows("inbox_private") == chain.rows("member_identifier") == []
    assert {key for entity, key in chain.feed() if entity == "erased"} == {str(ONE), str(TWO)}
    assert chain.rows("account", "active") == [(30,)]
    assert proof_of(chain).ok
    with pytest.raises(MemberNotFound):
        chain.do(lambda tx: erase_person(tx, THREE, "mia", 5))


def test_a_head_office_that_came_back_from_a_backup_writes_under_a_new_life(chain: Office) -> None:
    chain.do(merge)
    assert chain.do(lambda tx: raise_timeline(tx, 4)) == 5

    def later(tx: Tx) -> int:
        erased = erase_person(tx, ONE, "mia", LATER_MS + 2_000)
        apply_next(tx, HEAD_OFFICE, 5, LATER_MS + 2_000)
        return len(erased)

    assert chain.do(later) == 2
    assert chain.rows("epoch_head", "store, epoch, seq")[:2] == [(HEAD_OFFICE.bytes, 1, 1), (HEAD_OFFICE.bytes, 5, 2)]
    assert proof_of(chain).ok
