"""pure: bundles of prices, offers and earning rules: planned and withdrawn by head office, begun or refused by a store.

The first two stand in head office's own journal, the others in a store's.
"""

import msgspec
from msgspec import UNSET, Struct, UnsetType


class BundleChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing as it shall be. `sort` is product, offer or earning_rule, `name` its sku or id; `definition` is the
    whole of it as JSON, kept byte by byte. What ends (`live` false) keeps its last definition. Without one, this layer
    says nothing of the thing any more."""

    sort: str
    name: str
    live: bool = True
    # Not `Raw | None`: msgspec reads such a field as one that may only be null.
    definition: msgspec.Raw | UnsetType = UNSET


class BundlePlanned(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes that count together from `active_at` on (milliseconds since 1970 UTC), for whoever reads `bucket`:
    `global`, `zone:<name>`, `store:<id>`. `version` counts all bundles of head office; `campaign` is what it is of."""

    version: int
    title: str
    bucket: str
    active_at: int
    changes: tuple[BundleChange, ...]
    campaign: str = ""


class BundleWithdrawn(Struct, frozen=True, kw_only=True):
    """A bundle that shall not begin."""

    version: int
    bucket: str


class BundleActivated(Struct, frozen=True, kw_only=True):
    """A store has taken a bundle into use. What it changed stands in the entries before this one, written in the same
    transaction, so there is no half of it. `arrived_at` is when the store had all of it, `active_at` when it should
    have begun, both on the store's clock. `products`, `offers` and `rules` count what the bundle names, `kept` what of
    it stays as it is because the store looks after it itself. The books are the versions that hold it."""

    version: int
    bucket: str
    active_at: int
    arrived_at: int
    products: int
    offers: int
    rules: int
    kept: int
    price_book: int
    offer_book: int
    program_book: int


class BundleRefused(Struct, frozen=True, kw_only=True):
    """A store cannot take a bundle and goes on with what it has. `code` says why, `subject` which thing."""

    version: int
    bucket: str
    active_at: int
    arrived_at: int
    code: str
    subject: str
