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

from kiosk.life.told import list_bases
from kiosk.life.told import read_told as read_feed
from loyalty import points_proof
from loyalty.apply_points import refold
from loyalty.merge_store import group_of, survivor_of
from loyalty.points.told import Told, read_told
from loyalty.transactions import Tx

logger = logging.getLogger(__name__)
_ENTITY = "account"


def list_told(tx: Tx, account: bytes) -> tuple[Told, ...]:
    """What head office tells of an account now, and of those it has absorbed here and not yet there; its own first."""
    found = (_read(tx, member) for member in group_of(tx, UUID(bytes=account)))
    return tuple(told for told in found if told is not None)


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


def keep_all_accounts(tx: Tx) -> None:
    """Make all rows anew from what is told now: after a snapshot was installed or lost."""
    for (account,) in tx.execute("SELECT member FROM account ORDER BY member").fetchall():
        refold(tx, account, list_told)


def check_points(tx: Tx) -> Iterator[tuple[str, str]]:
    """The proof of accounts and of their caches (loyalty/points_proof.py). Where an installed snapshot cannot be read,
    nobody can say what the caches should be; the next start asks for it anew."""
    row = tx.execute("SELECT count(*) FROM feed_base").fetchone()
    is_whole = row is not None and row[0] == len(list_bases(tx))
    for name, sentence in points_proof.check_points(tx, list_told):
        if is_whole or name == points_proof.INVARIANTS:
            yield name, sentence


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
