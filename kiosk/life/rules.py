"""sql: what must hold between the facts of a shop, whichever programs wrote them; `counterfoil verify` asks each time.

The replay proves that the tables say what the journal says. Whether that may be so at all is asked here: a program that
gave back too much wrote it into both. Each rule answers sentences; no sentence means that it holds. The invariants of
points (I1 to I4, I6 to I8, I11 to I13) are loyalty's (loyalty/points/invariants.py), I5 is the chain's.

    rule       | says
    -----------|--------------------------------------------------------------------------------------------------------
    numbers    | each till's receipts have numbers without a gap, but for those of entries that were set aside
    sales      | lines, discounts and offers sum to the sale; what was paid less the change is what was due
    returns    | no line comes back more often than it was sold, nor brings more points than it earned (I7); once all of
               | it came back, so did all its money, tax and points, however it was split (I14)
    refunds    | of a sale no more goes back in any kind than was paid in it (I9), and all that its goods were worth
    coupons    | no coupon is used more often than it may be, less the uses that were given back (I10)
    gift_cards | every balance is the sum of what moved the card
"""

from collections.abc import Iterator, Mapping

from kiosk.points.told_accounts import check_points
from kiosk.sales.number_gaps import find_gaps
from loyalty.points_proof import INVARIANTS
from loyalty.transactions import Tx
from sync.verify import CacheCheck, JointCheck

POINTS = JointCheck(check_points)

_FORBIDDEN: Mapping[str, tuple[tuple[str, str], ...]] = {
    "sales": (
        (
            "the lines of sale {} are not its total",
            (
                "SELECT hex(id) FROM sale WHERE net_minor <>"
                " (SELECT total(sale_line.net_minor) FROM sale_line WHERE sale = id)"
            ),
        ),
        (
            "what was paid for sale {} less the change is not what was due",
            "SELECT hex(id) FROM sale WHERE paid_minor - change_minor <> due_minor",
        ),
        (
            "the tenders of sale {} are not what was paid",
            (
                "SELECT hex(id) FROM sale WHERE paid_minor <>"
                " (SELECT total(amount_minor) FROM sale_tender WHERE sale = id)"
            ),
        ),
        (
            "what offers took off sale {} is not what their uses say",
            (
                "SELECT hex(sale) FROM (SELECT sale, json_extract(off.value, '$.amount_minor') AS off_minor"
                " FROM sale_line, json_each(discounts) AS off WHERE json_extract(off.value, '$.kind') = 'offer'"
                " UNION ALL SELECT sale, -discount_minor FROM offer_use WHERE op = sale)"
                " GROUP BY sale HAVING sum(off_minor) <> 0"
            ),
        ),
        (
            "offer {} was given back more often than used",
            "SELECT offer FROM offer_use GROUP BY offer HAVING sum(uses) < 0 OR sum(discount_minor) < 0",
        ),
    ),
    "returns": (
        (
            "sale {} came back and is not in the books",
            (
                "SELECT hex(sale) FROM taken_back WHERE store IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM sale WHERE sale.id = taken_back.sale)"
            ),
        ),
        (
            "of sale {}, line {}, more came back than was sold",
            (
                "SELECT hex(sale), line FROM taken_back_line AS back JOIN sale_line USING (sale, line)"
                " GROUP BY sale, line HAVING sum(back.quantity_milli) > min(sale_line.quantity_milli)"
            ),
        ),
        (
            "sale {}, line {}, lost more points than it earned (I7)",
            (
                "SELECT hex(sale), line FROM taken_back_line AS back JOIN sale_line USING (sale, line)"
                " GROUP BY sale, line HAVING sum(back.points) > min(sale_line.points)"
            ),
        ),
        (
            "all of sale {}, line {}, came back, but not all its money, tax and points (I14)",
            (
                "SELECT hex(sale), line FROM taken_back_line AS back JOIN sale_line USING (sale, line)"
                " GROUP BY sale, line HAVING sum(back.quantity_milli) = min(sale_line.quantity_milli)"
                " AND (sum(back.net_minor), sum(back.tax_minor), sum(back.points))"
                " <> (min(sale_line.net_minor), min(sale_line.tax_minor), min(sale_line.points))"
            ),
        ),
    ),
    "refunds": (
        (
            "of sale {} more went back in {} than was paid in it (I9)",
            (
                "SELECT hex(sale), settles FROM (SELECT sale, settles, -amount_minor AS amount FROM refund"
                " WHERE NOT EXISTS (SELECT 1 FROM taken_back AS back"
                " WHERE back.op = refund.op AND back.n = refund.n AND back.store IS NOT NULL)"
                " UNION ALL SELECT sale, settles, amount_minor FROM sale_tender"
                " UNION ALL SELECT id, 'cash', -change_minor FROM sale) GROUP BY sale, settles HAVING sum(amount) < 0"
            ),
        ),
        (
            "what was given for the goods of return {}, part {}, is not what they were worth",
            (
                "SELECT hex(op), n FROM taken_back WHERE value_minor + rounding_minor <>"
                " (SELECT total(amount_minor) FROM refund WHERE refund.op = taken_back.op AND refund.n = taken_back.n)"
            ),
        ),
    ),
    "coupons": (
        (
            "coupon {} is used {} times and may be used {} times (I10)",
            (
                "SELECT printf('%016x', serial), count(*), min(uses_max) FROM coupon_use"
                " WHERE (serial, n) NOT IN (SELECT serial, n FROM coupon_give_back)"
                " GROUP BY serial HAVING count(*) > min(uses_max)"
            ),
        ),
    ),
    "gift_cards": (
        (
            "the balance of the gift card ending in {} after movement {} is not what moved it",
            (
                "SELECT ending, n FROM (SELECT *, sum(amount_minor) OVER (PARTITION BY card ORDER BY n) AS moved,"
                " row_number() OVER (PARTITION BY card ORDER BY n) AS place FROM gift_card_posting)"
                " WHERE balance_minor <> moved OR n <> place"
            ),
        ),
    ),
}


def _never(forbidden: tuple[tuple[str, str], ...]) -> CacheCheck:
    def look(tx: Tx) -> Iterator[str]:
        for sentence, select in forbidden:
            for row in tx.execute(select):
                yield sentence.format(*row)

    return look


RULES: Mapping[str, CacheCheck | JointCheck] = {
    INVARIANTS: POINTS,
    "numbers": find_gaps,
    **{name: _never(forbidden) for name, forbidden in _FORBIDDEN.items()},
}
