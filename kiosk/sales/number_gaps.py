"""sql: receipt numbers that no receipt of this store has, though a later one was given.

    list(find_gaps(tx))        # sentences; none when every number below the newest is accounted for

A disk that went back in time, or a copy of it, has printed numbers that come back from head office with their entries.
Those that contradict what was booked here meanwhile stay in the journal and have no effect (`set_aside_entry`, which
the replay proves): their receipts are in customers' hands, so their numbers were given, and no table has them. Exactly
those numbers count as given, as the entries themselves name them; any other hole is told.
"""

from collections.abc import Iterator

import msgspec

from loyalty.transactions import Tx
from sync.facts.returns import ReturnTaken
from sync.facts.sales import SaleCompleted
from sync.set_aside import read_set_aside

_SENTENCE = "the receipt numbers of till {} in series {} have a gap"
_IN_TABLE = "SELECT till, series FROM document_number GROUP BY till, series HAVING min(n) <> 1 OR max(n) <> count(*)"
_ALTOGETHER = """
WITH kept (till, series, n) AS MATERIALIZED (
    SELECT DISTINCT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
    FROM json_each(?)
), newest (till, series, n) AS MATERIALIZED (
    SELECT till, series, max(n) FROM document_number GROUP BY till, series
)
SELECT till, series FROM (
    SELECT till, series, n FROM document_number
    UNION ALL
    SELECT kept.till, kept.series, kept.n FROM kept JOIN newest USING (till, series)
    WHERE kept.n < newest.n AND NOT EXISTS (
        SELECT 1 FROM document_number AS given
        WHERE given.till = kept.till AND given.series = kept.series AND given.n = kept.n
    )
) GROUP BY till, series HAVING min(n) <> 1 OR max(n) <> count(*)
"""
_DOCUMENTS = ("sale.completed", "return.taken")


def find_gaps(tx: Tx) -> Iterator[str]:
    """A sentence for each series of a till in which a number is missing."""
    # Nearly every shop ends here: nothing of it ever came back, and no entry needs to be decoded.
    if tx.execute(_IN_TABLE).fetchone() is None:
        return
    for till, series in tx.execute(_ALTOGETHER, (msgspec.json.encode(_set_aside_numbers(tx)).decode(),)):
        yield _SENTENCE.format(till, series)


def _set_aside_numbers(tx: Tx) -> list[tuple[str, int, int]]:
    """(till, series, n) of each receipt whose entry is kept without an effect."""
    numbers = []
    for body in read_set_aside(tx, *_DOCUMENTS):
        assert isinstance(body, (SaleCompleted, ReturnTaken))
        numbers.append((body.till, body.series, body.n))
    return numbers
