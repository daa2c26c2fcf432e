"""A store, a head office and the line between them, in memory: the state machines of both sides run against each other.

Nothing here decides: the store keeps a journal and does what the effects say, head office keeps rows.
"""

import hashlib
from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec.structs import replace

from loyalty.errors import Problem
from sync.chain import ZERO_HASH, Head, chain_hash, epoch_text
from sync.protocol.messages import Op, Push, PushAnswer, SessionAnswer, SessionOpen, message_of
from sync.protocol.push_hub import (
    EpochState,
    ProvedOp,
    answer_of,
    nothing_held,
    places_wanted,
    prove_batch,
    receive,
)
from sync.protocol.push_state import (
    Alarm,
    Effect,
    Event,
    Heal,
    Healed,
    OpenSession,
    Pushed,
    Refused,
    SaveCursor,
    Send,
    SessionOpened,
    Sleep,
    StorePush,
    Tick,
    Woken,
    begin,
    places_of,
)
from sync.protocol.push_store import step
from sync.protocol.sessions import Standing, TurnedAway, admit_push, open_session

STORE = UUID("01990000-0000-7000-8000-0000000000aa")
UNSIGNED = "0" * 128


class Chain:
    """The entries of one epoch: contents and the hashes behind them."""

    def __init__(self, epoch: int, contents: Sequence[str] = ()) -> None:
        self.epoch = epoch
        self.contents: list[str] = []
        self.hashes: list[bytes] = [ZERO_HASH]
        for content in contents:
            self.append(content)

    def append(self, content: str) -> None:
        self.contents.append(content)
        self.hashes.append(chain_hash(self.epoch, len(self.contents), self.hashes[-1], content.encode()))

    def head(self, seq: int | None = None) -> Head:
        number = len(self.contents) if seq is None else seq
        return Head(self.epoch, number, self.hashes[number])

    def has(self, epoch_seq: tuple[int, int]) -> bool:
        return epoch_seq[0] == self.epoch and epoch_seq[1] <= len(self.contents)

    def cut(self, seq: int) -> list[str]:
        """Take off what stands behind number `seq`, and give it."""
        rest = self.contents[seq:]
        del self.contents[seq:]
        del self.hashes[seq + 1 :]
        return rest

    def copy(self) -> "Chain":
        return Chain(self.epoch, self.contents)


def push_of(chain: Chain, from_seq: int, count: int, **changes: object) -> Push:
    """A push of `count` ops of a chain from a number on, in its first session and timeline."""
    made = Push(
        request=1,
        timeline=1,
        epoch=epoch_text(chain.epoch),
        from_seq=from_seq,
        previous=chain.hashes[from_seq - 1].hex(),
        max_seq=len(chain.contents),
        max_hash=chain.hashes[-1].hex(),
        ops=tuple(Op(content=content) for content in chain.contents[from_seq - 1 : from_seq - 1 + count]),
        signature=UNSIGNED,
    )
    return replace(made, **changes)


class HeadOffice:
    """One store's rows at head office."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.timeline = 1
        self.session = ""
        self.sessions = 0
        self.epochs: dict[int, EpochState] = {}
        self.inbox: dict[tuple[int, int], ProvedOp] = {}
        self.lost: list[tuple[int, int]] = []
        self.rivals: list[str] = []
        self.credits = 500

    def open(self, message: SessionOpen) -> SessionAnswer | Problem:
        self.sessions += 1
        # Its tokens are random in truth; what matters is that no backup makes one appear twice.
        session = hashlib.sha256(repr((id(self), self.sessions, message)).encode()).hexdigest()[:32]
        outcome = open_session(
            self.standing,
            message,
            session=session,
            timeline=self.timeline,
            held=[state.head for state in self.epochs.values()],
            now_ms=0,
            credits=self.credits,
        )
        self.standing = outcome.standing
        if isinstance(outcome, TurnedAway):
            self.rivals += [outcome.rival] if outcome.rival else []
            return outcome.problem
        self.session = session
        return outcome.answer

    def push(self, session: str, push: Push) -> PushAnswer | Problem:
        try:
            batch = prove_batch(push)
            present = session == self.session
            self.standing = admit_push(self.standing, push, is_present_session=present, timeline=self.timeline)
        except Problem as problem:
            return problem
        epoch = batch.before.epoch
        held = self.epochs.get(epoch, nothing_held(epoch))
        hashes = {seq: self.inbox[epoch, seq].hash for seq in places_wanted(held, batch)}
        received = receive(held, hashes, batch)
        for op in received.insert:
            assert (epoch, op.seq) not in self.inbox
            self.inbox[epoch, op.seq] = op
        self.epochs[epoch] = received.state
        self.lost += [received.lost] if received.lost else []
        return answer_of(received, push.request, self.timeline, credits=self.credits)

    def contents(self, epoch: int) -> list[str]:
        return [op.content.decode() for (of, _), op in sorted(self.inbox.items(), key=lambda i: i[0]) if of == epoch]

    def copy(self) -> "HeadOffice":
        made = HeadOffice()
        made.standing, made.timeline, made.session = self.standing, self.timeline, self.session
        made.epochs, made.inbox = dict(self.epochs), dict(self.inbox)
        made.lost, made.rivals, made.credits = list(self.lost), list(self.rivals), self.credits
        return made


class Shop:
    """One store's journal and push. `run` names this start of its service."""

    def __init__(self, run: str, epoch: int = 1, contents: Sequence[str] = ()) -> None:
        self.chains: dict[int, Chain] = {epoch: Chain(epoch, contents)}
        self.cursors: dict[int, Head] = {}
        self.timeline = 0
        self.alarms: list[str] = []
        self.start(run)

    def start(self, run: str) -> None:
        self.run = run
        self.state: StorePush = begin(run, list(self.cursors.values()), self.heads(), int(run, 16), self.timeline)

    def heads(self) -> list[Head]:
        return [chain.head() for chain in self.chains.values()]

    def own(self, places: Sequence[tuple[int, int]]) -> tuple[Head, ...]:
        return tuple(
            self.chains[epoch].head(seq)
            for epoch, seq in places
            if epoch in self.chains and seq <= len(self.chains[epoch].contents)
        )

    def sell(self, content: str) -> Event:
        self.open_chain().append(content)
        return Woken((self.open_chain().head(),))

    def open_chain(self) -> Chain:
        return list(self.chains.values())[-1]

    def begin_life(self, epoch: int) -> Event:
        """A new open epoch, with its first entry."""
        assert epoch not in self.chains
        self.chains[epoch] = Chain(epoch, [f"life {epoch}"])
        return Woken(tuple(self.heads()))

    def heal(self, common: Head, office: HeadOffice, new_epoch: int) -> Event:
        """What Heal asks for, with the line to head office up. Nothing that was cut may be lost."""
        if common.epoch == self.open_chain().epoch:
            self.begin_life(new_epoch)
        if common.epoch not in self.chains:  # an epoch of a life that this disk never saw: before the open one
            held = Chain(common.epoch)
            self.chains = {common.epoch: held, **self.chains}
        chain = self.chains[common.epoch]
        assert chain.head(common.seq) == common
        rest = chain.cut(common.seq)
        fetched = office.contents(common.epoch)[common.seq :]
        for content in fetched:
            chain.append(content)
        here = {content for other in self.chains.values() for content in other.contents}
        for content in rest:
            if content not in here:
                self.open_chain().append(content)
        return Healed(common.epoch, tuple(self.heads()))

    def opening(self, effect: OpenSession) -> SessionOpen:
        return SessionOpen(
            store=STORE,
            run=effect.run,
            count=effect.request,
            fence=effect.fence,
            protocol_min=1,
            protocol_max=1,
            version="1",
            heads=tuple(map(message_of, effect.heads)),
            sent_at=0,
            signature=UNSIGNED,
        )

    def push(self, effect: Send) -> Push:
        chain = self.chains[effect.epoch]
        return Push(
            request=effect.request,
            timeline=effect.timeline,
            epoch=epoch_text(effect.epoch),
            from_seq=effect.from_seq,
            previous=effect.previous.hex(),
            max_seq=effect.newest.seq,
            max_hash=effect.newest.hash.hex(),
            closed=effect.closed,
            ops=tuple(
                Op(content=content)
                for content in chain.contents[effect.from_seq - 1 : effect.newest.seq][: effect.limit]
            ),
            signature=UNSIGNED,
        )

    def answer(self, request: int, answer: SessionAnswer | PushAnswer | Problem) -> Event:
        if isinstance(answer, Problem):
            return Refused(request, answer.code, 0, int(str(answer.extra.get("fence", 0))))
        own = self.own(places_of(answer))
        return SessionOpened(request, answer, own) if isinstance(answer, SessionAnswer) else Pushed(answer, own)


class Talk:
    """A shop and a head office on a good line: every effect is done at once, time goes on when nobody has anything to
    do."""

    def __init__(self, shop: Shop, office: HeadOffice) -> None:
        self.shop, self.office = shop, office
        self.now_ms = 1_000_000
        self.done: list[Effect] = []
        self.next_epoch = 1_000

    def tell(self, event: Event) -> list[Effect]:
        """Hand an event in and do everything that follows, until the shop sleeps. What was done, in order."""
        done: list[Effect] = []
        waiting = [event]
        while waiting:
            assert len(done) < 2_000, done[-20:]
            self.shop.state, effects = step(self.shop.state, waiting.pop(0), self.now_ms)
            for effect in effects:
                done.append(effect)
                waiting += self.do(effect)
        self.done += done
        return done

    def do(self, effect: Effect) -> Iterator[Event]:
        match effect:
            case OpenSession():
                yield self.shop.answer(effect.request, self.office.open(self.shop.opening(effect)))
            case Send():
                yield self.shop.answer(effect.request, self.office.push(effect.session, self.shop.push(effect)))
            case SaveCursor(head):
                self.shop.cursors[head.epoch] = head
            case Heal(common):
                self.next_epoch += 1
                yield self.shop.heal(common, self.office, self.next_epoch)
            case Alarm(code):
                self.shop.alarms.append(code)
            case Sleep(until_ms):
                assert until_ms > self.now_ms

    def settle(self, rounds: int = 12) -> None:
        """Let time go by, from one sleep to the next."""
        for _ in range(rounds):
            done = self.tell(Tick())
            sleeps = [effect.until_ms for effect in done if isinstance(effect, Sleep)]
            self.now_ms = max([self.now_ms + 1, *sleeps])
