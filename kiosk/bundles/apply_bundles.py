"""sql: what became of head office's bundles, as entries say. The only writer of `bundle_outcome`.

What a bundle changed is not written here: it stands in entries of its own before this one, as if a manager had saved
it, so that a replay needs neither the feed nor a clock to come to the same products, offers and rules.
"""

from loyalty.transactions import Tx
from sync.facts.bundles import BundleActivated, BundleRefused
from sync.journal import Entry


def apply_bundle_activated(tx: Tx, entry: Entry) -> None:
    """A bundle is in use."""
    body = entry.body
    assert isinstance(body, BundleActivated)
    _put(tx, entry, body, "active", (body.products, body.offers, body.rules), "")


def apply_bundle_refused(tx: Tx, entry: Entry) -> None:
    """A bundle cannot be used here."""
    body = entry.body
    assert isinstance(body, BundleRefused)
    _put(tx, entry, body, "refused", (0, 0, 0), body.code)


def _put(
    tx: Tx,
    entry: Entry,
    body: BundleActivated | BundleRefused,
    outcome: str,
    named: tuple[int, int, int],
    code: str,
) -> None:
    tx.execute(
        "INSERT INTO bundle_outcome (version, op, outcome, bucket, active_at, arrived_at, at, products, offers, rules,"
        " code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(body.version, entry.op_id.bytes, outcome, body.bucket, body.active_at, body.arrived_at, entry.at),
            *(*named, code),
        ),
    )
