"""pure: head office's side of the push. It proves the chain, keeps what it proved, and says so; it applies nothing.

    batch = prove_batch(push)                           # the chain hashes of its ops; refuses what contradicts itself
    held = EpochState of (store, epoch), its row locked
    hashes = {seq: hash} of places_wanted(held, batch)   # empty in the everyday case
    received = receive(held, hashes, batch)             # -> ops to insert, the row's new state, what to answer

What comes out, for an epoch of which entries up to `head` are held:

    from_seq > head + 1                     rewind to the head: something in between is missing here
    `previous` is not the hash held there   fork
    an op up to the head has another hash   fork at exactly that op; nothing of this batch is taken
    ops behind the head                     taken; the head moves to the last of them
    the store ends before the head, or      fork once the store's end is reached: what stands behind is for it to fetch,
      has lost entries it once announced      and its numbers must not be used again, so it begins a new life
    else                                    acknowledged up to the last op of this very message, never up to the head: a
                                              store that went another way behind it would take that for its own

A fact is never refused: ops that extend the chain are taken whatever else is wrong with the store. An answer that is
lost does no harm, because the same push again gives the same answer and inserts nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from sync.chain import ZERO_HASH, Head, chain_hash
from sync.protocol.messages import PUSH_OPS_MAX, EpochHead, Op, Push, PushAnswer, message_of
from sync.protocol.refusals import BrokenPush

State: TypeAlias = Literal["live", "forked", "closed"]


class ProvedOp(Struct, frozen=True):
    """An op with its number, its exact bytes and the chain hash behind it."""

    seq: int
    hash: bytes
    content: bytes
    op: Op


class Batch(Struct, frozen=True, kw_only=True):
    """A push whose ops are hashed into one chain behind `before`. `newest` is the head that the store announces."""

    request: int
    before: Head
    ops: tuple[ProvedOp, ...]
    newest: Head
    closed: bool

    @property
    def last(self) -> Head:
        """The place that the batch comes to: behind its last op, or `before` where it holds none."""
        return Head(self.before.epoch, self.ops[-1].seq, self.ops[-1].hash) if self.ops else self.before


class EpochState(Struct, frozen=True, kw_only=True):
    """One epoch of one store as head office holds it. `announced` is the newest entry that the store ever said it has.

    live    the store adds to it
    forked  the store's history was found to be another, or to have lost entries: it has to begin a new life
    closed  the store has begun a later life
    """

    head: Head
    announced: Head
    state: State = "live"


class Received(Struct, frozen=True, kw_only=True):
    """What a push comes to. `insert` goes into the inbox, `state` into the epoch's row, in one transaction; `known` and
    the rest into the answer (`answer_of`). `lost` is the range of numbers that the store had announced and will never
    send, first and last, said once: receipts of these numbers were given out, so somebody must know."""

    outcome: Literal["acknowledged", "rewind", "fork"]
    place: Head
    known: tuple[EpochHead, ...]
    insert: tuple[ProvedOp, ...]
    state: EpochState
    lost: tuple[int, int] | None = None


def nothing_held(epoch: int) -> EpochState:
    """The state of an epoch that is heard of for the first time."""
    return EpochState(head=Head(epoch, 0, ZERO_HASH), announced=Head(epoch, 0, ZERO_HASH))


def prove_batch(push: Push) -> Batch:
    """The batch with the hash of every op. Its signature is checked over `push_signed_bytes(…, batch.last.hash)`.

    Raises BrokenPush for a batch that cannot be any part of the epoch it announces.
    """
    epoch = int(push.epoch, 16)
    before = Head(epoch, push.from_seq - 1, bytes.fromhex(push.previous))
    newest = Head(epoch, push.max_seq, bytes.fromhex(push.max_hash))
    batch = Batch(
        request=push.request, before=before, ops=tuple(_chained(push, before)), newest=newest, closed=push.closed
    )
    for place in (before, newest):
        if place.seq == 0 and place.hash != ZERO_HASH:
            raise BrokenPush("Number 0 has a hash that is not zero.")
    if newest.seq < batch.last.seq or (newest.seq == batch.last.seq and newest != batch.last):
        raise BrokenPush("The batch does not fit the head that it announces.")
    return batch


def _chained(push: Push, before: Head) -> Iterator[ProvedOp]:
    entry_hash = before.hash
    for seq, op in enumerate(push.ops, push.from_seq):
        content = op.content.encode()
        entry_hash = chain_hash(before.epoch, seq, entry_hash, content)
        yield ProvedOp(seq, entry_hash, content, op)


def places_wanted(held: EpochState, batch: Batch) -> tuple[int, ...]:
    """The numbers whose held hashes `receive` needs, ascending; none where the batch begins right behind the head and
    nothing is amiss. A few hundred at most."""
    head, before, newest = held.head, batch.before, batch.newest
    if before == head:
        return ()
    if before.seq > head.seq:
        return _without_ends(_spaced(0, head.seq), head)
    overlap = {op.seq for op in batch.ops if op.seq <= head.seq}
    beyond = _spaced(batch.last.seq, min(newest.seq, head.seq))
    return _without_ends({*_spaced(0, before.seq), before.seq, *overlap, *beyond, newest.seq, newest.seq + 1}, head)


def _without_ends(places: set[int], head: Head) -> tuple[int, ...]:
    """What has to be read: the beginning and the head are known."""
    return tuple(sorted(place for place in places if 0 < place < head.seq))


def _spaced(low: int, high: int) -> set[int]:
    """Places from `low` to `high`, close together near both and ever further apart between: some forty for a million
    entries. Both are among them."""
    places = {low, high}
    distance = 1
    while distance < high - low:
        places |= {low + distance, high - distance}
        distance *= 2
    return places


def receive(held: EpochState, hashes: Mapping[int, bytes], batch: Batch) -> Received:
    """Decide over a batch. `hashes` are those held at `places_wanted`; `held` is locked until the result is written."""
    head, before = held.head, batch.before
    theirs = {**hashes, 0: ZERO_HASH, head.seq: head.hash}
    if before.seq > head.seq:
        return Received(outcome="rewind", place=head, known=_told(head.epoch, theirs), insert=(), state=held)
    if theirs[before.seq] != before.hash:
        below = {seq: theirs[seq] for seq in theirs if seq <= before.seq}
        return _fork(held, batch, Head(head.epoch, 0, ZERO_HASH), below)
    for op in batch.ops:
        if op.seq <= head.seq and theirs[op.seq] != op.hash:
            shared = Head(head.epoch, op.seq - 1, theirs[op.seq - 1])
            return _fork(held, batch, shared, {seq: theirs[seq] for seq in (op.seq - 1, op.seq)})
    return _take(held, batch, theirs)


def answer_of(received: Received, request: int, timeline: int, *, credits: int, wait_ms: int = 0) -> PushAnswer:  # noqa: A002
    """What the store is told. `credits` is how many ops its next batch may hold, `wait_ms` how long it should wait."""
    place = message_of(received.place)
    return PushAnswer(
        request=request,
        timeline=timeline,
        outcome=received.outcome,
        epoch=place.epoch,
        seq=place.seq,
        hash=place.hash,
        known=received.known,
        credits=min(max(1, credits), PUSH_OPS_MAX),
        wait_ms=wait_ms,
    )


def _take(held: EpochState, batch: Batch, theirs: Mapping[int, bytes]) -> Received:
    """Everything that is held of the batch is the same here. What is new is taken; then the two ends are compared."""
    insert = tuple(op for op in batch.ops if op.seq > held.head.seq)
    head = batch.last if insert else held.head
    newest = batch.newest
    all_here = {**theirs, head.seq: head.hash, batch.last.seq: batch.last.hash}
    state = replace(held, head=head)
    if newest.seq <= head.seq:
        if all_here[newest.seq] != newest.hash:
            between = {seq: all_here[seq] for seq in all_here if batch.last.seq <= seq <= newest.seq}
            return _fork(state, batch, batch.last, between, insert)
        if newest.seq < head.seq or _went_back(held, batch):
            ends = {batch.last.seq, newest.seq, newest.seq + 1, head.seq} & all_here.keys()
            return _fork(state, batch, batch.last, {seq: all_here[seq] for seq in ends}, insert)
    return Received(
        outcome="acknowledged",
        place=batch.last,
        known=(),
        insert=insert,
        state=_announced(state, batch, forked=_went_back(held, batch)),
        lost=_lost(state, batch),
    )


def _went_back(held: EpochState, batch: Batch) -> bool:
    """Whether the store's journal is an older state of itself: it ends before an entry that it once announced, or has
    another one in that place, or goes on with an epoch that it had left. What happened to an epoch that is closed now
    is over; it gets no new numbers."""
    if batch.closed:
        return False
    announced = held.announced
    same_place = [op.hash for op in batch.ops if op.seq == announced.seq]
    if batch.newest.seq == announced.seq:
        same_place.append(batch.newest.hash)
    return (
        held.state != "live"
        or batch.newest.seq < announced.seq
        or any(entry_hash != announced.hash for entry_hash in same_place)
    )


def _fork(
    held: EpochState, batch: Batch, shared: Head, known: Mapping[int, bytes], insert: tuple[ProvedOp, ...] = ()
) -> Received:
    return Received(
        outcome="fork",
        place=shared,
        known=_told(shared.epoch, known),
        insert=insert,
        state=_announced(held, batch, forked=True),
        lost=_lost(held, batch),
    )


def _announced(held: EpochState, batch: Batch, *, forked: bool) -> EpochState:
    """What the store said of its end. An epoch once left stays closed, whatever an older state of the store says."""
    state: State = "closed" if batch.closed or held.state == "closed" else "forked" if forked else held.state
    grown = batch.closed or batch.newest.seq >= held.announced.seq
    return replace(held, announced=batch.newest if grown else held.announced, state=state)


def _lost(held: EpochState, batch: Batch) -> tuple[int, int] | None:
    """The numbers that were announced and can come no more, once the store has left the epoch."""
    first = max(held.head.seq, batch.newest.seq) + 1
    return (first, held.announced.seq) if batch.closed and first <= held.announced.seq else None


def _told(epoch: int, hashes: Mapping[int, bytes]) -> tuple[EpochHead, ...]:
    """Places for the store to compare, newest first."""
    return tuple(message_of(Head(epoch, seq, hashes[seq])) for seq in sorted(hashes, reverse=True))
