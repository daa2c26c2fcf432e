"""What happens to members beside selling, for the histories of tests/kiosk/history.py: they set up proofs, have further
phones and lost cards, and two of them turn out to be one.

tell_records(story, anna, ben)
"""

from typing import TYPE_CHECKING
from uuid import UUID

from kiosk.identity.factor_service import set_pin, set_up_code
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES
from kiosk.members.member_records import MergeMembers, PartMembers, ReplaceCard
from kiosk.members.member_service import change_member
from kiosk.members.member_views import show_member
from kiosk.members.members import ChangeMember, tag_of
from kiosk.members.merge_service import CARD_RANDOM_BYTES, merge_members, part_members, replace_card
from loyalty.identity import make_card
from loyalty.one_time_codes import SECRET_BYTES

if TYPE_CHECKING:
    from tests.kiosk.history import Story


def merge(story: "Story", absorbed: UUID, into: UUID) -> UUID:
    """Make one member an alias of another; the id of the merge."""
    command = MergeMembers(id=story.id(), absorbed=absorbed, into=into, reason="two records")
    story.do_as(story.manager(), merge_members, command)
    return command.id


def part(story: "Story", merged: UUID) -> None:
    """Take a merge back."""
    story.do_as(story.manager(), part_members, merged, PartMembers(reason="a mistake"))


def set_up(story: "Story", member: UUID) -> None:
    """Give a member a PIN, a rotating code, a second phone, a plastic card, and a new card for a lost one."""
    manager = story.manager()
    story.do_as(manager, set_pin, member, "a hash of a PIN", None, story.random(PROFILE_RANDOM_BYTES))
    secret = story.random(SECRET_BYTES)
    story.do_as(manager, set_up_code, member, secret, None, story.random(PROFILE_RANDOM_BYTES))
    shown = story.do(show_member, member)
    change = ChangeMember(more_phones=(f"602 {story.now_ms % 1_000_000:06}",), more_cards=(make_card(story.random(7)),))
    story.do(change_member, member, change, tag_of(shown), story.random(PROFILE_RANDOM_BYTES))
    lost = ReplaceCard(lost=shown.token or "")
    story.do(replace_card, member, lost, story.random(CARD_RANDOM_BYTES), story.random(PROFILE_RANDOM_BYTES))


def tell_records(story: "Story", member: UUID, leaving: UUID) -> None:
    """One of each: proofs and cards are set up, one alias stays, another merge is taken back. `leaving` will be
    erased, with what proves it."""
    set_up(story, member)
    set_up(story, leaving)
    alias, other = story.enrol("Anna N", "603 404 505"), story.enrol("Olga Nowik", "604 505 606")
    merge(story, alias, member)
    part(story, merge(story, other, member))
