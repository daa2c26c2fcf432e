"""pure: goods taken back, as decided. A return of its own and the return half of an exchange share `TakenBack`."""

from uuid import UUID

from msgspec import Struct

from loyalty.points.account import Balance
from sync.facts.offers import OfferGivenBack
from sync.facts.points import PointsPosted, points_of
from sync.facts.vouchers import UndoneVouchers


class ReturnedLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of a sold line. `net_minor`, `tax_minor` and `points` are this step's exact share of the line's own:
    `points` is what the line loses of those it earned."""

    line: int
    sku: str
    name: str
    unit: str = "piece"
    quantity_milli: int
    net_minor: int
    tax_rate: str
    tax_minor: int
    points: int = 0


class Refunded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value given back. `settles` names the original tender's kind it counts against. Of kind `points` it is the value
    of the points that came back; of kind `points_debt` it was kept, for points that were spent and not taken back."""

    kind: str
    amount_minor: int
    settles: str


class Elsewhere(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where goods came from that were sold by another store: its code, and how its tax lay (`included` or `added`).
    `sold` are the thousandths of pieces of each line that came back now; `reservation` is what head office kept."""

    store: str
    tax_mode: str
    sold: dict[int, int]
    reservation: UUID


class TakenBack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines of one sale coming back. `value_minor` is their share of what was due; `refunds` add up to value +
    rounding; `approved_by` is the manager who approved it, where one was needed. `debt` is how many points more the
    member owes after it. `offers` are the uses that count no longer, once all of the sale has come back. `referral`:
    the points that go from who had brought the member, when all of its first sale is back.

    Of a sale of another store (`elsewhere`) the postings were decided on what head office told of the account, and are
    booked there alone: this store does not hold the sale that earned them."""

    sale: UUID
    sale_number: str
    lines: tuple[ReturnedLine, ...]
    value_minor: int
    rounding_minor: int = 0
    refunds: tuple[Refunded, ...] = ()
    member: UUID | None = None
    postings: tuple[PointsPosted, ...] = ()
    referral: tuple[PointsPosted, ...] = ()
    debt: int = 0
    balance: Balance | None = None
    approved_by: str | None = None
    offers: tuple[OfferGivenBack, ...] = ()
    vouchers: UndoneVouchers | None = None
    elsewhere: Elsewhere | None = None

    @property
    def points_clawed_back(self) -> int:
        """The points that the goods had earned and lose."""
        return points_of(self.postings, "reverse_earn")

    @property
    def points_given_back(self) -> int:
        """The points that had paid for the goods."""
        return points_of(self.postings, "reverse_redeem")


class ReturnFollowed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a sale of this store loses because goods of it came back at other stores, as its own return would have
    undone it. `returned` is all that head office had told of by then, in thousandths of pieces by line. `postings` are
    what rules for the whole basket had given, `referral` what had gone to who brought the member: what the lines
    themselves had earned was booked with the return. `offers` and `vouchers` count no longer."""

    sale: UUID
    sale_number: str
    returned: dict[int, int]
    member: UUID | None = None
    postings: tuple[PointsPosted, ...] = ()
    referral: tuple[PointsPosted, ...] = ()
    offers: tuple[OfferGivenBack, ...] = ()
    vouchers: UndoneVouchers | None = None


class ReturnTaken(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A return by receipt. It has a number of the till's own series, like a sale."""

    request: str
    number: str
    till: str
    series: int
    n: int
    shift: UUID
    currency: str
    reason: str
    taken: TakenBack
    receipt: str = "none"
