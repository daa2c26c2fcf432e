"""sql: a member proves to be here before points are spent. A card identifies; this is what it takes beside it.

    proof = begin_proof(tx, shop, caller, member, shown, limits)      # counted; the edge compares a PIN, outside of any
    proof = accept_pin(tx, shop, caller, member, proof, is_right=…)   # transaction; right: the counter goes back
    prove_member(tx, shop, caller, member, proof, points)             # in the transaction that holds the points

**Guessing.** A PIN has four digits and a code is right for a minute and a half, so what protects both is the counter.
It is moved before a PIN is compared, in a transaction of its own, so a hundred guesses at once are a hundred counts.

**Twice.** A code is looked at twice: at first only to count wrong ones, then again in the transaction that holds the
points, where its step is remembered. Of two tills that show one code at the same instant both pass the first look and
one the second. A kill between the two costs nobody anything: the hold and the used step are written together or not at
all.
"""

from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.identity.approvals import use_approval
from kiosk.identity.people_service import PinLimits
from kiosk.identity.proofs import (
    CheckedProof,
    ClockBehind,
    CodeOfAnother,
    CodeOfOtherTime,
    CodeUsed,
    CodeWrong,
    FactorMissing,
    MemberPinWrong,
    ProofLocked,
    ProofNeeded,
    SessionEnded,
    Shown,
)
from kiosk.members.known_members import find_by_identifier, read_member, read_secrets, refuse_replaced_card
from kiosk.points.accounts import read_balance
from kiosk.sales.sale import ApprovalNeeded
from kiosk.shop import Caller, Shop
from loyalty.errors import Problem
from loyalty.member_store import UnknownMember
from loyalty.merge_store import group_of
from loyalty.one_time_codes import Judged, Verdict, judge_code, read_secret
from loyalty.transactions import Tx
from sync.chain import decode_content
from sync.http.auth import hash_token

_CLOCK_TOLERANCE_MS = 15 * 60_000
_REFUSALS: dict[Verdict, type[Problem]] = {
    Verdict.USED: CodeUsed,
    Verdict.OTHER_TIME: CodeOfOtherTime,
    Verdict.WRONG: CodeWrong,
}


class FactorRow(Struct, frozen=True):
    """How often proofs of a member were wrong, until when it is locked, and the last step of its code that was used."""

    failures: int = 0
    locked_until: int = 0
    last_step: int = 0


def begin_proof(tx: Tx, shop: Shop, caller: Caller, member: UUID, shown: Shown, limits: PinLimits) -> CheckedProof:
    """Look at a proof for the first time, count a wrong code, and count every PIN before it is compared.

    Never raises for what was shown: the problem is in the answer, because the count must be kept, and because a request
    that is repeated gets its first answer whatever has become of the code since.
    """
    if shown.kind in ("approval", "session"):
        return CheckedProof(shown.kind, member, shown.value)
    row = read_member(tx, member)
    if row is None or row.status != "active":
        return CheckedProof(shown.kind, member, "", UnknownMember(pointer="/member"))
    factor = read_factor(tx, member)
    # As with operators: a lock that seems to last longer than any can was set before the clock was put back.
    left_ms = factor.locked_until - caller.now_ms
    if 0 < left_ms <= limits.lock_ms(factor.failures):
        return CheckedProof(shown.kind, member, "", ProofLocked(-(-left_ms // 1000)))
    if shown.kind == "pin":
        return _begin_pin(tx, caller, member, limits)
    try:
        owner, judged = _judge(tx, shop, caller, member, shown)
    except Problem as problem:
        return CheckedProof("code", member, "", problem)
    if judged.verdict is Verdict.WRONG:
        count_failure(tx, caller, member, limits)
    refusal = _REFUSALS.get(judged.verdict)
    return CheckedProof("code", owner, shown.value, refusal(pointer="/proof") if refusal else None)


def accept_pin(
    tx: Tx, _shop: Shop, _caller: Caller, member: UUID, proof: CheckedProof, *, is_right: bool
) -> CheckedProof:
    """After the PIN was compared: a right one takes the counter back to zero, a wrong one stays counted."""
    if not is_right:
        return msgspec.structs.replace(proof, value="", problem=MemberPinWrong(pointer="/proof"))
    _write_factor(tx, member, msgspec.structs.replace(read_factor(tx, member), failures=0, locked_until=0))
    return proof


def prove_member(tx: Tx, shop: Shop, caller: Caller, member: UUID, proof: CheckedProof | None, points: int) -> str:
    """Which factor proves that `points` of this member may be spent: "code", "pin", or "approval:" with the operator.

    Call it in the transaction that spends: a code and an approval are used up by it, and come back when it fails. Above
    `approval_above_points` of the configuration, together with what is on hold already, only a manager's approval does,
    or a manager who is signed in here.

    Raises ProofNeeded, ApprovalNeeded, ApprovalUnknown, SessionEnded, and every problem that `begin_proof` found.
    """
    if proof is None:
        raise ProofNeeded(pointer="/proof")
    if proof.problem is not None:
        raise proof.problem
    _check_limit(tx, shop, caller, member, proof, points)
    match proof.kind:
        case "code":
            return _use_code(tx, shop, caller, member, proof)
        case "pin":
            return _need_same_pin(tx, proof)
        case "approval":
            return f"approval:{use_approval(tx, caller, proof.value, 'redeem')}"
        case "session":
            return _spend_session(tx, caller, member, proof.value)


def _check_limit(tx: Tx, shop: Shop, caller: Caller, member: UUID, proof: CheckedProof, points: int) -> None:
    """Raises ApprovalNeeded for much at once. What is on hold already counts, or several holds would get around it."""
    limit = shop.terms.approval_above_points
    if not limit or not points or proof.kind == "approval" or caller.role == "manager":
        return
    if points + read_balance(tx, member, caller.now_ms).held > limit:
        raise ApprovalNeeded(f"More than {limit} points at once need a manager's approval: redeem.")


def open_session(tx: Tx, caller: Caller, member: UUID, token: str, factor: str, expires_at: int) -> None:
    """Remember that a member was proved on this device, by the hash of a token; forget those that are over."""
    tx.execute("DELETE FROM member_proof WHERE expires_at <= ?", (caller.now_ms,))
    tx.execute(
        "INSERT INTO member_proof (hash, member, device, factor, expires_at, spent) VALUES (?, ?, ?, ?, ?, 0)",
        (hash_token(token), member.bytes, caller.device.bytes, factor, expires_at),
    )


def need_session(tx: Tx, caller: Caller, member: UUID, token: str | None) -> None:
    """Raises SessionEnded unless the member was proved on this very device a moment ago. Uses nothing up."""
    row = tx.execute(
        "SELECT 1 FROM member_proof WHERE hash = ? AND member = ? AND device = ? AND expires_at > ?",
        (hash_token(token or ""), member.bytes, caller.device.bytes, caller.now_ms),
    ).fetchone()
    if row is None:
        raise SessionEnded


def close_session(tx: Tx, caller: Caller, member: UUID) -> None:
    """The member goes: nothing on this device is proved any more."""
    tx.execute("DELETE FROM member_proof WHERE member = ? AND device = ?", (member.bytes, caller.device.bytes))


def forget_factors(tx: Tx, member: UUID) -> None:
    """Delete what is remembered of a member's proofs: counter, last step, sessions."""
    tx.execute("DELETE FROM member_factor WHERE member = ?", (member.bytes,))
    tx.execute("DELETE FROM member_proof WHERE member = ?", (member.bytes,))


def read_factor(tx: Tx, member: UUID) -> FactorRow:
    """The counter and the last step of a member; zeros before the first proof."""
    row = tx.execute(
        "SELECT failures, locked_until, last_step FROM member_factor WHERE member = ?", (member.bytes,)
    ).fetchone()
    return FactorRow(*row) if row else FactorRow()


def count_failure(tx: Tx, caller: Caller, member: UUID, limits: PinLimits) -> None:
    """One more wrong proof; the one that reaches the limit locks."""
    factor = read_factor(tx, member)
    failures = factor.failures + 1
    until = caller.now_ms + limits.lock_ms(failures) if failures % limits.attempts == 0 else 0
    _write_factor(tx, member, msgspec.structs.replace(factor, failures=failures, locked_until=until))


def _begin_pin(tx: Tx, caller: Caller, member: UUID, limits: PinLimits) -> CheckedProof:
    for owner in group_of(tx, member):
        stored = read_secrets(tx, owner).pin_hash
        if stored is not None:
            count_failure(tx, caller, member, limits)
            return CheckedProof("pin", owner, stored)
    return CheckedProof("pin", member, "", FactorMissing("This member has no PIN.", pointer="/proof"))


def _judge(tx: Tx, shop: Shop, caller: Caller, member: UUID, shown: Shown) -> tuple[UUID, Judged]:
    """Whose code it is and what it is worth. Raises ClockBehind, CardReplaced, CodeOfAnother, FactorMissing."""
    _check_clock(tx, shop, caller)
    if shown.card is not None:
        refuse_replaced_card(tx, shown.card, "/proof")
        if member not in find_by_identifier(tx, "card", shown.card):
            raise CodeOfAnother(pointer="/proof")
    judged = None
    for owner in group_of(tx, member):
        secret = read_secrets(tx, owner).code_secret
        if secret is None:
            continue
        judged = judge_code(read_secret(secret), shown.value, caller.now_ms, read_factor(tx, owner).last_step)
        if judged.verdict is not Verdict.WRONG:
            return owner, judged
    if judged is None:
        raise FactorMissing("This member has set up no code.", pointer="/proof")
    return member, judged


def _check_clock(tx: Tx, shop: Shop, caller: Caller) -> None:
    """Raises ClockBehind when the store's clock stands more than 15 minutes before its own newest entry: codes of the
    past would be right again, and those of now wrong. A clock that is ahead needs no look: every code is wrong then."""
    row = tx.execute(
        "SELECT content FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (shop.journal.epoch,)
    ).fetchone()
    if row is not None and decode_content(row[0]).at > caller.now_ms + _CLOCK_TOLERANCE_MS:
        raise ClockBehind


def _use_code(tx: Tx, shop: Shop, caller: Caller, member: UUID, proof: CheckedProof) -> str:
    owner, judged = _judge(tx, shop, caller, member, Shown("code", proof.value))
    refusal = _REFUSALS.get(judged.verdict)
    if refusal is not None:
        raise refusal(pointer="/proof")
    _write_factor(tx, member, msgspec.structs.replace(read_factor(tx, member), failures=0, locked_until=0))
    _write_factor(tx, owner, msgspec.structs.replace(read_factor(tx, owner), last_step=judged.step))
    return "code"


def _need_same_pin(tx: Tx, proof: CheckedProof) -> str:
    if not proof.value or read_secrets(tx, proof.owner).pin_hash != proof.value:
        raise MemberPinWrong(pointer="/proof")
    return "pin"


def _spend_session(tx: Tx, caller: Caller, member: UUID, token: str) -> str:
    row = tx.execute(
        "UPDATE member_proof SET spent = 1 WHERE hash = ? AND member = ? AND device = ? AND expires_at > ?"
        " AND spent = 0 RETURNING factor",
        (hash_token(token), member.bytes, caller.device.bytes, caller.now_ms),
    ).fetchone()
    if row is None:
        raise SessionEnded
    return str(row[0])


def _write_factor(tx: Tx, member: UUID, factor: FactorRow) -> None:
    tx.execute(
        "INSERT INTO member_factor (member, failures, locked_until, last_step) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (member) DO UPDATE SET failures = excluded.failures, locked_until = excluded.locked_until,"
        " last_step = excluded.last_step",
        (member.bytes, factor.failures, factor.locked_until, factor.last_step),
    )
