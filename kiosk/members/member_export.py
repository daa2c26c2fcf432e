"""sql: everything the store knows about a person, as one answer (GDPR articles 15 and 20). Writes nothing."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from kiosk.coupons.coupon_store import coupons_of
from kiosk.coupons.coupons import serial_text
from kiosk.members.known_consents import read_consent_log
from kiosk.members.known_members import find_member
from kiosk.members.member_profile import read_profile
from kiosk.members.member_records import (
    ExportedActivity,
    ExportedCoupon,
    ExportedMember,
    ExportedPosting,
    ExportedSale,
    ExportedSaleLine,
    MemberExport,
    MergeAnswer,
)
from kiosk.members.member_views import answer_consent, present
from kiosk.members.merge_service import answer_merge
from kiosk.points.points_views import split_account
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop
from loyalty.member_store import MemberRow
from loyalty.merge_store import group_of, read_merges, survivor_of
from loyalty.points.facts import place_of
from loyalty.points_store import read_group
from loyalty.transactions import Tx
from sync.journal import find

_COUPONS_AT_ONCE = 500


def export_member(tx: Tx, _shop: Shop, caller: Caller, member: UUID, head_office: str | None = None) -> MemberExport:
    """The person that the member of the path is, with everybody who was merged, their sales and postings. `head_office`
    is the address where all of it is known. Raises MemberNotFound."""
    find_member(tx, member)
    member = survivor_of(tx, member)
    group = group_of(tx, member)
    return MemberExport(
        exported_at=utc_text(caller.now_ms),
        account=split_account(tx, member, caller.now_ms),
        whole_at=f"{head_office}/v1/members/{member}/export" if head_office is not None else None,
        members=tuple(_export(tx, find_member(tx, alias)) for alias in group),
        merges=tuple(_list_merges(tx, member)),
        sales=tuple(_list_sales(tx, group)),
        postings=tuple(_list_postings(tx, member)),
        coupons=tuple(_list_coupons(tx, group)),
        activities=tuple(_list_activities(tx, group)),
    )


def _export(tx: Tx, row: MemberRow) -> ExportedMember:
    return ExportedMember(
        profile=present(tx, row),
        replaced_cards=read_profile(tx, row).replaced_cards,
        consent_log=tuple(map(answer_consent, read_consent_log(tx, row.id))),
    )


def _list_merges(tx: Tx, member: UUID) -> Iterator[MergeAnswer]:
    for merge in sorted(read_merges(tx, member), key=lambda merge: merge.effective_at):
        entry = find(tx, UUID(bytes=merge.op_id))
        if entry is not None:
            yield answer_merge(tx, entry)


def _list_sales(tx: Tx, members: Iterable[UUID]) -> Iterator[ExportedSale]:
    """Oldest first of each member."""
    for member in members:
        rows = tx.execute(
            "SELECT id, number, business_day, at, currency, due_minor,"
            " EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = sale.id)"
            " FROM sale WHERE member = ? ORDER BY id",
            (member.bytes,),
        ).fetchall()
        for sale, number, day, at, currency, due_minor, voided in rows:
            yield ExportedSale(
                id=UUID(bytes=sale),
                number=number,
                business_day=day,
                at=utc_text(at),
                currency=currency,
                due_minor=due_minor,
                voided=bool(voided),
                lines=tuple(_list_lines(tx, sale)),
            )


def _list_lines(tx: Tx, sale: bytes) -> Iterator[ExportedSaleLine]:
    rows = tx.execute("SELECT line, sku, name, quantity_milli, net_minor FROM sale_line WHERE sale = ?", (sale,))
    for line, sku, name, quantity_milli, net_minor in rows:
        yield ExportedSaleLine(line=line, sku=sku, name=name, quantity_milli=quantity_milli, net_minor=net_minor)


def _list_postings(tx: Tx, member: UUID) -> Iterator[ExportedPosting]:
    """All postings that make the account, in the order in which they count."""
    postings, _ = read_group(tx, member.bytes)
    for posting in sorted(postings, key=place_of):
        yield ExportedPosting(
            member=UUID(bytes=posting.member),
            op=UUID(bytes=posting.op_id),
            n=posting.n,
            kind=posting.kind,
            points=posting.points,
            at=utc_text(posting.effective_at),
            rule=posting.rule,
            reason=posting.reason,
        )


def _list_coupons(tx: Tx, members: Iterable[UUID]) -> Iterator[ExportedCoupon]:
    """All coupons ever issued to these members, also those that are used or void."""
    for member in members:
        after: int | None = -1
        while after is not None:
            found = coupons_of(tx, member, after, _COUPONS_AT_ONCE)
            after = found[-1].serial if found else None
            for coupon in found:
                yield ExportedCoupon(
                    serial=serial_text(coupon.serial),
                    offer=coupon.offer,
                    valid_until=coupon.valid_until,
                    uses=coupon.uses - coupon.given_back,
                    uses_left=coupon.uses_left,
                )


def _list_activities(tx: Tx, members: Iterable[UUID]) -> Iterator[ExportedActivity]:
    """Oldest first of each member."""
    for member in members:
        rows = tx.execute(
            "SELECT type, occurred_at, proof, points FROM activity WHERE member = ? ORDER BY occurred_at, activity_key",
            (member.bytes,),
        )
        for kind, occurred_at, proof, points in rows:
            yield ExportedActivity(type=kind, occurred_at=utc_text(occurred_at), proof=proof, points=points)
