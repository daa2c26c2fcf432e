"""pure: tables of the loyalty program: what it says and said, activities, and what each rule gave to whom."""

from loyalty.tables import Table, TableClass

# One row for every change of any rule, type of activity or reward.
DEFINITION = Table(
    name="definition",
    table_class=TableClass.FACT,
    key=("book",),
    op="op",
    append_only=True,
    ddl="""
CREATE TABLE definition (
    book INTEGER PRIMARY KEY,
    op BLOB NOT NULL,
    sort TEXT NOT NULL CHECK (sort IN ('earning_rule', 'activity_type', 'reward')),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    content TEXT NOT NULL
) STRICT
""",
    indexes=("CREATE INDEX definition_by_name ON definition (sort, name, version)",),
)

# The key is what makes an activity pay once: whoever tells of it again breaks it, whatever the order.
ACTIVITY = Table(
    name="activity",
    table_class=TableClass.FACT,
    key=("activity_key",),
    op="op",
    append_only=True,
    ddl="""
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
) STRICT, WITHOUT ROWID
""",
    indexes=(
        "CREATE INDEX activity_by_referee ON activity (referee) WHERE referee IS NOT NULL",
        "CREATE INDEX activity_by_member ON activity (member, at)",
    ),
)

# What each rule gave, so that caps by day and period can be kept, and a return can look at a basket's rules again.
# Of an activity the type's own points stand here too, with its code as the rule.
RULE_POINTS = Table(
    name="rule_points",
    table_class=TableClass.FACT,
    key=("op", "sort", "rule"),
    op="op",
    append_only=True,
    ddl="""
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
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX rule_points_by_member ON rule_points (member, sort, rule, business_day)",),
)

# The sale with which a referral was paid, and the number of the posting of who had brought the member.
REFERRAL_PAYMENT = Table(
    name="referral_payment",
    table_class=TableClass.FACT,
    key=("sale",),
    op="sale",
    append_only=True,
    ddl="""
CREATE TABLE referral_payment (
    sale BLOB PRIMARY KEY,
    referral BLOB NOT NULL,
    referrer BLOB NOT NULL,
    posting INTEGER NOT NULL,
    points INTEGER NOT NULL
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX referral_payment_by_referral ON referral_payment (referral)",),
)

TABLES = (DEFINITION, ACTIVITY, RULE_POINTS, REFERRAL_PAYMENT)
