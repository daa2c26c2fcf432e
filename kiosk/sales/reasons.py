"""sql: reasons typed by hand are hashed into the chain and kept for ever, so they must not name the customer.

The customer may ask to be forgotten, and a fact cannot be changed any more. What is not known to be a member's cannot
be looked for: the guard holds where the sale, the return or the basket has a member.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from kiosk.commands import LineRequest
from kiosk.members.known_members import read_member
from kiosk.members.members import ReasonNamesMember, mentions
from loyalty.member_store import MemberRow
from loyalty.transactions import Tx


def list_reasons(lines: Sequence[LineRequest]) -> list[tuple[str, str]]:
    """Every reason of the lines with its pointer: of discounts and of prices set by hand."""
    reasons = []
    for index, line in enumerate(lines):
        if line.discount is not None:
            reasons.append((line.discount.reason, f"/lines/{index}/discount/reason"))
        if line.reason is not None:
            reasons.append((line.reason, f"/lines/{index}/reason"))
    return reasons


def refuse_names(tx: Tx, members: Iterable[UUID | None], reasons: Sequence[tuple[str, str]]) -> None:
    """Look for each member in each (reason, pointer). Reads nothing where there is no reason or no member. Of one whom
    this store does not know, another store's or a lost disk's, nobody here knows a name: her goods come back all the
    same.

    Raises ReasonNamesMember.
    """
    if not reasons:
        return
    for member in {member for member in members if member is not None}:
        row = read_member(tx, member)
        if row is None:
            continue
        for reason, pointer in reasons:
            refuse_name(row, reason, pointer)


def refuse_name(member: MemberRow, reason: str, pointer: str = "/reason") -> None:
    """Raises ReasonNamesMember where a reason holds the member's name, phone or e-mail."""
    if mentions(reason, member.name, member.phone, member.email):
        raise ReasonNamesMember(pointer=pointer)
