"""sql: a manager's word on the spot. An approval is a one-use token for one purpose on one device, short-lived.

It is used up in the transaction of the call that needed it: if that call fails, the approval is still there.
"""

from collections.abc import Iterable
from uuid import UUID

from kiosk.sales.sale import ApprovalNeeded
from kiosk.shop import Caller
from loyalty.transactions import Tx
from sync.http.auth import hash_token


class ApprovalUnknown(ApprovalNeeded):
    """This approval was used already, is too old, or was given for something else."""

    code = "approval_unknown"


def grant_approval(tx: Tx, token: str, operator: str, purpose: str, device: UUID, expires_at: int) -> None:
    """Remember an approval by the hash of its token, and forget those that nobody used in time."""
    tx.execute("DELETE FROM approval WHERE expires_at < ?", (expires_at - 86_400_000,))
    tx.execute(
        "INSERT INTO approval (hash, operator, purpose, device, expires_at) VALUES (?, ?, ?, ?, ?)",
        (hash_token(token), operator, purpose, device.bytes, expires_at),
    )


def use_approval(tx: Tx, caller: Caller, token: str | None, purpose: str) -> str | None:
    """The operator who approved, or None where no token was sent. Raises ApprovalUnknown for one that does not hold."""
    if token is None:
        return None
    row = tx.execute(
        "DELETE FROM approval WHERE hash = ? AND purpose = ? AND device = ? AND expires_at > ? RETURNING operator",
        (hash_token(token), purpose, caller.device.bytes, caller.now_ms),
    ).fetchone()
    if row is None:
        raise ApprovalUnknown
    return str(row[0])


def use_approvals(tx: Tx, caller: Caller, tokens: Iterable[str]) -> dict[str, str]:
    """What each of these approvals was given for, and by whom: purpose -> operator. Raises ApprovalUnknown."""
    granted: dict[str, str] = {}
    for token in sorted(set(tokens)):
        row = tx.execute(
            "DELETE FROM approval WHERE hash = ? AND device = ? AND expires_at > ? RETURNING purpose, operator",
            (hash_token(token), caller.device.bytes, caller.now_ms),
        ).fetchone()
        if row is None:
            raise ApprovalUnknown
        granted[str(row[0])] = str(row[1])
    return granted


def need_approval(
    tx: Tx, caller: Caller, token: str | None, purpose: str, needs_approval: frozenset[str]
) -> str | None:
    """The approver's id where one was needed and given. Raises ApprovalNeeded, ApprovalUnknown."""
    approver = use_approval(tx, caller, token, purpose)
    check_approver(approver, caller, purpose, needs_approval)
    return approver


def check_approver(approver: str | None, caller: Caller, purpose: str, needs_approval: frozenset[str]) -> None:
    """Raises ApprovalNeeded where a cashier needs one and nobody approved."""
    if approver is None and purpose in needs_approval and caller.role != "manager":
        raise ApprovalNeeded(f"Approval for: {purpose}.")
