"""edge: who holds which token, in memory, so that no request waits for the database to be let in.

The table `token` is the truth. Whoever changes it reloads this afterwards, also when the change failed: after a failed
COMMIT nobody knows what the disk holds, and a token that was revoked must not live on in memory.

    sessions = Sessions(database, now_ms)
    await sessions.reload()
    app = build_app(routes, about=about, resolve=sessions.resolve)
"""

import asyncio
from collections.abc import Callable

from kiosk.identity.people_store import TokenRow, read_tokens
from kiosk.web.door import Session
from sync.db import Database


class Sessions:
    """All tokens that hold, by the SHA-256 of the token. Used on the event loop only."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._sessions: dict[bytes, Session] = {}
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> None:
        """Read all tokens again; a shop has some dozens. Raises StorageUnavailable.

        One reading after the other: each sees all that was committed before it began, so the last one to end is also
        the newest.
        """
        async with self._one_at_a_time:
            now_ms = self._now_ms()
            tokens = await self._database.read(lambda tx: read_tokens(tx, now_ms))
            self._sessions = {token.hash: _session(token) for token in tokens}

    def resolve(self, token_hash: bytes) -> Session | None:
        """Whoever holds this token, or None for an unknown one and for one whose time is over."""
        session = self._sessions.get(token_hash)
        if session is None or (session.expires_at is not None and session.expires_at <= self._now_ms()):
            return None
        return session


def _session(token: TokenRow) -> Session:
    return Session(
        role=token.role, device=token.device, till=token.till, operator=token.operator, expires_at=token.expires_at
    )
