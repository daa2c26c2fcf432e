"""A store and head office on a line that loses, doubles and reorders, while either of them goes back in time.

Whatever the order of events, once the line is good again both hold the same chains, nothing that anybody still had is
gone, and nothing was ever counted as acknowledged that head office did not hold.
"""

import random
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sync.chain import Head
from sync.protocol.messages import Push, PushAnswer, SessionAnswer, SessionOpen
from sync.protocol.push_state import (
    Alarm,
    Effect,
    Event,
    Heal,
    Lost,
    OpenSession,
    SaveCursor,
    Send,
    Sleep,
    StorePush,
    Tick,
)
from sync.protocol.push_store import step
from tests.sync.protocol.places import HeadOffice, Shop, Talk

Answer = Callable[[], Event]


class World:
    """The shop, head office, what is on the line between them, and what is true of all that ever was."""

    def __init__(self) -> None:
        self.runs = 1
        self.epochs = 1
        self.sold = 0
        self.now_ms = 1_000_000
        self.shop = Shop(self.run_name(), 1, ["life 1"])
        self.office = HeadOffice()
        self.requests: list[tuple[int, str, SessionOpen | Push]] = []
        self.answers: list[tuple[int, SessionAnswer | PushAnswer | Exception]] = []
        self.heals: list[Head] = []
        self.shop_backups: list[tuple[dict, dict, int]] = []
        self.office_backups: list[HeadOffice] = []
        self.ever_held: set[tuple[int, int, bytes]] = set()
        self.written: set[tuple[int, int, bytes]] = set()
        self.note()

    def run_name(self) -> str:
        self.runs += 1
        return f"{self.runs:032x}"

    def new_epoch(self) -> int:
        self.epochs += 1
        return self.epochs

    def note(self) -> None:
        for chain in self.shop.chains.values():
            self.written |= {(chain.epoch, seq, chain.hashes[seq]) for seq in range(1, len(chain.hashes))}
        self.ever_held |= {(epoch, seq, op.hash) for (epoch, seq), op in self.office.inbox.items()}

    def tell(self, event: Event) -> None:
        self.shop.state, effects = step(self.shop.state, event, self.now_ms)
        self.shop.timeline = self.shop.state.timeline
        for effect in effects:
            self.do(effect)
        self.note()

    def do(self, effect: Effect) -> None:
        match effect:
            case OpenSession():
                self.requests.append((effect.request, "", self.shop.opening(effect)))
            case Send():
                self.requests.append((effect.request, effect.session, self.shop.push(effect)))
            case SaveCursor(head):
                self.shop.cursors[head.epoch] = head
                assert head.seq == 0 or (head.epoch, head.seq, head.hash) in self.ever_held
            case Heal(common):
                self.heals.append(common)
            case Alarm(code):
                self.shop.alarms.append(code)
            case Sleep():
                pass

    def sell(self) -> None:
        self.sold += 1
        self.tell(self.shop.sell(f"sale {self.sold}"))

    def hear_request(self, index: int, *, keep: bool) -> None:
        request, session, message = self.requests[index]
        if not keep:
            del self.requests[index]
        answer = self.office.open(message) if isinstance(message, SessionOpen) else self.office.push(session, message)
        self.note()
        self.answers.append((request, answer))

    def hear_answer(self, index: int) -> None:
        request, answer = self.answers.pop(index)
        self.tell(self.shop.answer(request, answer))

    def heal(self) -> None:
        """Head office may have gone back in time since it said where the histories part."""
        common = self.heals.pop(0)
        if common.epoch in self.shop.chains and not self.shop.chains[common.epoch].has((common.epoch, common.seq)):
            return
        event = self.shop.heal(common, self.office, self.new_epoch())
        self.note()
        self.tell(event)

    def heal_all(self) -> None:
        while self.heals:
            self.heal()

    @property
    def state(self) -> StorePush:
        return self.shop.state

    def restart_shop(self) -> None:
        """Its answers under way are lost with its connections; what it has sent may still arrive."""
        self.answers.clear()
        self.heals.clear()
        self.shop.start(self.run_name())
        self.tell(Tick())

    def back_up_shop(self) -> None:
        chains = {epoch: chain.copy() for epoch, chain in self.shop.chains.items()}
        self.shop_backups.append((chains, dict(self.shop.cursors), self.shop.timeline))

    def restore_shop(self, index: int, *, is_noticed: bool) -> None:
        chains, cursors, timeline = self.shop_backups[index]
        self.shop.chains = {epoch: chain.copy() for epoch, chain in chains.items()}
        self.shop.cursors, self.shop.timeline = dict(cursors), timeline
        if is_noticed:
            self.shop.begin_life(self.new_epoch())
        self.restart_shop()

    def restore_office(self, index: int, *, says_so: bool) -> None:
        timeline = self.office.timeline
        self.office = self.office_backups[index].copy()
        if says_so:
            self.office.timeline = timeline + 1
            self.office.session = ""
        else:
            self.office.timeline = timeline

    def settle(self) -> None:
        """The line is good from here on, and there is time."""
        self.requests.clear()
        self.answers.clear()
        flight = self.shop.state.in_flight
        talk = Talk(self.shop, self.office)
        talk.now_ms, talk.next_epoch = self.now_ms, 1_000_000 + self.epochs
        if flight is not None:
            talk.tell(Lost(flight.request))
        while self.heals:
            common = self.heals.pop(0)
            if self.shop.chains.get(common.epoch) is None or self.shop.chains[common.epoch].has(
                (common.epoch, common.seq)
            ):
                talk.next_epoch += 1
                talk.tell(self.shop.heal(common, self.office, talk.next_epoch))
        talk.settle(40)

    def check_end(self) -> None:
        """Everything that anybody had is with both."""
        before = {content for chain in self.shop.chains.values() for content in chain.contents}
        held_before = {op.content.decode() for op in self.office.inbox.values()}
        self.settle()
        assert self.shop.state.queued == 0
        assert {epoch: chain.contents for epoch, chain in self.shop.chains.items()} == {
            epoch: self.office.contents(epoch) for epoch in self.office.epochs
        }
        after = {content for chain in self.shop.chains.values() for content in chain.contents}
        assert before | held_before <= after
        assert self.office.rivals == []
        assert self.office.standing.state == "active"

    def check(self) -> None:
        for epoch, state in self.office.epochs.items():
            held = [seq for of, seq in self.office.inbox if of == epoch]
            assert sorted(held) == list(range(1, state.head.seq + 1))
        assert self.ever_held <= self.written


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(count=st.integers(1, 4))
    def sell(self, count: int) -> None:
        for _ in range(count):
            self.world.sell()

    @precondition(lambda self: self.world.requests)
    @rule(data=st.data(), keep=st.booleans())
    def a_request_arrives(self, data: st.DataObject, keep: bool) -> None:
        self.world.hear_request(data.draw(st.integers(0, len(self.world.requests) - 1)), keep=keep)

    @precondition(lambda self: self.world.answers)
    @rule(data=st.data())
    def an_answer_arrives(self, data: st.DataObject) -> None:
        self.world.hear_answer(data.draw(st.integers(0, len(self.world.answers) - 1)))

    @precondition(lambda self: self.world.requests)
    @rule()
    def the_line_is_good_for_once(self) -> None:
        self.world.hear_request(len(self.world.requests) - 1, keep=False)
        self.world.hear_answer(len(self.world.answers) - 1)

    @precondition(lambda self: self.world.shop.state.in_flight)
    @rule()
    def the_store_waits_no_longer(self) -> None:
        flight = self.world.shop.state.in_flight
        assert flight is not None
        self.world.tell(Lost(flight.request))

    @rule(wait_ms=st.sampled_from((100, 2_000, 70_000, 700_000)))
    def time_goes_by(self, wait_ms: int) -> None:
        self.world.now_ms += wait_ms
        self.world.tell(Tick())

    @precondition(lambda self: self.world.heals)
    @rule()
    def the_store_heals(self) -> None:
        self.world.heal()

    @rule()
    def the_store_restarts(self) -> None:
        self.world.restart_shop()

    @rule()
    def the_store_is_backed_up(self) -> None:
        self.world.back_up_shop()

    @precondition(lambda self: self.world.shop_backups)
    @rule(data=st.data(), is_noticed=st.booleans())
    def the_store_goes_back_in_time(self, data: st.DataObject, is_noticed: bool) -> None:
        self.world.restore_shop(data.draw(st.integers(0, len(self.world.shop_backups) - 1)), is_noticed=is_noticed)

    @rule()
    def head_office_is_backed_up(self) -> None:
        self.world.office_backups.append(self.world.office.copy())

    @precondition(lambda self: self.world.office_backups)
    @rule(data=st.data(), says_so=st.booleans())
    def head_office_goes_back_in_time(self, data: st.DataObject, says_so: bool) -> None:
        self.world.restore_office(data.draw(st.integers(0, len(self.world.office_backups) - 1)), says_so=says_so)

    @invariant()
    def what_is_held_was_written(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        self.world.check_end()


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTheLossyLine = Machine.TestCase


def run_universe(seed: int, steps: int = 150) -> None:
    """The same as the machine, by one seed and many steps: deep rather than small."""
    chance = random.Random(seed)
    world = World()
    world.office.credits = chance.choice((1, 3, 500))
    acts = list(ACTS)
    for _ in range(steps):
        act = chance.choices(acts, weights=[ACTS[act] for act in acts])[0]
        act(world, chance)
        world.check()
    world.check_end()


def sell_some(world: World, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 6)):
        world.sell()


def use_the_line(world: World, chance: random.Random) -> None:
    """It is good for a while."""
    for _ in range(chance.randint(1, 8)):
        world.heal_all()
        if world.requests:
            world.hear_request(len(world.requests) - 1, keep=False)
            world.hear_answer(len(world.answers) - 1)


def lose_a_message(world: World, chance: random.Random) -> None:
    if world.state.in_flight is not None:
        if chance.random() < 0.5 and world.requests:
            world.hear_request(len(world.requests) - 1, keep=chance.random() < 0.5)
        world.tell(Lost(world.state.in_flight.request))


def disturb_the_order(world: World, chance: random.Random) -> None:
    if world.requests:
        world.hear_request(chance.randrange(len(world.requests)), keep=chance.random() < 0.5)
    if world.answers:
        world.hear_answer(chance.randrange(len(world.answers)))


def let_time_go_by(world: World, chance: random.Random) -> None:
    world.now_ms += chance.choice((100, 3_000, 70_000, 700_000))
    world.tell(Tick())


def restore_shop(world: World, chance: random.Random) -> None:
    if world.shop_backups:
        world.restore_shop(chance.randrange(len(world.shop_backups)), is_noticed=chance.random() < 0.4)


def restore_office(world: World, chance: random.Random) -> None:
    if world.office_backups:
        world.restore_office(chance.randrange(len(world.office_backups)), says_so=chance.random() < 0.5)


ACTS = {
    sell_some: 30,
    use_the_line: 40,
    lose_a_message: 8,
    disturb_the_order: 10,
    let_time_go_by: 20,
    lambda world, _: world.restart_shop(): 2,
    lambda world, _: world.back_up_shop(): 4,
    lambda world, _: world.office_backups.append(world.office.copy()): 4,
    restore_shop: 4,
    restore_office: 3,
}


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_universes_of_many_steps_come_to_an_end(first: int) -> None:
    for seed in range(first, first + 20):
        run_universe(seed)
