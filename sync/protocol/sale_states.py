"""pure: a sale of any store as head office knows it: its own fact, and what came back of it anywhere.

    GET /sync/v1/sales/{number or id}/state     SaleState

What is kept for a return that is on its way to another store is not in it: head office says so when it is asked to keep
something itself.
"""

import hashlib
from uuid import UUID

import msgspec
from msgspec import Struct


class SaleState(Struct, frozen=True, kw_only=True):
    """A sale, as its store booked it (`v` and `body`, the rest is its place), and all that came back of it.

    `returned` are thousandths of pieces by line, `refunded` is minor units by the kind of tender they settle, `returns`
    counts the facts behind both. `account` is the points account of the member who bought, `account_of`, as
    `pack_account` packs it.
    """

    op: UUID
    number: str
    store_code: str
    v: int
    at: int
    business_day: str
    operator: str | None
    epoch: str
    seq: int
    hash: str
    body: msgspec.Raw
    voided: bool
    returns: int
    returned: dict[int, int]
    refunded: dict[str, int]
    account_of: UUID | None = None
    account: bytes = b""


class ReturnedElsewhere(Struct, frozen=True, kw_only=True):
    """The feed's word to the store that made a sale (entity `returned_elsewhere`, key the sale): what came back of it
    at other stores. `pending` is kept for a return that was not heard of yet, `paying` is what that will give back by
    the kind of tender, as far as its store said."""

    returned: dict[int, int]
    refunded: dict[str, int]
    pending: dict[int, int]
    paying: dict[str, int] = {}


def name_word(word: bytes | None) -> str:
    """What the feed says of a sale's returns at other stores, as JSON, in 64 hex digits; empty where it says nothing.
    Two places with the same name have heard the same."""
    return hashlib.sha256(word).hexdigest() if word else ""
