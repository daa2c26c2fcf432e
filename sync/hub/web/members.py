"""edge: the office and members: what is known of one, to forget one, and that two are one person."""

from uuid import UUID

from msgspec import Struct

from loyalty.transactions import Tx
from sync.db import Database
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer, replayed
from sync.http.table import RouteTable
from sync.hub.applier import apply_own
from sync.hub.door import HEAD, HEAD_OFFICE, OFFICE, Door, OfficeSession
from sync.hub.member_page import (
    MemberEvent,
    MemberExport,
    MemberPage,
    export_person,
    list_timeline,
    show_person,
)
from sync.hub.own_facts import MergeCommand, erase_person, merge_members

routes = RouteTable(tag="members", roles=HEAD_OFFICE)


@routes.get("/v1/members/{id}", "A person, in every channel", roles=OFFICE, response=MemberPage)
async def show_member(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/members/{id}. Somebody who may only look is not told name, phone, e-mail and cards."""
    member, is_personal, now_ms = call.id(), call.session.role == HEAD, door.now_ms()
    return await door.read(lambda tx: show_person(tx, member, now_ms, is_personal=is_personal))


@routes.get(
    "/v1/members/{id}/timeline",
    "What happened to a person",
    roles=OFFICE,
    query=PageQuery,
    response=Page[MemberEvent],
)
async def show_timeline(door: Door, call: Call[OfficeSession, None, PageQuery]) -> object:
    """GET /v1/members/{id}/timeline, the newest first."""
    member, query = call.id(), call.query
    return await door.read(lambda tx: list_timeline(tx, member, query.after, query.limit))


@routes.get("/v1/members/{id}/export", "Everything about a person", response=MemberExport)
async def export_member(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/members/{id}/export (GDPR articles 15 and 20)."""
    member, now_ms = call.id(), door.now_ms()
    return await door.read(lambda tx: export_person(tx, member, now_ms))


class ErasedAnswer(Struct, frozen=True, kw_only=True):
    """Who is forgotten now: the member and everybody who was the same person. Empty: they were before."""

    erased: list[UUID]


class MergedAnswer(Struct, frozen=True, kw_only=True):
    """Who is one person now."""

    id: UUID
    absorbed: UUID
    into: UUID


@routes.post("/v1/members/{id}/erase", "Forget a member for ever", response=ErasedAnswer)
async def erase_member(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/members/{id}/erase: the same again finds nobody left to forget."""
    member, user, now_ms = call.id(), call.session.user, door.now_ms()

    def decide(tx: Tx) -> list[UUID]:
        erased = erase_person(tx, member, user, now_ms)
        apply_own(tx, now_ms, door.version)
        return erased

    erased = await door.write(decide)
    if erased and isinstance(door.database, Database):
        await door.database.erase_traces()
    return ErasedAnswer(erased=erased)


@routes.post(
    "/v1/member-merges",
    "Two members are one person",
    body=MergeCommand,
    response=MergedAnswer,
    statuses=(200, 201),
    problems=(409,),
)
async def merge(door: Door, call: Call[OfficeSession, MergeCommand, None]) -> object:
    """POST /v1/member-merges: the same id and members again change nothing."""
    command, user, now_ms = call.body, call.session.user, door.now_ms()

    def decide(tx: Tx) -> bool:
        merged = merge_members(tx, command, user, now_ms)
        apply_own(tx, now_ms, door.version)
        return merged

    merged = await door.write(decide)
    answer = MergedAnswer(id=command.id, absorbed=command.absorbed, into=command.into)
    return Answer(201, answer) if merged else replayed(answer)
