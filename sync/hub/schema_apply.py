"""pure: the tables that head office's appliers fill, beside those of loyalty (postings, accounts, members).

The first column of every key says where a row lives when head office is spread over machines. `applied` makes the
effect of an entry unique, however often and under however many epochs a store sends it.
"""

from loyalty.tables import Table, TableClass
from sync.hub.schema_people import TABLES as PEOPLE_TABLES


def _fact(name: str, key: tuple[str, ...], ddl: str, *indexes: str) -> Table:
    return Table(name, TableClass.FACT, key, ddl, indexes, "op")


def _cache(name: str, key: tuple[str, ...], ddl: str, *indexes: str) -> Table:
    return Table(name, TableClass.CACHE, key, ddl, indexes)


def _local(name: str, key: tuple[str, ...], ddl: str, *indexes: str) -> Table:
    return Table(name, TableClass.LOCAL, key, ddl, indexes)


# `epoch` and `seq` are where it was applied; the same fact logged again by a later life adds nothing.
APPLIED = _local(
    "applied",
    ("store", "op_id"),
    """
CREATE TABLE applied (
    store BLOB NOT NULL,
    op_id BLOB NOT NULL,
    content_hash BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    PRIMARY KEY (store, op_id)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX applied_by_place ON applied (store, epoch, seq)",
    # Whether another store has used an id (op_names.py).
    "CREATE INDEX applied_by_op ON applied (op_id)",
)

# An entry that could not be applied. `open`: it failed; `parked`: its kind or version is newer than this release;
# `replayed`: it was applied later; `dismissed`: a person decided that it stays without effect.
DEAD_LETTER = _local(
    "dead_letter",
    ("store", "epoch", "seq"),
    """
CREATE TABLE dead_letter (
    store BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    op_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    error TEXT NOT NULL,
    hub_version TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'parked', 'replayed', 'dismissed')),
    PRIMARY KEY (store, epoch, seq)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX dead_letter_by_state ON dead_letter (state, first_at)",
)

# A broken rule that somebody should look at. The id follows from what broke, so every order of arrival names it alike.
INCIDENT = _local(
    "incident",
    ("id",),
    """
CREATE TABLE incident (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    store BLOB,
    member BLOB,
    amount INTEGER NOT NULL,
    refs TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    resolution TEXT,
    resolved_at INTEGER,
    resolved_by TEXT
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX incident_by_member ON incident (member) WHERE member IS NOT NULL",
    "CREATE INDEX incident_by_state ON incident (state, id)",
)

RECEIPT = _fact(
    "receipt",
    ("number", "store"),
    """
CREATE TABLE receipt (
    number TEXT NOT NULL,
    store BLOB NOT NULL,
    op BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'return')),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (number, store)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX receipt_by_op ON receipt (op)",
)

# -- coupons, gift cards, offers --------------------------------------------------------------------------------------

ISSUED_COUPON = _fact(
    "issued_coupon",
    ("serial",),
    """
CREATE TABLE issued_coupon (
    serial INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    store BLOB NOT NULL,
    source TEXT NOT NULL,
    offer TEXT NOT NULL,
    offer_version INTEGER NOT NULL,
    member BLOB,
    issued_at INTEGER NOT NULL,
    valid_until TEXT NOT NULL,
    scope TEXT NOT NULL,
    uses_max INTEGER NOT NULL
) STRICT
""",
    "CREATE INDEX issued_coupon_by_member ON issued_coupon (member, serial) WHERE member IS NOT NULL",
)

# A use by the sale `op`. Two stores may have used one coupon: both rows stand, and an incident names both receipts.
# `received_at` is when it came in, by which the first is told; `value_minor` what it took off, where the store said so;
# `last_day` stands for a coupon that several stores take.
COUPON_SPENDING = _fact(
    "coupon_spending",
    ("serial", "op", "n"),
    """
CREATE TABLE coupon_spending (
    serial INTEGER NOT NULL,
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    store BLOB NOT NULL,
    offer TEXT NOT NULL,
    uses_max INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    value_minor INTEGER NOT NULL,
    last_day TEXT NOT NULL,
    PRIMARY KEY (serial, op, n)
) STRICT, WITHOUT ROWID
""",
)

# A use by the sale `sale` that counts no longer, by the fact `op`.
COUPON_RETURN = _fact(
    "coupon_return",
    ("serial", "sale", "n"),
    """
CREATE TABLE coupon_return (
    serial INTEGER NOT NULL,
    sale BLOB NOT NULL,
    n INTEGER NOT NULL,
    op BLOB NOT NULL,
    PRIMARY KEY (serial, sale, n)
) STRICT, WITHOUT ROWID
""",
)

# Uses that count, kept so that the row is the lock of its coupon: of two stores' uses that come in at once, the second
# sees the first.
COUPON_COUNT = _cache(
    "coupon_count",
    ("serial",),
    """
CREATE TABLE coupon_count (
    serial INTEGER PRIMARY KEY,
    uses INTEGER NOT NULL
) STRICT
""",
)

COUPON_END = _fact(
    "coupon_end",
    ("serial", "op"),
    """
CREATE TABLE coupon_end (
    serial INTEGER NOT NULL,
    op BLOB NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    replacement INTEGER,
    PRIMARY KEY (serial, op)
) STRICT, WITHOUT ROWID
""",
)

CARD_MOVEMENT = _fact(
    "card_movement",
    ("card", "op", "n"),
    """
CREATE TABLE card_movement (
    card BLOB NOT NULL,
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    store BLOB NOT NULL,
    kind TEXT NOT NULL,
    ending TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (card, op, n)
) STRICT, WITHOUT ROWID
""",
)

# Below zero two stores let the same money be spent: an incident.
CARD_BALANCE = _cache(
    "card_balance",
    ("card",),
    """
CREATE TABLE card_balance (
    card BLOB PRIMARY KEY,
    ending TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance_minor INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

# What a store gave on a day (UTC, as the number of days since 1970): points, and minor units on gift cards.
CREDIT_DAY = _cache(
    "credit_day",
    ("store", "day"),
    """
CREATE TABLE credit_day (
    store BLOB NOT NULL,
    day INTEGER NOT NULL,
    points INTEGER NOT NULL,
    card_minor INTEGER NOT NULL,
    PRIMARY KEY (store, day)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX credit_day_points ON credit_day (points)",
    "CREATE INDEX credit_day_cards ON credit_day (card_minor)",
)

# Goods that came back, or whose sale was voided, by the fact `op`. `sold_milli` is what the sale had of the line, 0
# where the store did not say: of its own sales it need not. `amount_minor` is what they were sold for.
GOODS_BACK = _fact(
    "goods_back",
    ("sale", "op", "line"),
    """
CREATE TABLE goods_back (
    sale BLOB NOT NULL,
    op BLOB NOT NULL,
    line INTEGER NOT NULL,
    store BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('return', 'exchange', 'void')),
    quantity_milli INTEGER NOT NULL,
    sold_milli INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (sale, op, line)
) STRICT, WITHOUT ROWID
""",
)

# What went back for them, by the kind of tender that it settles.
MONEY_BACK = _fact(
    "money_back",
    ("sale", "op", "settles"),
    """
CREATE TABLE money_back (
    sale BLOB NOT NULL,
    op BLOB NOT NULL,
    settles TEXT NOT NULL,
    store BLOB NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (sale, op, settles)
) STRICT, WITHOUT ROWID
""",
)

# Facts by which goods of a sale came back. The row is the lock of the sale: of two stores' returns that come in at
# once, the second sees the first.
RETURN_COUNT = _cache(
    "return_count",
    ("sale",),
    """
CREATE TABLE return_count (
    sale BLOB PRIMARY KEY,
    returns INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

OFFER_COUNT = _cache(
    "offer_count",
    ("offer", "store"),
    """
CREATE TABLE offer_count (
    offer TEXT NOT NULL,
    store BLOB NOT NULL,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    PRIMARY KEY (offer, store)
) STRICT, WITHOUT ROWID
""",
)

# -- a store's own things ---------------------------------------------------------------------------------------------

STORE_STOCK = _cache(
    "store_stock",
    ("store", "sku"),
    """
CREATE TABLE store_stock (
    store BLOB NOT NULL,
    sku TEXT NOT NULL,
    quantity_milli INTEGER NOT NULL,
    PRIMARY KEY (store, sku)
) STRICT, WITHOUT ROWID
""",
)

STORE_PRODUCT = _fact(
    "store_product",
    ("store", "sku"),
    """
CREATE TABLE store_product (
    store BLOB NOT NULL,
    sku TEXT NOT NULL,
    op BLOB NOT NULL,
    name TEXT NOT NULL,
    department TEXT NOT NULL,
    tax_class TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    unit TEXT NOT NULL,
    gtins TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    price_book INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (store, sku)
) STRICT, WITHOUT ROWID
""",
)

STORE_OPERATOR = _fact(
    "store_operator",
    ("store", "operator"),
    """
CREATE TABLE store_operator (
    store BLOB NOT NULL,
    operator TEXT NOT NULL,
    op BLOB NOT NULL,
    role TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (store, operator)
) STRICT, WITHOUT ROWID
""",
)

TABLES: tuple[Table, ...] = (
    APPLIED,
    DEAD_LETTER,
    INCIDENT,
    RECEIPT,
    *PEOPLE_TABLES,
    ISSUED_COUPON,
    COUPON_SPENDING,
    COUPON_RETURN,
    COUPON_COUNT,
    COUPON_END,
    CARD_MOVEMENT,
    CARD_BALANCE,
    CREDIT_DAY,
    GOODS_BACK,
    MONEY_BACK,
    RETURN_COUNT,
    OFFER_COUNT,
    STORE_STOCK,
    STORE_PRODUCT,
    STORE_OPERATOR,
)
