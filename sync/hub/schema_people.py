"""pure: the tables of what head office knows of members beside loyalty's own: whose a phone is, what was said about
being contacted, who was forgotten, which stores know whom."""

from loyalty.tables import Table, TableClass


def _fact(name: str, key: tuple[str, ...], ddl: str) -> Table:
    return Table(name, TableClass.FACT, key, ddl, op="op")


# Where a member's profile comes from: of two changes the one with the higher revision counts, then the later one. Her
# home is the store whose enrolment came in first, at `home_at`.
MEMBER_PLACE = _fact(
    "member_place",
    ("member",),
    """
CREATE TABLE member_place (
    member BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    home BLOB,
    home_at INTEGER,
    revision INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# Who was forgotten, for ever: whatever is said about such a member later stays without personal data.
ERASED_MEMBER = _fact(
    "erased_member",
    ("member",),
    """
CREATE TABLE erased_member (
    member BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# A phone or an e-mail belongs to one member of the chain: the oldest, by id. `value_hash` is of kind and value.
CONTACT = Table(
    "contact",
    TableClass.CACHE,
    ("value_hash",),
    """
CREATE TABLE contact (
    value_hash BLOB PRIMARY KEY,
    member BLOB NOT NULL
) STRICT, WITHOUT ROWID
""",
    personal=("value_hash",),
)

# Merges that were taken back: one that comes in after its end has no effect.
PARTED_MERGE = _fact(
    "parted_merge",
    ("merge",),
    """
CREATE TABLE parted_merge (
    merge BLOB PRIMARY KEY,
    op BLOB NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# Every word of a member about being contacted. `replaces` names the withdrawals a grant knew of (JSON list of ids).
CONSENT_WORD = _fact(
    "consent_word",
    ("member", "channel", "purpose", "op"),
    """
CREATE TABLE consent_word (
    member BLOB NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    op BLOB NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    frequency TEXT,
    at INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    replaces TEXT NOT NULL,
    PRIMARY KEY (member, channel, purpose, op)
) STRICT, WITHOUT ROWID
""",
)

# Which stores know a member: they are told what changes about her.
MEMBER_SEEN = Table(
    "member_seen",
    TableClass.CACHE,
    ("member", "store"),
    """
CREATE TABLE member_seen (
    member BLOB NOT NULL,
    store BLOB NOT NULL,
    home INTEGER NOT NULL CHECK (home IN (0, 1)),
    last_at INTEGER NOT NULL,
    PRIMARY KEY (member, store)
) STRICT, WITHOUT ROWID
""",
    ("CREATE INDEX member_seen_by_store ON member_seen (store, member)",),
)

# Which stores asked for a member whom nobody had told them of. No journal says so; they know her all the same.
MEMBER_ASKED = Table(
    "member_asked",
    TableClass.LOCAL,
    ("member", "store"),
    """
CREATE TABLE member_asked (
    member BLOB NOT NULL,
    store BLOB NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (member, store)
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (
    MEMBER_PLACE,
    ERASED_MEMBER,
    CONTACT,
    PARTED_MERGE,
    CONSENT_WORD,
    MEMBER_SEEN,
    MEMBER_ASKED,
)
