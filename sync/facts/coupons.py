"""pure: coupons and the keys that sign them: issued, used, given back, voided, as it was decided.

A coupon's serial and token stand here in full: whoever can read the journal could spend coupons that are still unspent,
as whoever holds the paper can. So the folder of a store is readable by its owner only (counterfoil doctor looks).
"""

from uuid import UUID

from msgspec import Struct

from loyalty.points.account import Balance
from sync.facts.points import PointsPosted


class KeysListed(Struct, frozen=True, kw_only=True):
    """The list of public keys from this entry on: its exact text, the root's signature over it, both in hex where they
    are bytes (loyalty/keys.py). `root` is the key it holds under."""

    version: int
    root: str
    content: str
    signature: str


class IssuedCoupon(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A coupon as issued. `valid_until` is its last day (YYYY-MM-DD), `token` the 200 digits of its QR code; without a
    member whoever brings it may use it. `scope` says where: this store or the whole chain. One that came with a sale
    was given from a total of `from_minor` on: it is void when goods come back and less than that is kept."""

    serial: int
    offer: str
    offer_version: int
    member: UUID | None = None
    valid_until: str
    scope: str = "store"
    uses_max: int = 1
    kid: int
    token: str
    from_minor: int = 0


class CouponsIssued(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Coupons issued by a person, a kiosk or a campaign. `printed`: each went to the printer with this entry.

    One that is a reward was paid with the points of `hold`: `postings` use them up, `balance` is what is left.
    """

    request: str
    source: str
    coupons: tuple[IssuedCoupon, ...]
    printed: bool = False
    hold: UUID | None = None
    postings: tuple[PointsPosted, ...] = ()
    balance: Balance | None = None


class CouponVoided(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A coupon that counts no longer. With a replacement it was issued again: both in one entry, so that at every
    moment exactly one of the two is good. Of one that was a reward (for `offer`) the points that had paid for it come
    back: `postings`, and the `balance` after them. `reserved`: under this name head office kept its use meanwhile."""

    request: str
    serial: int
    reason: str
    replacement: IssuedCoupon | None = None
    printed: bool = False
    offer: str = ""
    postings: tuple[PointsPosted, ...] = ()
    balance: Balance | None = None
    reserved: UUID | None = None


class UsedCoupon(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The n-th use of a coupon, by a sale. `given_back` of the uses before it count no longer, so that
    n - given_back <= uses_max always holds. `store` issued it, where that is another one.

    `last_day` (YYYY-MM-DD) stands for a coupon that other stores take too. In a store that belongs to a head office
    `value_minor` is then what it took off, and `reserved` the reservation under which head office kept this very use
    for it; without one the store took the risk that it was used elsewhere."""

    serial: int
    n: int
    offer: str
    uses_max: int = 1
    given_back: int = 0
    store: str | None = None
    last_day: str = ""
    value_minor: int = 0
    reserved: UUID | None = None

    @property
    def risk_minor(self) -> int:
        """What is lost if another store took it as well."""
        return self.value_minor if self.reserved is None else 0


class CouponGivenBack(Struct, frozen=True, kw_only=True):
    """A use that counts no longer, because its sale was voided."""

    serial: int
    n: int
