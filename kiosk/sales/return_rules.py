"""sql: what must hold between a sale and everything that came back of it, whichever programs wrote it.

    for sentence, select in of_all(GOODS): tx.execute(select)   # `counterfoil verify`: a row for each breach
    breaks_rule(tx, sale)                                       # of one sale, cheaply

A proof reads the tables themselves: an index that does not fit its table must not lend its fault to the rows. One sale
is found by the indexes.
"""

from collections.abc import Sequence
from uuid import UUID

from loyalty.transactions import Tx

Rule = tuple[str, str]
"""What is wrong where a select finds something, and the select, `{those}` being the sales it looks at."""

_LINES = "FROM taken_back_line AS back JOIN sale_line USING (sale, line) WHERE back.sale {those}"

GOODS: tuple[Rule, ...] = (
    (
        "sale {} came back and is not in the books",
        (
            "SELECT hex(sale) FROM taken_back WHERE sale {those} AND store IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM sale WHERE sale.id = taken_back.sale)"
        ),
    ),
    (
        "of sale {}, line {}, more came back than was sold",
        (
            f"SELECT hex(sale), line {_LINES}"
            " GROUP BY sale, line HAVING sum(back.quantity_milli) > min(sale_line.quantity_milli)"
        ),
    ),
    (
        "sale {}, line {}, lost more points than it earned (I7)",
        f"SELECT hex(sale), line {_LINES} GROUP BY sale, line HAVING sum(back.points) > min(sale_line.points)",
    ),
    (
        "all of sale {}, line {}, came back, but not all its money, tax and points (I14)",
        (
            f"SELECT hex(sale), line {_LINES}"
            " GROUP BY sale, line HAVING sum(back.quantity_milli) = min(sale_line.quantity_milli)"
            " AND (sum(back.net_minor), sum(back.tax_minor), sum(back.points))"
            " <> (min(sale_line.net_minor), min(sale_line.tax_minor), min(sale_line.points))"
        ),
    ),
)
MONEY: tuple[Rule, ...] = (
    (
        "of sale {} more went back in {} than was paid in it (I9)",
        (
            "SELECT hex(sale), settles FROM (SELECT sale, settles, -amount_minor AS amount FROM refund"
            " WHERE sale {those} AND NOT EXISTS (SELECT 1 FROM taken_back AS back"
            " WHERE back.op = refund.op AND back.n = refund.n AND back.store IS NOT NULL)"
            " UNION ALL SELECT sale, settles, amount_minor FROM sale_tender WHERE sale {those}"
            " UNION ALL SELECT id, 'cash', -change_minor FROM sale WHERE id {those})"
            " GROUP BY sale, settles HAVING sum(amount) < 0"
        ),
    ),
)

_OF_ONE = [(sentence, select.format(those="= ?1")) for sentence, select in (*GOODS, *MONEY)]


def of_all(rules: Sequence[Rule]) -> list[tuple[str, str]]:
    """The same rules for every sale, without a parameter."""
    return [(sentence, select.format(those="IS NOT NULL")) for sentence, select in rules]


def breaks_rule(tx: Tx, sale: UUID) -> bool:
    """Whether what came back of this sale contradicts it, or a void of it."""
    for _, select in _OF_ONE:
        if tx.execute(select, (sale.bytes,)).fetchone() is not None:
            return True
    both = "SELECT 1 FROM sale_void JOIN taken_back USING (sale) WHERE sale_void.sale = ?"
    return tx.execute(both, (sale.bytes,)).fetchone() is not None
