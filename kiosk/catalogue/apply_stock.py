"""sql: how stock moves. The only writer of `stock_move` and `stock_level`.

Every fact that takes goods from the shelf or puts them back (sale, void, return, count) hands its moves to
`move_stock`. `stock_level` is their sum, kept beside them so that a till need not add up years of sales:

    move_stock(tx, op, [("1041453", -2000)], "sale")     # two pieces sold: the level falls by 2000

A level may be negative: goods were sold that nobody had booked in, and a sale never waits for the books.
"""

from collections.abc import Iterator, Sequence

from loyalty.transactions import Tx, keeps_caches


def move_stock(tx: Tx, op: bytes, moves: Sequence[tuple[str, int]], reason: str, first: int = 1) -> None:
    """Write the moves (sku, quantity in thousandths, negative = out) of fact `op` and bring the levels up to date.

    `op` is the op_id as 16 bytes. The moves are numbered from `first`, so that a fact which moves goods twice (an
    exchange) can keep them apart. `reason` is a word of the program: sale, void, return, count. One number of one fact
    twice breaks the primary key and with it the transaction: goods cannot leave the shelf twice for one sale.
    """
    tx.executemany(
        "INSERT INTO stock_move (op, n, sku, quantity_milli, reason) VALUES (?, ?, ?, ?, ?)",
        [(op, n, sku, quantity_milli, reason) for n, (sku, quantity_milli) in enumerate(moves, first)],
    )
    if keeps_caches(tx):
        tx.executemany(
            "INSERT INTO stock_level (sku, quantity_milli) VALUES (?, ?)"
            " ON CONFLICT (sku) DO UPDATE SET quantity_milli = quantity_milli + excluded.quantity_milli",
            moves,
        )


def check_stock_levels(tx: Tx) -> Iterator[str]:
    """What `counterfoil verify` asks: each level that is not the sum of its moves, as a sentence."""
    rows = tx.execute(
        "SELECT sku, sum(level), sum(moved) FROM ("
        "SELECT sku, quantity_milli AS level, NULL AS moved FROM stock_level"
        " UNION ALL SELECT sku, NULL, sum(quantity_milli) FROM stock_move GROUP BY sku"
        ") GROUP BY sku HAVING sum(level) IS NOT sum(moved) ORDER BY sku"
    )
    for sku, level, moved in rows:
        found = "is missing" if level is None else f"is {level}"
        proved = "no move explains it" if moved is None else f"its moves add up to {moved}"
        yield f"the level of {sku} {found}, {proved}"
