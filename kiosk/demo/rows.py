"""pure: CSV rows with their line numbers, and every row that cannot be right named at once.

Whoever brings a file of their own should see all that is wrong with it in one go, so faults are collected and raised
together at the end of the file, not one a run.

    >>> faults = Faults("tills.csv")
    >>> list(read_rows(["a,b", "1,2"], ("b", "a"), faults))
    [(2, ('2', '1'))]
"""

import csv
from collections.abc import Iterable, Iterator, Sequence

from loyalty.errors import InvalidInput

FAULTS_SHOWN = 8
_KEPT = 1000


class WrongFile(InvalidInput):
    """The file of baskets or products cannot be read."""

    code, hint = "wrong_file", "Correct the named lines, or leave them out, and start again: nothing was sold yet."


class Faults:
    """What is wrong with the file called `name`, in the order it was found; `count` goes on where `found` ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.found: list[tuple[int, str]] = []

    def add(self, line: int, what: str) -> None:
        """Note that `line` (the first of the file is 1) is wrong, and why."""
        self.count += 1
        if self.count <= _KEPT:
            self.found.append((line, what))

    def raise_if_any(self) -> None:
        """Raises WrongFile that names the first lines and the number of all; `extra` carries up to a thousand."""
        if not self.count:
            return
        shown = "; ".join(f"line {line}: {what}" for line, what in sorted(self.found)[:FAULTS_SHOWN])
        more = f"; and {self.count - FAULTS_SHOWN} more" if self.count > FAULTS_SHOWN else ""
        raise WrongFile(f"{self.name}: {shown}{more}.", faults=sorted(self.found))


def read_rows(lines: Iterable[str], columns: Sequence[str], faults: Faults) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The fields of `columns`, in that order, of every row under the header, each with its line number.

    Columns may stand in any order, further ones are passed over, empty lines too. A row with more or fewer fields than
    the header is a fault and is left out. Raises WrongFile at once for a header that lacks or repeats a column, and
    for text that is no CSV at all, since nothing behind that point can be trusted.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip().removeprefix("\ufeff").strip() for name in next(reader, [])]
        positions = _find_columns(header, columns, faults)
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                faults.add(reader.line_num, f"{len(row)} fields where the header has {len(header)}")
                continue
            yield reader.line_num, tuple([row[position] for position in positions])
    except csv.Error as error:
        faults.add(reader.line_num, f"this is not CSV ({error})")
        faults.raise_if_any()


def _find_columns(header: Sequence[str], columns: Sequence[str], faults: Faults) -> list[int]:
    """Where each of `columns` stands. Raises WrongFile for a missing or repeated one."""
    missing = [name for name in columns if name not in header]
    repeated = [name for name in columns if header.count(name) > 1]
    if missing:
        faults.add(1, f"the header lacks {', '.join(missing)}")
    if repeated:
        faults.add(1, f"the header names {', '.join(repeated)} more than once")
    faults.raise_if_any()
    return [header.index(name) for name in columns]
