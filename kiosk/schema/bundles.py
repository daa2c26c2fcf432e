"""pure: the tables of bundles that head office planned for this store: those that are here whole, and what became of
them."""

from loyalty.tables import Table, TableClass

# A bundle of which every part has been told. `complete_at` is when the last one came, on the store's clock.
BUNDLE_READY = Table(
    name="bundle_ready",
    table_class=TableClass.FEED,
    key=("version",),
    ddl="""
CREATE TABLE bundle_ready (
    version INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    complete_at INTEGER NOT NULL
) STRICT
""",
)

# `products`, `offers` and `rules` are how many of each an active bundle named: whatever head office has ever decided on
# in this store it looks after.
BUNDLE_OUTCOME = Table(
    name="bundle_outcome",
    table_class=TableClass.FACT,
    key=("version", "op"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE bundle_outcome (
    version INTEGER NOT NULL,
    op BLOB NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('active', 'refused')),
    bucket TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    products INTEGER NOT NULL,
    offers INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (version, op)
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (BUNDLE_READY, BUNDLE_OUTCOME)
