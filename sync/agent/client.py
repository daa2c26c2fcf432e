"""edge: the line to head office. One method for each call; what comes back is a message, a refusal, or nothing.

    client = HubClient("https://office.example")
    answer = await client.push(session, push)      # raises HubRefused, HubSilent

Batches that go up are packed with zstd. What comes down is read to a limit, whatever its head says. No redirect is
followed: a session's token goes to the address that a person typed, and nowhere else.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from loyalty.errors import Problem
from sync.manifest import ManifestAnswer, ManifestMessage
from sync.protocol.admission import TURN_HEADER
from sync.protocol.commands import CouponToken, LeaseAnswer, LeaseCommand, ReservedAnswer, Reserving
from sync.protocol.lease_report import LeaseReport
from sync.protocol.lookups import MemberLookup, MembersFound
from sync.protocol.messages import (
    BODY_BYTES_MAX,
    PUSH_OPS_MAX,
    Enrol,
    EnrolAnswer,
    EntriesAnswer,
    PullAnswer,
    Push,
    PushAnswer,
    SessionAnswer,
    SessionOpen,
    StoreStatus,
)
from sync.protocol.packing import pack
from sync.protocol.sale_states import SaleState
from sync.protocol.snapshots import SignedManifest

T = TypeVar("T")
CONNECT_S, ANSWER_S, POLL_S = 10.0, 60.0, 40.0
"""How long to wait for a connection, for an answer, and for one that head office holds back until there is news."""

_PACKED = "zstd"
_PIECE_BYTES = 64 * 1024
_CONNECTIONS = 12
_TURN = re.compile(r"[0-9a-f-]{36}")
_encode = msgspec.json.Encoder().encode


class HubSilent(Problem):
    """Head office did not answer, or what answered is no head office."""

    code, status = "hub_silent", 502
    hint = "Check the address and the line. The shop sells on; what was booked is sent later."


class HubRefused(Problem):
    """Head office answered, and said no."""

    code, status, hint = "hub_refused", 502, "Do what the reason says."

    def __init__(
        self,
        refusal: str,
        detail: str = "",
        *,
        retry_after_ms: int = 0,
        fence: int = 0,
        balance_minor: int = 0,
        turn: str = "",
    ) -> None:
        """`refusal` is the code of head office's problem, `balance_minor` what is left of a card that is short, `turn`
        the name of the place that is kept for the next try."""
        super().__init__(f"{refusal}: {detail}" if detail else refusal)
        self.turn = turn
        self.balance_minor = balance_minor
        self.refusal, self.retry_after_ms, self.fence = refusal, retry_after_ms, fence


class _Refusal(msgspec.Struct):
    """What is read of a problem document."""

    code: str = "unknown"
    title: str = ""
    detail: str = ""
    hint: str = ""
    fence: int = 0
    balance_minor: int = 0


class HubClient:
    """Connections to one head office. Close it when done."""

    def __init__(self, url: str) -> None:
        """`url` is what a person typed: http or https, a host, perhaps a port and a path before /sync."""
        self.url = url.rstrip("/")
        self._http: aiohttp.ClientSession | None = None
        self._turn = ""

    async def close(self) -> None:
        """End all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def enrol(self, message: Enrol) -> EnrolAnswer:
        """Join with a code."""
        return await self._ask("POST", "/sync/v1/enrolments", EnrolAnswer, body=message)

    async def open_session(self, message: SessionOpen) -> SessionAnswer:
        """Ask for the floor."""
        turn = {TURN_HEADER: self._turn} if self._turn else {}
        try:
            answer = await self._ask("POST", "/sync/v1/sessions", SessionAnswer, body=message, headers=turn)
        except HubRefused as refused:
            self._turn = refused.turn
            raise
        self._turn = ""
        return answer

    async def push(self, session: str, message: Push) -> PushAnswer:
        """Send a batch, or a heartbeat."""
        return await self._ask("POST", "/sync/v1/push", PushAnswer, body=message, session=session, packed=True)

    async def read_entries(self, session: str, epoch: str, after: int, limit: int = PUSH_OPS_MAX) -> EntriesAnswer:
        """A page of what head office holds of a life of this store."""
        query = {"after": str(after), "limit": str(limit)}
        return await self._ask("GET", f"/sync/v1/epochs/{epoch}/entries", EntriesAnswer, query=query, session=session)

    async def lend(self, session: str, command: LeaseCommand) -> LeaseAnswer:
        """Ask for points of a member."""
        return await self._ask("POST", "/sync/v1/commands", LeaseAnswer, body=command, session=session)

    async def look_up(self, session: str, asked: MemberLookup) -> MembersFound:
        """Ask for a member whom nobody told this store of."""
        return await self._ask("POST", "/sync/v1/member-lookups", MembersFound, body=asked, session=session)

    async def report_leases(self, session: str, report: LeaseReport) -> None:
        """What this store has on lease."""
        await self._request("POST", "/sync/v1/lease-reports", body=report, session=session)

    async def reserve(self, session: str, command: Reserving) -> ReservedAnswer:
        """Ask for something to be kept for this store."""
        return await self._ask("POST", "/sync/v1/commands", ReservedAnswer, body=command, session=session)

    async def read_sale(self, session: str, text: str) -> SaleState:
        """A sale of any store by receipt number or id."""
        return await self._ask("GET", f"/sync/v1/sales/{quote(text, safe='')}/state", SaleState, session=session)

    async def find_token(self, session: str, serial: int) -> CouponToken:
        """The token of a coupon of any store, by its serial."""
        return await self._ask("GET", f"/sync/v1/coupons/{serial:016x}", CouponToken, session=session)

    async def pull(self, session: str, cursor: str | None, refetch: tuple[str, ...]) -> PullAnswer:
        """What changed behind a cursor; head office waits with its answer until there is something, for a while."""
        query = {"cursor": cursor} if cursor else {}
        if refetch:
            query["refetch"] = ",".join(refetch)
        return await self._ask("GET", "/sync/v1/pull", PullAnswer, query=query, session=session, patience_s=POLL_S)

    async def read_snapshot_manifest(self, session: str) -> SignedManifest:
        """Which files make up all that head office tells this store."""
        return await self._ask("GET", "/sync/v1/snapshots/manifest", SignedManifest, session=session)

    @contextlib.asynccontextmanager
    async def download(self, session: str, sha256: str, start: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """A file of the manifest from byte `start` on, piece by piece; where the pieces really begin comes with them.

        Raises HubSilent, also in the middle, for a line that brings nothing for a while; HubRefused.
        """
        headers = {"Authorization": f"Bearer {session}", "If-Range": f'"{sha256}"'}
        if start:
            headers["Range"] = f"bytes={start}-"
        path = f"{self.url}/sync/v1/snapshots/{sha256}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=ANSWER_S)
        try:
            async with self._connections().get(
                path, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status >= 300:
                    raise _refusal_of(response.status, await _read(response), response.headers)
                begins = start if response.status == 206 else 0
                yield begins, response.content.iter_chunked(_PIECE_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise HubSilent(type(error).__name__) from error

    async def prove_day(self, session: str, message: ManifestMessage) -> ManifestAnswer:
        """What a business day came to, for head office to compare."""
        return await self._ask("POST", "/sync/v1/manifests", ManifestAnswer, body=message, session=session)

    async def tell_status(self, session: str, message: StoreStatus) -> None:
        """How the shop's devices are."""
        await self._request("PUT", "/sync/v1/status", body=message, session=session)

    async def _ask(self, method: str, path: str, kind: type[T], **more: Any) -> T:  # noqa: ANN401  those of _request
        raw = await self._request(method, path, **more)
        try:
            return msgspec.json.decode(raw, type=kind)
        except msgspec.DecodeError as error:
            raise HubSilent(f"an answer that cannot be read: {error}") from error

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: msgspec.Struct | None = None,
        query: Mapping[str, str] | None = None,
        session: str | None = None,
        patience_s: float = ANSWER_S,
        packed: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        headers = {**(headers or {}), **({"Authorization": f"Bearer {session}"} if session else {})}
        data = None
        if body is not None:
            data, headers["Content-Type"] = _encode(body), "application/json"
        if data is not None and packed:
            data, headers["Content-Encoding"] = pack(data, _PACKED), _PACKED
        try:
            async with asyncio.timeout(patience_s + CONNECT_S):
                async with self._connections().request(
                    method, f"{self.url}{path}", params=query, data=data, headers=headers, allow_redirects=False
                ) as response:
                    raw = await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise HubSilent(type(error).__name__) from error
        if response.status >= 300:
            raise _refusal_of(response.status, raw, response.headers)
        return raw

    def _connections(self) -> aiohttp.ClientSession:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
            # One connection for pushes and one for the long poll; the others for what tills ask at the same time, who
            # have two seconds each.
            self._http = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=_CONNECTIONS))
        return self._http


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body as it was before it was packed, up to the limit of the protocol. Raises ValueError for more."""
    raw = bytearray()
    async for piece in response.content.iter_chunked(_PIECE_BYTES):
        raw += piece
        if len(raw) > BODY_BYTES_MAX:
            raise ValueError("an answer larger than the protocol allows")
    return bytes(raw)


def _refusal_of(status: int, raw: bytes, headers: Mapping[str, str]) -> Problem:
    """What a problem document says. What is no such document comes from something in between: nobody answered."""
    try:
        refusal = msgspec.json.decode(raw, type=_Refusal)
    except msgspec.DecodeError:
        return HubSilent(f"status {status} without a reason")
    retry_after, turn = headers.get("Retry-After", ""), headers.get(TURN_HEADER, "")
    wait_s = int(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0
    detail: Any = refusal.detail or refusal.title
    return HubRefused(
        refusal.code,
        f"{detail} {refusal.hint}".strip(),
        retry_after_ms=wait_s * 1_000,
        fence=refusal.fence,
        balance_minor=refusal.balance_minor,
        turn=turn if _TURN.fullmatch(turn) else "",
    )
