"""pure: what the feed says about members, points and entries that could not be applied, as head office puts it and a
store reads it. Each is the JSON value of one thing in a bucket.

| entity      | bucket of | key            | value        |
|-------------|-----------|----------------|--------------|
| account     | a store   | member (UUID)  | AccountValue (loyalty/points/told.py) |
| member      | a store   | member (UUID)  | MemberValue  |
| merge       | a store   | absorbed       | MergeValue   |
| erased      | everybody | member (UUID)  | ErasedValue  |
| restored    | everybody | `accounts`     | RestoredValue |
| dead_letter | a store   | op_id (UUID)   | DeadLetterValue |
| coupon_key  | everybody | `key_name`     | CouponKeyValue |
| coupon_used | everybody | `use_name`     | CouponUsedValue |

A store is told of an account when something happened to it elsewhere. Its own newer postings, those behind `through`,
come on top: so what head office has not heard of yet is never lost from a balance that a till shows.
"""

from uuid import UUID

from msgspec import Struct


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


class RestoredValue(Struct, frozen=True, kw_only=True):
    """Head office was put back from a backup: of what stores said after `known_until` it may not have everything yet.
    Told until it has heard all of them again, `until` at the latest (milliseconds since 1970 UTC)."""

    known_until: int
    until: int


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


class CouponKeyValue(Struct, frozen=True, kw_only=True):
    """A public key that a store signs coupons with. `store` is its code, as head office knows it: a store can list
    keys in nobody else's name. Days are YYYY-MM-DD."""

    kid: int
    store: str
    public: str
    not_before: str
    not_after: str
    revoked: bool


class CouponUsedValue(Struct, frozen=True, kw_only=True):
    """A coupon that several stores take was used by these sales, each by itself."""

    sales: tuple[UUID, ...]


def key_name(kid: int, store: str) -> str:
    """The key of a coupon key in the feed: all keys of one number stand together."""
    return f"{kid:05d} {store}"


def use_name(last_day: str, serial: int) -> str:
    """The key of a used coupon in the feed: those whose last day is over stand in front."""
    return f"{last_day} {serial:016x}"
