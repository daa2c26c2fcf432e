"""sql: what a sale used of offers, and when it counts no longer.

what happens          | uses and budget
----------------------|-----------------------------------------------
the sale is voided    | all given back
a part comes back     | none: half a bundle was still bought as a bundle
the last part does    | all given back
the last part came    | the same, once head office has told of it
  back elsewhere      |
an exchange           | the same for the goods that come back; the new goods use offers of their own
"""

from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

from kiosk.sales.returns import SoldState
from loyalty.transactions import Tx
from sync.facts.offers import OfferGivenBack
from sync.facts.returns import ReturnedLine
from sync.facts.sales import SaleCompleted
from sync.journal import find

_GIVEN_BACK = "SELECT 1 FROM offer_use WHERE sale = ? AND op <> sale LIMIT 1"


def read_uses_of(tx: Tx, sale: UUID) -> tuple[OfferGivenBack, ...]:
    """What a sale of this store used when it was made, by offer, as it would be given back."""
    entry = find(tx, sale)
    if entry is None or not isinstance(entry.body, SaleCompleted):
        return ()
    return tuple(
        OfferGivenBack(
            offer=use.offer,
            version=use.version,
            uses=use.uses,
            discount_minor=use.discount_minor,
            member=entry.body.member,
        )
        for use in sorted(entry.body.offers, key=attrgetter("offer"))
    )


def read_uses_back(tx: Tx, sold: SoldState, lines: Sequence[ReturnedLine]) -> tuple[OfferGivenBack, ...]:
    """What a return of `lines` gives back of the offers that the sale used; nothing twice."""
    coming: dict[int, int] = {}
    for line in lines:
        coming[line.line] = coming.get(line.line, 0) + line.quantity_milli
    if any(line.booked_milli + coming.get(line.line, 0) < line.quantity_milli for line in sold.lines):
        return ()
    given_back = tx.execute(_GIVEN_BACK, (sold.sale.bytes,)).fetchone() is not None
    return read_uses_of(tx, sold.sale) if not given_back else ()
