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

CREATE TABLE set_aside_entry (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    op BLOB NOT NULL,
    code TEXT NOT NULL CHECK (code IN ('repeated', 'conflict')),
    PRIMARY KEY (epoch, seq)
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
    member BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('card', 'phone', 'email')),
    value TEXT NOT NULL,
    op BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'replaced')),
    PRIMARY KEY (member, kind, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_identifier_by_value ON member_identifier (kind, value);

CREATE TABLE member_secret (
    member BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    code_secret TEXT,
    pin_hash TEXT
) STRICT;

CREATE TABLE member_merge (
    absorbed BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    into_member BLOB NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT;

CREATE INDEX member_merge_by_into ON member_merge (into_member);

CREATE TABLE consent (
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    frequency TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (member, op, channel, purpose)
) STRICT, WITHOUT ROWID;

CREATE INDEX consent_by_member ON consent (member, at);

CREATE TABLE posting (
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN
        ('earn', 'redeem', 'hold', 'release', 'reverse_earn', 'reverse_redeem', 'adjust', 'transfer')),
    points INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    available_from INTEGER,
    expires_at INTEGER,
    lines TEXT NOT NULL,
    reference BLOB,
    reference_n INTEGER,
    reference_member BLOB,
    hold BLOB,
    keep_until INTEGER,
    rule TEXT,
    reason TEXT,
    PRIMARY KEY (member, op, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX posting_by_origin ON posting (origin, seq, effective_at);

CREATE TABLE account (
    member BLOB PRIMARY KEY,
    active INTEGER NOT NULL CHECK (active >= 0),
    pending INTEGER NOT NULL CHECK (pending >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    debt INTEGER NOT NULL CHECK (debt >= 0),
    as_of INTEGER NOT NULL,
    last TEXT,
    took_back INTEGER NOT NULL CHECK (took_back IN (0, 1)),
    waiting TEXT NOT NULL,
    due INTEGER,
    CHECK (debt = 0 OR active = 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE points_lot (
    account BLOB NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    restored INTEGER NOT NULL,
    source TEXT NOT NULL,
    points INTEGER NOT NULL,
    available_from INTEGER NOT NULL,
    expires_at INTEGER,
    free INTEGER NOT NULL CHECK (free >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    used INTEGER NOT NULL CHECK (used >= 0),
    expired INTEGER NOT NULL CHECK (expired >= 0),
    clawed INTEGER NOT NULL CHECK (clawed >= 0),
    moved INTEGER NOT NULL CHECK (moved >= 0),
    gone INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    claimed INTEGER NOT NULL,
    lines TEXT NOT NULL,
    clawed_lines TEXT NOT NULL,
    children TEXT NOT NULL,
    PRIMARY KEY (account, op_id, n, member, restored),
    CHECK (points = free + held + used + expired + clawed + moved)
) STRICT, WITHOUT ROWID;

CREATE INDEX points_lot_open ON points_lot (account) WHERE free + held > 0;

CREATE TABLE points_hold (
    account BLOB NOT NULL,
    id BLOB NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'captured', 'released', 'lapsed')),
    pieces TEXT NOT NULL,
    captured INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE points_redemption (
    account BLOB NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    pieces TEXT NOT NULL,
    lines TEXT NOT NULL,
    restored_lines TEXT NOT NULL,
    PRIMARY KEY (account, op_id, n, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE points_incident (
    account BLOB NOT NULL,
    kind TEXT NOT NULL,
    op_id BLOB NOT NULL,
    n INTEGER NOT NULL,
    member BLOB NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (account, op_id, n, member, kind)
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
    discounts TEXT NOT NULL,
    PRIMARY KEY (sale, line),
    CHECK (gross_minor - discount_minor = net_minor)
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

CREATE TABLE member_factor (
    member BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    last_step INTEGER NOT NULL
) STRICT;

CREATE TABLE member_proof (
    hash BLOB PRIMARY KEY,
    member BLOB NOT NULL,
    device BLOB NOT NULL,
    factor TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    spent INTEGER NOT NULL CHECK (spent IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE offer_version (
    book INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    offer TEXT NOT NULL,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    live_since INTEGER NOT NULL,
    definition TEXT NOT NULL
) STRICT;

CREATE INDEX offer_version_by_offer ON offer_version (offer);

CREATE TABLE offer_use (
    op BLOB NOT NULL,
    sale BLOB NOT NULL,
    offer TEXT NOT NULL,
    version INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    member BLOB,
    PRIMARY KEY (offer, op, sale)
) STRICT, WITHOUT ROWID;

CREATE INDEX offer_use_back ON offer_use (sale) WHERE op <> sale;

CREATE TABLE offer_total (
    offer TEXT PRIMARY KEY,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    by_member INTEGER NOT NULL CHECK (by_member IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE offer_member_total (
    offer TEXT NOT NULL,
    member BLOB NOT NULL,
    uses INTEGER NOT NULL,
    PRIMARY KEY (offer, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE definition (
    book INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    sort TEXT NOT NULL CHECK (sort IN ('earning_rule', 'activity_type', 'reward')),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    content TEXT NOT NULL
) STRICT;

CREATE INDEX definition_by_name ON definition (sort, name, version);

CREATE TABLE activity (
    activity_key BLOB PRIMARY KEY,
    op BLOB NOT NULL,
    member BLOB NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    at INTEGER NOT NULL,
    proof TEXT NOT NULL,
    partner TEXT,
    referee BLOB,
    points INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX activity_by_referee ON activity (referee) WHERE referee IS NOT NULL;

CREATE INDEX activity_by_member ON activity (member, at);

CREATE TABLE rule_points (
    op BLOB NOT NULL,
    sort TEXT NOT NULL CHECK (sort IN ('earning_rule', 'activity_type')),
    rule TEXT NOT NULL,
    version INTEGER NOT NULL,
    member BLOB NOT NULL,
    business_day TEXT NOT NULL,
    points INTEGER NOT NULL,
    posting INTEGER NOT NULL,
    room INTEGER,
    PRIMARY KEY (op, sort, rule)
) STRICT, WITHOUT ROWID;

CREATE INDEX rule_points_by_member ON rule_points (member, sort, rule, business_day);

CREATE TABLE referral_payment (
    sale BLOB PRIMARY KEY,
    referral BLOB NOT NULL,
    referrer BLOB NOT NULL,
    posting INTEGER NOT NULL,
    points INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX referral_payment_by_referral ON referral_payment (referral);

CREATE TABLE key_list (
    version INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    root TEXT NOT NULL,
    content TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT;

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
) STRICT;

CREATE INDEX coupon_by_op ON coupon (op);

CREATE INDEX coupon_by_member ON coupon (member, serial) WHERE member IS NOT NULL;

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
) STRICT, WITHOUT ROWID;

CREATE INDEX coupon_use_by_op ON coupon_use (op);

CREATE INDEX coupon_use_foreign ON coupon_use (offer, business_day) WHERE store IS NOT NULL;

CREATE INDEX coupon_use_at_risk ON coupon_use (epoch, seq) WHERE risk_minor > 0;

CREATE TABLE coupon_give_back (
    serial INTEGER NOT NULL,
    n INTEGER NOT NULL,
    op BLOB NOT NULL,
    PRIMARY KEY (serial, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE coupon_void (
    serial INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    replacement INTEGER
) STRICT;

CREATE TABLE gift_card_posting (
    card BLOB NOT NULL,
    n INTEGER NOT NULL CHECK (n > 0),
    op BLOB NOT NULL,
    sale BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('activate', 'redeem', 'refund', 'cancel')),
    line INTEGER,
    ending TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
    balance_minor INTEGER NOT NULL,
    elsewhere INTEGER NOT NULL CHECK (elsewhere IN (0, 1)),
    at INTEGER NOT NULL,
    PRIMARY KEY (card, n),
    CHECK (balance_minor >= 0 OR elsewhere = 1)
) STRICT, WITHOUT ROWID;

CREATE INDEX gift_card_posting_by_sale ON gift_card_posting (sale);

CREATE TABLE head_office_line (
    name TEXT PRIMARY KEY CHECK (name = 'line'),
    state TEXT NOT NULL CHECK (state IN ('online', 'offline')),
    since INTEGER NOT NULL,
    read_at INTEGER,
    read_boot TEXT,
    read_ms INTEGER,
    read_epoch INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE head_office_cursor (
    epoch INTEGER PRIMARY KEY,
    pushed_seq INTEGER NOT NULL,
    acknowledged_seq INTEGER NOT NULL,
    CHECK (acknowledged_seq BETWEEN 0 AND pushed_seq)
) STRICT;

CREATE TABLE lease (
    id BLOB PRIMARY KEY,
    member BLOB NOT NULL,
    points INTEGER NOT NULL CHECK (points > 0),
    epoch INTEGER NOT NULL,
    boot TEXT NOT NULL,
    ends_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX lease_by_member ON lease (member);

CREATE TABLE hold_backing (
    hold BLOB NOT NULL,
    n INTEGER NOT NULL,
    op BLOB NOT NULL,
    member BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    lease BLOB,
    points INTEGER NOT NULL CHECK (points > 0),
    floor_minor INTEGER NOT NULL CHECK ((lease IS NULL) = (floor_minor > 0)),
    PRIMARY KEY (hold, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX hold_backing_by_lease ON hold_backing (lease) WHERE lease IS NOT NULL;

CREATE INDEX hold_backing_on_floor ON hold_backing (epoch, seq) WHERE lease IS NULL;

CREATE TABLE feed_row (
    bucket TEXT NOT NULL,
    entity TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (bucket, entity, key)
) STRICT;

CREATE INDEX feed_row_by_thing ON feed_row (entity, key);

CREATE INDEX feed_row_by_part ON feed_row (key) WHERE entity GLOB 'bundle:*';

CREATE TABLE feed_bucket (
    bucket TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    told TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_identifier (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    member TEXT NOT NULL,
    bucket TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (kind, value, member, bucket)
) STRICT, WITHOUT ROWID;

CREATE INDEX feed_identifier_by_member ON feed_identifier (member);

CREATE TABLE feed_base (
    bucket TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE head_office_note (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lost_life (
    epoch INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE bundle_ready (
    version INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    complete_at INTEGER NOT NULL
) STRICT;

CREATE TABLE bundle_outcome (
    version INTEGER NOT NULL,
    op BLOB NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('active', 'refused')),
    bucket TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    products INTEGER NOT NULL,
    offers INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (version, op)
) STRICT, WITHOUT ROWID;
