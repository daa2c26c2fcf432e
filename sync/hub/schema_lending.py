"""pure: the tables of the points that are lent to stores. A lease is granted by a command; what was set aside on it and
its end are facts of the store."""

from loyalty.tables import Table, TableClass

# By whose account it is. Nothing of a row changes; the lease counts as long as `lent_end` has none for it.
LENT_LEASE = Table(
    name="lent_lease",
    table_class=TableClass.LOCAL,
    key=("member", "lease"),
    ddl="""
CREATE TABLE lent_lease (
    member BLOB NOT NULL,
    lease BLOB NOT NULL,
    store BLOB NOT NULL,
    points INTEGER NOT NULL CHECK (points > 0),
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (member, lease)
) STRICT, WITHOUT ROWID
""",
)

# The same by store: it makes a command's id unique, and bounds what one store can have. `ended`: its end was reported.
LENT_STORE = Table(
    name="lent_store",
    table_class=TableClass.LOCAL,
    key=("store", "lease"),
    ddl="""
CREATE TABLE lent_store (
    store BLOB NOT NULL,
    lease BLOB NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (store, lease)
) STRICT, WITHOUT ROWID
""",
    # What a store has on lease is summed up under its lock, each time it asks for more: without all it ever had.
    indexes=("CREATE INDEX lent_store_open ON lent_store (store, points) WHERE ended = 0",),
)

NO_LEASE = bytes(16)
"""Stands for the lease in `lent_part` where a store set points aside without one, because nobody could be asked."""

# What a hold took of a lease. It counts for the lease only if the store that has it said so.
LENT_PART = Table(
    name="lent_part",
    table_class=TableClass.FACT,
    key=("member", "lease", "hold"),
    op="op",
    ddl="""
CREATE TABLE lent_part (
    member BLOB NOT NULL,
    lease BLOB NOT NULL,
    hold BLOB NOT NULL,
    op BLOB NOT NULL,
    store BLOB NOT NULL,
    points INTEGER NOT NULL CHECK (points > 0),
    PRIMARY KEY (member, lease, hold)
) STRICT, WITHOUT ROWID
""",
)

# An end counts for the lease only if the store that has it said so.
LENT_END = Table(
    name="lent_end",
    table_class=TableClass.FACT,
    key=("member", "lease", "store"),
    op="op",
    ddl="""
CREATE TABLE lent_end (
    member BLOB NOT NULL,
    lease BLOB NOT NULL,
    store BLOB NOT NULL,
    op BLOB NOT NULL,
    unspent INTEGER NOT NULL CHECK (unspent >= 0),
    PRIMARY KEY (member, lease, store)
) STRICT, WITHOUT ROWID
""",
)

# Which stores have said, in which timeline, what they have on lease, and how far each of their lives had come then.
LENT_REPORT = Table(
    name="lent_report",
    table_class=TableClass.LOCAL,
    key=("store",),
    ddl="""
CREATE TABLE lent_report (
    store BLOB PRIMARY KEY,
    timeline INTEGER NOT NULL,
    heads TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (LENT_LEASE, LENT_STORE, LENT_PART, LENT_END, LENT_REPORT)
