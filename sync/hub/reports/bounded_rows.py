"""sql: the rows that a report is made of, never more than one process can hold beside the pushes of the stores."""

from collections.abc import Sequence

from loyalty.errors import InvalidInput
from loyalty.transactions import Row, Tx

ROWS_MAX = 1_000_000
"""A few hundred megabytes. Head office goes on taking journals in while somebody asks for ten years of everything."""


class TooMuchToReport(InvalidInput):
    """This report would be made of more rows than head office reads at once."""

    code, hint = "too_much_to_report", "Name one store, or fewer days."


def read_bounded(tx: Tx, select: str, values: Sequence[object]) -> list[Row]:
    """All rows of a SELECT. Raises TooMuchToReport for more than ROWS_MAX."""
    rows = tx.execute(f"{select} LIMIT ?", (*values, ROWS_MAX + 1)).fetchall()
    if len(rows) > ROWS_MAX:
        raise TooMuchToReport
    return rows
