"""A till's program as somebody would write it who has read docs/api.md and nothing else.

till = await StoreClient.pair(session, url, code, "till")
await till.sign_in("ana", "4711")
answer = await till.post("/v1/sales", {"id": new_id(), "lines": […], "tenders": […]})
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp


class Answer(NamedTuple):
    """Status, headers and body of an answer; `body` is None where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


def new_id() -> str:
    """A UUIDv7, as every id of the contract."""
    high = (int(time.time() * 1000) << 16 | 0x7000 | int.from_bytes(os.urandom(2)) & 0x0FFF) << 64
    low = 0x8000_0000_0000_0000 | int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return str(uuid.UUID(int=high | low))


class StoreClient:
    """One device of the shop."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        self.session = session
        self.url = url
        self.token = token

    @classmethod
    async def pair(cls, session: aiohttp.ClientSession, url: str, code: str, kind: str) -> "StoreClient":
        """A new device, known to the store from now on."""
        client = cls(session, url)
        answer = await client.post("/v1/pairings", {"code": code, "device": {"name": f"new {kind}", "kind": kind}})
        assert answer.status == 201, answer
        assert set(answer.body) >= {"device_id", "token"}
        client.token = answer.body["token"]
        return client

    async def sign_in(self, operator: str, pin: str) -> Answer:
        """Somebody begins to work on this device."""
        answer = await self.post("/v1/sign-ins", {"operator": operator, "pin": pin})
        assert answer.status == 201, answer
        self.token = answer.body["token"]
        return answer

    async def get(self, path: str, **query: str) -> Answer:
        """GET with a query."""
        return await self.send("GET", path, params=query)

    async def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """POST a JSON document; without one, an empty body."""
        return await self.send("POST", path, json=body, headers=headers)

    async def send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:  # noqa: ANN401
        """Any request. What goes wrong must be a problem document, whatever it was."""
        sent = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        if more.get("json") is None:
            more.pop("json", None)
        async with self.session.request(method, self.url + path, headers=sent, **more) as response:
            raw = await response.read()
            kind = response.headers.get("Content-Type", "")
            body = json.loads(raw) if "json" in kind else raw or None
            answer = Answer(response.status, response.headers.copy(), body)
        if answer.status >= 400:
            check_problem(answer)
        return answer


def check_problem(answer: Answer) -> None:
    """RFC 9457 with `code`, `hint` and `errors`."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    problem = answer.body
    assert problem["status"] == answer.status
    for name in ("type", "title", "detail", "code", "hint"):
        assert isinstance(problem[name], str), name
        assert problem[name], name
    assert problem["code"] == problem["code"].lower()
    for error in problem["errors"]:
        assert set(error) == {"pointer", "detail"}
        assert error["pointer"] == "" or error["pointer"].startswith("/")


def pointers(answer: Answer) -> list[str]:
    """Where the problem lies in the request."""
    return [error["pointer"] for error in answer.body["errors"]]
