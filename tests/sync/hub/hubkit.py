"""A head office behind a real socket, somebody in its office, and stores that speak its protocol by hand.

    async with running_hub(address, tmp_path) as hub:
        office = await hub.sign_in()
        shop = await hub.enrol("S001")
        await shop.open_session()
        answer = await shop.push(shop.book(3))

A `Shop` here is no agent: it says exactly what the test makes it say, so it can lie as well.
"""

import contextlib
import functools
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk import __version__
from kiosk.config import load_config
from loyalty.ids import uuid7
from sync.chain import ZERO_HASH, chain_hash, epoch_text, private_hash
from sync.http.application import build_runner
from sync.hub.compose import Hub
from sync.hub.settings import Settings
from sync.protocol.messages import (
    EpochHead,
    Op,
    OpPrivate,
    Push,
    SessionOpen,
    push_signed_bytes,
    session_signed_bytes,
)

START_MS = 1_800_000_000_000
PASSWORD = "correct horse battery"
JSON = {"Content-Type": "application/json"}
Answer = tuple[int, dict[str, Any]]


def settings(**changes: object) -> Settings:
    """The shipped settings with changes; no port is fixed and no question waits."""
    usual = {"listen_port": 0, "pull_wait_seconds": 0, "apply_entries": False}
    return msgspec.structs.replace(load_config().hub, **{**usual, **changes})


class Clock:
    """Head office's clock, in the hands of the test."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


class RunningHub:
    """A head office that answers at `url`."""

    def __init__(self, hub: Hub, url: str, http: aiohttp.ClientSession, clock: Clock) -> None:
        self.hub = hub
        self.url = url
        self.http = http
        self.clock = clock
        self._numbers = iter(range(1, 1_000_000))
        self._office = ""

    def new_id(self) -> UUID:
        return uuid7(self.clock.now_ms, next(self._numbers).to_bytes(10))

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        **more: Any,  # noqa: ANN401
    ) -> Answer:
        headers = dict(more.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes | AsyncIterator):
            body = msgspec.json.encode(body)
        if body is not None:
            headers = {**JSON, **headers}
        async with self.http.request(method, self.url + path, data=body, headers=headers, **more) as response:
            raw = await response.read()
            answer = json.loads(raw) if raw and "json" in response.content_type else {"raw": raw}
            return response.status, {**answer, "headers": dict(response.headers)}

    async def sign_in(self, user: str = "office", password: str = PASSWORD) -> str:
        status, answer = await self.call("POST", "/v1/sign-ins", {"user": user, "password": password})
        assert status == 201, answer
        return str(answer["token"])

    async def office(self) -> str:
        """The token of the first user, who signs in once: comparing a password takes its time."""
        self._office = self._office or await self.sign_in()
        return self._office

    async def add_store(self, code: str, office: str | None = None) -> tuple[UUID, str]:
        """A new store's id and its enrolment code."""
        store = self.new_id()
        office = office or await self.office()
        body = {"id": store, "code": code, "name": f"Store {code}"}
        status, answer = await self.call("POST", "/v1/stores", body, token=office)
        assert status == 201, answer
        return store, str(answer["enrolment_code"])

    async def enrol(self, code: str) -> "Shop":
        store, enrolment_code = await self.add_store(code)
        shop = Shop(self, store)
        status, answer = await shop.join(enrolment_code)
        assert status == 201, answer
        return shop


class Shop:
    """A store with one life, whose journal is a list of contents."""

    def __init__(self, hub: RunningHub, store: UUID, *, seed: int = 1, epoch: int | None = None) -> None:
        self.hub = hub
        self.store = store
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 24 + store.bytes[-8:])
        self.epoch = epoch if epoch is not None else int.from_bytes(store.bytes[-7:])
        self.run = "ab" * 16
        self.count = 0
        self.fence = 0
        self.request = 0
        self.timeline = 1
        self.token = ""
        self.ops: list[Op] = []
        self.hashes: list[bytes] = [ZERO_HASH]

    @property
    def public_key(self) -> str:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    async def join(self, code: str) -> Answer:
        return await self.hub.call("POST", "/sync/v1/enrolments", {"code": code, "public_key": self.public_key})

    def head(self, seq: int | None = None) -> EpochHead:
        seq = len(self.ops) if seq is None else seq
        return EpochHead(epoch=epoch_text(self.epoch), seq=seq, hash=self.hashes[seq].hex())

    def book(self, count: int = 1, *, kind: str = "drawer.opened", body: object = None) -> list[Op]:
        """Append entries that no applier minds; the new ones."""
        return [self.write(kind, body or {"request": "", "till": "T01", "reason": "change"}) for _ in range(count)]

    def write(self, kind: str, body: object, private: OpPrivate | None = None, **more: object) -> Op:
        """Append one entry with any content."""
        content = {"v": 1, "kind": kind, "op_id": self.hub.new_id(), "at": self.hub.clock.now_ms, "body": body, **more}
        return self.append(msgspec.json.encode(content).decode(), private)

    def write_private(self, member: UUID, data: bytes) -> Op:
        """An entry with a personal half."""
        salt = b"s" * 16
        body = {"member": member, "private": private_hash(salt, data), "request": "0" * 64}
        return self.write("member.enrolled", body, OpPrivate(member=member, salt=salt, data=data))

    def append(self, content: str, private: OpPrivate | None = None) -> Op:
        op = Op(content=content, private=private)
        self.ops.append(op)
        self.hashes.append(chain_hash(self.epoch, len(self.ops), self.hashes[-1], content.encode()))
        return op

    def opening(self, **changes: object) -> SessionOpen:
        self.count += 1
        message = SessionOpen(
            store=self.store,
            run=self.run,
            count=self.count,
            fence=self.fence,
            protocol_min=1,
            protocol_max=1,
            version="0.1.0",
            heads=(self.head(),),
            sent_at=self.hub.clock.now_ms,
            signature="0" * 128,
        )
        message = msgspec.structs.replace(message, **changes)
        if "signature" not in changes:
            signature = self.key.sign(session_signed_bytes(message)).hex()
            message = msgspec.structs.replace(message, signature=signature)
        return message

    async def open_session(self, **changes: object) -> Answer:
        """Ask for the floor; a fence that is told is named the next time, as an agent does it."""
        status, answer = await self.hub.call("POST", "/sync/v1/sessions", self.opening(**changes))
        if answer.get("code") == "fenced" and "fence" not in changes:
            self.fence = answer["fence"]
            status, answer = await self.hub.call("POST", "/sync/v1/sessions", self.opening(**changes))
        if status == 201:
            self.token, self.fence, self.timeline, self.request = (
                answer["session"],
                answer["fence"],
                answer["timeline"],
                0,
            )
        return status, answer

    def pushing(self, ops: Sequence[Op] = (), *, from_seq: int | None = None, **changes: object) -> Push:
        """A push of `ops`, which end the journal unless `from_seq` says where they begin."""
        self.request += 1
        from_seq = from_seq if from_seq is not None else len(self.ops) - len(ops) + 1
        newest = self.head()
        message = Push(
            request=self.request,
            timeline=self.timeline,
            epoch=epoch_text(self.epoch),
            from_seq=from_seq,
            previous=self.hashes[from_seq - 1].hex(),
            max_seq=newest.seq,
            max_hash=newest.hash,
            ops=tuple(ops),
            signature="0" * 128,
        )
        message = msgspec.structs.replace(message, **changes)
        return message if "signature" in changes else self.sign(message)

    def sign(self, message: Push, token: str | None = None) -> Push:
        last = bytes.fromhex(message.previous)
        for seq, op in enumerate(message.ops, message.from_seq):
            last = chain_hash(int(message.epoch, 16), seq, last, op.content.encode())
        signed = push_signed_bytes(token or self.token, message, last.hex())
        return msgspec.structs.replace(message, signature=self.key.sign(signed).hex())

    async def push(self, ops: Sequence[Op] = (), **changes: Any) -> Answer:  # noqa: ANN401
        return await self.send(self.pushing(ops, **changes))

    async def send(self, message: Push) -> Answer:
        return await self.hub.call("POST", "/sync/v1/push", message, token=self.token)

    async def entries(self, **query: int) -> Answer:
        path = f"/sync/v1/epochs/{epoch_text(self.epoch)}/entries"
        return await self.hub.call("GET", path, token=self.token, params=query)

    async def pull(self, cursor: str | None = None, refetch: str = "") -> Answer:
        params = {**({"cursor": cursor} if cursor else {}), **({"refetch": refetch} if refetch else {})}
        return await self.hub.call("GET", "/sync/v1/pull", token=self.token, params=params)


@contextlib.asynccontextmanager
async def running_hub(
    address: str, folder: Path, *, clock: Clock | None = None, **changes: object
) -> AsyncIterator[RunningHub]:
    """A head office over the database at `address`, which was filled before."""
    clock = clock or Clock()
    chosen = settings(database=address, **changes)
    hub = Hub(chosen, folder, __version__, on_death=_fail, now_ms=clock)
    runner = build_runner(hub.application(), shutdown_timeout_s=1.0, unpacks_bodies=False)
    try:
        await hub.open()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", chosen.listen_port).start()
        url = "http://{}:{}".format(*runner.addresses[0][:2])
        async with aiohttp.ClientSession() as http:
            yield RunningHub(hub, url, http, clock)
    finally:
        await runner.cleanup()
        await hub.close()


@functools.cache
def hashed_password() -> str:
    """The office's password as it is stored; hashing costs 20 ms, so it is done once."""
    from sync.pins import hash_pin

    return hash_pin(PASSWORD)


def _fail(error: BaseException) -> None:
    raise AssertionError("the writer died") from error
