"""pure: the tables by which head office knows its stores and takes their journals in, each with its class.

The first column of every key says where a row lives when the tables are spread over machines (docs/sync.md): `store`,
`bucket`, or the value that is looked up. Nothing joins two of them but on that column.
"""

from loyalty.tables import Table, TableClass

# `timeline` counts how often this database was put back from a backup; `cursor_secret` signs the cursors of the feed.
STATE = Table(
    name="hub_state",
    table_class=TableClass.LOCAL,
    key=("name",),
    ddl="""
CREATE TABLE hub_state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# `fence` to `superseded` are the store's standing (sync/protocol/sessions.py). `session` is the SHA-256 of the token
# that may push, `enrolment` that of the one code the store may still enrol with.
# `zone` is its price zone, empty for none.
STORE = Table(
    name="store",
    table_class=TableClass.LOCAL,
    key=("store",),
    ddl="""
CREATE TABLE store (
    store BLOB PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('new', 'active', 'quarantined', 'revoked')),
    reason TEXT NOT NULL,
    public_key BLOB,
    enrolment BLOB,
    fence INTEGER NOT NULL,
    run TEXT,
    run_count INTEGER NOT NULL,
    retired TEXT NOT NULL,
    superseded TEXT NOT NULL,
    session BLOB,
    session_at INTEGER,
    request INTEGER NOT NULL,
    version TEXT NOT NULL,
    clock_offset_ms INTEGER NOT NULL,
    last_contact INTEGER,
    queued INTEGER NOT NULL,
    printers TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT
""",
)

# A code belongs to one store for ever: it stands in every receipt number.
STORE_CODE = Table(
    name="store_code",
    table_class=TableClass.LOCAL,
    key=("code",),
    ddl="""
CREATE TABLE store_code (
    code TEXT PRIMARY KEY,
    store BLOB NOT NULL
) STRICT
""",
)

ENROLMENT = Table(
    name="enrolment",
    table_class=TableClass.LOCAL,
    key=("code_hash",),
    ddl="""
CREATE TABLE enrolment (
    code_hash BLOB PRIMARY KEY,
    store BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    used_key BLOB
) STRICT
""",
)

# Every token that holds, by its SHA-256: `holder` is a store's id in hexadecimal digits, or the name of a user.
TOKEN = Table(
    name="hub_token",
    table_class=TableClass.LOCAL,
    key=("hash",),
    ddl="""
CREATE TABLE hub_token (
    hash BLOB PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('store', 'head_office', 'viewer')),
    holder TEXT NOT NULL,
    generation INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT
""",
)

# `generation` grows with each new password and each closing; tokens of an earlier one no longer hold.
OFFICE_USER = Table(
    name="office_user",
    table_class=TableClass.LOCAL,
    key=("name",),
    personal=("name",),
    ddl="""
CREATE TABLE office_user (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('head_office', 'viewer')),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    password_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT
""",
)

# How far head office has each life of each store. Its row is the lock of a push. `max_seq` and `max_hash` are what the
# store last said of its own head; `state` as in sync/protocol/push_hub.py.
EPOCH_HEAD = Table(
    name="epoch_head",
    table_class=TableClass.JOURNAL,
    key=("store", "epoch"),
    ddl="""
CREATE TABLE epoch_head (
    store BLOB NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    ordinal INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    max_seq INTEGER NOT NULL,
    max_hash BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'forked', 'closed')),
    touched_at INTEGER NOT NULL,
    PRIMARY KEY (store, epoch)
) STRICT
""",
)

# The journals of all stores: what a push brought and proved, as exact bytes. `offset_ms` is what head office's clock
# was ahead of the store's when it came in.
INBOX = Table(
    name="inbox",
    table_class=TableClass.JOURNAL,
    key=("store", "epoch", "seq"),
    ddl="""
CREATE TABLE inbox (
    store BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    op_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    v INTEGER NOT NULL,
    content BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    received_at INTEGER NOT NULL,
    offset_ms INTEGER NOT NULL,
    PRIMARY KEY (store, epoch, seq)
) STRICT
""",
)

INBOX_PRIVATE = Table(
    name="inbox_private",
    table_class=TableClass.JOURNAL,
    key=("store", "epoch", "seq"),
    personal=("salt", "bytes"),
    ddl="""
CREATE TABLE inbox_private (
    store BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    member BLOB NOT NULL,
    salt BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (store, epoch, seq)
) STRICT
""",
    indexes=("CREATE INDEX inbox_private_by_member ON inbox_private (member)",),
)

# How far the appliers have come in each life; their lock, apart from epoch_head's, so that a push never waits for
# them. `alarm` says why they stopped there.
APPLY_CURSOR = Table(
    name="apply_cursor",
    table_class=TableClass.LOCAL,
    key=("store", "epoch"),
    ddl="""
CREATE TABLE apply_cursor (
    store BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    applied_seq INTEGER NOT NULL CHECK (applied_seq >= 0),
    effective_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped')),
    alarm TEXT NOT NULL,
    PRIMARY KEY (store, epoch)
) STRICT
""",
)

# What stores read: the newest state of each thing in a bucket. A change moves its row to the bucket's next number; a
# row without a value says that the thing is gone.
FEED_HEAD = Table(
    name="feed_head",
    table_class=TableClass.FEED,
    key=("bucket",),
    ddl="""
CREATE TABLE feed_head (
    bucket TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    checksum TEXT NOT NULL
) STRICT
""",
)

FEED = Table(
    name="feed",
    table_class=TableClass.FEED,
    key=("bucket", "entity", "key"),
    ddl="""
CREATE TABLE feed (
    bucket TEXT NOT NULL,
    entity TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    value TEXT,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, entity, key)
) STRICT
""",
    # What is gone is looked for in every bucket each hour, and is little beside what is alive.
    indexes=(
        "CREATE INDEX feed_by_seq ON feed (bucket, seq)",
        "CREATE INDEX feed_gone ON feed (bucket, changed_at) WHERE value IS NULL",
    ),
)

TABLES: tuple[Table, ...] = (
    STATE,
    STORE,
    STORE_CODE,
    ENROLMENT,
    TOKEN,
    OFFICE_USER,
    EPOCH_HEAD,
    INBOX,
    INBOX_PRIVATE,
    APPLY_CURSOR,
    FEED_HEAD,
    FEED,
)
