"""sql: bundles of prices, offers and earning rules: planned for one instant, told to the stores, withdrawn before it.

    version = plan_bundle(tx, plan, say)              # then applier.apply_own: it stands in the feed
    withdraw_bundle(tx, version, say)
    find_decision(tx, "global", "offer", "DAIRY10")   # the newest word on a thing, begun or still to come

A bundle is a fact of head office's own journal and is told by the same transaction, all of it in one bucket: its parts,
then its head with their number and checksum (sync/hub/bundle_news.py). Its instant is at least the lead away, which is
the time that the stores have to fetch it; so nobody at head office can change a price that is being sold at. For the
same reason it can be withdrawn only as long as the lead is left. Versions are drawn under the lock of the journal.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from loyalty.bulk import read_rows
from loyalty.errors import Conflict, InvalidInput, NotFound
from loyalty.transactions import Tx
from sync.bundle_values import PRODUCT, next_version
from sync.facts.bundles import BundleChange, BundlePlanned, BundleWithdrawn
from sync.hub.own_facts import lock_journal, log_fact

CHANGES_MAX = 10_000
BYTES_MAX = 4 * 1024 * 1024
_BUNDLE = "SELECT version, title, campaign, bucket, active_at, changes, planned_at, withdrawn_at FROM office_bundle"


class BundleTooSoon(InvalidInput):
    """The stores could not have it in time."""

    code, hint = "bundle_too_soon", "Choose a later instant, or none: then it begins as soon as the stores can have it."


class BundleTooLarge(InvalidInput):
    """These are more changes than a store can take at one instant while it sells."""

    code, hint = "bundle_too_large", "Make several bundles of them, with one instant if they belong together."


class BundleUnknown(NotFound):
    """There is no bundle of this version."""

    code, hint = "bundle_not_found", "Look at the list of bundles."


class BundleBegun(Conflict):
    """It has begun, or begins before the stores could hear that it shall not."""

    code, hint = "bundle_begun", "Make a new bundle that puts things as they shall be."


class BundleRow(NamedTuple):
    """A bundle as it was planned. `withdrawn_at` is 0 for one that was not withdrawn."""

    version: int
    title: str
    campaign: str
    bucket: str
    active_at: int
    changes: int
    planned_at: int
    withdrawn_at: int


class Plan(Struct, frozen=True, kw_only=True):
    """What shall change for whom and when; `active_at` None is as soon as the stores can have it."""

    bucket: str
    changes: tuple[BundleChange, ...]
    title: str = ""
    campaign: str = ""
    active_at: int | None = None


class Speaker(NamedTuple):
    """Who speaks for head office, when, and what holds for everything it says."""

    operator: str
    now_ms: int
    lead_ms: int
    tax_classes: frozenset[str]
    new_id: Callable[[], UUID]


class Decision(NamedTuple):
    """What head office says of a thing in one bucket, and by which bundle."""

    version: int
    active_at: int
    change: BundleChange


def plan_bundle(tx: Tx, plan: Plan, say: Speaker) -> int:
    """Log a bundle; its version. It is to be applied before another one is planned: versions go on from what was
    applied. Raises BundleTooSoon, BundleTooLarge."""
    earliest = say.now_ms + say.lead_ms
    active_at = plan.active_at if plan.active_at is not None else earliest
    if active_at < earliest:
        raise BundleTooSoon(f"It begins in less than {say.lead_ms // 1000} seconds.", pointer="/active_from")
    size = sum(len(change.definition) for change in plan.changes if change.definition)
    if len(plan.changes) > CHANGES_MAX or size > BYTES_MAX:
        raise BundleTooLarge(f"At most {CHANGES_MAX} changes and {BYTES_MAX} bytes are one bundle.")
    timeline = lock_journal(tx, say.now_ms).head.epoch
    row = tx.execute("SELECT MAX(version) FROM office_bundle").fetchone()
    version = next_version(int(row[0] or 0) if row else 0, timeline)
    body = BundlePlanned(
        version=version,
        title=plan.title,
        bucket=plan.bucket,
        active_at=active_at,
        changes=plan.changes,
        campaign=plan.campaign,
    )
    log_fact(tx, say.new_id(), body, say.operator, say.now_ms)
    return version


def withdraw_bundle(tx: Tx, version: int, say: Speaker) -> bool:
    """Log that a bundle shall not begin; False where that was said before. Raises BundleUnknown, BundleBegun."""
    lock_journal(tx, say.now_ms)
    bundle = need_bundle(tx, version)
    if bundle.withdrawn_at:
        return False
    if not can_withdraw(bundle, say.now_ms, say.lead_ms):
        raise BundleBegun
    body = BundleWithdrawn(version=version, bucket=bundle.bucket)
    log_fact(tx, say.new_id(), body, say.operator, say.now_ms)
    return True


def can_withdraw(bundle: BundleRow, now_ms: int, lead_ms: int) -> bool:
    """Whether the stores can still hear that a bundle shall not begin."""
    return not bundle.withdrawn_at and now_ms + lead_ms <= bundle.active_at


def need_bundle(tx: Tx, version: int) -> BundleRow:
    """One bundle. Raises BundleUnknown."""
    row = tx.execute(f"{_BUNDLE} WHERE version = ?", (version,)).fetchone()
    if row is None:
        raise BundleUnknown
    return BundleRow(*row)


def list_bundles(tx: Tx, before: int | None, limit: int) -> list[BundleRow]:
    """Up to `limit` bundles, the newest first, before a version."""
    rows = tx.execute(
        f"{_BUNDLE} WHERE version < ? ORDER BY version DESC LIMIT ?", (before if before is not None else 2**53, limit)
    ).fetchall()
    return [BundleRow(*row) for row in rows]


def bundles_of_campaign(tx: Tx, campaign: str) -> list[BundleRow]:
    """The bundles of a campaign that were not withdrawn, by version."""
    rows = tx.execute(f"{_BUNDLE} WHERE campaign = ? AND withdrawn_at = 0 ORDER BY version", (campaign,)).fetchall()
    return [BundleRow(*row) for row in rows]


def newest_bundle(tx: Tx, bucket: str, until_ms: int) -> BundleRow | None:
    """The bundle of a bucket that begins last by an instant and was not withdrawn."""
    row = tx.execute(
        f"{_BUNDLE} WHERE bucket = ? AND active_at <= ? AND withdrawn_at = 0"
        " ORDER BY active_at DESC, version DESC LIMIT 1",
        (bucket, until_ms),
    ).fetchone()
    return BundleRow(*row) if row is not None else None


def changes_of(tx: Tx, version: int) -> list[BundleChange]:
    """What a bundle changes, by sort and name."""
    rows = tx.execute(
        "SELECT sort, name, live, definition FROM office_change WHERE version = ? ORDER BY sort, name", (version,)
    ).fetchall()
    return [_change(*row) for row in rows]


def find_decision(tx: Tx, bucket: str, sort: str, name: str) -> Decision | None:
    """The word on a thing in one bucket that counts last of all, begun or still to come; None before the first."""
    words = list_words(tx, bucket, sort, name)
    return words[-1] if words else None


def find_owner(tx: Tx, bucket: str, code: str, without: Iterable[str]) -> str | None:
    """Another product of head office that has this barcode or item code, in its newest word in the bucket."""
    mine = set(without)
    rows = tx.execute("SELECT DISTINCT sku FROM office_code WHERE code = ? ORDER BY sku", (code,)).fetchall()
    for (sku,) in rows:
        decision = find_decision(tx, bucket, PRODUCT, sku) if sku not in mine else None
        if decision is None:
            continue
        held = tx.execute(
            "SELECT 1 FROM office_code WHERE code = ? AND sku = ? AND version = ?", (code, sku, decision.version)
        ).fetchone()
        if held is not None:
            return str(sku)
    return None


def list_words(tx: Tx, bucket: str, sort: str, name: str) -> list[Decision]:
    """Every word on a thing in one bucket that was not withdrawn, in the order in which they count."""
    rows = tx.execute(
        "SELECT version, active_at, live, definition FROM office_change WHERE name = ? AND sort = ? AND bucket = ?",
        (name, sort, bucket),
    ).fetchall()
    select = "SELECT version FROM office_bundle WHERE withdrawn_at > 0 AND version IN (?)"
    withdrawn = {row[0] for row in read_rows(tx, select, [row[0] for row in rows])}
    words = [Decision(row[0], row[1], _change(sort, name, row[2], row[3])) for row in rows if row[0] not in withdrawn]
    return sorted(words, key=lambda word: (word.active_at, word.version))


def _change(sort: str, name: str, live: int, definition: str | None) -> BundleChange:
    raw = msgspec.Raw(definition.encode()) if definition is not None else UNSET
    return BundleChange(sort=sort, name=name, live=bool(live), definition=raw)
