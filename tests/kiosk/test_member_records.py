"""Members as records: several identifiers, a lost card, two records of one person, how often to write, the export."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kiosk.commands import LineRequest, OpenShift
from kiosk.members.member_export import export_member
from kiosk.members.member_records import (
    MergeMembers,
    MergeNotFound,
    NotMerged,
    NotTheMembersCard,
    PartMembers,
    SameMember,
)
from kiosk.members.member_service import record_consents
from kiosk.members.member_views import resolve_member
from kiosk.members.members import (
    CardTaken,
    ConsentRequest,
    FrequencyWithoutConsent,
    MemberNotActive,
    ReasonNamesMember,
    RecordConsents,
    ResolveMember,
    WrongCard,
)
from kiosk.members.merge_service import merge_members, part_members
from kiosk.shifts.shift_service import open_shift
from loyalty.errors import IdConflict
from loyalty.identifier_store import CardReplaced
from loyalty.identity import make_card
from loyalty.member_store import UnknownMember
from tests.kiosk.history import Story
from tests.kiosk.member_counter import MemberCounter
from tests.kiosk.shopkit import caller
from tests.kiosk.told import told
from tests.phone import make_rotating

PLASTIC = make_card(b"plastic")


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[MemberCounter]:
    counter = MemberCounter(tmp_path)
    yield counter
    counter.assert_proved()
    counter.connection.close()


def by_card(counter: MemberCounter, token: str | None) -> object:
    return counter.do(resolve_member, ResolveMember(token=token)).member.id


def by_phone(counter: MemberCounter, phone: str) -> list[object]:
    found = counter.do(resolve_member, ResolveMember(phone=phone))
    return [found.member.id, *(other.id for other in found.others)]


# -- identifiers -------------------------------------------------------------------------------------------------------


def test_a_member_is_recognised_by_every_phone_and_card_it_has(counter: MemberCounter) -> None:
    anna = counter.enrol()
    changed = counter.change(anna, more_phones=["602 000 001", "600 100 200"], more_cards=[PLASTIC])
    assert (changed.more_phones, changed.more_cards) == (("+48602000001",), (PLASTIC,))
    assert by_phone(counter, "600100200") == by_phone(counter, "602000001") == [anna]
    assert by_card(counter, PLASTIC) == by_card(counter, changed.token) == anna
    assert by_card(counter, make_rotating(PLASTIC, b"x" * 20, counter.now_ms)) == anna
    renamed = counter.change(anna, name="Anna Nowak")
    assert (renamed.more_phones, renamed.more_cards) == (("+48602000001",), (PLASTIC,))
    counter.change(anna, more_phones=[], more_cards=[])
    with pytest.raises(UnknownMember):
        by_phone(counter, "602000001")
    with pytest.raises(UnknownMember):
        by_card(counter, PLASTIC)


def test_a_second_phone_of_two_members_is_told_as_a_duplicate(counter: MemberCounter) -> None:
    anna, ben = counter.enrol(), counter.enrol("Ben Ochs", "601 202 303")
    assert counter.change(ben, more_phones=["600 100 200"]).duplicates == (anna,)
    assert by_phone(counter, "600100200") == [anna, ben]


def test_a_card_of_somebody_else_is_not_given_again(counter: MemberCounter) -> None:
    anna, ben = counter.enrol(), counter.enrol("Ben Ochs", "601 202 303")
    counter.change(anna, more_cards=[PLASTIC])
    for card in (PLASTIC, counter.look(anna).token):
        with pytest.raises(CardTaken):
            counter.change(ben, more_cards=[card])
    with pytest.raises(WrongCard):
        counter.change(ben, more_cards=["29000000000000000040"])


def test_a_lost_card_is_refused_with_a_reason_and_the_new_one_works(counter: MemberCounter) -> None:
    anna = counter.enrol()
    old = counter.look(anna).token or ""
    first, again = counter.replace_card(anna, old), counter.replace_card(anna, old)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    assert first.answer.token not in (None, old)
    assert by_card(counter, first.answer.token) == anna
    for shown in (old, make_rotating(old, b"x" * 20, counter.now_ms)):
        with pytest.raises(CardReplaced):
            by_card(counter, shown)
    ben = counter.enrol("Ben Ochs", "601 202 303")
    with pytest.raises(CardTaken):
        counter.change(ben, more_cards=[old])


def test_a_plastic_card_is_replaced_by_one_from_the_drawer(counter: MemberCounter) -> None:
    anna = counter.enrol()
    main = counter.look(anna).token
    counter.change(anna, more_cards=[PLASTIC])
    second = make_card(b"another")
    answer = counter.replace_card(anna, PLASTIC, second).answer
    assert (answer.token, answer.more_cards) == (main, (second,))
    with pytest.raises(CardReplaced):
        by_card(counter, PLASTIC)
    with pytest.raises(CardTaken):
        counter.replace_card(anna, second, main)
    with pytest.raises(NotTheMembersCard):
        counter.replace_card(counter.enrol("Ben Ochs", None), second)


# -- consent -----------------------------------------------------------------------------------------------------------


def test_how_often_is_kept_with_the_consent_and_goes_with_it(counter: MemberCounter) -> None:
    anna = counter.enrol(consents=(ConsentRequest("email", "news", granted=True, frequency="weekly"),))
    assert [(each.channel, each.frequency) for each in counter.look(anna).consents] == [("email", "weekly")]
    for word in (
        ConsentRequest("email", "news", granted=True, frequency="monthly"),
        ConsentRequest("email", "news", granted=False),
    ):
        counter.do(record_consents, anna, RecordConsents(id=counter.id(), consents=(word,)))
        (kept,) = counter.look(anna).consents
        assert (kept.granted, kept.frequency) == (word.granted, word.frequency)
    nonsense = (ConsentRequest("email", "news", granted=False, frequency="weekly"),)
    with pytest.raises(FrequencyWithoutConsent):
        counter.do(record_consents, anna, RecordConsents(id=counter.id(), consents=nonsense))


def test_what_was_said_to_either_record_counts_for_both_and_the_newest_word_wins(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna K", "601 202 303")
    withdrawn = (ConsentRequest("sms", "marketing", granted=False),)
    counter.do(record_consents, twin, RecordConsents(id=counter.id(), consents=withdrawn))
    counter.merge(twin, anna)
    (kept,) = counter.look(anna).consents
    assert not kept.granted


# -- two records of one person -----------------------------------------------------------------------------------------


def test_a_merged_member_is_the_other_in_everything_but_its_history(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna K", "601 202 303")
    card = counter.look(twin).token
    counter.give(anna, 100)
    counter.give(twin, 40)
    merge = counter.merge(twin, anna)
    assert by_card(counter, card) == anna
    assert by_phone(counter, "601202303") == [anna]
    assert counter.active(anna) == 140
    assert counter.look(twin).status == "merged"
    assert counter.rows("SELECT count(*) FROM posting WHERE member = ?", twin.bytes) == [(1,)]
    with pytest.raises(MemberNotActive):
        counter.change(twin, name="Somebody")
    counter.give(anna, -130)
    assert counter.active(anna) == 10
    counter.do_as(counter.who("manager"), part_members, merge, PartMembers(reason="a mistake"))
    assert (counter.active(anna), counter.active(twin)) == (-30, 40)
    assert by_card(counter, card) == twin
    assert counter.look(twin).name == "Anna K"


def test_debt_of_one_is_settled_by_what_the_other_has(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna K", "601 202 303")
    counter.give(twin, 40)
    merge = counter.merge(twin, anna)
    counter.give(anna, -25)
    counter.do_as(counter.who("manager"), part_members, merge, PartMembers(reason="a mistake"))
    assert (counter.active(anna), counter.active(twin)) == (-25, 40)
    counter.merge(twin, anna)
    assert counter.active(anna) == 15


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_chain_of_merges_adds_up_and_comes_apart_in_any_order(counter: MemberCounter, order: tuple[int, ...]) -> None:
    people = [counter.enrol(f"Number{number}", f"601 202 30{number}") for number in range(4)]
    for number, member in enumerate(people):
        counter.give(member, 10**number)
    merges = [counter.merge(people[number], people[number + 1]) for number in range(3)]
    assert counter.active(people[3]) == 1111
    assert by_phone(counter, "601202300") == [people[3]]
    counter.assert_proved()
    for number in order:
        counter.do_as(counter.who("manager"), part_members, merges[number], PartMembers(reason="a mistake"))
        counter.assert_proved()
    assert [counter.active(member) for member in people] == [1, 10, 100, 1000]


def test_a_merge_told_twice_is_one_and_an_id_is_for_one_thing(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna K", "601 202 303")
    manager = counter.who("manager")
    command = MergeMembers(id=counter.id(), absorbed=twin, into=anna, reason="same person")
    first, again = (counter.do_as(manager, merge_members, command) for _ in range(2))
    assert (first.replayed, again.replayed, again.answer) == (False, True, first.answer)
    with pytest.raises(IdConflict):
        counter.do_as(manager, merge_members, msgspec.structs.replace(command, reason="other"))
    undo = PartMembers(reason="a mistake")
    parted, once_more = (counter.do_as(manager, part_members, command.id, undo) for _ in range(2))
    assert (parted.replayed, once_more.replayed, parted.answer.undone) == (False, True, True)
    with pytest.raises(NotMerged):
        counter.do_as(manager, part_members, command.id, PartMembers(reason="other"))
    with pytest.raises(MergeNotFound):
        counter.do_as(manager, part_members, anna, undo)
    assert counter.merge(twin, anna) != command.id


def test_a_merge_that_cannot_be_right_is_refused(counter: MemberCounter) -> None:
    anna, twin, gone = counter.enrol(), counter.enrol("Ben Ochs", "601 202 303"), counter.enrol("Cyd Ek", None)
    counter.erase(gone)
    cases = [
        (anna, anna, "same person", SameMember),
        (gone, anna, "same person", UnknownMember),
        (anna, gone, "same person", UnknownMember),
        (counter.id(), anna, "same person", UnknownMember),
        (anna, twin, "Kowalska asked", ReasonNamesMember),
        (anna, twin, "told by Ochs", ReasonNamesMember),
    ]
    for absorbed, into, reason, refusal in cases:
        command = MergeMembers(id=counter.id(), absorbed=absorbed, into=into, reason=reason)
        with pytest.raises(refusal):
            counter.do_as(counter.who("manager"), merge_members, command)
    counter.merge(twin, anna)
    with pytest.raises(UnknownMember):
        counter.merge(twin, anna)
    with pytest.raises(UnknownMember):
        counter.merge(anna, twin)


def test_an_erasure_forgets_everybody_the_person_was(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna K", "601 202 303")
    counter.give(anna, 100)
    counter.give(twin, 40)
    merge = counter.merge(twin, anna)
    with pytest.raises(MemberNotActive):
        counter.erase(twin)
    counter.erase(anna)
    assert counter.rows("SELECT count(*) FROM member WHERE name IS NOT NULL OR status <> 'erased'") == [(0,)]
    assert counter.rows("SELECT count(*) FROM journal_private") == [(0,)]
    assert counter.active(anna) == 140
    with pytest.raises(NotMerged):
        counter.do_as(counter.who("manager"), part_members, merge, PartMembers(reason="a mistake"))


# -- everything about one ----------------------------------------------------------------------------------------------


def test_the_export_tells_all_there_is_and_no_secret(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna K", "601 202 303")
    old = counter.look(anna).token or ""
    counter.replace_card(anna, old)
    counter.set_pin(anna)
    counter.set_up_code(anna)
    counter.do(open_shift, OpenShift(id=counter.id(), float_minor=0))
    story = Story(counter.connection, counter.shop, counter.now_ms + 1_000)
    sale = story.sell(LineRequest(sku="101", quantity_milli=2000), member=twin)
    counter.now_ms = story.now_ms
    counter.give(anna, 50)
    merge = counter.merge(twin, anna)
    export = counter.do(export_member, anna)
    assert [record.profile.name for record in export.members] == ["Anna Kowalska", "Anna K"]
    assert export.members[0].replaced_cards == (old,)
    assert (export.members[0].profile.has_pin, export.members[0].profile.has_code) == (True, True)
    assert [word.granted for word in export.members[1].consent_log] == [True]
    assert [(each.id, each.undone) for each in export.merges] == [(merge, False)]
    assert [(each.id, each.lines[0].sku, each.voided) for each in export.sales] == [(sale, "101", False)]
    assert [(posting.member, posting.kind, posting.points) for posting in export.postings] == [
        (twin, "earn", 5),
        (anna, "adjust", 50),
    ]
    text = msgspec.json.encode(export)
    for table, column in (("member_secret", "code_secret"), ("member_secret", "pin_hash")):
        ((secret,),) = counter.rows(f"SELECT {column} FROM {table}")
        assert secret.encode() not in text


def test_the_export_leaves_out_no_sale_posting_coupon_or_activity_of_anybody() -> None:
    """Over a history of everything: what all exports tell together is all there is about members."""
    connection, shop = told()
    manager = caller("manager")
    survivors = [
        UUID(bytes=member)
        for (member,) in connection.execute("SELECT id FROM member WHERE id NOT IN (SELECT absorbed FROM member_merge)")
    ]
    exports = [export_member(connection, shop, manager, member) for member in survivors]
    for table, key in (("sale", "sales"), ("posting", "postings"), ("coupon", "coupons"), ("activity", "activities")):
        ((count,),) = connection.execute(f"SELECT count(*) FROM {table} WHERE member IS NOT NULL").fetchall()
        assert count > 0, table
        assert sum(len(getattr(export, key)) for export in exports) == count, table
