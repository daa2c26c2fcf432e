"""pure: the tables of members and points, each with its class.

Accounts, lots, holds, redemptions and incidents are caches of `posting` and, in a store, of what head office told of
the account: the fold that makes them needs no other fact. Legs are not kept; they are made on demand.
"""

from loyalty.tables import Table, TableClass

_PROFILE_KINDS = ("member.enrolled", "member.changed", "member.erased")
_MERGE_KINDS = ("member.merged", "member.parted")

MEMBER = Table(
    name="member",
    table_class=TableClass.FACT,
    key=("id",),
    op="op",
    written_by=(*_PROFILE_KINDS, *_MERGE_KINDS),
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
# asks. A replaced card stays known, to be refused.
MEMBER_IDENTIFIER = Table(
    name="member_identifier",
    table_class=TableClass.FACT,
    key=("member", "kind", "value"),
    op="op",
    written_by=_PROFILE_KINDS,
    personal=("value",),
    ddl="""
CREATE TABLE member_identifier (
    member BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('card', 'phone', 'email')),
    value TEXT NOT NULL,
    op BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'replaced')),
    PRIMARY KEY (member, kind, value)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX member_identifier_by_value ON member_identifier (kind, value)",),
)

# What proves a member: apart from the profile, so that no page of members ever reads it.
MEMBER_SECRET = Table(
    name="member_secret",
    table_class=TableClass.FACT,
    key=("member",),
    op="op",
    written_by=("member.changed", "member.erased"),
    personal=("code_secret", "pin_hash"),
    ddl="""
CREATE TABLE member_secret (
    member BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    code_secret TEXT,
    pin_hash TEXT
) STRICT
""",
)

# Whose account is joined to whose, as long as the merge counts.
MEMBER_MERGE = Table(
    name="member_merge",
    table_class=TableClass.FACT,
    key=("absorbed",),
    op="op",
    written_by=_MERGE_KINDS,
    ddl="""
CREATE TABLE member_merge (
    absorbed BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    into_member BLOB NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT
""",
    indexes=("CREATE INDEX member_merge_by_into ON member_merge (into_member)",),
)

CONSENT = Table(
    name="consent",
    table_class=TableClass.FACT,
    key=("member", "op", "channel", "purpose"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE consent (
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    frequency TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (member, op, channel, purpose)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX consent_by_member ON consent (member, at)",),
)

# What time does by itself (points become active, points and holds end, debt is settled) is never posted.
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
    kind TEXT NOT NULL CHECK (kind IN
        ('earn', 'redeem', 'hold', 'release', 'reverse_earn', 'reverse_redeem', 'adjust', 'transfer')),
    points INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    available_from INTEGER,
    expires_at INTEGER,
    lines TEXT NOT NULL,
    reference BLOB,
    reference_n INTEGER,
    reference_member BLOB,
    hold BLOB,
    keep_until INTEGER,
    rule TEXT,
    reason TEXT,
    PRIMARY KEY (member, op, n)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX posting_by_origin ON posting (origin, seq, effective_at)",),
)

# `due` is the next instant at which time does something to the account: until then its open lots need not be read.
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
    as_of INTEGER NOT NULL,
    last TEXT,
    took_back INTEGER NOT NULL CHECK (took_back IN (0, 1)),
    waiting TEXT NOT NULL,
    due INTEGER,
    CHECK (debt = 0 OR active = 0)
) STRICT, WITHOUT ROWID
""",
)

# A lot is named by the posting that brought it; `restored` tells the lots of returned points apart (loyalty/points).
POINTS_LOT = Table(
    name="points_lot",
    table_class=TableClass.CACHE,
    key=("account", "op_id", "n", "member", "restored"),
    ddl="""
CREATE TABLE points_lot (
    account BLOB NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    restored INTEGER NOT NULL,
    source TEXT NOT NULL,
    points INTEGER NOT NULL,
    available_from INTEGER NOT NULL,
    expires_at INTEGER,
    free INTEGER NOT NULL CHECK (free >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    used INTEGER NOT NULL CHECK (used >= 0),
    expired INTEGER NOT NULL CHECK (expired >= 0),
    clawed INTEGER NOT NULL CHECK (clawed >= 0),
    moved INTEGER NOT NULL CHECK (moved >= 0),
    gone INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    claimed INTEGER NOT NULL,
    lines TEXT NOT NULL,
    clawed_lines TEXT NOT NULL,
    children TEXT NOT NULL,
    PRIMARY KEY (account, op_id, n, member, restored),
    CHECK (points = free + held + used + expired + clawed + moved)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX points_lot_open ON points_lot (account) WHERE free + held > 0",),
)

POINTS_HOLD = Table(
    name="points_hold",
    table_class=TableClass.CACHE,
    key=("account", "id"),
    ddl="""
CREATE TABLE points_hold (
    account BLOB NOT NULL,
    id BLOB NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'captured', 'released', 'lapsed')),
    pieces TEXT NOT NULL,
    captured INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID
""",
)

POINTS_REDEMPTION = Table(
    name="points_redemption",
    table_class=TableClass.CACHE,
    key=("account", "op_id", "n", "member"),
    ddl="""
CREATE TABLE points_redemption (
    account BLOB NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    pieces TEXT NOT NULL,
    lines TEXT NOT NULL,
    restored_lines TEXT NOT NULL,
    PRIMARY KEY (account, op_id, n, member)
) STRICT, WITHOUT ROWID
""",
)

POINTS_INCIDENT = Table(
    name="points_incident",
    table_class=TableClass.CACHE,
    key=("account", "op_id", "n", "member", "kind"),
    ddl="""
CREATE TABLE points_incident (
    account BLOB NOT NULL,
    kind TEXT NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (account, op_id, n, member, kind)
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (
    MEMBER,
    MEMBER_IDENTIFIER,
    MEMBER_SECRET,
    MEMBER_MERGE,
    CONSENT,
    POSTING,
    ACCOUNT,
    POINTS_LOT,
    POINTS_HOLD,
    POINTS_REDEMPTION,
    POINTS_INCIDENT,
)
