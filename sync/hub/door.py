"""edge: what every handler of head office is given.

    answer = await door.write(lambda tx: stores.revoke(tx, call.id()))

Head office is several processes where it has PostgreSQL, so nothing that counts is kept here: a token is looked up in
the database, what a session may do is decided in the transaction of what it does.
"""

import base64
from collections.abc import Callable
from typing import Final, TypeVar
from uuid import UUID

from msgspec import Struct

from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.engines import Storage
from sync.hub.asking import COMMANDS, LOOKUPS, NEWS, READINGS, Questions
from sync.hub.feed_watch import FeedWatch
from sync.hub.settings import Settings
from sync.hub.tokens import find_token
from sync.hub.turnstile import Turnstile
from sync.pins import Pins
from sync.protocol.admission import Limits

T = TypeVar("T")

STORE, HEAD, VIEWER = "store", "head_office", "viewer"
STORES: Final = frozenset({STORE})
HEAD_OFFICE: Final = frozenset({HEAD})
OFFICE: Final = frozenset({HEAD, VIEWER})

_TOKEN_BYTES = 32
_STORES_KNOWN = 20_000


class StoreSession(Struct, frozen=True, kw_only=True):
    """A store's service. `session` is the hash of its token, which the push compares with the newest one."""

    store: UUID
    session: bytes
    role: str = STORE


class OfficeSession(Struct, frozen=True, kw_only=True):
    """Somebody signed in at head office."""

    role: str
    user: str


Session = StoreSession | OfficeSession


class Door:
    """Head office as its handlers see it."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Storage,
        version: str,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        watch: FeedWatch,
        came_in: Callable[[UUID, int], None],
        joined: Callable[[UUID], None],
        hub_key: str,
    ) -> None:
        """`came_in` is told of each push: the store, the epoch; `joined` of each store that has enrolled. `hub_key` is
        the public half of head office's own key, 64 hexadecimal digits."""
        self.settings = settings
        self.database = database
        self.version = version
        self.now_ms = now_ms
        self.random_bytes = random_bytes
        self.watch = watch
        self._stores: dict[bytes, StoreSession] = {}
        self.came_in = came_in
        self.joined = joined
        self.hub_key = hub_key
        limits = Limits(served=settings.pushes_at_once, waiting=settings.pushes_waiting)
        self.turnstile = Turnstile(limits)
        # Openings have a line of their own: nobody knows yet whose they are, so a refusal names the place in it.
        self.openings = Turnstile(limits)
        self.commands, self.lookups = Questions(COMMANDS), Questions(LOOKUPS)
        self.news, self.readings = Questions(NEWS), Questions(READINGS)
        self.pins = Pins()

    def new_id(self) -> UUID:
        """An id for something that head office starts itself."""
        return uuid7(self.now_ms(), self.random_bytes(10))

    def new_token(self) -> str:
        """A secret of 256 bits, as it stands in a header."""
        return base64.urlsafe_b64encode(self.random_bytes(_TOKEN_BYTES)).rstrip(b"=").decode()

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a write transaction; it may run twice. Raises what it raises, StorageUnavailable."""
        return await self.database.write(fn)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot."""
        return await self.database.read(fn)

    async def resolve(self, token_hash: bytes) -> Session | None:
        """Whoever holds this token, or None for an unknown one and for one whose time is over.

        Whose a store's token is never changes, and whether it still counts is asked where it is used. So it is looked
        up once: a push need not wait for a reader that makes a long report.
        """
        known = self._stores.get(token_hash)
        if known is not None:
            return known
        now_ms = self.now_ms()
        row = await self.database.read(lambda tx: find_token(tx, token_hash, now_ms))
        if row is None:
            return None
        if row.role != STORE:
            return OfficeSession(role=row.role, user=row.holder)
        if len(self._stores) >= _STORES_KNOWN:
            self._stores.clear()
        found = self._stores[token_hash] = StoreSession(store=UUID(hex=row.holder), session=token_hash)
        return found
