"""edge: stores that push, made ready beforehand: what is measured is head office, not the making of requests.

store = await enrol(connection, office_token, 1, journal)
requests = await store.prepare(connection)          # opens a session; every push is signed and packed
load = await measure(connections, [requests, ...], on_answer=need_acknowledged)
"""

import os
from collections.abc import Iterator
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from kiosk import __version__
from kiosk.bench.client import Answer, Connection, encode_request
from kiosk.bench.journals import Journal
from kiosk.bench.tills import need_json, refusal
from kiosk.compose import now_ms
from loyalty.ids import uuid7
from sync.chain import epoch_text
from sync.protocol.messages import (
    PROTOCOL,
    PUSH_BYTES_MAX,
    PUSH_OPS_MAX,
    EpochHead,
    Push,
    PushAnswer,
    SessionAnswer,
    SessionOpen,
    push_signed_bytes,
    session_signed_bytes,
)
from sync.protocol.packing import pack

_PACKED = "zstd"
_UNSIGNED = "0" * 128
_encode = msgspec.json.Encoder().encode


class PushingStore:
    """An enrolled store with its whole journal still to push."""

    def __init__(self, store: UUID, key: Ed25519PrivateKey, journal: Journal) -> None:
        self.store = store
        self.journal = journal
        self._key = key

    async def prepare(self, connection: Connection) -> list[bytes]:
        """Open a session, and the requests that push everything, in their order. Raises Refused, ClientProblem."""
        newest = self._head(len(self.journal.ops))
        message = SessionOpen(
            store=self.store,
            run=os.urandom(16).hex(),
            count=1,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            version=__version__,
            heads=(newest,),
            sent_at=now_ms(),
            signature=_UNSIGNED,
        )
        signed = msgspec.structs.replace(message, signature=self._sign(session_signed_bytes(message)))
        answer = await need_json(connection, "POST", "/sync/v1/sessions", None, signed)
        opened = msgspec.convert(answer, SessionAnswer)
        return [self._request(connection.host, opened, number, *part) for number, part in enumerate(self._parts(), 1)]

    def _parts(self) -> Iterator[tuple[int, int]]:
        """From where to where each push goes, as the agent cuts them: by number and by size."""
        ops = self.journal.ops
        start = 0
        while start < len(ops):
            end, size = start, 0
            while end < len(ops) and end - start < PUSH_OPS_MAX:
                size += len(ops[end].content.encode())
                if end > start and size > PUSH_BYTES_MAX:
                    break
                end += 1
            yield start, end
            start = end

    def _request(self, host: str, opened: SessionAnswer, number: int, start: int, end: int) -> bytes:
        hashes, newest = self.journal.hashes, self._head(len(self.journal.ops))
        message = Push(
            request=number,
            timeline=opened.timeline,
            epoch=newest.epoch,
            from_seq=start + 1,
            previous=hashes[start].hex(),
            max_seq=newest.seq,
            max_hash=newest.hash,
            ops=self.journal.ops[start:end],
            signature=_UNSIGNED,
        )
        signature = self._sign(push_signed_bytes(opened.session, message, hashes[end].hex()))
        body = pack(_encode(msgspec.structs.replace(message, signature=signature)), _PACKED)
        headers = {"Content-Encoding": _PACKED}
        return encode_request("POST", "/sync/v1/push", host, opened.session, body, headers=headers)

    def _head(self, seq: int) -> EpochHead:
        return EpochHead(epoch=epoch_text(self.journal.epoch), seq=seq, hash=self.journal.hashes[seq].hex())

    def _sign(self, text: bytes) -> str:
        return self._key.sign(text).hex()


async def enrol(connection: Connection, office: str, number: int, journal: Journal) -> PushingStore:
    """A new store of head office that has joined with its code. Raises Refused, ClientProblem."""
    store, code = uuid7(now_ms(), os.urandom(10)), f"B{number:03d}"
    body = {"id": store, "code": code, "name": f"Store {code}"}
    made = await need_json(connection, "POST", "/v1/stores", office, body)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    joining = {"code": made["enrolment_code"], "public_key": public}
    await need_json(connection, "POST", "/sync/v1/enrolments", None, joining)
    return PushingStore(store, key, journal)


class _Told(Struct, frozen=True):
    """What is read of a problem document."""

    code: str = "unknown"


def need_acknowledged(answer: Answer) -> None:
    """Raises Refused for a push that was not taken as a whole: a figure of such a run says nothing."""
    if answer.status != 200:
        raise refusal("POST /sync/v1/push", answer.status, msgspec.json.decode(answer.body))
    told = msgspec.json.decode(answer.body, type=PushAnswer)
    if told.outcome != "acknowledged":
        raise refusal("POST /sync/v1/push", answer.status, {"code": told.outcome})
