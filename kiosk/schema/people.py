"""pure: tables of people and devices. Names, PINs and tokens are LOCAL: they never enter the journal."""

from loyalty.tables import Table, TableClass

OPERATOR = Table(
    name="operator",
    table_class=TableClass.FACT,
    key=("id",),
    op="op",
    written_by=("operator.changed",),
    ddl="""
CREATE TABLE operator (
    id TEXT PRIMARY KEY,
    op BLOB NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('cashier', 'manager')),
    active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT
""",
)

OPERATOR_SECRET = Table(
    name="operator_secret",
    table_class=TableClass.LOCAL,
    key=("id",),
    personal=("name", "pin_hash"),
    ddl="""
CREATE TABLE operator_secret (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    pin_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT
""",
)

DEVICE = Table(
    name="device",
    table_class=TableClass.LOCAL,
    key=("id",),
    ddl="""
CREATE TABLE device (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('till', 'kiosk')),
    till TEXT NOT NULL UNIQUE,
    paired_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT
""",
)

TOKEN = Table(
    name="token",
    table_class=TableClass.LOCAL,
    key=("hash",),
    ddl="""
CREATE TABLE token (
    hash BLOB PRIMARY KEY,
    device BLOB NOT NULL REFERENCES device (id),
    operator TEXT,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID
""",
)

PAIRING_CODE = Table(
    name="pairing_code",
    table_class=TableClass.LOCAL,
    key=("hash",),
    ddl="""
CREATE TABLE pairing_code (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

APPROVAL = Table(
    name="approval",
    table_class=TableClass.LOCAL,
    key=("hash",),
    ddl="""
CREATE TABLE approval (
    hash BLOB PRIMARY KEY,
    operator TEXT NOT NULL,
    purpose TEXT NOT NULL,
    device BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# How often a member's PIN or code was wrong, and the last step of the rotating code that was used: written in the
# transaction that spends the points, so that a code is worth nothing after a crash either.
MEMBER_FACTOR = Table(
    name="member_factor",
    table_class=TableClass.LOCAL,
    key=("member",),
    ddl="""
CREATE TABLE member_factor (
    member BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    last_step INTEGER NOT NULL
) STRICT
""",
)

MEMBER_PROOF = Table(
    name="member_proof",
    table_class=TableClass.LOCAL,
    key=("hash",),
    ddl="""
CREATE TABLE member_proof (
    hash BLOB PRIMARY KEY,
    member BLOB NOT NULL,
    device BLOB NOT NULL,
    factor TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    spent INTEGER NOT NULL CHECK (spent IN (0, 1))
) STRICT, WITHOUT ROWID
""",
)

TABLES = (OPERATOR, OPERATOR_SECRET, DEVICE, TOKEN, PAIRING_CODE, APPROVAL, MEMBER_FACTOR, MEMBER_PROOF)
