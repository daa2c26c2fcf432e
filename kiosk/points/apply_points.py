"""sql: what the facts about points alone write, live and in replay: their postings."""

from collections.abc import Iterable
from uuid import UUID

from kiosk.points.apply_backing import forget_backing, write_backing
from kiosk.points.apply_postings import post_points
from loyalty.transactions import Tx
from sync.facts.points import PointsAdjusted, PointsHeld, PointsPosted, PointsReleased, ledger_postings
from sync.journal import Entry


def apply_points_fact(tx: Tx, entry: Entry) -> None:
    """Points set aside, let go, or given or taken by hand."""
    body = entry.body
    assert isinstance(body, (PointsAdjusted, PointsHeld, PointsReleased))
    if isinstance(body, PointsReleased):
        release_points(tx, entry, body.postings)
        return
    post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, body.postings))
    if isinstance(body, PointsHeld):
        write_backing(tx, entry, body.member, body.backing)


def release_points(tx: Tx, entry: Entry, postings: Iterable[PointsPosted]) -> None:
    """Holds let go, by themselves or with a basket that was set aside; head office's backing of them is free again."""
    released = ledger_postings(entry.op_id, entry.epoch, entry.seq, postings)
    post_points(tx, released)
    for posting in released:
        if posting.hold is not None:
            forget_backing(tx, UUID(bytes=posting.hold))
