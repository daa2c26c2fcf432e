"""edge: members over HTTP: enrol, look up, change, consent, points, erase.

Whoever holds a kiosk's token stands before a screen in public: it may enrol and recognise, and is told no more than the
masked phone, and more only once the member was proved before it (kiosk/web/proofs.py).
"""

import asyncio
from uuid import UUID

import msgspec

from kiosk.life.feed_bases import overwrite_gone
from kiosk.members.member_service import (
    CHANGE_RANDOM_BYTES,
    ENROL_RANDOM_BYTES,
    change_member,
    enrol_member,
    erase_member,
    list_erased,
    record_consents,
)
from kiosk.members.member_views import resolve_member, show_member
from kiosk.members.members import (
    ChangeMember,
    EnrolMember,
    EraseMember,
    MemberAnswer,
    RecordConsents,
    RecordedConsents,
    ResolvedMember,
    ResolveMember,
    SavedMember,
    tag_of,
)
from kiosk.members.tombstones import Tombstones, add_tombstones
from kiosk.outcome import Outcome
from kiosk.points.points import LedgerPage, MemberPoints
from kiosk.points.points_views import list_postings, show_points
from kiosk.web.door import KIOSK, MANAGERS, SHOPPERS, STAFF, Door, Session
from kiosk.web.looking_up import look_up
from kiosk.web.proofs import need_proof
from kiosk.web.table import RouteTable, reply
from loyalty.member_store import UnknownMember
from sync.http.calls import Call
from sync.http.paging import PageQuery
from sync.http.routes import Answer

routes = RouteTable(tag="members", roles=STAFF)
_MEMBER = "/v1/members/{id}"
_WRITTEN = (409, 503)


@routes.post(
    "/v1/members",
    "Enrol a member",
    roles=SHOPPERS,
    body=EnrolMember,
    response=SavedMember,
    statuses=(201, 200),
    problems=_WRITTEN,
)
async def enrol(door: Door, call: Call[Session, EnrolMember, None]) -> object:
    """POST /v1/members. A kiosk is not told who else has the phone: that would answer questions about others."""
    random = door.random_bytes(ENROL_RANDOM_BYTES)
    door.slow_down_kiosk(call)
    saved = await door.write(call, enrol_member, call.body, random)
    member = saved.answer
    if call.session.role == KIOSK:
        member = msgspec.structs.replace(member, duplicates=())
    return reply(Outcome(member, saved.replayed), 201, {"ETag": tag_of(member)})


@routes.post(
    "/v1/members/resolve",
    "Whom a code or a phone stands for",
    roles=SHOPPERS,
    body=ResolveMember,
    response=ResolvedMember,
)
async def resolve(door: Door, call: Call[Session, ResolveMember, None]) -> object:
    """POST /v1/members/resolve. A card that nobody here has is asked of head office."""
    door.slow_down_kiosk(call)
    try:
        return await door.read(call, resolve_member, call.body)
    except UnknownMember:
        if not await look_up(door, code=call.body.token, phone=call.body.phone):
            raise
    return await door.read(call, resolve_member, call.body)


@routes.get(_MEMBER, "One member", response=MemberAnswer)
async def show(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}."""
    return _tagged(await door.read(call, show_member, call.id()))


@routes.patch(
    _MEMBER,
    "Change a member's profile",
    body=ChangeMember,
    response=SavedMember,
    problems=_WRITTEN,
    needs_if_match=True,
)
async def change(door: Door, call: Call[Session, ChangeMember, None]) -> object:
    """PATCH /v1/members/{id}."""
    random = door.random_bytes(CHANGE_RANDOM_BYTES)
    return _tagged(await door.write(call, change_member, call.id(), call.body, call.if_match, random))


@routes.get(f"{_MEMBER}/points", "A member's points", roles=SHOPPERS, response=MemberPoints)
async def points(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/points. At a kiosk the member is proved first."""
    await need_proof(door, call, call.id())
    return await door.read(call, show_points, call.id())


@routes.get(
    f"{_MEMBER}/ledger",
    "A member's postings, newest first",
    roles=SHOPPERS,
    query=PageQuery,
    response=LedgerPage,
)
async def ledger(door: Door, call: Call[Session, None, PageQuery]) -> object:
    """GET /v1/members/{id}/ledger. At a kiosk the member is proved first."""
    await need_proof(door, call, call.id())
    return await door.read(call, list_postings, call.id(), call.query)


@routes.post(
    f"{_MEMBER}/consents",
    "Record what a member consents to",
    roles=SHOPPERS,
    body=RecordConsents,
    response=RecordedConsents,
    statuses=(201, 200),
    problems=_WRITTEN,
)
async def consent(door: Door, call: Call[Session, RecordConsents, None]) -> object:
    """POST /v1/members/{id}/consents. At a kiosk the member is proved first."""
    await need_proof(door, call, call.id())
    return await door.write(call, record_consents, call.id(), call.body)


@routes.post(
    f"{_MEMBER}/erase", "Forget a member", roles=MANAGERS, body=EraseMember, response=MemberAnswer, problems=_WRITTEN
)
async def erase(door: Door, call: Call[Session, EraseMember, None]) -> object:
    """POST /v1/members/{id}/erase. Traces are erased on a replay as well: the first call may have died between.

    Should a long read keep the log in use, upkeep goes on trying to empty it.
    """
    member: UUID = call.id()
    saved = await door.write(call, erase_member, member, call.body)
    erased = await door.read(call, list_erased, member)
    await asyncio.to_thread(add_tombstones, door.database.path.parent, Tombstones(erased=erased))
    await door.database.erase_traces()
    await overwrite_gone(door.database)
    return reply(saved, 200, {"ETag": tag_of(saved.answer)})


def _tagged(member: MemberAnswer) -> Answer:
    return Answer(200, member, {"ETag": tag_of(member)})
