"""sql: the program's definitions, activities and what rules gave, as entries say. The only writer of `definition`,
`activity`, `rule_points` and `referral_payment`."""

from collections.abc import Sequence
from uuid import UUID

from kiosk.points.apply_postings import post_points
from loyalty.transactions import Tx
from sync.facts.earning import ActivityRecorded, DefinitionChanged, ReferralPaid, RuleEarned
from sync.facts.points import ledger_postings
from sync.journal import Entry

_INSERT_RULE_POINTS = (
    "INSERT INTO rule_points (op, sort, rule, version, member, business_day, points, posting, room)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def apply_definition_changed(tx: Tx, entry: Entry) -> None:
    """One more version of a rule, a type of activity or a reward. A second entry for one book breaks the
    transaction."""
    body = entry.body
    assert isinstance(body, DefinitionChanged)
    tx.execute(
        "INSERT INTO definition (book, op, sort, name, version, live, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            body.book,
            entry.op_id.bytes,
            body.sort,
            body.name,
            body.version,
            int(body.live),
            bytes(body.definition).decode(),
        ),
    )


def apply_activity_recorded(tx: Tx, entry: Entry) -> None:
    """An activity with its points. Its key is inserted, never replaced: a second one breaks the transaction, so that
    even a forgotten check cannot pay twice."""
    body = entry.body
    assert isinstance(body, ActivityRecorded)
    day = entry.business_day or ""
    tx.execute(
        "INSERT INTO activity (activity_key, op, member, type, version, occurred_at, business_day, at, proof, partner,"
        " referee, points) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            bytes.fromhex(body.key),
            entry.op_id.bytes,
            body.member.bytes,
            body.activity,
            body.version,
            body.occurred_at,
            day,
            entry.at,
            body.proof,
            body.partner,
            body.referee.bytes if body.referee else None,
            body.points,
        ),
    )
    own, others = body.earned[:1], body.earned[1:]
    put_rule_points(tx, entry.op_id.bytes, body.member, day, own, sort="activity_type")
    put_rule_points(tx, entry.op_id.bytes, body.member, day, others)
    post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, body.postings))


def put_referral(tx: Tx, sale: bytes, paid: ReferralPaid) -> None:
    """The sale that paid a referral; its postings are written with those of the sale."""
    tx.execute(
        "INSERT INTO referral_payment (sale, referral, referrer, posting, points) VALUES (?, ?, ?, ?, ?)",
        (sale, paid.referral.bytes, paid.member.bytes, paid.posting, paid.points),
    )


def put_rule_points(
    tx: Tx, op: bytes, member: UUID, day: str, earned: Sequence[RuleEarned], sort: str = "earning_rule"
) -> None:
    """What rules gave to a member on a business day. Nothing is written where no rule was made."""
    if earned:
        tx.executemany(
            _INSERT_RULE_POINTS,
            [
                (op, sort, each.rule, each.version, member.bytes, day, each.points, each.posting, each.room)
                for each in earned
            ],
        )
