"""pure: what the feed says about members, points and entries that could not be applied, as head office puts it and a
store reads it. Each is the JSON value of one thing in a bucket.

| entity      | bucket of | key            | value        |
|-------------|-----------|----------------|--------------|
| account     | a store   | member (UUID)  | AccountValue |
| member      | a store   | member (UUID)  | MemberValue  |
| merge       | a store   | absorbed       | MergeValue   |
| erased      | everybody | member (UUID)  | ErasedValue  |
| dead_letter | a store   | op_id (UUID)   | DeadLetterValue |

A store is told of an account when something happened to it elsewhere. Its own newer postings, those behind `through`,
come on top: so what head office has not heard of yet is never lost from a balance that a till shows.
"""

from uuid import UUID

from msgspec import Struct

from loyalty.points.account import Account
from loyalty.points.rows import from_rows

AccountRow = tuple[int, int, int, int, int, str | None, int, str]
"""The columns of loyalty.points.rows.ACCOUNT_COLUMNS."""
# fmt: off
LotRow = tuple[
    bytes, int, bytes, int, str, int, int, int | None, int, int, int, int, int, int, int, int, int, str, str, str
]
# fmt: on
"""The columns of LOT_COLUMNS; ids are base64."""
HoldRow = tuple[bytes, bytes, int, bytes, int, int, str, str, int]
"""The columns of HOLD_COLUMNS."""


class AccountValue(Struct, frozen=True, kw_only=True):
    """An account as head office has it: its balance, and the lots and holds that something can still happen to.

    `account_of` is the member whose account it is, where another was merged into her. `through` says, for each life of
    the database that this store ever had (16 hex digits), up to which number its entries are in it. `due` is the next
    instant at which time does something to the account.
    """

    account_of: UUID
    account: AccountRow
    lots: tuple[LotRow, ...]
    holds: tuple[HoldRow, ...]
    due: int | None
    through: dict[str, int]


class ConsentValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What counts now of one channel and purpose; `op` is the fact that said it, for a later grant to name."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None = None
    op: UUID
    at: int


class MemberValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member's profile with what she is recognised by, and her consents. `identifiers` are (kind, value, state)."""

    status: str
    locale: str
    revision: int
    enrolled_at: int
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    card: str | None = None
    identifiers: tuple[tuple[str, str, str], ...] = ()
    code_secret: str | None = None
    pin_hash: str | None = None
    consents: tuple[ConsentValue, ...] = ()


class MergeValue(Struct, frozen=True, kw_only=True):
    """The key is the same person as `into`, by the fact `op`, at this place among the postings."""

    into: UUID
    op: UUID
    effective_at: int
    origin: str
    seq: int


class ErasedValue(Struct, frozen=True, kw_only=True):
    """The key was forgotten by the fact `op`, for ever: whatever a store still has of her goes."""

    op: UUID
    at: int


class DeadLetterValue(Struct, frozen=True, kw_only=True):
    """An entry of this store that head office has, and could not apply yet. `state` is open or parked."""

    epoch: str
    seq: int
    kind: str
    code: str
    state: str
    first_at: int


def account_of(value: AccountValue) -> Account:
    """The account that a snapshot says, with its open lots and holds."""
    return from_rows(value.account, value.lots, value.holds, ())
