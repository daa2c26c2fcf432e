"""pure: tables of offers: every version ever made, every use, and how much of each limit is used up."""

from loyalty.tables import Table, TableClass

# One row for every change of any offer: the newest row of an offer says what it is now.
OFFER_VERSION = Table(
    name="offer_version",
    table_class=TableClass.FACT,
    key=("book",),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE offer_version (
    book INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    offer TEXT NOT NULL,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    live_since INTEGER NOT NULL,
    definition TEXT NOT NULL
) STRICT
""",
    indexes=("CREATE INDEX offer_version_by_offer ON offer_version (offer)",),
)

# What a sale used (`op` is the sale), and with less than nothing what its void or return gave back.
OFFER_USE = Table(
    name="offer_use",
    table_class=TableClass.FACT,
    key=("op", "sale", "offer"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE offer_use (
    op BLOB NOT NULL,
    sale BLOB NOT NULL,
    offer TEXT NOT NULL,
    version INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    member BLOB,
    PRIMARY KEY (op, sale, offer)
) STRICT, WITHOUT ROWID
""",
)

OFFER_TOTAL = Table(
    name="offer_total",
    table_class=TableClass.CACHE,
    key=("offer",),
    ddl="""
CREATE TABLE offer_total (
    offer TEXT PRIMARY KEY,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

OFFER_MEMBER_TOTAL = Table(
    name="offer_member_total",
    table_class=TableClass.CACHE,
    key=("member", "offer"),
    ddl="""
CREATE TABLE offer_member_total (
    member BLOB NOT NULL,
    offer TEXT NOT NULL,
    uses INTEGER NOT NULL,
    PRIMARY KEY (member, offer)
) STRICT, WITHOUT ROWID
""",
)

TABLES = (OFFER_VERSION, OFFER_USE, OFFER_TOTAL, OFFER_MEMBER_TOTAL)
