"""pure: tables of goods: products, barcodes, price history, stock."""

from loyalty.tables import Table, TableClass

PRODUCT = Table(
    name="product",
    table_class=TableClass.FACT,
    key=("sku",),
    op="op",
    written_by=("products.changed",),
    ddl="""
CREATE TABLE product (
    sku TEXT PRIMARY KEY,
    op BLOB NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    department TEXT NOT NULL,
    tax_class TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    unit TEXT NOT NULL,
    item_code TEXT,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    price_book INTEGER NOT NULL
) STRICT
""",
    indexes=(
        "CREATE INDEX product_by_item_code ON product (item_code) WHERE item_code IS NOT NULL",
        # All a search reads of a row: scanning this instead of the table halves its time.
        "CREATE INDEX product_by_name ON product (folded, sku, active)",
    ),
)

PRODUCT_BARCODE = Table(
    name="product_barcode",
    table_class=TableClass.FACT,
    key=("gtin",),
    op="op",
    written_by=("products.changed",),
    ddl="""
CREATE TABLE product_barcode (
    gtin TEXT PRIMARY KEY,
    sku TEXT NOT NULL,
    op BLOB NOT NULL
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX product_barcode_by_sku ON product_barcode (sku)",),
)

PRICE_HISTORY = Table(
    name="price_history",
    table_class=TableClass.FACT,
    key=("sku", "price_book"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE price_history (
    sku TEXT NOT NULL,
    price_book INTEGER NOT NULL,
    op BLOB NOT NULL,
    price_minor INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    PRIMARY KEY (sku, price_book)
) STRICT, WITHOUT ROWID
""",
)

PRICE_BOOK = Table(
    name="price_book",
    table_class=TableClass.FACT,
    key=("version",),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE price_book (
    version INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    source TEXT NOT NULL,
    active_at INTEGER NOT NULL
) STRICT
""",
)

STOCK_MOVE = Table(
    name="stock_move",
    table_class=TableClass.FACT,
    key=("op", "n"),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE stock_move (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity_milli INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (op, n)
) STRICT, WITHOUT ROWID
""",
)

STOCK_LEVEL = Table(
    name="stock_level",
    table_class=TableClass.CACHE,
    key=("sku",),
    ddl="""
CREATE TABLE stock_level (
    sku TEXT PRIMARY KEY,
    quantity_milli INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
)

TABLES = (PRODUCT, PRODUCT_BARCODE, PRICE_HISTORY, PRICE_BOOK, STOCK_MOVE, STOCK_LEVEL)
