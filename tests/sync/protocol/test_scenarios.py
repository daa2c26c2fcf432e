"""Whole stories on a good line: two copies of a store, histories that part far back, a head office that lost a week."""

import pytest
from msgspec.structs import replace

from sync.protocol.push_state import Heal, OpenSession, Send
from sync.protocol.sessions import release
from tests.sync.protocol.places import Chain, HeadOffice, Shop, Talk

FIRST, SECOND, THIRD = "1" * 32, "2" * 32, "3" * 32


def sales(word: str, count: int) -> list[str]:
    return [f"{word}{number}" for number in range(count)]


def sells(talk: Talk, word: str, count: int) -> None:
    for content in sales(word, count):
        talk.tell(talk.shop.sell(content))


def check_equal(shop: Shop, office: HeadOffice) -> None:
    assert {epoch: chain.contents for epoch, chain in shop.chains.items()} == {
        epoch: office.contents(epoch) for epoch in office.epochs
    }
    assert shop.state.queued == 0


def all_contents(shop: Shop) -> list[str]:
    return [content for chain in shop.chains.values() for content in chain.contents]


class TestTwoCopiesOfAStore:
    @pytest.fixture
    def copies(self) -> tuple[Talk, Talk, HeadOffice]:
        """The true store and a copy of its machine, each with sales of its own, found out and in quarantine."""
        office = HeadOffice()
        true = Talk(Shop(FIRST, 1, sales("both", 5)), office)
        true.settle(2)
        copied = Shop(SECOND, 1, sales("both", 5))
        copied.cursors = dict(true.shop.cursors)
        copied.start(SECOND)
        other = Talk(copied, office)
        other.settle(2)
        sells(other, "copy", 3)
        sells(true, "true", 4)
        assert office.rivals == [FIRST]
        assert office.standing.state == "quarantined"
        return true, other, office

    def test_neither_of_them_pushes_until_a_person_has_decided(self, copies: tuple[Talk, Talk, HeadOffice]) -> None:
        true, other, office = copies
        held = dict(office.inbox)
        for talk in (true, other):
            talk.settle(6)
            sells(talk, "later", 2)
        assert office.inbox == held
        assert true.shop.state.queued == 6
        assert "quarantined" in true.shop.alarms
        assert "quarantined" in other.shop.alarms

    def test_the_true_one_goes_on_with_a_new_life_and_nothing_that_either_sold_is_lost(
        self, copies: tuple[Talk, Talk, HeadOffice]
    ) -> None:
        true, other, office = copies
        office.standing = release(office.standing, FIRST)
        for talk in (other, true, other):
            talk.settle(6)
        check_equal(true.shop, office)
        assert set(all_contents(true.shop)) >= {*sales("both", 5), *sales("copy", 3), *sales("true", 4)}
        assert len(true.shop.chains) == 2
        assert true.shop.state.is_online

    def test_the_other_hears_that_it_is_not_the_true_one_and_stays_out(
        self, copies: tuple[Talk, Talk, HeadOffice]
    ) -> None:
        true, other, office = copies
        office.standing = release(office.standing, FIRST)
        true.settle(6)
        held = dict(office.inbox)
        other.settle(6)
        sells(other, "more", 2)
        assert office.inbox == held
        assert other.shop.alarms[-1] == "superseded"
        assert office.standing.state == "active"

    def test_the_copy_may_be_the_true_one(self, copies: tuple[Talk, Talk, HeadOffice]) -> None:
        true, other, office = copies
        office.standing = release(office.standing, SECOND)
        for talk in (true, other, true):
            talk.settle(6)
        check_equal(other.shop, office)
        assert true.shop.alarms[-1] == "superseded"


@pytest.mark.parametrize(("shared", "theirs", "ours"), [(3_000, 2_000, 1_500), (0, 40, 4_000), (4_990, 10, 10)])
def test_a_fork_of_any_depth_is_found_in_a_few_messages(shared: int, theirs: int, ours: int) -> None:
    office = HeadOffice()
    Talk(Shop(FIRST, 1, sales("s", shared) + sales("t", theirs)), office).settle(3)
    shop = Shop(SECOND, 1, sales("s", shared) + sales("o", ours))
    talk = Talk(shop, office)
    talk.settle(3)
    sent = [effect for effect in talk.done if isinstance(effect, Send | Heal)]
    [place] = [index for index, effect in enumerate(sent) if isinstance(effect, Heal)]
    assert sent[place] == Heal(Chain(1, sales("s", shared)).head())
    assert place <= 14
    talk.settle(20)
    check_equal(shop, office)
    assert set(sales("o", ours)) <= set(office.contents(shop.open_chain().epoch))


@pytest.mark.parametrize("says_so", [True, False])
def test_a_head_office_that_lost_a_week_gets_it_back_from_all_lives_of_the_store(says_so: bool) -> None:
    office = HeadOffice()
    talk = Talk(Shop(FIRST, 1, sales("first", 30)), office)
    talk.settle(3)
    backup = office.copy()
    sells(talk, "week", 20)
    talk.tell(talk.shop.begin_life(2))
    sells(talk, "new", 5)
    check_equal(talk.shop, office)
    backup.timeline += says_so
    talk.office = backup
    assert len(backup.inbox) == 30
    talk.settle(6)
    check_equal(talk.shop, backup)
    assert ("hub_rewound" in talk.shop.alarms) != says_so


def test_a_new_disk_gets_all_lives_back() -> None:
    office = HeadOffice()
    talk = Talk(Shop(FIRST, 1, sales("first", 12)), office)
    talk.settle(2)
    talk.tell(talk.shop.begin_life(2))
    sells(talk, "second", 7)
    before = all_contents(talk.shop)
    recovered = Shop(SECOND, 3, ["life 3"])
    Talk(recovered, office).settle(6)
    assert set(all_contents(recovered)) == {*before, "life 3"}
    assert [chain.epoch for chain in recovered.chains.values()][-1] == 3
    check_equal(recovered, office)


def test_a_store_whose_newest_sales_never_left_it_and_are_lost_begins_a_new_life_and_says_which() -> None:
    office = HeadOffice()
    Talk(Shop(FIRST, 1, sales("kept", 10)), office).settle(2)
    # The last push announced sixteen entries; the ops behind the tenth never came.
    announced = Chain(1, sales("kept", 10) + sales("lost", 6)).head()
    office.epochs[1] = replace(office.epochs[1], announced=announced)
    back = Shop(SECOND, 1, sales("kept", 10))
    Talk(back, office).settle(4)
    assert len(back.chains) == 2
    assert office.lost == [(11, 16)]
    check_equal(back, office)


def test_a_restart_costs_one_message_more_and_sends_nothing_again() -> None:
    office = HeadOffice()
    shop = Shop(FIRST, 1, sales("a", 9))
    Talk(shop, office).settle(2)
    fence = office.standing.fence
    shop.start(THIRD)
    talk = Talk(shop, office)
    talk.settle(1)
    assert [effect.fence for effect in talk.done if isinstance(effect, OpenSession)] == [0, fence]
    assert [effect.limit for effect in talk.done if isinstance(effect, Send)] == [0]
