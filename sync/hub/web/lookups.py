"""edge: a store asks for members whom it was not told of (sync/protocol/lookups.py)."""

from contextlib import AbstractAsyncContextManager

from aiohttp import web

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.member_lookup import look_up
from sync.protocol.lookups import MemberLookup, MembersFound

routes = RouteTable(tag="sync", roles=STORES)


def enter_lookup(door: Door, session: StoreSession, _request: web.Request) -> AbstractAsyncContextManager[None]:
    """A store's share of all that is asked."""
    return door.lookups.enter(session.store)


@routes.post(
    "/sync/v1/member-lookups",
    "Whose card or phone this is",
    body=MemberLookup,
    response=MembersFound,
    problems=(403, 409, 429),
    admission=enter_lookup,
)
async def ask(door: Door, call: Call[StoreSession, MemberLookup, None]) -> object:
    """POST /sync/v1/member-lookups. The same again answers the same."""
    session, now_ms = call.session, door.now_ms()

    def write(tx: Tx) -> MembersFound:
        stores.check_present(stores.need_store(tx, session.store), session.session)
        return look_up(tx, session.store, call.body, now_ms)

    return await door.write(write)
