"""What a history tells of head office's bundles; and what head office itself writes about them, which no store does."""

from typing import Any
from uuid import UUID

import msgspec

from kiosk.bundles.activation import activate_due
from kiosk.bundles.feed_bundles import note_told, versions_in
from kiosk.life.feed_rows import keep_page
from kiosk.shop import Caller, Shop
from loyalty.transactions import Tx
from sync.facts import kind_of
from sync.facts.bundles import BundlePlanned, BundleWithdrawn
from tests.kiosk.bundling import bundle, offer, page_of, product, rule

_MADE_UP = ("feed_row", "feed_bucket", "bundle_ready", "head_office_note")


def tell_bundles(tx: Tx, shop: Shop, who: Caller, ids: list[UUID]) -> None:
    """A bundle begins and one cannot be used; afterwards it is as if nobody had told of them."""
    puts = [
        *bundle(1, who.now_ms - 1_000, product("777", 777)),
        *bundle(2, who.now_ms, product("778", 778, tax_class="luxury")),
    ]
    keep_page(tx, page_of(*puts))
    note_told(tx, who.now_ms, versions_in(puts))
    activate_due(tx, shop, who.now_ms, ids.pop)
    for table in _MADE_UP:
        tx.execute(f"DELETE FROM {table}")


def office_contents(ids: list[UUID], at_ms: int) -> dict[tuple[str, int], bytes]:
    """The exact bytes of entries that only head office writes, as it writes them (sync/hub/own_facts.py)."""
    changes = (product("100", 149), offer("DAIRY10", "10", live=False), rule("gift", 5))
    planned = BundlePlanned(
        version=7, title="Spring", bucket="zone:north", active_at=at_ms + 60_000, changes=changes, campaign="spring"
    )
    bodies: tuple[Any, ...] = (planned, BundleWithdrawn(version=7, bucket="zone:north"))
    return {kind_of(type(body)): _content(body, ids.pop(), at_ms) for body in bodies}


def _content(body: Any, op_id: UUID, at_ms: int) -> bytes:  # noqa: ANN401
    kind, version = kind_of(type(body))
    entry = {"v": version, "kind": kind, "op_id": op_id, "at": at_ms, "operator": "mia", "body": body}
    return msgspec.json.encode(entry)
