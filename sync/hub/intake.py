"""sql: what a store brings: openings of sessions, and pushes. Proved, stored, acknowledged; nothing is applied here.

Locks are taken in one order, the store's row and then the epoch's, so two messages of one store never wait for each
other in a circle, and those of different stores never meet.
"""

from typing import NamedTuple
from uuid import UUID

from loyalty.errors import Problem
from loyalty.transactions import Tx
from sync.hub import inbox, stores
from sync.hub.incidents import open_incident
from sync.hub.received import read_op
from sync.hub.signatures import check_signature
from sync.hub.state import read_timeline
from sync.hub.tokens import TokenRow, add_token
from sync.protocol import push_hub, sessions
from sync.protocol.messages import (
    Push,
    PushAnswer,
    SessionAnswer,
    SessionOpen,
    push_signed_bytes,
    session_signed_bytes,
)
from sync.protocol.push_hub import Batch, answer_of, places_wanted, receive
from sync.protocol.sessions import TurnedAway, admit_push

_TOKEN_MS = 30 * 24 * 3_600_000


class FreshToken(NamedTuple):
    """A token that was just drawn, and its SHA-256."""

    text: str
    hash: bytes


class Bearer(NamedTuple):
    """Who pushes, by its token: the text, because the signature covers it, and what was looked up for it."""

    store: UUID
    token: str
    hash: bytes


def open_session(tx: Tx, message: SessionOpen, fresh: FreshToken, now_ms: int, credits: int) -> SessionAnswer | Problem:  # noqa: A002
    """Let a store speak, or say why not. A problem is answered and not raised, because what was found out about copies
    of the store has to be written all the same.

    Raises StoreUnknown and BadSignature, for which nothing is written.
    """
    row = stores.lock_store(tx, message.store, now_ms)
    if row.state != "revoked":
        check_signature(row.public_key, message.signature, session_signed_bytes(message))
    decided = sessions.open_session(
        row.standing,
        message,
        session=fresh.text,
        timeline=read_timeline(tx),
        held=[held.head for held in inbox.read_epochs(tx, row.store)],
        now_ms=now_ms,
        credits=credits,
    )
    if decided.standing != row.standing:
        stores.write_standing(tx, row.store, decided.standing)
    if isinstance(decided, TurnedAway):
        if decided.rival is not None:
            stores.note_reason(tx, row.store, "clone")
            open_incident(tx, "clone", row.store, [{"runs": [row.standing.run, decided.rival]}], now_ms)
        return decided.problem
    add_token(tx, fresh.hash, TokenRow("store", row.store.hex, 0), now_ms, now_ms + _TOKEN_MS)
    stores.begin_session(tx, row.store, fresh.hash, message.version, now_ms - message.sent_at, now_ms)
    return decided.answer


def take_push(tx: Tx, bearer: Bearer, push: Push, batch: Batch, now_ms: int, credits: int) -> PushAnswer:  # noqa: A002
    """Keep what a push proves, and say so.

    Raises what admit_push raises, StoreUnknown, BadSignature, WrongOp, TooManyLives; nothing is written then.
    """
    row = stores.lock_store(tx, bearer.store, now_ms)
    timeline = read_timeline(tx)
    standing = admit_push(row.standing, push, is_present_session=row.session == bearer.hash, timeline=timeline)
    check_signature(row.public_key, push.signature, push_signed_bytes(bearer.token, push, batch.last.hash.hex()))
    held = inbox.lock_epoch(tx, row.store, batch.before.epoch, now_ms)
    hashes = inbox.read_hashes(tx, row.store, batch.before.epoch, places_wanted(held, batch))
    received = receive(held, hashes, batch)
    if received.insert:
        ops = [read_op(op) for op in received.insert]
        inbox.add_ops(tx, row.store, batch.before.epoch, ops, now_ms, row.clock_offset_ms)
    if received.state != held:
        inbox.move_head(tx, row.store, received.state)
    stores.note_push(tx, row.store, standing.request, _queued(row, batch, received))
    _report(tx, row.store, held, received, now_ms)
    return answer_of(received, push.request, timeline, credits=credits)


def _queued(row: stores.StoreRow, batch: Batch, received: push_hub.Received) -> int:
    """What the store still has of its open epoch. Those of epochs it has left are told by its status."""
    return row.queued if batch.closed else max(0, batch.newest.seq - received.state.head.seq)


def _report(tx: Tx, store: UUID, held: push_hub.EpochState, received: push_hub.Received, now_ms: int) -> None:
    """Tell a person of numbers that were given out and will never come, and of a history that was found to be another:
    once, not with each heartbeat."""
    epoch = received.place.epoch
    if received.lost is not None:
        first, last = received.lost
        open_incident(tx, "lost_entries", store, [{"epoch": f"{epoch:016x}", "first": first, "last": last}], now_ms)
    if received.outcome == "fork" and held.state != "forked" and received.state.state == "forked":
        open_incident(tx, "fork", store, [{"epoch": f"{epoch:016x}", "behind": received.place.seq}], now_ms)
