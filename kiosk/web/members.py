"""edge: the routes of members: enrol, look up, change, consent, points, erase.

    app_routes = [*member_routes(door), ...]

Whoever holds a kiosk's token stands before a screen in public: it may enrol and recognise, and is told no more than the
masked phone.
"""

from uuid import UUID

import msgspec

from kiosk.member_service import (
    CHANGE_RANDOM_BYTES,
    ENROL_RANDOM_BYTES,
    adjust_points,
    change_member,
    enrol_member,
    erase_member,
    record_consents,
)
from kiosk.member_views import list_postings, resolve_member, show_member, show_points
from kiosk.members import (
    AdjustedPoints,
    AdjustPoints,
    ChangeMember,
    EnrolMember,
    EraseMember,
    MemberAnswer,
    MemberPoints,
    PostingAnswer,
    RecordConsents,
    RecordedConsents,
    ResolvedMember,
    ResolveMember,
    SavedMember,
    tag_of,
)
from kiosk.web.door import KIOSK, MANAGERS, SHOPPERS, STAFF, Door, ServiceCall
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer, Route, replayed

_MEMBER = "/v1/members/{id}"


class MemberHandlers:
    """The handlers over one door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def enrol(self, call: ServiceCall) -> Answer:
        """POST /v1/members. A kiosk is not told who else has the phone: that would answer questions about others."""
        random = self._door.random_bytes(ENROL_RANDOM_BYTES)
        self._door.slow_down_kiosk(call)
        saved = await self._door.write(call, enrol_member, call.body, random)
        member = saved.answer
        if call.session.role == KIOSK:
            member = msgspec.structs.replace(member, duplicates=())
        headers = {"ETag": tag_of(member)}
        return replayed(member, headers) if saved.replayed else Answer(201, member, headers)

    async def show(self, call: ServiceCall) -> Answer:
        """GET /v1/members/{id}."""
        return _tagged(await self._door.read(call, show_member, call.id()))

    async def change(self, call: ServiceCall) -> Answer:
        """PATCH /v1/members/{id}."""
        random = self._door.random_bytes(CHANGE_RANDOM_BYTES)
        return _tagged(await self._door.write(call, change_member, call.id(), call.body, call.if_match, random))

    async def resolve(self, call: ServiceCall) -> ResolvedMember:
        """POST /v1/members/resolve."""
        self._door.slow_down_kiosk(call)
        return await self._door.read(call, resolve_member, call.body)

    async def show_points(self, call: ServiceCall) -> MemberPoints:
        """GET /v1/members/{id}/points."""
        return await self._door.read(call, show_points, call.id())

    async def list_ledger(self, call: ServiceCall) -> Page[PostingAnswer]:
        """GET /v1/members/{id}/ledger."""
        return await self._door.read(call, list_postings, call.id(), call.query)

    async def consent(self, call: ServiceCall) -> Answer:
        """POST /v1/members/{id}/consents."""
        saved = await self._door.write(call, record_consents, call.id(), call.body)
        return replayed(saved.answer) if saved.replayed else Answer(201, saved.answer)

    async def adjust(self, call: ServiceCall) -> Answer:
        """POST /v1/members/{id}/adjustments."""
        saved = await self._door.write(call, adjust_points, call.id(), call.body)
        return replayed(saved.answer) if saved.replayed else Answer(201, saved.answer)

    async def erase(self, call: ServiceCall) -> Answer:
        """POST /v1/members/{id}/erase. The log is truncated on a replay as well: the first call may have died between.

        Should a long read keep the log in use, its copies go with the next checkpoint.
        """
        member: UUID = call.id()
        saved = await self._door.write(call, erase_member, member, call.body)
        await self._door.database.truncate_wal()
        headers = {"ETag": tag_of(saved.answer)}
        return replayed(saved.answer, headers) if saved.replayed else Answer(200, saved.answer, headers)


def member_routes(door: Door) -> list[Route]:
    """All routes of members."""
    on = MemberHandlers(door)
    return [
        Route(
            method="POST", path="/v1/members", handler=on.enrol, summary="Enrol a member", tag="members",
            roles=SHOPPERS, body=EnrolMember, response=SavedMember, statuses=(201, 200), problems=(409, 503),
        ),
        Route(
            method="POST", path="/v1/members/resolve", handler=on.resolve, summary="Whom a code or a phone stands for",
            tag="members", roles=SHOPPERS, body=ResolveMember, response=ResolvedMember,
        ),
        Route(
            method="GET", path=_MEMBER, handler=on.show, summary="One member", tag="members", roles=STAFF,
            response=MemberAnswer,
        ),
        Route(
            method="PATCH", path=_MEMBER, handler=on.change, summary="Change a member's profile", tag="members",
            roles=STAFF, body=ChangeMember, response=SavedMember, problems=(409, 503), needs_if_match=True,
        ),
        Route(
            method="GET", path=f"{_MEMBER}/points", handler=on.show_points, summary="A member's points", tag="members",
            roles=STAFF, response=MemberPoints,
        ),
        Route(
            method="GET", path=f"{_MEMBER}/ledger", handler=on.list_ledger, summary="A member's postings, newest first",
            tag="members", roles=STAFF, query=PageQuery, response=Page[PostingAnswer],
        ),
        Route(
            method="POST", path=f"{_MEMBER}/consents", handler=on.consent, summary="Record what a member consents to",
            tag="members", roles=STAFF, body=RecordConsents, response=RecordedConsents, statuses=(201, 200),
            problems=(409, 503),
        ),
        Route(
            method="POST", path=f"{_MEMBER}/adjustments", handler=on.adjust, summary="Give or take points by hand",
            tag="members", roles=MANAGERS, body=AdjustPoints, response=AdjustedPoints, statuses=(201, 200),
            problems=(409, 503),
        ),
        Route(
            method="POST", path=f"{_MEMBER}/erase", handler=on.erase, summary="Forget a member", tag="members",
            roles=MANAGERS, body=EraseMember, response=MemberAnswer, problems=(409, 503),
        ),
    ]  # fmt: skip


def _tagged(member: MemberAnswer) -> Answer:
    return Answer(200, member, {"ETag": tag_of(member)})
