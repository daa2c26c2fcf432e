"""sql: points set aside before paying, let go again, given or taken by hand.

    POST /v1/holds         80 points leave the active ones, for 15 minutes at a till and 3 at a kiosk
    POST /v1/sales         a tender of kind points captures them: used, or what is not needed goes back
    POST …/release         or they are let go; when nobody does, they lapse by themselves and nothing is written

Two tills that ask for the same points at once are decided one after the other by the one writer: the second finds what
the first has left. A kill between hold and capture leaves a hold that lapses.
"""

from collections.abc import Sequence
from uuid import UUID

from kiosk.answers import render_balance
from kiosk.commands import fingerprint
from kiosk.identity.proofs import CheckedProof
from kiosk.identity.second_factor import prove_member
from kiosk.members.known_members import find_member, need_active_member
from kiosk.members.members import MemberNotActive
from kiosk.outcome import Outcome
from kiosk.points.accounts import open_account
from kiosk.points.offline_policy import check_offline_policy
from kiosk.points.points import AdjustedPoints, AdjustPoints, HoldAnswer, HoldPoints
from kiosk.program.reward_holds import reward_to_hold
from kiosk.sales.reasons import refuse_name
from kiosk.sales.sale_points import UnknownHold
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.errors import IdConflict
from loyalty.ids import derived_uuid
from loyalty.points.account import Balance
from loyalty.points.decide import adjust, place_hold, release
from loyalty.points.refusals import HoldNotFound
from loyalty.transactions import Tx
from sync.facts.points import PointsAdjusted, PointsHeld, PointsPosted, PointsReleased, fact_postings
from sync.journal import Entry, find, find_same


def hold_points(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: HoldPoints,
    proof: CheckedProof | None,
    *,
    unanswered: bool = False,
) -> Outcome[HoldAnswer]:
    """Set points aside for a payment. `unanswered`: head office was asked to lend them and did not answer.

    Raises UnknownMember, RewardUnknown, RewardNotHere, TierNeeded, RewardPoints, what proving raises
    (second_factor), what may not be spent (loyalty.points.decide.check_spending), and what may not be spent without
    head office (offline_policy); nothing is written then and no proof used up.
    """
    known = find_same(tx, command.id, PointsHeld, _fingerprint(command))
    if known is not None:
        return Outcome(_answer(shop, known, "open", _balance_of(known)), replayed=True)
    need_active_member(tx, command.member)
    program = shop.terms.program
    reward, rules = reward_to_hold(tx, shop, caller, command.member, command.reward, command.points)
    factor = prove_member(tx, shop, caller, command.member, proof, command.points)
    opened = open_account(tx, command.member, command.id, shop.journal.epoch, caller.now_ms, "open")
    lapses_at, value_minor = program.lapses_at(opened.at, caller.role), program.redeem.value_minor(command.points)
    opened = opened.add(place_hold(opened.account(), rules, opened.stamp(), command.points, lapses_at))
    body = PointsHeld(
        request=_fingerprint(command),
        member=command.member,
        points=command.points,
        lapses_at=lapses_at,
        proof=factor,
        reward=reward.id if reward else None,
        reward_version=reward.version if reward else 0,
        postings=fact_postings(opened.posted),
        balance=opened.account().balance,
        backing=check_offline_policy(
            tx, shop, caller, command.member, command.points, value_minor, unanswered=unanswered
        ),
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    return Outcome(_answer(shop, entry, "open", body.balance), replayed=False)


def release_hold(tx: Tx, shop: Shop, caller: Caller, hold: UUID) -> Outcome[HoldAnswer]:
    """Let points go that were set aside. The same again answers the same; one that has lapsed is released as well.

    Raises HoldNotFound, and HoldCaptured for one that has paid.
    """
    placed = find(tx, hold)
    if placed is None or not isinstance(placed.body, PointsHeld):
        raise HoldNotFound
    body = placed.body
    release_id = derived_uuid(hold, "release")
    known = find(tx, release_id)
    if known is not None:
        assert isinstance(known.body, PointsReleased)
        return Outcome(_answer(shop, placed, "released", known.body.balance), replayed=True)
    opened = open_account(tx, body.member, release_id, shop.journal.epoch, caller.now_ms, "open", [hold])
    opened = opened.add(release(opened.account(), opened.stamp(), hold.bytes))
    balance = opened.account().balance
    if not opened.posted:  # it has lapsed: time alone writes nothing
        return Outcome(_answer(shop, placed, opened.account().holds[hold.bytes].state, balance), replayed=False)
    released = PointsReleased(hold=hold, member=body.member, postings=fact_postings(opened.posted), balance=balance)
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), release_id, released)
    return Outcome(_answer(shop, placed, "released", balance), replayed=False)


def release_for_basket(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, member: UUID | None, holds: Sequence[UUID]
) -> tuple[PointsPosted, ...]:
    """The postings that let go what was on hold for a basket that is set aside; what has lapsed needs none.

    Raises UnknownHold for one that is not the member's, HoldCaptured.
    """
    if not holds:
        return ()
    if member is None:
        raise UnknownHold(pointer="/holds/0")
    opened = open_account(tx, member, op_id, shop.journal.epoch, caller.now_ms, "open", holds)
    for index, hold in enumerate(holds):
        try:
            opened = opened.add(release(opened.account(), opened.stamp(), hold.bytes))
        except HoldNotFound as unknown:
            raise UnknownHold(pointer=f"/holds/{index}") from unknown
    return fact_postings(opened.posted)


def adjust_points(tx: Tx, shop: Shop, caller: Caller, member: UUID, command: AdjustPoints) -> Outcome[AdjustedPoints]:
    """Give or take points by hand, as far as the caller's role may, and never more than are there.

    Raises MemberNotFound, MemberNotActive, AdjustmentUnexplained, AdjustmentForbidden, InsufficientPoints,
    ReasonNamesMember, IdConflict.
    """
    known = find_same(tx, command.id, PointsAdjusted, fingerprint(command))
    if known is not None:
        return Outcome(_adjusted(known, member), replayed=True)
    row = find_member(tx, member)
    if row.status != "active":
        raise MemberNotActive
    refuse_name(row, command.reason)
    program = shop.terms.program
    opened = open_account(tx, member, command.id, shop.journal.epoch, caller.now_ms, "open")
    limit, ends_at = program.adjust_limits.get(caller.role, 0), program.ends_at(opened.at)
    posting = adjust(opened.account(), opened.stamp(), command.points, command.reason, limit, ends_at)
    opened = opened.add(posting)
    body = PointsAdjusted(
        request=fingerprint(command),
        member=member,
        points=command.points,
        reason=command.reason,
        postings=fact_postings(opened.posted),
        balance=opened.account().balance,
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    return Outcome(_adjusted(entry, member), replayed=False)


def _fingerprint(command: HoldPoints) -> str:
    """What tells a replay apart. The proof is a secret and is another one on a second try: it stays out."""
    return fingerprint(HoldPoints(id=command.id, member=command.member, points=command.points, reward=command.reward))


def _balance_of(placed: Entry) -> Balance:
    assert isinstance(placed.body, PointsHeld)
    return placed.body.balance


def _answer(shop: Shop, entry: Entry, state: str, balance: Balance) -> HoldAnswer:
    body = entry.body
    assert isinstance(body, PointsHeld)
    return HoldAnswer(
        id=entry.op_id,
        member=body.member,
        points=body.points,
        value_minor=shop.terms.program.redeem.value_minor(body.points),
        currency=shop.terms.currency,
        lapses_at=utc_text(body.lapses_at),
        state=state,
        proof=body.proof,
        reward=body.reward,
        balance=render_balance(balance),
    )


def _adjusted(entry: Entry, member: UUID) -> AdjustedPoints:
    body = entry.body
    assert isinstance(body, PointsAdjusted)
    if body.member != member:
        raise IdConflict
    return AdjustedPoints(
        id=entry.op_id,
        member=member,
        points=body.points,
        reason=body.reason,
        balance=render_balance(body.balance),
        at=utc_text(entry.at),
        business_day=entry.business_day,
        operator=entry.operator,
    )
