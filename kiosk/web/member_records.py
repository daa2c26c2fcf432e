"""edge: members as records over HTTP: merged, parted, exported, a lost card replaced."""

import asyncio
from pathlib import Path
from uuid import UUID

from kiosk.life.enrolment import HubFileDamaged, read_enrolment
from kiosk.members.member_export import export_member
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES
from kiosk.members.member_records import MemberExport, MergeAnswer, MergeMembers, PartMembers, ReplaceCard
from kiosk.members.members import MemberAnswer, tag_of
from kiosk.members.merge_service import CARD_RANDOM_BYTES, merge_members, part_members, replace_card
from kiosk.web.door import MANAGERS, STAFF, Door, Session
from kiosk.web.table import RouteTable, reply
from sync.http.calls import Call

routes = RouteTable(tag="members", roles=MANAGERS)
_MEMBER = "/v1/members/{id}"
_WRITTEN = (409, 503)


@routes.post(
    "/v1/member-merges",
    "Two members are one person",
    body=MergeMembers,
    response=MergeAnswer,
    statuses=(201, 200),
    problems=_WRITTEN,
)
async def merge(door: Door, call: Call[Session, MergeMembers, None]) -> object:
    """POST /v1/member-merges."""
    return await door.write(call, merge_members, call.body)


@routes.post(
    "/v1/member-merges/{id}/undo",
    "Take a merge back",
    body=PartMembers,
    response=MergeAnswer,
    problems=_WRITTEN,
)
async def undo(door: Door, call: Call[Session, PartMembers, None]) -> object:
    """POST /v1/member-merges/{id}/undo."""
    return await door.write(call, part_members, call.id(), call.body)


@routes.get(f"{_MEMBER}/export", "Everything about one member", response=MemberExport)
async def export(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/export."""
    member: UUID = call.id()
    head_office = await asyncio.to_thread(_find_head_office, door.config.data_dir())
    return await door.read(call, export_member, member, head_office)


def _find_head_office(folder: Path) -> str | None:
    try:
        enrolment = read_enrolment(folder)
    except HubFileDamaged:  # the doctor says so; what the store knows itself is told all the same
        return None
    return enrolment.url if enrolment is not None else None


@routes.post(
    f"{_MEMBER}/card-replacements",
    "Replace a lost card",
    roles=STAFF,
    body=ReplaceCard,
    response=MemberAnswer,
    problems=_WRITTEN,
)
async def replace(door: Door, call: Call[Session, ReplaceCard, None]) -> object:
    """POST /v1/members/{id}/card-replacements."""
    card_random, random = door.random_bytes(CARD_RANDOM_BYTES), door.random_bytes(PROFILE_RANDOM_BYTES)
    saved = await door.write(call, replace_card, call.id(), call.body, card_random, random)
    return reply(saved, 200, {"ETag": tag_of(saved.answer)})
