"""sql: what a sale used of offers, and when it counts no longer.

what happens          | uses and budget
----------------------|-----------------------------------------------
the sale is voided    | all given back
a part comes back     | none: half a bundle was still bought as a bundle
the last part does    | all given back
an exchange           | the same for the goods that come back; the new goods use offers of their own
"""

from collections.abc import Sequence
from uuid import UUID

from kiosk.sales.returns import SoldState
from loyalty.transactions import Tx
from sync.facts.offers import OfferGivenBack
from sync.facts.returns import ReturnedLine


def read_uses_of(tx: Tx, sale: UUID) -> tuple[OfferGivenBack, ...]:
    """What a sale used when it was made, by offer, as it would be given back."""
    rows = tx.execute(
        "SELECT offer, version, uses, discount_minor, member FROM offer_use WHERE op = ? AND sale = ? ORDER BY offer",
        (sale.bytes, sale.bytes),
    )
    return tuple(
        OfferGivenBack(
            offer=offer,
            version=version,
            uses=uses,
            discount_minor=discount_minor,
            member=UUID(bytes=member) if member else None,
        )
        for offer, version, uses, discount_minor, member in rows
    )


def read_uses_back(tx: Tx, sold: SoldState, lines: Sequence[ReturnedLine]) -> tuple[OfferGivenBack, ...]:
    """What a return of `lines` gives back of the offers that the sale used."""
    coming: dict[int, int] = {}
    for line in lines:
        coming[line.line] = coming.get(line.line, 0) + line.quantity_milli
    if any(line.returned_milli + coming.get(line.line, 0) < line.quantity_milli for line in sold.lines):
        return ()
    return read_uses_of(tx, sold.sale)
