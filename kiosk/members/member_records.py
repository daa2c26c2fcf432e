"""pure: commands and answers about members as records: two that are one person, a lost card, everything about one."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.commands import Booking, Reason
from kiosk.members.members import ConsentAnswer, MemberAnswer
from kiosk.points.points import AccountParts
from loyalty.errors import Conflict, InvalidInput, NotFound

CardText = Annotated[str, Meta(min_length=1, max_length=64)]


class SameMember(InvalidInput):
    """These two are one member already."""

    code, hint = "same_member", "Choose two different members."


class MergeNotFound(NotFound):
    """There is no such merge."""

    code, hint = "merge_not_found", "Look the member up again; the export lists its merges."


class NotMerged(Conflict):
    """This merge was taken back already, for another reason, or the member was erased since."""

    code, hint = "not_merged", "Nothing was changed. Look the member up again."


class NotTheMembersCard(InvalidInput):
    """This is not a card of this member."""

    code, hint = "not_the_members_card", "Look the member up again; the lost card is one that the answer shows."


class MergeMembers(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/member-merges. `absorbed` becomes an alias of `into`. `reason` names nobody: it is kept for ever."""

    absorbed: UUID
    into: UUID
    reason: Reason


class PartMembers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/member-merges/{id}/undo."""

    reason: Reason


class ReplaceCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/{id}/card-replacements. `lost` is the old card, `card` a new one from the drawer; without it a
    number is made for the phone or the printer."""

    lost: CardText
    card: CardText | None = None


class MergeAnswer(Struct, frozen=True, kw_only=True):
    """A merge. `undone` once it was taken back."""

    id: UUID
    absorbed: UUID
    into: UUID
    reason: str
    at: str
    operator: str | None
    undone: bool


class ExportedPosting(Struct, frozen=True, kw_only=True):
    """A points fact of the export. Times are RFC 3339."""

    member: UUID
    op: UUID
    n: int
    kind: str
    points: int
    at: str
    rule: str | None
    reason: str | None


class ExportedSaleLine(Struct, frozen=True, kw_only=True):
    """A line of a sale of the export."""

    line: int
    sku: str
    name: str
    quantity_milli: int
    net_minor: int


class ExportedSale(Struct, frozen=True, kw_only=True):
    """A sale of the export."""

    id: UUID
    number: str
    business_day: str
    at: str
    currency: str
    due_minor: int
    voided: bool
    lines: tuple[ExportedSaleLine, ...]


class ExportedCoupon(Struct, frozen=True, kw_only=True):
    """A coupon of the export. `serial` is 16 hex digits; `valid_until` a day."""

    serial: str
    offer: str
    valid_until: str
    uses: int
    uses_left: int


class ExportedActivity(Struct, frozen=True, kw_only=True):
    """Something the member did that is no purchase, and what it brought."""

    type: str
    occurred_at: str
    proof: str
    points: int


class ExportedMember(Struct, frozen=True, kw_only=True):
    """One record of the export. `replaced_cards` were lost; `consent_log` is every word ever said, oldest first."""

    profile: MemberAnswer
    replaced_cards: tuple[str, ...]
    consent_log: tuple[ConsentAnswer, ...]


class MemberExport(Struct, frozen=True, kw_only=True):
    """Everything the store knows about a person: the member and all who are the same (GDPR articles 15 and 20).
    PIN and code are not in it: they are the member's alone, and only their presence is told.

    Sales, postings, coupons and activities are those of this store. `account` says what the postings come to, and what
    the whole balance is; `whole_at` is where head office tells everything about the person, null for a store that is
    its own authority."""

    exported_at: str
    account: AccountParts
    whole_at: str | None
    members: tuple[ExportedMember, ...]
    merges: tuple[MergeAnswer, ...]
    sales: tuple[ExportedSale, ...]
    postings: tuple[ExportedPosting, ...]
    coupons: tuple[ExportedCoupon, ...]
    activities: tuple[ExportedActivity, ...]
