"""pure: what a business day of one store comes to, so that store and head office can see every night that they hold
the same.

    own = make_manifest("2026-11-21", entries)             # folded from the journal; head office folds its inbox
    compare(own, theirs)                                   # Match | Difference

The hash of an entry covers all entries before it, so the chains are the same up to the last entry of the day exactly
when the hashes of that entry are the same. Then the sums are the same too, unless one side adds up wrongly: that is
worth knowing as well, so they are compared by name. Where chains differ, hashes at ever closer places (`places`,
`narrow`) find the first entry that does: 500 places a message find it among 250,000 entries in two.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sync.chain import decode_content
from sync.facts import decode_body
from sync.facts.catalogue import StockCounted
from sync.facts.coupons import CouponsIssued, CouponVoided
from sync.facts.postings import postings_of
from sync.facts.returns import ReturnFollowed, ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.vouchers import UndoneVouchers

PLACES_MAX = 500
NAMES_MAX = 10_000
DAYS_BACK = 7

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", max_length=10)]
Epoch = Annotated[str, Meta(pattern=r"^[0-7][0-9a-f]{15}$", max_length=16)]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
Name = Annotated[str, Meta(max_length=200)]


class DayEntry(Struct, frozen=True):
    """An entry of the day: its life (epoch), its number, the chain hash it has, its decoded body. None is a body that
    this release cannot read: it is counted, and adds to no sum."""

    epoch: int
    seq: int
    hash: bytes
    body: Struct | None


class EpochPart(Struct, frozen=True, forbid_unknown_fields=True):
    """The day in one life: how many entries, the first and the last, and the hash of the last."""

    epoch: Epoch
    first_seq: Seq
    last_seq: Seq
    count: Seq
    head: Hash


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A business day of one store. `sums` are integers under names like `tender:cash`, `tax:23`, `points:earn`,
    `coupons:used`, `stock:sold_milli`; what adds up to 0 is left out."""

    day: Day
    parts: Annotated[tuple[EpochPart, ...], Meta(max_length=1_000)]
    sums: Annotated[dict[Name, Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]], Meta(max_length=NAMES_MAX)]


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """The hash at one number of a chain."""

    seq: Annotated[int, Meta(ge=1, le=2**53)]
    hash: Hash


class Probe(Struct, frozen=True, forbid_unknown_fields=True):
    """Hashes of one life at the places that head office asked about, in their order; up to `same_seq` both were the
    same."""

    epoch: Epoch
    same_seq: Seq
    places: Annotated[tuple[Place, ...], Meta(min_length=1, max_length=PLACES_MAX)]


class ManifestMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A store proves its day: the manifest, and the hashes that the last answer asked for."""

    manifest: Manifest
    probe: Probe | None = None


class ManifestAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What head office says to a manifest.

    match    both hold the same day
    not_yet  head office does not hold the whole day yet: it has life `epoch` up to `seq`
    ask      life `epoch` has another history here: send the same manifest with the hashes of `seqs`
    differs  `what` differs first; of a chain it is the entry `seq` of `epoch`, of a sum its `name`. `own` is what head
             office holds, `theirs` what the store says
    """

    outcome: Literal["match", "not_yet", "ask", "differs"]
    epoch: str | None = None
    seq: int | None = None
    same_seq: int | None = None
    seqs: tuple[int, ...] = ()
    what: str | None = None
    name: str | None = None
    own: str | None = None
    theirs: str | None = None


class Match(Struct, frozen=True):
    """Both hold the same day."""


class Difference(Struct, frozen=True, kw_only=True):
    """The first thing that differs: a life's part of the day, or a sum by its name. `own` and `theirs` tell it."""

    what: Literal["missing_epoch", "unknown_epoch", "chain", "count", "sum"]
    epoch: str | None = None
    name: str | None = None
    own: str | None = None
    theirs: str | None = None


class Narrowed(Struct, frozen=True):
    """Where two chains part: the same up to `same_seq`, not any more at `other_seq`. One behind the other: that entry
    is the first that differs."""

    same_seq: int
    other_seq: int

    @property
    def is_found(self) -> bool:
        """Whether the first entry that differs is known."""
        return self.other_seq == self.same_seq + 1


def read_entry(epoch: int, seq: int, link: bytes, raw: bytes) -> tuple[str | None, DayEntry]:
    """The business day of an entry and the entry itself, from its exact bytes."""
    content = decode_content(raw)
    try:
        body: Struct | None = decode_body(content.kind, content.v, content.body)
    except KeyError:
        body = None
    return content.business_day, DayEntry(epoch, seq, link, body)


def make_manifest(day: str, entries: Iterable[DayEntry]) -> Manifest:
    """The manifest of a day's entries, in whatever order they come; none of them is kept."""
    parts: dict[int, EpochPart] = {}
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        parts[entry.epoch] = _extended(parts.get(entry.epoch), entry)
        if entry.body is not None:
            _add_body(sums, entry.body)
    return Manifest(
        day=day,
        parts=tuple(parts[epoch] for epoch in sorted(parts)),
        sums={name: total for name, total in sorted(sums.items()) if total},
    )


def compare(own: Manifest, theirs: Manifest) -> Match | Difference:
    """What differs first: a life that only one side knows of, a chain, a count, then a sum, each in the order of their
    names."""
    ours, others = ({part.epoch: part for part in manifest.parts} for manifest in (own, theirs))
    for epoch in sorted(ours.keys() | others.keys()):
        mine, other = ours.get(epoch), others.get(epoch)
        if mine is None:
            return Difference(what="unknown_epoch", epoch=epoch)
        if other is None:
            return Difference(what="missing_epoch", epoch=epoch)
        if (mine.last_seq, mine.head) != (other.last_seq, other.head):
            told = (f"{mine.last_seq} {mine.head}", f"{other.last_seq} {other.head}")
            return Difference(what="chain", epoch=epoch, own=told[0], theirs=told[1])
        if (mine.first_seq, mine.count) != (other.first_seq, other.count):
            told = (f"{mine.count} from {mine.first_seq}", f"{other.count} from {other.first_seq}")
            return Difference(what="count", epoch=epoch, own=told[0], theirs=told[1])
    for name in sorted(own.sums.keys() | theirs.sums.keys()):
        mine_sum, other_sum = own.sums.get(name, 0), theirs.sums.get(name, 0)
        if mine_sum != other_sum:
            return Difference(what="sum", name=name, own=str(mine_sum), theirs=str(other_sum))
    return Match()


def places(same_seq: int, other_seq: int, most: int = PLACES_MAX) -> list[int]:
    """The numbers to compare next between an entry that is the same and one that is not: all of them if they fit, else
    evenly spread. The last is always `other_seq`.

    >>> places(0, 10, 3), places(6, 10, 9)
    ([3, 6, 10], [7, 8, 9, 10])
    """
    width = other_seq - same_seq
    if width <= most:
        return list(range(same_seq + 1, other_seq + 1))
    return [same_seq + width * step // most for step in range(1, most + 1)]


def narrow(same_seq: int, told: Sequence[Place], own: Mapping[int, str]) -> Narrowed | None:
    """Where chains part by the hashes that the other side told (`told`, in order), compared with our own by number.
    None when all of them are the same. A number we do not hold counts as different: it is missing here."""
    for place in told:
        if own.get(place.seq) != place.hash:
            return Narrowed(same_seq, place.seq)
        same_seq = place.seq
    return None


def days_to_prove(proved: str | None, today: str, most: int = DAYS_BACK) -> list[str]:
    """The days before `today` that were not proved yet, the oldest first and at most the newest `most`; yesterday alone
    where none ever was.

    >>> days_to_prove("2026-11-18", "2026-11-21"), days_to_prove(None, "2026-11-21")
    (['2026-11-19', '2026-11-20'], ['2026-11-20'])
    """
    last = dt.date.fromisoformat(today).toordinal() - 1
    first = dt.date.fromisoformat(proved).toordinal() + 1 if proved is not None else last
    return [dt.date.fromordinal(day).isoformat() for day in range(max(first, last - most + 1), last + 1)]


def _extended(part: EpochPart | None, entry: DayEntry) -> EpochPart:
    if part is None:
        return EpochPart(f"{entry.epoch:016x}", entry.seq, entry.seq, 1, entry.hash.hex())
    newest = entry.seq > part.last_seq
    return EpochPart(
        part.epoch,
        min(part.first_seq, entry.seq),
        max(part.last_seq, entry.seq),
        part.count + 1,
        entry.hash.hex() if newest else part.head,
    )


def _add_body(sums: dict[str, int], body: Struct) -> None:
    for posting in postings_of(body):
        sums[f"points:{posting.kind}"] += posting.points
    if isinstance(body, SaleCompleted):
        _add_sale(sums, body)
    elif isinstance(body, SaleVoided):
        sums["voids"] += 1
        _add_tenders(sums, [(tender.kind, -tender.amount_minor) for tender in body.tenders])
        sums["tender:change"] -= body.change_minor
        sums["stock:voided_milli"] += sum(line.quantity_milli for line in body.lines)
        _add_undone(sums, body.vouchers)
    elif isinstance(body, ReturnTaken):
        sums["returns"] += 1
        _add_taken(sums, body.taken)
    elif isinstance(body, ReturnFollowed):
        _add_undone(sums, body.vouchers)
    elif isinstance(body, CouponsIssued):
        sums["coupons:issued"] += len(body.coupons)
    elif isinstance(body, CouponVoided):
        sums["coupons:voided"] += 1
        sums["coupons:issued"] += body.replacement is not None
    elif isinstance(body, StockCounted):
        sums["stock:counted_difference_milli"] += sum(count.difference_milli for count in body.counts)


def _add_sale(sums: dict[str, int], sale: SaleCompleted) -> None:
    sums["sales"] += 1
    sums["sales:due_minor"] += sale.due_minor
    _add_tenders(sums, [(tender.kind, tender.amount_minor) for tender in sale.tenders])
    sums["tender:change"] += sale.change_minor
    for tax in sale.taxes:
        sums[f"tax:{tax.rate}:base"] += tax.base_minor
        sums[f"tax:{tax.rate}:tax"] += tax.tax_minor
    sums["stock:sold_milli"] += sum(line.quantity_milli for line in sale.lines)
    if sale.vouchers is not None:
        sums["coupons:used"] += len(sale.vouchers.used)
        sums["coupons:issued"] += len(sale.vouchers.issued)
        sums["gift_cards"] += sum(card.amount_minor for card in sale.vouchers.gift_cards)
    for taken in sale.returned:
        _add_taken(sums, taken)


def _add_taken(sums: dict[str, int], taken: TakenBack) -> None:
    _add_tenders(sums, [(refund.kind, -refund.amount_minor) for refund in taken.refunds])
    for line in taken.lines:
        sums[f"tax:{line.tax_rate}:returned_net"] += line.net_minor
        sums[f"tax:{line.tax_rate}:returned_tax"] += line.tax_minor
        sums["stock:returned_milli"] += line.quantity_milli
    _add_undone(sums, taken.vouchers)


def _add_undone(sums: dict[str, int], undone: UndoneVouchers | None) -> None:
    if undone is not None:
        sums["coupons:given_back"] += len(undone.given_back)
        sums["coupons:voided"] += len(undone.voided)
        sums["gift_cards"] += sum(card.amount_minor for card in undone.gift_cards)


def _add_tenders(sums: dict[str, int], tenders: Iterable[tuple[str, int]]) -> None:
    for kind, amount_minor in tenders:
        sums[f"tender:{kind}"] += amount_minor
