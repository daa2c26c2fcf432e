"""pure: the tables of members and points, each with its class.

Lots, holds and legs will be caches of `posting`: the fold that makes them needs no other fact.
"""

from loyalty.tables import Table, TableClass

_MEMBER_KINDS = ("member.enrolled", "member.changed", "member.erased")

MEMBER = Table(
    name="member",
    table_class=TableClass.FACT,
    key=("id",),
    op="op",
    written_by=_MEMBER_KINDS,
    personal=("name", "phone", "email", "card"),
    ddl="""
CREATE TABLE member (
    id BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'merged', 'erased')),
    locale TEXT NOT NULL,
    revision INTEGER NOT NULL,
    name TEXT,
    phone TEXT,
    email TEXT,
    card TEXT,
    enrolled_at INTEGER NOT NULL
) STRICT
""",
)

# An index, not UNIQUE: two shops may enrol one phone while the line is down. The oldest active member wins, the till
# asks.
MEMBER_IDENTIFIER = Table(
    name="member_identifier",
    table_class=TableClass.FACT,
    key=("kind", "value", "member"),
    op="op",
    written_by=_MEMBER_KINDS,
    personal=("value",),
    ddl="""
CREATE TABLE member_identifier (
    kind TEXT NOT NULL CHECK (kind IN ('card', 'phone', 'email')),
    value TEXT NOT NULL,
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    PRIMARY KEY (kind, value, member)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX member_identifier_by_member ON member_identifier (member)",),
)

CONSENT = Table(
    name="consent",
    table_class=TableClass.FACT,
    key=("op", "channel", "purpose"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE consent (
    op BLOB NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    member BLOB NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    at INTEGER NOT NULL,
    PRIMARY KEY (op, channel, purpose)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX consent_by_member ON consent (member, at)",),
)

POSTING = Table(
    name="posting",
    table_class=TableClass.FACT,
    key=("member", "op", "n"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE posting (
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    points INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    reference BLOB,
    rule TEXT,
    reason TEXT,
    PRIMARY KEY (member, op, n)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX posting_by_time ON posting (member, effective_at, op, n)",),
)

ACCOUNT = Table(
    name="account",
    table_class=TableClass.CACHE,
    key=("member",),
    ddl="""
CREATE TABLE account (
    member BLOB PRIMARY KEY,
    active INTEGER NOT NULL CHECK (active >= 0),
    pending INTEGER NOT NULL CHECK (pending >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    debt INTEGER NOT NULL CHECK (debt >= 0),
    last_at INTEGER NOT NULL,
    CHECK (debt = 0 OR active = 0)
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (MEMBER, MEMBER_IDENTIFIER, CONSENT, POSTING, ACCOUNT)
