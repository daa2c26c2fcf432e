CREATE TABLE journal (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    op_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    content BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (epoch, seq)
) STRICT;

CREATE UNIQUE INDEX journal_by_op ON journal (op_id, epoch);

CREATE TABLE journal_private (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    member BLOB NOT NULL,
    salt BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT;

CREATE INDEX journal_private_by_member ON journal_private (member);

CREATE TABLE life (
    epoch INTEGER PRIMARY KEY,
    ordinal INTEGER NOT NULL UNIQUE,
    op BLOB NOT NULL,
    store TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at INTEGER NOT NULL
) STRICT;

CREATE TABLE mark (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    id BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'merged', 'erased')),
    locale TEXT NOT NULL,
    revision INTEGER NOT NULL,
    name TEXT,
    phone TEXT,
    email TEXT,
    card TEXT,
    enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE member_identifier (
    kind TEXT NOT NULL CHECK (kind IN ('card', 'phone', 'email')),
    value TEXT NOT NULL,
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    PRIMARY KEY (kind, value, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_identifier_by_member ON member_identifier (member);

CREATE TABLE consent (
    op BLOB NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    member BLOB NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    at INTEGER NOT NULL,
    PRIMARY KEY (op, channel, purpose)
) STRICT, WITHOUT ROWID;

CREATE INDEX consent_by_member ON consent (member, at);

CREATE TABLE posting (
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    points INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    reference BLOB,
    rule TEXT,
    reason TEXT,
    PRIMARY KEY (member, op, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX posting_by_time ON posting (member, effective_at, op, n);

CREATE TABLE account (
    member BLOB PRIMARY KEY,
    active INTEGER NOT NULL CHECK (active >= 0),
    pending INTEGER NOT NULL CHECK (pending >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    debt INTEGER NOT NULL CHECK (debt >= 0),
    last_at INTEGER NOT NULL,
    CHECK (debt = 0 OR active = 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE print_job (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    printer     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    reference   BLOB    CHECK (length(reference) = 16),
    member      BLOB    CHECK (length(member) = 16),
    original    BLOB    CHECK (length(original) = 16),
    content     BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN
                ('queued', 'preflight', 'sending', 'printed', 'handed_over', 'unknown', 'failed', 'canceled')),
    copy_number INTEGER NOT NULL CHECK (copy_number >= 0),
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    problem     TEXT
) STRICT;

CREATE INDEX print_job_open ON print_job (printer, state, created_at, id)
           WHERE state NOT IN ('printed', 'handed_over');

CREATE INDEX print_job_created ON print_job (created_at, id);

CREATE INDEX print_job_reference ON print_job (reference) WHERE reference IS NOT NULL;

CREATE INDEX print_job_member ON print_job (member) WHERE member IS NOT NULL;

CREATE INDEX print_job_original ON print_job (original) WHERE original IS NOT NULL;

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
) STRICT;

CREATE INDEX product_by_item_code ON product (item_code) WHERE item_code IS NOT NULL;

CREATE INDEX product_by_name ON product (folded, sku, active);

CREATE TABLE product_barcode (
    gtin TEXT PRIMARY KEY,
    sku TEXT NOT NULL,
    op BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX product_barcode_by_sku ON product_barcode (sku);

CREATE TABLE price_history (
    sku TEXT NOT NULL,
    price_book INTEGER NOT NULL,
    op BLOB NOT NULL,
    price_minor INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    PRIMARY KEY (sku, price_book)
) STRICT, WITHOUT ROWID;

CREATE TABLE price_book (
    version INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    source TEXT NOT NULL,
    active_at INTEGER NOT NULL
) STRICT;

CREATE TABLE stock_move (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity_milli INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (op, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE stock_level (
    sku TEXT PRIMARY KEY,
    quantity_milli INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE document_number (
    till TEXT NOT NULL,
    series INTEGER NOT NULL,
    n INTEGER NOT NULL CHECK (n > 0),
    number TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'return')),
    op BLOB NOT NULL,
    PRIMARY KEY (till, series, n)
) STRICT, WITHOUT ROWID;

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
) STRICT;

CREATE INDEX sale_by_shift ON sale (shift);

CREATE INDEX sale_by_day ON sale (business_day, id);

CREATE INDEX sale_by_member ON sale (member, id) WHERE member IS NOT NULL;

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
    PRIMARY KEY (sale, line),
    CHECK (gross_minor - discount_minor = net_minor)
) STRICT, WITHOUT ROWID;

CREATE TABLE sale_discount (
    sale BLOB NOT NULL REFERENCES sale (id),
    line INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    offer TEXT,
    reason TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (sale, line, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE sale_tax (
    sale BLOB NOT NULL REFERENCES sale (id),
    rate TEXT NOT NULL,
    base_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    PRIMARY KEY (sale, rate)
) STRICT, WITHOUT ROWID;

CREATE TABLE sale_tender (
    sale BLOB NOT NULL REFERENCES sale (id),
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    settles TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    reference TEXT,
    PRIMARY KEY (sale, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE sale_void (
    sale BLOB PRIMARY KEY REFERENCES sale (id),
    op BLOB NOT NULL,
    shift BLOB NOT NULL,
    operator TEXT,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sale_void_by_shift ON sale_void (shift);

CREATE TABLE taken_back (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    sale BLOB NOT NULL REFERENCES sale (id),
    number TEXT NOT NULL,
    shift BLOB NOT NULL,
    operator TEXT,
    business_day TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    member BLOB,
    value_minor INTEGER NOT NULL,
    rounding_minor INTEGER NOT NULL,
    points_clawed_back INTEGER NOT NULL,
    PRIMARY KEY (op, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX taken_back_by_sale ON taken_back (sale);

CREATE INDEX taken_back_by_shift ON taken_back (shift);

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
) STRICT, WITHOUT ROWID;

CREATE INDEX taken_back_line_by_sale ON taken_back_line (sale, line);

CREATE TABLE refund (
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    i INTEGER NOT NULL,
    sale BLOB NOT NULL,
    kind TEXT NOT NULL,
    settles TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
    PRIMARY KEY (op, n, i)
) STRICT, WITHOUT ROWID;

CREATE INDEX refund_by_sale ON refund (sale);

CREATE TABLE shift (
    id BLOB PRIMARY KEY,
    till TEXT NOT NULL,
    operator TEXT,
    business_day TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    currency TEXT NOT NULL,
    float_minor INTEGER NOT NULL
) STRICT;

CREATE INDEX shift_by_till ON shift (till, opened_at);

CREATE TABLE shift_movement (
    id BLOB PRIMARY KEY,
    shift BLOB NOT NULL REFERENCES shift (id),
    kind TEXT NOT NULL CHECK (kind IN ('pay_in', 'pay_out', 'drop')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    reason TEXT NOT NULL,
    operator TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX shift_movement_by_shift ON shift_movement (shift);

CREATE TABLE shift_close (
    shift BLOB PRIMARY KEY REFERENCES shift (id),
    op BLOB NOT NULL,
    till TEXT NOT NULL,
    series INTEGER NOT NULL CHECK (series > 0),
    z_number INTEGER NOT NULL CHECK (z_number > 0),
    operator TEXT,
    closed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX shift_close_by_number ON shift_close (till, series, z_number);

CREATE TABLE shift_count (
    shift BLOB NOT NULL REFERENCES shift (id),
    kind TEXT NOT NULL,
    op BLOB NOT NULL,
    expected_minor INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    variance_minor INTEGER NOT NULL,
    PRIMARY KEY (shift, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE parked_basket (
    id BLOB PRIMARY KEY,
    till TEXT NOT NULL,
    operator TEXT,
    basket TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    member BLOB,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE parked_label (
    parked BLOB PRIMARY KEY,
    label TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE basket_claim (
    parked BLOB PRIMARY KEY REFERENCES parked_basket (id),
    op BLOB NOT NULL,
    till TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE drawer_opening (
    id BLOB PRIMARY KEY,
    till TEXT NOT NULL,
    shift BLOB,
    operator TEXT,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX drawer_opening_by_shift ON drawer_opening (shift) WHERE shift IS NOT NULL;

CREATE TABLE operator (
    id TEXT PRIMARY KEY,
    op BLOB NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('cashier', 'manager')),
    active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT;

CREATE TABLE operator_secret (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    pin_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE device (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('till', 'kiosk')),
    till TEXT NOT NULL UNIQUE,
    paired_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE token (
    hash BLOB PRIMARY KEY,
    device BLOB NOT NULL REFERENCES device (id),
    operator TEXT,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE pairing_code (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
    hash BLOB PRIMARY KEY,
    operator TEXT NOT NULL,
    purpose TEXT NOT NULL,
    device BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
