"""sql: two records of one person become one account, and apart again if that was a mistake; a lost card is replaced.

Nothing moves: every posting and every sale stays with the member it was booked for. The merge is a fact that says whose
account counts them, so taking it back is a fact as well. What was spent together in between stays spent by the one who
spent it, and may leave debt there.
"""

from uuid import UUID

import msgspec

from kiosk.commands import fingerprint
from kiosk.members.known_members import find_member, is_card_known, need_active_member
from kiosk.members.member_profile import need_active, read_profile, record_profile
from kiosk.members.member_records import (
    MergeAnswer,
    MergeMembers,
    MergeNotFound,
    NotMerged,
    NotTheMembersCard,
    PartMembers,
    ReplaceCard,
    SameMember,
)
from kiosk.members.member_views import present
from kiosk.members.members import CardTaken, MemberAnswer, need_card
from kiosk.outcome import Outcome
from kiosk.points.accounts import open_account
from kiosk.sales.reasons import refuse_name
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.identity import make_card
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from sync.facts.members import MemberMerged, MemberParted
from sync.journal import Entry, find, find_same

CARD_RANDOM_BYTES = 7


def merge_members(tx: Tx, shop: Shop, caller: Caller, command: MergeMembers) -> Outcome[MergeAnswer]:
    """Make one member an alias of another: its card, phone and points are the other's from now on.

    Raises UnknownMember for one that is not active, SameMember, ReasonNamesMember, IdConflict.
    """
    known = find_same(tx, command.id, MemberMerged, fingerprint(command))
    if known is not None:
        return Outcome(answer_merge(tx, known), replayed=True)
    if command.absorbed == command.into:
        raise SameMember(pointer="/absorbed")
    for member, pointer in ((command.absorbed, "/absorbed"), (command.into, "/into")):
        refuse_name(need_active_member(tx, member, pointer=pointer), command.reason)
    # The merge counts behind every posting of either, whatever the clock says.
    opened = [
        open_account(tx, member, command.id, shop.journal.epoch, caller.now_ms)
        for member in (command.absorbed, command.into)
    ]
    body = MemberMerged(
        request=fingerprint(command),
        absorbed=command.absorbed,
        into=command.into,
        effective_at=max(each.at for each in opened),
        reason=command.reason,
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    return Outcome(answer_merge(tx, entry), replayed=False)


def part_members(tx: Tx, shop: Shop, caller: Caller, merge: UUID, command: PartMembers) -> Outcome[MergeAnswer]:
    """Take a merge back; the same again answers the same.

    Raises MergeNotFound, NotMerged for another reason or when a member was erased since, ReasonNamesMember.
    """
    merged = _find_merged(tx, merge)
    body = merged.body
    assert isinstance(body, MemberMerged)
    known = find(tx, derived_uuid(merge, "part"))
    if known is not None:
        if not isinstance(known.body, MemberParted) or known.body.reason != command.reason:
            raise NotMerged
        return Outcome(answer_merge(tx, merged), replayed=True)
    absorbed, into = find_member(tx, body.absorbed), find_member(tx, body.into)
    if absorbed.status != "merged":  # erased since, together with the other
        raise NotMerged
    for row in (absorbed, into):
        refuse_name(row, command.reason)
    parted = MemberParted(merge=merge, absorbed=absorbed.id, into=into.id, reason=command.reason)
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    shop.journal.record(tx, origin, derived_uuid(merge, "part"), parted)
    return Outcome(answer_merge(tx, merged), replayed=False)


def answer_merge(tx: Tx, entry: Entry) -> MergeAnswer:
    """A merge as it stands now."""
    body = entry.body
    assert isinstance(body, MemberMerged)
    return MergeAnswer(
        id=entry.op_id,
        absorbed=body.absorbed,
        into=body.into,
        reason=body.reason,
        at=utc_text(entry.at),
        operator=entry.operator,
        undone=find(tx, derived_uuid(entry.op_id, "part")) is not None,
    )


def replace_card(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, command: ReplaceCard, card_random: bytes, random: bytes
) -> Outcome[MemberAnswer]:
    """Give a new card for a lost one, which is refused from now on. The same loss told again changes nothing.

    `card_random` is CARD_RANDOM_BYTES, `random` PROFILE_RANDOM_BYTES long.

    Raises MemberNotFound, MemberNotActive, WrongCard, NotTheMembersCard, CardTaken.
    """
    row = need_active(tx, member)
    profile, lost = read_profile(tx, row), need_card(command.lost)
    if lost in profile.replaced_cards:
        return Outcome(present(tx, row), replayed=True)
    if lost not in (profile.card, *profile.more_cards):
        raise NotTheMembersCard(pointer="/lost")
    new = need_card(command.card) if command.card is not None else make_card(card_random)
    if is_card_known(tx, new):
        raise CardTaken(pointer="/card")
    is_main = lost == profile.card
    changed = msgspec.structs.replace(
        profile,
        card=new if is_main else profile.card,
        more_cards=tuple(card for card in (*profile.more_cards, *(() if is_main else (new,))) if card != lost),
        replaced_cards=(*profile.replaced_cards, lost),
    )
    record_profile(tx, shop, caller, row, changed, row.locale, random)
    return Outcome(present(tx, find_member(tx, member)), replayed=False)


def _find_merged(tx: Tx, merge: UUID) -> Entry:
    entry = find(tx, merge)
    if entry is None or not isinstance(entry.body, MemberMerged):
        raise MergeNotFound
    return entry
