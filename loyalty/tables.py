"""pure: what a table is for. Every table of the service declares its class beside its DDL (docs/architecture.md).

| class   | written by                                              | what verify does                   |
|---------|---------------------------------------------------------|------------------------------------|
| JOURNAL | journal.append, in the transaction of what it records   | walks the chain                    |
| FACT    | only `apply_*` modules, live and in replay alike        | replays into empty tables, compares|
| FEED    | only the pull task                                      | bucket checksum at the cursor      |
| CACHE   | a pure function of FACT and FEED rows                   | recomputes and compares            |
| LOCAL   | devices, sign-ins, spool state, cursors                 | not compared                       |
"""

import enum
from typing import NamedTuple


class TableClass(enum.Enum):
    """Who may write a table, and how `counterfoil verify` proves it."""

    JOURNAL = "journal"
    FACT = "fact"
    FEED = "feed"
    CACHE = "cache"
    LOCAL = "local"


class Table(NamedTuple):
    """A table with its DDL. `key` names the primary key columns; `op` the column that holds the op_id of the entry that
    wrote the row last (FACT only), so that verify can name the journal entry behind a wrong row. An `append_only` table
    never changes a row once written, so what newer entries add can be proved without replaying the older ones; a FACT
    table that does change rows names in `written_by` every kind of entry that writes it, to be replayed together.
    `personal` columns hold what an erasure must be able to delete: no message, log or finding ever shows their values.
    """

    name: str
    table_class: TableClass
    key: tuple[str, ...]
    ddl: str
    indexes: tuple[str, ...] = ()
    op: str | None = None
    append_only: bool = False
    written_by: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
