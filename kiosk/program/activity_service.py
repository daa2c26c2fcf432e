"""sql: activities become points, each once under its key.

    outcome = record_activity(tx, shop, caller, RecordActivity(id=…, member=…, type="survey", …))

Two tills that record one activity at the same instant: the write transactions come one after the other, the second
finds the key and is refused with the date of the first. Should the check ever be forgotten, the primary key breaks the
transaction, so nobody is paid twice.
"""

from uuid import UUID

from kiosk.commands import fingerprint
from kiosk.identity.second_factor import need_session
from kiosk.members.known_members import need_active_member, share_identifier
from kiosk.members.member_standing import read_context
from kiosk.offers.offer_store import has_bought
from kiosk.outcome import Outcome
from kiosk.points.accounts import open_account
from kiosk.program.activities import (
    ActivityAnswer,
    ActivityProof,
    CapReached,
    ProofIncomplete,
    RecordActivity,
    ReferralWrong,
    RulePoints,
    UnknownPartner,
)
from kiosk.program.program_shelf import ProgramBook
from kiosk.program.program_store import find_activity, read_program_mark, read_used
from kiosk.shifts.business_day import local_time, utc_text
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.activities import (
    REFERRAL,
    ActivityDone,
    ActivityNotOffered,
    ActivityType,
    ProofKind,
    check_proof,
    check_signature,
    check_time,
    key_of,
    signed_text,
    within_caps,
)
from loyalty.earning_rules.context import Used
from loyalty.earning_rules.evaluation import RuleShare, evaluate_activity
from loyalty.merge_store import group_of
from loyalty.points.decide import earn
from loyalty.points.operation import OpenAccount
from loyalty.points.periods import end_of_day
from loyalty.transactions import Tx
from sync.facts.earning import ActivityRecorded, RuleEarned
from sync.facts.points import fact_postings
from sync.journal import Entry, find_same


def record_activity(tx: Tx, shop: Shop, caller: Caller, command: RecordActivity) -> Outcome[ActivityAnswer]:
    """Count an activity and post its points.

    Raises UnknownMember, ActivityNotOffered, ActivityTooOld, SubjectNeeded, ActivityDone, CapReached, ReferralWrong,
    ProofNotTaken and what a proof may lack: ProofIncomplete, UnknownPartner, WrongSignature, SessionEnded; IdConflict.
    """
    request = fingerprint(command)
    known = find_same(tx, command.id, ActivityRecorded, request)
    if known is not None:
        return Outcome(_answer(known, caller), replayed=True)
    need_active_member(tx, command.member)
    book = shop.program.find(tx, read_program_mark(tx), shop.terms)
    activity = book.types.get(command.type)
    if activity is None:
        raise ActivityNotOffered(pointer="/type")
    proof = _check_proof(tx, shop, caller, command, activity)
    occurred_at = int(command.occurred_at.timestamp() * 1000)
    check_time(activity, occurred_at, caller.now_ms)
    local_day = local_time(occurred_at, shop.terms.time_zone).date()
    # What a record did that was merged into this one, this person did: a second account is no second survey.
    keys = [key_of(activity, each.bytes, local_day, command.subject) for each in group_of(tx, command.member)]
    first = next((found for key in dict.fromkeys(keys) if (found := find_activity(tx, key)) is not None), None)
    if first is not None:
        raise ActivityDone(
            f"It was counted on {first.business_day}.",
            first={"at": utc_text(first.at), "business_day": first.business_day},
        )
    day = day_of(tx, caller, shop.terms)
    shares = _shares(tx, shop, caller, command.member, activity, book, day)
    points = sum(share.points for share in shares)
    opened = open_account(tx, command.member, command.id, shop.journal.epoch, caller.now_ms)
    referee = _check_referral(tx, command) if activity.id == REFERRAL else None
    posted = opened if referee else _post(opened, shop, activity, points)
    body = ActivityRecorded(
        request=request,
        member=command.member,
        activity=activity.id,
        version=activity.version,
        key=keys[0].hex(),
        occurred_at=occurred_at,
        proof=proof.kind,
        partner=proof.partner,
        referee=referee,
        points=points,
        earned=tuple(
            RuleEarned(rule=share.rule, version=share.version or activity.version, points=share.points)
            for share in shares
        ),
        postings=fact_postings(posted.posted),
        balance=posted.account().balance,
    )
    entry = shop.journal.record(tx, origin_of(caller, day), command.id, body)
    return Outcome(_answer(entry, caller), replayed=False)


def _check_proof(tx: Tx, shop: Shop, caller: Caller, command: RecordActivity, activity: ActivityType) -> ActivityProof:
    """Who says it; without a proof it is whoever is signed in. Raises what is wrong with it."""
    kind: ProofKind = "self" if caller.role == "kiosk" else "staff"
    proof = command.proof or ActivityProof(kind=kind)
    check_proof(activity, proof.kind)
    if proof.kind == "self":
        need_session(tx, caller, command.member, proof.token)
    elif proof.kind == "staff":
        if caller.role == "kiosk":
            raise ProofIncomplete(pointer="/proof/kind")
    else:
        if proof.partner is None or proof.signature is None:
            raise ProofIncomplete(pointer="/proof")
        public_key = shop.terms.earning.partners.get(proof.partner)
        if public_key is None:
            raise UnknownPartner(pointer="/proof/partner")
        text = signed_text(
            partner=proof.partner,
            op_id=str(command.id),
            member=str(command.member),
            activity=command.type,
            occurred_at=int(command.occurred_at.timestamp() * 1000),
            subject=command.subject,
        )
        check_signature(public_key, text, proof.signature)
    return proof


def _shares(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, activity: ActivityType, book: ProgramBook, day: str
) -> tuple[RuleShare, ...]:
    """What the type and the rules give. Raises CapReached when the type's own caps leave no room."""
    caps = activity.caps
    if caps.per_day or caps.per_period:
        used = read_used(tx, member, "activity_type", [(activity.id, caps)], day).get(activity.id, Used())
        if not within_caps(caps, activity.points, used.day, used.period):
            raise CapReached(f"{used.day} points today, {used.period} in this {caps.period}.")
    context = read_context(tx, shop, caller, member, book, day)
    return evaluate_activity(activity.id, activity.points, book.rules, context)


def _check_referral(tx: Tx, command: RecordActivity) -> UUID:
    """The friend who was brought: a new member, not the same person. Raises ReferralWrong, UnknownMember."""
    try:
        referee = UUID(command.subject or "")
    except ValueError as error:
        raise ReferralWrong("The friend is named by a member's id.", pointer="/subject") from error
    need_active_member(tx, referee, pointer="/subject")
    if referee == command.member or has_bought(tx, referee) or share_identifier(tx, command.member, referee):
        raise ReferralWrong(pointer="/subject")
    back = tx.execute(
        "SELECT 1 FROM activity WHERE referee = ? AND member = ?", (command.member.bytes, referee.bytes)
    ).fetchone()
    if back is not None:
        raise ReferralWrong("One of the two brought the other already.", pointer="/subject")
    return referee


def _post(opened: OpenAccount, shop: Shop, activity: ActivityType, points: int) -> OpenAccount:
    """The points, usable at once: what was done cannot be returned. They end as the type says, or as the program's."""
    program = shop.terms.program
    ends = (
        end_of_day(opened.at, activity.valid_days, program.time_zone)
        if activity.valid_days is not None
        else program.ends_at(opened.at)
    )
    return opened.add(earn(opened.stamp(), (), points, f"{activity.id}@{activity.version}", None, ends))


def _answer(entry: Entry, caller: Caller) -> ActivityAnswer:
    body = entry.body
    assert isinstance(body, ActivityRecorded)
    posting = body.postings[0] if body.postings else None
    return ActivityAnswer(
        id=entry.op_id,
        member=body.member,
        type=body.activity,
        points=body.points,
        rules=tuple(RulePoints(f"{each.rule}@{each.version}", each.points) for each in body.earned),
        available_from=_time(posting.available_from) if posting else None,
        expires_at=_time(posting.expires_at) if posting else None,
        balance=None if caller.role == "kiosk" else body.balance,
        at=utc_text(entry.at),
        business_day=entry.business_day,
    )


def _time(at: int | None) -> str | None:
    return utc_text(at) if at is not None else None
