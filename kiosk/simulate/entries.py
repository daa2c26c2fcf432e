"""pure: what happens in a simulated shop, as entries of a journal: real contents, real chain, real postings.

The bodies are smaller than those of the product (`Deed` for all kinds), because what a simulation asks is whether each
arrives, once, and what it does to points and coupons.
"""

from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.points.facts import Posting
from sync.chain import Content, chain_hash, decode_content
from sync.facts.backing import HoldBacking
from sync.facts.points import PointsPosted, fact_postings, ledger_postings


class LeaseEnd(Struct, frozen=True):
    """A shop reports the end of a lease: the points of it that nothing in the shop's books has spent."""

    lease: UUID
    unspent: int


class CouponUse(Struct, frozen=True, omit_defaults=True):
    """A coupon was taken. `reserved` is what head office kept for it; without that `risk_minor` was given away although
    another shop may have taken it, too."""

    coupon: int
    value_minor: int
    reserved: UUID | None = None
    risk_minor: int = 0


class CardMove(Struct, frozen=True, omit_defaults=True):
    """A gift card was sold or money came back onto it (above 0), or it paid (below 0), out of what head office kept."""

    card: int
    amount_minor: int
    sold: bool = False
    reserved: UUID | None = None


class GoodsBack(Struct, frozen=True, omit_defaults=True):
    """Goods of a sale came back; of another shop's sale out of what head office kept."""

    sale: UUID
    amount_minor: int
    reserved: UUID | None = None


class BundleBegun(Struct, frozen=True):
    """A bundle of head office came into use, and with it this price."""

    version: int
    active_at: int
    price: int


class ConsentSaid(Struct, frozen=True, omit_defaults=True):
    """A member said whether she may be written to. `replaces` are the withdrawals that were known."""

    member: UUID
    granted: bool
    at: int
    replaces: tuple[UUID, ...] = ()


class Deed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a simulated entry. `life` is the number of the life that this entry begins, `sold_minor` what was
    paid in a sale that was made at `price`, `freed` a reservation that is given back."""

    postings: tuple[PointsPosted, ...] = ()
    backing: HoldBacking | None = None
    coupon: CouponUse | None = None
    ended: LeaseEnd | None = None
    life: int | None = None
    sold_minor: int = 0
    price: int = 0
    back: GoodsBack | None = None
    card: CardMove | None = None
    freed: UUID | None = None
    begun: BundleBegun | None = None
    consent: ConsentSaid | None = None


class Entry(NamedTuple):
    """An entry as it lies in a journal. `hash` is that of the chain behind it."""

    seq: int
    op_id: UUID
    content: bytes
    hash: bytes
    deed: Deed


_decoder = msgspec.json.Decoder(Deed)


def write_content(op_id: UUID, kind: str, at: int, deed: Deed) -> bytes:
    """The exact bytes of an entry. `at` is the shop's own clock, milliseconds since 1970 UTC, wrong or not."""
    body = msgspec.Raw(msgspec.json.encode(deed))
    return msgspec.json.encode(Content(v=1, kind=kind, op_id=op_id, at=at, body=body))


def read_content(content: bytes) -> tuple[Content, Deed]:
    """What exact bytes say. Raises msgspec.DecodeError for bytes that are no entry."""
    decoded = decode_content(content)
    return decoded, _decoder.decode(decoded.body)


def link(epoch: int, seq: int, previous: bytes, op_id: UUID, content: bytes, deed: Deed) -> Entry:
    """The entry that follows `previous` in a life."""
    return Entry(seq, op_id, content, chain_hash(epoch, seq, previous, content), deed)


def deed_of(postings: list[Posting], backing: HoldBacking | None = None) -> Deed:
    """What the ledger decided, as the body of an entry."""
    return Deed(postings=fact_postings(postings), backing=backing)


def postings_of(op_id: UUID, epoch: int, seq: int, effective_at: int, deed: Deed) -> list[Posting]:
    """The postings of an entry as head office books them, at the instant that head office gave it."""
    made = ledger_postings(op_id, epoch, seq, deed.postings)
    return [msgspec.structs.replace(posting, effective_at=effective_at) for posting in made]
