"""edge: the stores of a herd: each with a small backlog, and the patience to do what head office tells it.

herd = make_herd(5_000, 20)
await enrol_herd(address, herd)             # straight into the database of a head office that does not run
done = await herd[0].wake(url)              # opens a session, pushes, asks for news; comes again when it is told to
await herd[0].listen(url)                   # asks for news ever again, as a store does all day
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from kiosk import __version__
from kiosk.bench.client import Answer, ClientProblem, Connection, connect, encode_request
from kiosk.bench.sales import Unproved
from kiosk.compose import now_ms
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, chain_hash, epoch_text
from sync.engines import open_database
from sync.hub import stores
from sync.hub.enrolment import CODE_RANDOM_BYTES, enrol, make_code
from sync.protocol.admission import TURN_HEADER
from sync.protocol.messages import (
    PROTOCOL,
    EpochHead,
    Op,
    Push,
    PushAnswer,
    SessionAnswer,
    SessionOpen,
    push_signed_bytes,
    session_signed_bytes,
)
from sync.protocol.packing import pack

_UNSIGNED = "0" * 128
_HOUR_MS = 3_600_000
_TIMEOUT_S = 120.0
_CONNECT_AGAIN_S = 1.0
_encode = msgspec.json.Encoder().encode


class Woken(Struct, frozen=True, kw_only=True):
    """How it went for one store: seconds from waking to the acknowledgement of everything, and how often it was told to
    come again."""

    seconds: float
    refused: int


class _Told(Struct, frozen=True):
    """What is read of a problem document."""

    code: str = "unknown"
    fence: int = 0


class _Page(Struct, frozen=True):
    """What is read of a page of news."""

    cursor: str


class HerdStore:
    """One store with entries that head office has not heard of."""

    def __init__(self, number: int, entries: int) -> None:
        self.number = number
        self.id = uuid7(now_ms(), os.urandom(10))
        self.epoch = number + 1
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.id.bytes).digest())
        self._ops = tuple(Op(content=_entry(self.id, n)) for n in range(entries))
        self._hashes = [ZERO_HASH]
        for seq, op in enumerate(self._ops, 1):
            self._hashes.append(chain_hash(self.epoch, seq, self._hashes[-1], op.content.encode()))
        self._openings = 0
        self._fence = 0
        self._request = 0
        self._refused = 0
        self._turn = ""
        self._session = ""
        self._cursor = ""

    @property
    def public_key(self) -> bytes:
        """What head office knows it by."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    async def wake(self, url: str) -> Woken:
        """Bring head office up to date. Ends only when it is; whoever waits for it says how long.

        Raises Unproved for an answer that no honest store should get.
        """
        begun = time.monotonic()
        while True:
            try:
                connection = await connect(url, _TIMEOUT_S)
                try:
                    await self._speak(connection)
                finally:
                    connection.close()
            except ClientProblem:
                await asyncio.sleep(_CONNECT_AGAIN_S)
            else:
                return Woken(seconds=time.monotonic() - begun, refused=self._refused)

    async def listen(self, url: str) -> None:
        """Ask for what is new behind what was told, again and again. It has been awake before; ends only when it is
        cancelled.

        Raises Unproved for an answer that no honest store should get.
        """
        while True:
            try:
                connection = await connect(url, _TIMEOUT_S)
                try:
                    while True:
                        await self._pull(connection)
                finally:
                    connection.close()
            except ClientProblem:
                await asyncio.sleep(_CONNECT_AGAIN_S)

    async def _speak(self, connection: Connection) -> None:
        answer = await self._ask(connection, lambda: self._opening(connection.host))
        opened = msgspec.json.decode(answer.body, type=SessionAnswer)
        answer = await self._ask(connection, lambda: self._push(connection.host, opened))
        told = msgspec.json.decode(answer.body, type=PushAnswer)
        if told.outcome != "acknowledged" or told.seq != len(self._ops):
            raise Unproved(f"Store {self.number} was answered {told.outcome} at {told.seq}.")
        self._session = opened.session
        await self._pull(connection)

    async def _pull(self, connection: Connection) -> None:
        path = f"/sync/v1/pull?cursor={self._cursor}" if self._cursor else "/sync/v1/pull"
        answer = await self._ask(connection, lambda: encode_request("GET", path, connection.host, self._session))
        self._cursor = msgspec.json.decode(answer.body, type=_Page).cursor

    async def _ask(self, connection: Connection, make: Callable[[], bytes]) -> Answer:
        """Ask until it is answered; whoever is told to come again comes again then."""
        while True:
            answer = await connection.ask(make())
            if answer.status in (200, 201):
                return answer
            told = msgspec.json.decode(answer.body, type=_Told)
            if told.code == "fenced":
                # An opening whose answer got lost counts all the same; the next one names its fence.
                self._fence = told.fence
            elif answer.status in (429, 503):
                self._refused += 1
                self._turn = answer.header(TURN_HEADER) or ""
                await asyncio.sleep(float(answer.header("Retry-After") or 1))
            else:
                raise Unproved(f"Store {self.number} was answered {answer.status} {told.code}.")

    def _opening(self, host: str) -> bytes:
        self._openings += 1
        self._request = 0
        message = SessionOpen(
            store=self.id,
            run=self.id.hex,
            count=self._openings,
            fence=self._fence,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            version=__version__,
            heads=(self._head(),),
            sent_at=now_ms(),
            signature=_UNSIGNED,
        )
        signed = msgspec.structs.replace(message, signature=self._sign(session_signed_bytes(message)))
        turn = {TURN_HEADER: self._turn} if self._turn else {}
        return encode_request("POST", "/sync/v1/sessions", host, body=_encode(signed), headers=turn)

    def _push(self, host: str, opened: SessionAnswer) -> bytes:
        self._request += 1
        newest = self._head()
        message = Push(
            request=self._request,
            timeline=opened.timeline,
            epoch=newest.epoch,
            from_seq=1,
            previous=ZERO_HASH.hex(),
            max_seq=newest.seq,
            max_hash=newest.hash,
            ops=self._ops,
            signature=_UNSIGNED,
        )
        signature = self._sign(push_signed_bytes(opened.session, message, newest.hash))
        body = pack(_encode(msgspec.structs.replace(message, signature=signature)), "zstd")
        headers = {"Content-Encoding": "zstd"}
        return encode_request("POST", "/sync/v1/push", host, opened.session, body, headers=headers)

    def _head(self) -> EpochHead:
        return EpochHead(epoch=epoch_text(self.epoch), seq=len(self._ops), hash=self._hashes[-1].hex())

    def _sign(self, text: bytes) -> str:
        return self._key.sign(text).hex()


def make_herd(count: int, entries: int) -> list[HerdStore]:
    """So many stores with so many entries each."""
    return [HerdStore(number, entries) for number in range(count)]


async def enrol_herd(address: str, herd: Sequence[HerdStore]) -> None:
    """Make all of them stores of the head office whose database is at `address`. It is not running."""
    database = open_database(address)
    await database.open()
    try:
        await database.write(lambda tx: _enrol(tx, herd))
    finally:
        await database.close()


def _enrol(tx: Tx, herd: Sequence[HerdStore]) -> None:
    now = now_ms()
    for store in herd:
        stores.add_store(tx, store.id, f"H{store.number:05d}", f"Store {store.number}", now)
        code = make_code(tx, store.id, os.urandom(CODE_RANDOM_BYTES), now + _HOUR_MS)
        enrol(tx, code, store.public_key, now)


def _entry(store: UUID, number: int) -> str:
    """A fact that touches no account: what is measured is the rush, not the rule book."""
    body = {"request": "", "till": "T01", "reason": "change"}
    at = now_ms()
    op_id = uuid7(at, hashlib.sha256(store.bytes + number.to_bytes(4)).digest()[:10])
    return _encode({"v": 1, "kind": "drawer.opened", "op_id": op_id, "at": at, "body": body}).decode()
