"""pure: the tables of what head office decides for its stores: bundles of prices, offers and earning rules, and what
the stores did with them. All follow from entries: of head office's own journal, and of the stores'."""

from loyalty.tables import Table, TableClass

# `bucket` says who it is for; `withdrawn_at` is 0 as long as it shall begin.
OFFICE_BUNDLE = Table(
    name="office_bundle",
    table_class=TableClass.FACT,
    key=("version",),
    op="op",
    ddl="""
CREATE TABLE office_bundle (
    version INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    title TEXT NOT NULL,
    campaign TEXT NOT NULL,
    bucket TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    planned_at INTEGER NOT NULL,
    withdrawn_at INTEGER NOT NULL
) STRICT
""",
    indexes=(
        "CREATE INDEX office_bundle_by_campaign ON office_bundle (campaign)",
        "CREATE INDEX office_bundle_by_instant ON office_bundle (bucket, active_at, version)",
    ),
)

# One row for every change of any thing: of those whose bundles were not withdrawn, the one that begins last says what
# the thing is going to be. Without a definition this bucket says nothing of it any more.
OFFICE_CHANGE = Table(
    name="office_change",
    table_class=TableClass.FACT,
    key=("name", "sort", "version"),
    op="op",
    ddl="""
CREATE TABLE office_change (
    name TEXT NOT NULL,
    sort TEXT NOT NULL CHECK (sort IN ('product', 'offer', 'earning_rule')),
    version INTEGER NOT NULL,
    op BLOB NOT NULL,
    bucket TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    definition TEXT,
    PRIMARY KEY (name, sort, version)
) STRICT, WITHOUT ROWID
""",
    indexes=(
        "CREATE INDEX office_change_by_version ON office_change (version)",
        "CREATE INDEX office_change_by_bucket ON office_change (bucket, sort, name)",
    ),
)

# The barcodes and item codes of head office's products, each as `gtin:…` or `item:…`, in every version that named one.
OFFICE_CODE = Table(
    name="office_code",
    table_class=TableClass.FACT,
    key=("code", "sku", "version"),
    op="op",
    ddl="""
CREATE TABLE office_code (
    code TEXT NOT NULL,
    sku TEXT NOT NULL,
    version INTEGER NOT NULL,
    op BLOB NOT NULL,
    PRIMARY KEY (code, sku, version)
) STRICT, WITHOUT ROWID
""",
)

# What a store did with a bundle. `at` is its own clock's.
STORE_BUNDLE = Table(
    name="store_bundle",
    table_class=TableClass.FACT,
    key=("store", "version", "outcome"),
    op="op",
    ddl="""
CREATE TABLE store_bundle (
    store BLOB NOT NULL,
    version INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('active', 'refused')),
    op BLOB NOT NULL,
    active_at INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (store, version, outcome)
) STRICT, WITHOUT ROWID
""",
    indexes=(
        "CREATE INDEX store_bundle_by_version ON store_bundle (version)",
        "CREATE INDEX store_bundle_by_instant ON store_bundle (store, outcome, active_at, version)",
    ),
)

TABLES: tuple[Table, ...] = (OFFICE_BUNDLE, OFFICE_CHANGE, OFFICE_CODE, STORE_BUNDLE)
