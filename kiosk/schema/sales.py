"""pure: tables of sales, voids and returns. All are facts: rows are written once and never changed."""

from loyalty.tables import Table, TableClass


def _fact(name: str, key: tuple[str, ...], op: str, ddl: str, *indexes: str) -> Table:
    return Table(name, TableClass.FACT, key, ddl, indexes, op, append_only=True)


# Sales and returns share one gapless series per till: that is what makes a missing receipt visible.
DOCUMENT_NUMBER = _fact(
    "document_number",
    ("till", "series", "n"),
    "op",
    """
CREATE TABLE document_number (
    till TEXT NOT NULL,
    series INTEGER NOT NULL,
    n INTEGER NOT NULL CHECK (n > 0),
    number TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'return')),
    op BLOB NOT NULL,
    PRIMARY KEY (till, series, n)
) STRICT, WITHOUT ROWID
""",
)

SALE = _fact(
    "sale",
    ("id",),
    "id",
    """
CREATE TABLE sale (
    id BLOB PRIMARY KEY,
    number TEXT NOT NULL,
    till TEXT NOT NULL,
    shift BLOB NOT NULL,
    operator TEXT,
    business_day TEXT NOT NULL,
    at INTEGER NOT NULL,
    currency TEXT NOT NULL,
    tax_mode TEXT NOT NULL CHECK (tax_mode IN ('included', 'added')),
    member BLOB,
    gross_minor INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    net_minor INTEGER NOT NULL,
    rounding_minor INTEGER NOT NULL,
    due_minor INTEGER NOT NULL,
    paid_minor INTEGER NOT NULL,
    change_minor INTEGER NOT NULL,
    points_earned INTEGER NOT NULL,
    price_book INTEGER NOT NULL,
    CHECK (gross_minor - discount_minor = net_minor)
) STRICT
""",
    "CREATE INDEX sale_by_shift ON sale (shift)",
    "CREATE INDEX sale_by_day ON sale (business_day, id)",
    "CREATE INDEX sale_by_member ON sale (member, id) WHERE member IS NOT NULL",
)

# `discounts` says why the line is cheaper: a JSON list as the fact has it.
SALE_LINE = _fact(
    "sale_line",
    ("sale", "line"),
    "sale",
    """
CREATE TABLE sale_line (
    sale BLOB NOT NULL REFERENCES sale (id),
    line INTEGER NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    department TEXT NOT NULL,
    quantity_milli INTEGER NOT NULL,
    unit_price_minor INTEGER NOT NULL,
    gross_minor INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    net_minor INTEGER NOT NULL,
    tax_rate TEXT NOT NULL,
    tax_minor INTEGER NOT NULL,
    points INTEGER NOT NULL,
    override_reason TEXT,
    discounts TEXT NOT NULL,
    PRIMARY KEY (sale, line),
    CHECK (gross_minor - discount_minor = net_minor)
) STRICT, WITHOUT ROWID
""",
)

SALE_TAX = _fact(
    "sale_tax",
    ("sale", "rate"),
    "sale",
    """
CREATE TABLE sale_tax (
    sale BLOB NOT NULL REFERENCES sale (id),
    rate TEXT NOT NULL,
    base_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    PRIMARY KEY (sale, rate)
) STRICT, WITHOUT ROWID
""",
)

SALE_TENDER = _fact(
    "sale_tender",
    ("sale", "n"),
    "sale",
    """
CREATE TABLE sale_tender (
    sale BLOB NOT NULL REFERENCES sale (id),
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    settles TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    reference TEXT,
    PRIMARY KEY (sale, n)
) STRICT, WITHOUT ROWID
""",
)

SALE_VOID = _fact(
    "sale_void",
    ("sale",),
    "op",
    """
CREATE TABLE sale_void (
    sale BLOB PRIMARY KEY REFERENCES sale (id),
    op BLOB NOT NULL,
    shift BLOB NOT NULL,
    operator TEXT,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX sale_void_by_shift ON sale_void (shift)",
)

# One row per sale that something came back from, in a return or in an exchange (then `op` is the exchanging sale).
# `store` made the sale, where that is another one; `tax_mode` says how its tax lay.
TAKEN_BACK = _fact(
    "taken_back",
    ("op", "n"),
    "op",
    """
CREATE TABLE taken_back (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    sale BLOB NOT NULL,
    number TEXT NOT NULL,
    shift BLOB NOT NULL,
    operator TEXT,
    business_day TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    member BLOB,
    store TEXT,
    tax_mode TEXT NOT NULL,
    value_minor INTEGER NOT NULL,
    rounding_minor INTEGER NOT NULL,
    points_clawed_back INTEGER NOT NULL,
    PRIMARY KEY (op, n)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX taken_back_by_sale ON taken_back (sale)",
    "CREATE INDEX taken_back_by_shift ON taken_back (shift)",
)

TAKEN_BACK_LINE = _fact(
    "taken_back_line",
    ("op", "n", "line"),
    "op",
    """
CREATE TABLE taken_back_line (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    line INTEGER NOT NULL,
    sale BLOB NOT NULL,
    sku TEXT NOT NULL,
    quantity_milli INTEGER NOT NULL CHECK (quantity_milli > 0),
    net_minor INTEGER NOT NULL,
    tax_rate TEXT NOT NULL,
    tax_minor INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (op, n, line)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX taken_back_line_by_sale ON taken_back_line (sale, line)",
)

REFUND = _fact(
    "refund",
    ("op", "n", "i"),
    "op",
    """
CREATE TABLE refund (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    i INTEGER NOT NULL,
    sale BLOB NOT NULL,
    kind TEXT NOT NULL,
    settles TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
    PRIMARY KEY (op, n, i)
) STRICT, WITHOUT ROWID
""",
    "CREATE INDEX refund_by_sale ON refund (sale)",
)

TABLES = (
    DOCUMENT_NUMBER,
    SALE,
    SALE_LINE,
    SALE_TAX,
    SALE_TENDER,
    SALE_VOID,
    TAKEN_BACK,
    TAKEN_BACK_LINE,
    REFUND,
)
