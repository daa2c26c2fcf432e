"""pure: tables of the counter: shifts, cash movements, closings, parked baskets, drawer."""

from loyalty.tables import Table, TableClass


def _fact(name: str, key: tuple[str, ...], op: str, ddl: str, *indexes: str) -> Table:
    return Table(name, TableClass.FACT, key, ddl, indexes, op, append_only=True)


SHIFT = _fact(
    "shift",
    ("id",),
    "id",
    """
CREATE TABLE shift (
    id BLOB PRIMARY KEY,
    till TEXT NOT NULL,
    operator TEXT,
    business_day TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    currency TEXT NOT NULL,
    float_minor INTEGER NOT NULL
) STRICT
""",
    "CREATE INDEX shift_by_till ON shift (till, opened_at)",
)

SHIFT_MOVEMENT = _fact(
    "shift_movement",
    ("id",),
    "id",
    """
CREATE TABLE shift_movement (
    id BLOB PRIMARY KEY,
    shift BLOB NOT NULL REFERENCES shift (id),
    kind TEXT NOT NULL CHECK (kind IN ('pay_in', 'pay_out', 'drop')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    reason TEXT NOT NULL,
    operator TEXT,
    at INTEGER NOT NULL
) STRICT
""",
    "CREATE INDEX shift_movement_by_shift ON shift_movement (shift)",
)

SHIFT_CLOSE = _fact(
    "shift_close",
    ("shift",),
    "op",
    """
CREATE TABLE shift_close (
    shift BLOB PRIMARY KEY REFERENCES shift (id),
    op BLOB NOT NULL,
    till TEXT NOT NULL,
    series INTEGER NOT NULL CHECK (series > 0),
    z_number INTEGER NOT NULL CHECK (z_number > 0),
    operator TEXT,
    closed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    "CREATE UNIQUE INDEX shift_close_by_number ON shift_close (till, series, z_number)",
)

SHIFT_COUNT = _fact(
    "shift_count",
    ("shift", "kind"),
    "op",
    """
CREATE TABLE shift_count (
    shift BLOB NOT NULL REFERENCES shift (id),
    kind TEXT NOT NULL,
    op BLOB NOT NULL,
    expected_minor INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    variance_minor INTEGER NOT NULL,
    PRIMARY KEY (shift, kind)
) STRICT, WITHOUT ROWID
""",
)

PARKED_BASKET = _fact(
    "parked_basket",
    ("id",),
    "id",
    """
CREATE TABLE parked_basket (
    id BLOB PRIMARY KEY,
    till TEXT NOT NULL,
    operator TEXT,
    basket TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    member BLOB,
    at INTEGER NOT NULL
) STRICT
""",
)

# What the cashier wrote on the parked basket, often a customer's name: it never enters the journal.
PARKED_LABEL = Table(
    name="parked_label",
    table_class=TableClass.LOCAL,
    key=("parked",),
    personal=("label",),
    ddl="""
CREATE TABLE parked_label (
    parked BLOB PRIMARY KEY,
    label TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
)

BASKET_CLAIM = _fact(
    "basket_claim",
    ("parked",),
    "op",
    """
CREATE TABLE basket_claim (
    parked BLOB PRIMARY KEY REFERENCES parked_basket (id),
    op BLOB NOT NULL,
    till TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

DRAWER_OPENING = _fact(
    "drawer_opening",
    ("id",),
    "id",
    """
CREATE TABLE drawer_opening (
    id BLOB PRIMARY KEY,
    till TEXT NOT NULL,
    shift BLOB,
    operator TEXT,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT
""",
    "CREATE INDEX drawer_opening_by_shift ON drawer_opening (shift) WHERE shift IS NOT NULL",
)

TABLES = (SHIFT, SHIFT_MOVEMENT, SHIFT_CLOSE, SHIFT_COUNT, PARKED_BASKET, PARKED_LABEL, BASKET_CLAIM, DRAWER_OPENING)
