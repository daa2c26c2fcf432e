"""sql: how much each store gives on a day, points and money on gift cards. The only writer of these sums.

The day is the one (UTC) on which head office got the entry, by its own clock: whatever time a store says that something
happened, it cannot spread what it gives over days that never were. A shop that was without a line for a week tells a
week on one day. What is taken away again makes no room for more: it may have been spent before.
"""

from collections.abc import Iterable

from loyalty.bulk import write_rows
from loyalty.transactions import Tx
from sync.facts.card_movements import list_movements
from sync.hub.accepted import HEAD_OFFICE, Accepted
from sync.hub.appliers.apply_points import list_postings

DAY_MS = 86_400_000
_ADD = (
    "INSERT INTO credit_day (store, day, points, card_minor) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (store, day) DO UPDATE SET points = credit_day.points + excluded.points,"
    " card_minor = credit_day.card_minor + excluded.card_minor"
)


def count_credits(tx: Tx, entries: Iterable[Accepted]) -> None:
    """Add up what these new entries give. What head office itself gives is not counted: it needs no cap."""
    sums: dict[tuple[bytes, int], tuple[int, int]] = {}
    for entry in entries:
        if entry.store == HEAD_OFFICE:
            continue
        points = sum([each.points for each in list_postings(entry) if each.points > 0 and each.kind != "hold"])
        loaded = sum([max(posted.amount_minor, 0) for _, posted in list_movements(entry.body)])
        if points or loaded:
            key = (entry.store.bytes, entry.received_at // DAY_MS)
            before = sums.get(key, (0, 0))
            sums[key] = (before[0] + points, before[1] + loaded)
    write_rows(tx, _ADD, [(*key, *sums[key]) for key in sorted(sums)])
