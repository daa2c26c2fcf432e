"""sql: what head office looks after in this store, so that nobody changes it here.

Head office looks after products, offers or earning rules from the moment that a bundle with one of them is in use; a
store that it has told nothing of the kind goes on by itself. Products of the departments in `store.own_departments` are
always the store's own. An offer or rule that the store had before, and head office never named, can be ended here.
"""

from collections.abc import Collection, Iterable

from kiosk.bundles.bundle_store import is_named
from loyalty.errors import Conflict
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, OFFER, PRODUCT

_LOOKED_AFTER = {
    PRODUCT: "SELECT 1 FROM bundle_outcome WHERE products > 0 LIMIT 1",
    OFFER: "SELECT 1 FROM bundle_outcome WHERE offers > 0 LIMIT 1",
    EARNING_RULE: "SELECT 1 FROM bundle_outcome WHERE rules > 0 LIMIT 1",
}


class ManagedByHeadOffice(Conflict):
    """Head office looks after this, for all stores alike."""

    code, hint = "managed_by_head_office", "Ask head office to change it; it then changes in every store at once."


def check_own(tx: Tx, sort: str) -> None:
    """Raises ManagedByHeadOffice for what nobody makes or changes in this store."""
    if tx.execute(_LOOKED_AFTER[sort]).fetchone() is not None:
        raise ManagedByHeadOffice


def check_own_products(tx: Tx, departments: Iterable[str], own: Collection[str]) -> None:
    """The same for products: `departments` are those they are in, and shall be in; `own` the store's."""
    if not set(departments) <= set(own):
        check_own(tx, PRODUCT)


def check_may_end(tx: Tx, sort: str, name: str) -> None:
    """The same for the end of an offer or rule: one that head office never named may end here."""
    if is_named(tx, sort, name):
        check_own(tx, sort)
