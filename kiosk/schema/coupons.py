"""pure: tables of coupons and of the keys that sign them. All are facts: rows are written once and never changed.

What a coupon is now follows from what happened to it: `coupon_use` less `coupon_give_back` against `uses_max`, and
whether there is a `coupon_void`.
"""

from loyalty.tables import Table, TableClass


def _fact(name: str, key: tuple[str, ...], ddl: str, *indexes: str) -> Table:
    return Table(name, TableClass.FACT, key, ddl, indexes, "op", append_only=True)


KEY_LIST = _fact(
    "key_list",
    ("version",),
    """
CREATE TABLE key_list (
    version INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    root TEXT NOT NULL,
    content TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT
""",
)

# `op` is the fact that issued it: a sale, a person, a kiosk, a campaign, or the void of the coupon it replaces.
COUPON = _fact(
    "coupon",
    ("serial",),
    """
CREATE TABLE coupon (
    serial INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    source TEXT NOT NULL,
    offer TEXT NOT NULL,
    offer_version INTEGER NOT NULL,
    member BLOB,
    issued_at INTEGER NOT NULL,
    valid_until TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('store', 'chain')),
    uses_max INTEGER NOT NULL CHECK (uses_max > 0),
    kid INTEGER NOT NULL,
    token TEXT NOT NULL
) STRICT
""",
    "CREATE INDEX coupon_by_op ON coupon (op)",
    "CREATE INDEX coupon_by_member ON coupon (member, serial) WHERE member IS NOT NULL",
)

# One use. The key keeps two sales from taking the same one, the CHECK keeps the n-th beyond `uses_max` out whatever
# was decided: either breaks the whole transaction of the sale. `risk_minor` is what is lost if another store took the
# coupon as well, because head office could not be asked.
COUPON_USE = _fact(
    "coupon_use",
    ("serial", "n"),
    """
CREATE TABLE coupon_use (
    serial INTEGER NOT NULL,
    n INTEGER NOT NULL CHECK (n > 0),
    op BLOB NOT NULL,
    offer TEXT NOT NULL,
    uses_max INTEGER NOT NULL,
    given_back INTEGER NOT NULL,
    store TEXT,
    business_day TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    risk_minor INTEGER NOT NULL CHECK (risk_minor >= 0),
    PRIMARY KEY (serial, n),
    CHECK (n - given_back <= uses_max)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX coupon_use_by_op ON coupon_use (op)",
    "CREATE INDEX coupon_use_foreign ON coupon_use (offer, business_day) WHERE store IS NOT NULL",
    "CREATE INDEX coupon_use_at_risk ON coupon_use (epoch, seq) WHERE risk_minor > 0",
)

COUPON_GIVE_BACK = _fact(
    "coupon_give_back",
    ("serial", "n"),
    """
CREATE TABLE coupon_give_back (
    serial INTEGER NOT NULL,
    n INTEGER NOT NULL,
    op BLOB NOT NULL,
    PRIMARY KEY (serial, n)
) STRICT, WITHOUT ROWID
""",
)

COUPON_VOID = _fact(
    "coupon_void",
    ("serial",),
    """
CREATE TABLE coupon_void (
    serial INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    replacement INTEGER
) STRICT
""",
)

TABLES = (KEY_LIST, COUPON, COUPON_USE, COUPON_GIVE_BACK, COUPON_VOID)
