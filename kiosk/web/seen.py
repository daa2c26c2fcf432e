"""edge: what tills and kiosks remember of the journal, against a disk that has gone back in time.

An answer that books a sale or a return names its place in the journal, and `GET /v1/store` and `GET /v1/kiosk` the
newest entry of all: epoch, number, hash. A screen remembers the newest and sends it with every request:

    Counterfoil-Seen: 0dbc4026ee723731:118:9f86d081…

If this disk does not have that entry, the machine was set back to an older image of itself, the file of marks beside
the database with it. Nobody else on this side of the line could know. The store then books nothing more in this life
and begins a new one at once (kiosk/life/healing.py), so that no receipt number is given twice.

The first word of a device in a run of the service is looked up before its request is answered: after a restart this
finds an old image before anything is sold on it. Later ones are looked up together once a second, off the way of a
sale; they tell of an image that was put back under a running service.

A device must be paired here to be believed. Whoever lies can make the shop begin a new life; so after one that began in
this way no other does for some minutes.
"""

import asyncio
import contextlib
import functools
import logging
import re
from collections.abc import Callable
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kiosk.identity.sessions import Sessions
from kiosk.life import healing
from kiosk.life.head_office import renew
from kiosk.shop import Caller, Shop
from kiosk.web.door import Door
from loyalty.transactions import Tx
from sync.chain import Head, JournalMark, epoch_text, mark_of
from sync.http.auth import read_bearer
from sync.http.problems import ReadOnly, Unauthorized
from sync.journal import read_head
from sync.protocol.lives import NewLife, decide_life

logger = logging.getLogger(__name__)
HEADER = "Counterfoil-Seen"
_MARK = re.compile(r"([0-7][0-9a-f]{15}):([1-9][0-9]{0,15}):([0-9a-f]{64})")
_LOOK_S = 1.0
_NOT_AGAIN_MS = 10 * 60_000


class SeenMarks:
    """Looks at what clients remember. Used on the event loop only."""

    def __init__(self, door: Door, sessions: Sessions, on_new_life: Callable[[], None]) -> None:
        self._door, self._sessions, self._on_new_life = door, sessions, on_new_life
        self._known = 0
        self._heard: set[UUID] = set()
        self._waiting: Head | None = None
        self._task: asyncio.Task[None] | None = None

    def middleware(self) -> Middleware:
        """What stands before every handler."""

        @web.middleware
        async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
            text = request.headers.get(HEADER)
            if text is not None:
                await self._hear(text, request.headers.get("Authorization"))
            return await handler(request)

        return look

    async def stop(self) -> None:
        """End the look that waits."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _hear(self, text: str, authorization: str | None) -> None:
        """Raises ReadOnly where a new life has to begin before this request may be answered."""
        match = _MARK.fullmatch(text)
        if match is None:
            return
        mark = Head(int(match[1], 16), int(match[2]), bytes.fromhex(match[3]))
        if mark.epoch == self._door.shop.journal.epoch and mark.seq <= self._known:
            return
        device = self._device_of(authorization)
        if device is None:
            return
        if device in self._heard:
            self._waiting = mark
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look_later())
            return
        self._heard.add(device)
        if await self._is_lost(mark):
            raise ReadOnly(healing.NOTICE)

    def _device_of(self, authorization: str | None) -> UUID | None:
        try:
            session = self._sessions.resolve(read_bearer(authorization))
        except Unauthorized:
            return None
        return session.device if session is not None else None

    async def _look_later(self) -> None:
        await asyncio.sleep(_LOOK_S)
        mark, self._waiting = self._waiting, None
        try:
            if mark is not None:
                await self._is_lost(mark)
        except Exception:
            # The client says it again with its next request. Nobody waits for this task but the end of the service.
            logger.exception("what a client remembers was not looked up")

    async def _is_lost(self, mark: Head) -> bool:
        """Whether this disk lacks an entry that a client has seen; a new life is on its way then."""
        newest = self._door.shop.journal.epoch
        now_ms = self._door.now_ms()
        head, plan = await self._door.database.read(lambda tx: find_plan(tx, newest, mark, now_ms))
        self._known = max(self._known, head.seq)
        if plan is None:
            return False
        fields = {"epoch": epoch_text(mark.epoch), "seq": mark.seq, "own_seq": head.seq}
        logger.error("a client knows an entry that this disk has lost", extra={"fields": fields})
        renew(self._door, self._door.config.data_dir(), plan, self._on_new_life)
        return True


def show_head(tx: Tx, shop: Shop, _caller: Caller) -> JournalMark:
    """The newest entry, for screens to remember that have booked nothing themselves yet."""
    head = read_head(tx, shop.journal.epoch)
    return mark_of(head.epoch, head.seq, head.hash)


def find_plan(tx: Tx, newest: int, mark: Head, now_ms: int) -> tuple[Head, healing.Plan | None]:
    """The head of the newest life, and the plan for a new one where this disk lacks the entry `mark`.

    An entry of an older life asks for nothing: a later one has begun already, and head office still has what is
    missing. A life that is not known here at all had begun before the disk went back.
    """
    head = read_head(tx, newest)
    unknown = tx.execute("SELECT 1 FROM journal WHERE epoch = ? AND seq = 1", (mark.epoch,)).fetchone() is None
    decision = decide_life(
        (head,) if unknown else (read_head(tx, mark.epoch), head),
        functools.partial(_own_hash, tx),
        nonce_matches=True,  # or the start would have begun a new life already
        witnesses=(mark,),
        answered=(mark.epoch,) if healing.knows_lost(tx, epoch_text(mark.epoch)) else (),
    )
    if not isinstance(decision, NewLife):
        return head, None
    reason, started_at = tx.execute("SELECT reason, started_at FROM life WHERE epoch = ?", (newest,)).fetchone() or (
        "",
        0,
    )
    if reason == healing.REASON and 0 <= now_ms - started_at < _NOT_AGAIN_MS:
        return head, None
    seen = epoch_text(mark.epoch) if unknown else None
    return head, healing.Plan(epoch=epoch_text(newest), seq=head.seq, hash=head.hash.hex(), seen_epoch=seen)


def _own_hash(tx: Tx, epoch: int, seq: int) -> bytes | None:
    row = tx.execute("SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
    return row[0] if row is not None else None
