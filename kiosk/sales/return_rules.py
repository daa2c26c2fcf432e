"""sql: what must hold between a sale and everything that came back of it, whichever programs wrote it.

    for sentence, select in OF_ALL: tx.execute(select, EVERY_SALE)      # `counterfoil verify`: a row for each breach
    breaks_rule(tx, sale)                                               # of one sale, cheaply

Each select takes the lowest and the highest id of the sales it looks at.
"""

from uuid import UUID

from loyalty.transactions import Tx

EVERY_SALE = (b"", b"\xff" * 17)

_LINES = "FROM taken_back_line AS back JOIN sale_line USING (sale, line) WHERE back.sale BETWEEN ?1 AND ?2"

GOODS: tuple[tuple[str, str], ...] = (
    (
        "sale {} came back and is not in the books",
        (
            "SELECT hex(sale) FROM taken_back WHERE sale BETWEEN ?1 AND ?2 AND store IS NULL"
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
MONEY: tuple[tuple[str, str], ...] = (
    (
        "of sale {} more went back in {} than was paid in it (I9)",
        (
            "SELECT hex(sale), settles FROM (SELECT sale, settles, -amount_minor AS amount FROM refund"
            " WHERE sale BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM taken_back AS back"
            " WHERE back.op = refund.op AND back.n = refund.n AND back.store IS NOT NULL)"
            " UNION ALL SELECT sale, settles, amount_minor FROM sale_tender WHERE sale BETWEEN ?1 AND ?2"
            " UNION ALL SELECT id, 'cash', -change_minor FROM sale WHERE id BETWEEN ?1 AND ?2)"
            " GROUP BY sale, settles HAVING sum(amount) < 0"
        ),
    ),
)


def breaks_rule(tx: Tx, sale: UUID) -> bool:
    """Whether what came back of this sale contradicts it, or a void of it."""
    place = (sale.bytes, sale.bytes)
    if any(tx.execute(select, place).fetchone() is not None for _, select in (*GOODS, *MONEY)):
        return True
    both = "SELECT 1 FROM sale_void JOIN taken_back USING (sale) WHERE sale_void.sale = ?"
    return tx.execute(both, (sale.bytes,)).fetchone() is not None
