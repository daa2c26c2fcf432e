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
    gift_cards | every balance is the sum of what moved the card, in entries that were set aside, too
"""

from collections.abc import Iterable, Iterator, Mapping

from kiosk.coupons.card_balances import find_wrong_balances
from kiosk.points.told_accounts import check_points
from kiosk.sales.number_gaps import find_gaps
from kiosk.sales.return_rules import GOODS, MONEY, of_all
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
    "refunds": (
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
}


def _never(forbidden: Iterable[tuple[str, str]]) -> CacheCheck:
    """None of these may find anything."""

    def look(tx: Tx) -> Iterator[str]:
        for sentence, select in forbidden:
            for row in tx.execute(select):
                yield sentence.format(*row)

    return look


RULES: Mapping[str, CacheCheck | JointCheck] = {
    INVARIANTS: POINTS,
    "numbers": find_gaps,
    "sales": _never(_FORBIDDEN["sales"]),
    "returns": _never(of_all(GOODS)),
    "refunds": _never([*of_all(MONEY), *_FORBIDDEN["refunds"]]),
    "coupons": _never(_FORBIDDEN["coupons"]),
    "gift_cards": find_wrong_balances,
}
