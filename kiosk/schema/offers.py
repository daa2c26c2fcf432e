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

# What a sale used (`op` is the sale), and with less than nothing what its void or return gave back. The uses of one
# offer lie together: to add them up costs what they are, however many others there are.
OFFER_USE = Table(
    name="offer_use",
    table_class=TableClass.FACT,
    key=("offer", "op", "sale"),
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
    PRIMARY KEY (offer, op, sale)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX offer_use_back ON offer_use (sale) WHERE op <> sale",),
)

# Of offers with a limit alone (total or budget, or by member), whether live or ended: what is left of a limit is asked
# by every sale, so it is kept. `by_member`: so are the uses of each member, in the table below.
OFFER_TOTAL = Table(
    name="offer_total",
    table_class=TableClass.CACHE,
    key=("offer",),
    ddl="""
CREATE TABLE offer_total (
    offer TEXT PRIMARY KEY,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    by_member INTEGER NOT NULL CHECK (by_member IN (0, 1))
) STRICT, WITHOUT ROWID
""",
)

OFFER_MEMBER_TOTAL = Table(
    name="offer_member_total",
    table_class=TableClass.CACHE,
    key=("offer", "member"),
    ddl="""
CREATE TABLE offer_member_total (
    offer TEXT NOT NULL,
    member BLOB NOT NULL,
    uses INTEGER NOT NULL,
    PRIMARY KEY (offer, member)
) STRICT, WITHOUT ROWID
""",
)

TABLES = (OFFER_VERSION, OFFER_USE, OFFER_TOTAL, OFFER_MEMBER_TOTAL)
