"""pure: the tables of what is kept for one store: the use of a coupon, goods that come back, money of a gift card. A
reservation is made by a command and ended by a fact of the store that has it. Beside them what a store did on a day
that no reservation stands for."""

from loyalty.tables import Table, TableClass

# By store: it makes a command's id unique, gives the same answer again, and bounds what one store can have.
# `asked` is the command without how far the journal had come, `answer` what was answered, both as JSON.
RESERVATION = Table(
    name="reservation",
    table_class=TableClass.LOCAL,
    key=("store", "id"),
    ddl="""
CREATE TABLE reservation (
    store BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    op BLOB NOT NULL,
    asked TEXT NOT NULL,
    answer TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (store, id)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX reservation_open ON reservation (store) WHERE ended = 0",),
)

# The same by what is kept; gone when the reservation has ended. `part` is the line of a receipt, 0 where there is none;
# `amount` is uses, thousandths of pieces or minor units.
RESERVED = Table(
    name="reserved",
    table_class=TableClass.LOCAL,
    key=("subject", "id", "part"),
    ddl="""
CREATE TABLE reserved (
    subject BLOB NOT NULL,
    id BLOB NOT NULL,
    part INTEGER NOT NULL,
    store BLOB NOT NULL,
    op BLOB NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (subject, id, part)
) STRICT, WITHOUT ROWID
""",
)

# One row for each thing that was ever asked for: whoever decides about it holds the row until the commit.
RESERVED_LOCK = Table(
    name="reserved_lock",
    table_class=TableClass.LOCAL,
    key=("subject",),
    ddl="""
CREATE TABLE reserved_lock (
    subject BLOB PRIMARY KEY,
    turns INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# How many used coupons one store has had told to all others on a day (days since 1970, by head office's clock).
COUPON_NEWS = Table(
    name="coupon_news",
    table_class=TableClass.LOCAL,
    key=("store", "day"),
    ddl="""
CREATE TABLE coupon_news (
    store BLOB NOT NULL,
    day INTEGER NOT NULL,
    told INTEGER NOT NULL,
    PRIMARY KEY (store, day)
) STRICT, WITHOUT ROWID
""",
)

# What a store did on such a day to what is others' and was not kept for it: things, as each counts, and points it took.
REACH_DAY = Table(
    name="reach_day",
    table_class=TableClass.LOCAL,
    key=("store", "day"),
    ddl="""
CREATE TABLE reach_day (
    store BLOB NOT NULL,
    day INTEGER NOT NULL,
    things INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (store, day)
) STRICT, WITHOUT ROWID
""",
)

# Facts of a store whose id another store had used before, and under which id they are known here (op_names.py).
# `is_named`: wherever the store's entries name the id, the other one is read.
OP_ALIAS = Table(
    name="op_alias",
    table_class=TableClass.LOCAL,
    key=("store", "op_id"),
    ddl="""
CREATE TABLE op_alias (
    store BLOB NOT NULL,
    op_id BLOB NOT NULL,
    as_op BLOB NOT NULL,
    is_named INTEGER NOT NULL CHECK (is_named IN (0, 1)),
    PRIMARY KEY (store, op_id)
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (RESERVATION, RESERVED, RESERVED_LOCK, COUPON_NEWS, REACH_DAY, OP_ALIAS)
