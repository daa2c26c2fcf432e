"""sql: accounts as head office told them, which lie under this store's own postings.

What is told is read where it lies (kiosk/life/told.py), never copied: a snapshot may tell of a million. An account that
something was posted to here has rows, made of both (loyalty/points/told.py); they are made anew as soon as the feed
says something else of it. One without rows is what is told.

What a sale decides upon stands in its fact, so nothing here is needed to prove a fact. A store that lost its disk reads
the feed from its beginning and comes to the same rows.
"""

import logging
from collections.abc import Iterator
from uuid import UUID

from kiosk.life.feed_rows import find_wrong
from kiosk.life.link_notes import read_note
from kiosk.life.told import list_bases
from kiosk.life.told import read_told as read_feed
from loyalty import points_proof
from loyalty.apply_points import refold
from loyalty.merge_store import group_of, survivor_of
from loyalty.points.told import Told, read_told
from loyalty.transactions import Tx
from sync.protocol.snapshots import STUBS

logger = logging.getLogger(__name__)
WAITING = "accounts_wait"
"""The note that says behind which account, in hex, all are still to be made anew."""
_ENTITY = "account"


def list_told(tx: Tx, account: bytes) -> tuple[Told, ...]:
    """What head office tells of an account now, and of those it has absorbed here and not yet there; its own first.

    What is told of somebody who is in another of these accounts there is of before, and goes with one of the next
    pages: her points are in that account already.
    """
    told: dict[bytes, Told] = {}
    for member in group_of(tx, UUID(bytes=account)):
        found = _read(tx, member)
        if found is not None and not any(member.bytes in other.members for other in told.values()):
            told = {each: other for each, other in told.items() if each not in found.members}
            told[member.bytes] = found
    return tuple(told.values())


def keep_account(tx: Tx, member: UUID) -> None:
    """The feed says something new of a member's account: make its rows anew, where there are any."""
    account = survivor_of(tx, member).bytes
    if tx.execute("SELECT 1 FROM account WHERE member = ?", (account,)).fetchone() is not None:
        refold(tx, account, list_told)


def keep_accounts_of(tx: Tx, epoch: int, after: int) -> None:
    """Entries of one life behind number `after` came back from head office, which may have told of them already: make
    the accounts anew that they moved."""
    rows = tx.execute(
        "SELECT DISTINCT member FROM posting WHERE origin = ? AND seq > ? ORDER BY member", (epoch, after)
    )
    for (member,) in rows.fetchall():
        keep_account(tx, UUID(bytes=member))


def are_waiting(tx: Tx) -> bool:
    """Whether rows are still to be made anew from what is told now (kiosk/points/waiting_accounts.py)."""
    return read_note(tx, WAITING) is not None


def check_points(tx: Tx) -> Iterator[tuple[str, str]]:
    """The proof of accounts and of their caches (loyalty/points_proof.py). Where what was told is missing or damaged,
    nobody can say what the caches should be: the daily sum finds that out, and it is told anew."""
    is_sound: bool | None = None
    for name, sentence in points_proof.check_points(tx, list_told):
        if name != points_proof.INVARIANTS and is_sound is None:
            is_sound = _is_feed_sound(tx)
        if is_sound or name == points_proof.INVARIANTS:
            yield name, sentence


def _is_feed_sound(tx: Tx) -> bool:
    """Whether everything that was told lies here as head office told it, and all rows were made of it. Looks at all of
    it."""
    if are_waiting(tx):
        return False
    row = tx.execute("SELECT count(*) FROM feed_base WHERE bucket <> ?", (STUBS,)).fetchone()
    if row is None or row[0] != len(list_bases(tx)):
        return False
    try:
        return not find_wrong(tx)
    except Exception:
        logger.exception("what head office told cannot be added up")
        return False


def _read(tx: Tx, member: UUID) -> Told | None:
    """What the feed says. What cannot be read, of a head office much newer than this store or with a fault, counts as
    not told: the store then knows its own postings, as if it had never heard of others."""
    value = read_feed(tx, _ENTITY, str(member))
    if value is None:
        return None
    try:
        return read_told(value)
    except (ValueError, LookupError):
        logger.exception("an account that head office told cannot be read")
        return None
