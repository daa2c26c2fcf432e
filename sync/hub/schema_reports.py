"""pure: the tables that reports read. ROLLUPS are sums and marks of applied entries (sync/hub/rollups), so `verify`
adds them up anew from the inbox and compares.

A business day is that of the store, YYYY-MM-DD; money is minor units of `currency`. What a void undoes is taken off the
very rows its sale was added to; a return counts on the day the goods come back.
"""

from loyalty.tables import Table, TableClass

# One row for each life of a store's database: its calendar, and which of its lives it is.
STORE_LIFE = Table(
    name="store_life",
    table_class=TableClass.CACHE,
    key=("store", "epoch"),
    ddl="""
CREATE TABLE store_life (
    store BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    code TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (store, epoch)
) STRICT, WITHOUT ROWID
""",
)

# `hour` is that of the clock on the shop's wall, 0 to 23; `base_minor` is net without tax, `returned_minor` with it.
SALES_HOUR = Table(
    name="sales_hour",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "hour", "currency", "channel"),
    ddl="""
CREATE TABLE sales_hour (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    hour INTEGER NOT NULL,
    currency TEXT NOT NULL,
    channel TEXT NOT NULL,
    sales INTEGER NOT NULL,
    member_sales INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    gross_minor INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    net_minor INTEGER NOT NULL,
    base_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    rounding_minor INTEGER NOT NULL,
    due_minor INTEGER NOT NULL,
    voids INTEGER NOT NULL,
    voided_minor INTEGER NOT NULL,
    returns INTEGER NOT NULL,
    returned_minor INTEGER NOT NULL,
    returned_rounding_minor INTEGER NOT NULL,
    overrides INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, hour, currency, channel)
) STRICT, WITHOUT ROWID
""",
)

# `taken_minor` is without the change that was given back on cash; an exchange's credit is a kind of its own.
TENDER_DAY = Table(
    name="tender_day",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "currency", "kind"),
    ddl="""
CREATE TABLE tender_day (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    payments INTEGER NOT NULL,
    taken_minor INTEGER NOT NULL,
    refunds INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, currency, kind)
) STRICT, WITHOUT ROWID
""",
)

# `card_base_minor` is the part of the base that is no turnover: gift cards sold, less those taken back.
TAX_DAY = Table(
    name="tax_day",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "currency", "rate"),
    ddl="""
CREATE TABLE tax_day (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    currency TEXT NOT NULL,
    rate TEXT NOT NULL,
    base_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    returned_base_minor INTEGER NOT NULL,
    returned_tax_minor INTEGER NOT NULL,
    card_base_minor INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, currency, rate)
) STRICT, WITHOUT ROWID
""",
)

# Postings as they were made: what the fold does by itself (activation, expiry) is in no fact and in no sum.
POINTS_DAY = Table(
    name="points_day",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "kind", "rule"),
    ddl="""
CREATE TABLE points_day (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    postings INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, kind, rule)
) STRICT, WITHOUT ROWID
""",
)

# kind points | reward | coupon | gift_card; outcome used | undone | issued | refused:<code>.
REDEMPTION_DAY = Table(
    name="redemption_day",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "currency", "kind", "name", "outcome"),
    ddl="""
CREATE TABLE redemption_day (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    outcome TEXT NOT NULL,
    times INTEGER NOT NULL,
    points INTEGER NOT NULL,
    value_minor INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, currency, kind, name, outcome)
) STRICT, WITHOUT ROWID
""",
)

OFFER_DAY = Table(
    name="offer_day",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "currency", "offer"),
    ddl="""
CREATE TABLE offer_day (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    currency TEXT NOT NULL,
    offer TEXT NOT NULL,
    sales INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    uses_back INTEGER NOT NULL,
    discount_back_minor INTEGER NOT NULL,
    coupons_issued INTEGER NOT NULL,
    coupons_used INTEGER NOT NULL,
    coupons_voided INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, currency, offer)
) STRICT, WITHOUT ROWID
""",
)

# One row for each kind of tender of a closed shift.
COUNTED_TENDER = Table(
    name="counted_tender",
    table_class=TableClass.CACHE,
    key=("store", "shift", "kind"),
    ddl="""
CREATE TABLE counted_tender (
    store BLOB NOT NULL,
    shift BLOB NOT NULL,
    kind TEXT NOT NULL,
    business_day TEXT NOT NULL,
    till TEXT NOT NULL,
    operator TEXT NOT NULL,
    currency TEXT NOT NULL,
    series INTEGER NOT NULL,
    z_number INTEGER NOT NULL,
    expected_minor INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    variance_minor INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    PRIMARY KEY (store, shift, kind)
) STRICT, WITHOUT ROWID
""",
)

# Cash moved by hand: pay_in, pay_out, drop.
CASH_DAY = Table(
    name="cash_day",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "currency", "kind"),
    ddl="""
CREATE TABLE cash_day (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    times INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, currency, kind)
) STRICT, WITHOUT ROWID
""",
)

# Where the entries of a business day lie in the chains of a store.
BUSINESS_DAY_SPAN = Table(
    name="business_day_span",
    table_class=TableClass.CACHE,
    key=("store", "business_day", "epoch"),
    ddl="""
CREATE TABLE business_day_span (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, epoch)
) STRICT, WITHOUT ROWID
""",
)

# What a member bought at one store on one day. `first_at` is the time of the first sale, one that was voided too.
MEMBER_PURCHASE = Table(
    name="member_purchase",
    table_class=TableClass.CACHE,
    key=("member", "business_day", "store", "currency", "channel"),
    ddl="""
CREATE TABLE member_purchase (
    member BLOB NOT NULL,
    business_day TEXT NOT NULL,
    store BLOB NOT NULL,
    currency TEXT NOT NULL,
    channel TEXT NOT NULL,
    visits INTEGER NOT NULL,
    spent_minor INTEGER NOT NULL,
    returned_minor INTEGER NOT NULL,
    first_at INTEGER,
    PRIMARY KEY (member, business_day, store, currency, channel)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX member_purchase_by_day ON member_purchase (business_day)",),
)

# Who was given an offer as a coupon, and who used it; times are those of the first.
MEMBER_OFFER = Table(
    name="member_offer",
    table_class=TableClass.CACHE,
    key=("member", "offer", "store", "currency"),
    ddl="""
CREATE TABLE member_offer (
    member BLOB NOT NULL,
    offer TEXT NOT NULL,
    store BLOB NOT NULL,
    currency TEXT NOT NULL,
    issued INTEGER NOT NULL,
    used INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    issued_day TEXT,
    used_day TEXT,
    PRIMARY KEY (member, offer, store, currency)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX member_offer_by_offer ON member_offer (offer)",),
)

# What may have moved a member to buy: enrolment, a coupon, an activity.
MEMBER_TOUCH = Table(
    name="member_touch",
    table_class=TableClass.CACHE,
    key=("member", "op", "n"),
    ddl="""
CREATE TABLE member_touch (
    member BLOB NOT NULL,
    op BLOB NOT NULL,
    n INTEGER NOT NULL,
    store BLOB NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    PRIMARY KEY (member, op, n)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX member_touch_by_time ON member_touch (at)",),
)

# What came out when a store last proved a day (sync/manifest.py): a day that matched is closed.
DAY_CLOSE = Table(
    name="day_close",
    table_class=TableClass.LOCAL,
    key=("store", "business_day"),
    ddl="""
CREATE TABLE day_close (
    store BLOB NOT NULL,
    business_day TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('match', 'differs')),
    entries INTEGER NOT NULL,
    what TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (store, business_day)
) STRICT, WITHOUT ROWID
""",
)

ROLLUPS: tuple[Table, ...] = (
    STORE_LIFE,
    SALES_HOUR,
    TENDER_DAY,
    TAX_DAY,
    POINTS_DAY,
    REDEMPTION_DAY,
    OFFER_DAY,
    COUNTED_TENDER,
    CASH_DAY,
    BUSINESS_DAY_SPAN,
    MEMBER_PURCHASE,
    MEMBER_OFFER,
    MEMBER_TOUCH,
)

TABLES: tuple[Table, ...] = (*ROLLUPS, DAY_CLOSE)
