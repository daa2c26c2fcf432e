"""pure: the table of money on gift cards. Every movement is a row with what it leaves; the last one is the balance."""

from loyalty.tables import Table, TableClass

# `sale` is the sale that a movement belongs to: its own, or the one that is voided or comes back. The key keeps two
# tills from making the same movement, the CHECK keeps every balance at nothing or above: either breaks the transaction.
# `elsewhere`: other stores may move the card, too, so the balance is only what this one did to it.
GIFT_CARD_POSTING = Table(
    name="gift_card_posting",
    table_class=TableClass.FACT,
    key=("card", "n"),
    op="op",
    append_only=True,
    ddl="""
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
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX gift_card_posting_by_sale ON gift_card_posting (sale)",),
)

TABLES = (GIFT_CARD_POSTING,)
