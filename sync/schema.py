"""pure: the tables of the journal and of what is known about it, each with its class."""

from loyalty.tables import Table, TableClass

JOURNAL = Table(
    name="journal",
    table_class=TableClass.JOURNAL,
    key=("epoch", "seq"),
    ddl="""
CREATE TABLE journal (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    op_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    content BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (epoch, seq)
) STRICT
""",
    indexes=("CREATE UNIQUE INDEX journal_by_op ON journal (op_id, epoch)",),
)

PRIVATE = Table(
    name="journal_private",
    table_class=TableClass.JOURNAL,
    key=("epoch", "seq"),
    personal=("salt", "bytes"),
    ddl="""
CREATE TABLE journal_private (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    member BLOB NOT NULL,
    salt BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT
""",
    indexes=("CREATE INDEX journal_private_by_member ON journal_private (member)",),
)

LIFE = Table(
    name="life",
    table_class=TableClass.FACT,
    key=("epoch",),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE life (
    epoch INTEGER PRIMARY KEY,
    ordinal INTEGER NOT NULL UNIQUE,
    op BLOB NOT NULL,
    store TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at INTEGER NOT NULL
) STRICT
""",
)

# An entry of an earlier life that came back from head office and has no effect here (sync/facts/lives.py). `op` is the
# entry that says so.
SET_ASIDE = Table(
    name="set_aside_entry",
    table_class=TableClass.FACT,
    key=("epoch", "seq"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE set_aside_entry (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    op BLOB NOT NULL,
    code TEXT NOT NULL CHECK (code IN ('repeated', 'conflict')),
    PRIMARY KEY (epoch, seq)
) STRICT
""",
)

# The database's side of the marks (sync/marks.py): compared with a file beside it at every start.
MARK = Table(
    name="mark",
    table_class=TableClass.LOCAL,
    key=("name",),
    ddl="""
CREATE TABLE mark (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (JOURNAL, PRIVATE, LIFE, SET_ASIDE, MARK)
