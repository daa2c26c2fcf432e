"""pure: the tables of what a store knows of head office: the line, what it has acknowledged, what it lends, what stands
behind points that were set aside meanwhile. All are empty in a store that is enrolled nowhere."""

from loyalty.tables import Table, TableClass

# One row once a head office is enrolled. `read_*` is when the store last had read everything: on its own clock, on the
# machine's uptime, and in which life.
LINE = Table(
    name="head_office_line",
    table_class=TableClass.LOCAL,
    key=("name",),
    ddl="""
CREATE TABLE head_office_line (
    name TEXT PRIMARY KEY CHECK (name = 'line'),
    state TEXT NOT NULL CHECK (state IN ('online', 'offline')),
    since INTEGER NOT NULL,
    read_at INTEGER,
    read_boot TEXT,
    read_ms INTEGER,
    read_epoch INTEGER
) STRICT, WITHOUT ROWID
""",
)

# How far head office has a life of this store: `pushed_seq` has arrived, `acknowledged_seq` is counted in the accounts
# that this store has read.
CURSOR = Table(
    name="head_office_cursor",
    table_class=TableClass.LOCAL,
    key=("epoch",),
    ddl="""
CREATE TABLE head_office_cursor (
    epoch INTEGER PRIMARY KEY,
    pushed_seq INTEGER NOT NULL,
    acknowledged_seq INTEGER NOT NULL,
    CHECK (acknowledged_seq BETWEEN 0 AND pushed_seq)
) STRICT
""",
)

# Points that head office lends this store (loyalty/leases.py); good only in the life that received them.
LEASE = Table(
    name="lease",
    table_class=TableClass.FEED,
    key=("id",),
    ddl="""
CREATE TABLE lease (
    id BLOB PRIMARY KEY,
    member BLOB NOT NULL,
    points INTEGER NOT NULL CHECK (points > 0),
    epoch INTEGER NOT NULL,
    boot TEXT NOT NULL,
    ends_at_ms INTEGER NOT NULL
) STRICT
""",
    indexes=("CREATE INDEX lease_by_member ON lease (member)",),
)

# What stands behind a hold: a lease, or the floor (lease NULL) and how much of it in money. A hold that was released
# has none; a lapsed one keeps it, because it may still pay.
HOLD_BACKING = Table(
    name="hold_backing",
    table_class=TableClass.FACT,
    key=("hold", "n"),
    op="op",
    written_by=("points.held", "points.released", "basket.parked"),
    ddl="""
CREATE TABLE hold_backing (
    hold BLOB NOT NULL,
    n INTEGER NOT NULL,
    op BLOB NOT NULL,
    member BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    lease BLOB,
    points INTEGER NOT NULL CHECK (points > 0),
    floor_minor INTEGER NOT NULL CHECK ((lease IS NULL) = (floor_minor > 0)),
    PRIMARY KEY (hold, n)
) STRICT, WITHOUT ROWID
""",
    indexes=(
        "CREATE INDEX hold_backing_by_lease ON hold_backing (lease) WHERE lease IS NOT NULL",
        "CREATE INDEX hold_backing_on_floor ON hold_backing (epoch, seq) WHERE lease IS NULL",
    ),
)

# What head office tells this store: the newest state of each thing, as JSON. `generation` grows when a bucket is told
# anew from its beginning; what still has an older one when that is done is gone.
FEED_ROW = Table(
    name="feed_row",
    table_class=TableClass.FEED,
    key=("bucket", "entity", "key"),
    personal=("value",),
    ddl="""
CREATE TABLE feed_row (
    bucket TEXT NOT NULL,
    entity TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (bucket, entity, key)
) STRICT
""",
    indexes=(
        "CREATE INDEX feed_row_by_thing ON feed_row (entity, key)",
        # What all bundles say of one thing (kiosk/bundles/bundle_store.py).
        "CREATE INDEX feed_row_by_part ON feed_row (key) WHERE entity GLOB 'bundle:*'",
    ),
)

# What the rows of a bucket add up to (16 hex digits), what head office said last that they should (empty before), and
# the newest number that was read: no snapshot from before it is installed.
FEED_BUCKET = Table(
    name="feed_bucket",
    table_class=TableClass.FEED,
    key=("bucket",),
    ddl="""
CREATE TABLE feed_bucket (
    bucket TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    told TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# By what head office recognises the members it tells of: those of the rows of feed_row, so that a card finds its member
# without reading them all.
FEED_IDENTIFIER = Table(
    name="feed_identifier",
    table_class=TableClass.FEED,
    key=("kind", "value", "member", "bucket"),
    personal=("value",),
    ddl="""
CREATE TABLE feed_identifier (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    member TEXT NOT NULL,
    bucket TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (kind, value, member, bucket)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX feed_identifier_by_member ON feed_identifier (member)",),
)

# The snapshot of a bucket that was installed: a file beside the database, whose rows count where feed_row has none of
# the same thing (kiosk/life/told.py). `file` is its name.
FEED_BASE = Table(
    name="feed_base",
    table_class=TableClass.FEED,
    key=("bucket",),
    ddl="""
CREATE TABLE feed_base (
    bucket TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# What head office last said that a person should find: see kiosk/life/link_notes.py.
NOTE = Table(
    name="head_office_note",
    table_class=TableClass.LOCAL,
    key=("name",),
    ddl="""
CREATE TABLE head_office_note (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# A life of this store that a till remembered and this disk has lost: it was dealt with, by beginning a new one.
LOST_LIFE = Table(
    name="lost_life",
    table_class=TableClass.LOCAL,
    key=("epoch",),
    ddl="""
CREATE TABLE lost_life (
    epoch INTEGER PRIMARY KEY
) STRICT
""",
)

TABLES: tuple[Table, ...] = (
    LINE,
    CURSOR,
    LEASE,
    HOLD_BACKING,
    FEED_ROW,
    FEED_BUCKET,
    FEED_IDENTIFIER,
    FEED_BASE,
    NOTE,
    LOST_LIFE,
)
