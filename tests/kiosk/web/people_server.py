"""The routes of members and people behind a real socket, over the shop of people_fixtures."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from kiosk.config import Config, load_config
from kiosk.identity.people import DeviceKind, NewDevice, PairDevice
from kiosk.identity.people_service import create_pairing_code, pair_device, set_up_manager
from kiosk.identity.sessions import Sessions
from kiosk.web import members, people, points
from kiosk.web.door import Door
from sync.helper import Helper
from sync.http.application import build_app, build_runner
from sync.http.limits import Limits, Rate
from sync.http.openapi import About
from sync.http.routes import Route
from sync.pins import hash_pin
from tests.kiosk.people_fixtures import NOW_MS, Place

PIN = "4711"
ATTEMPTS = 3


class Reply(msgspec.Struct, frozen=True):
    """Status, decoded body and headers of an answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Served:
    """The running shop: till T01 and kiosk K01 are paired, `ola` is the manager, and signed in on T01."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.tokens = {"till": "till-token", "kiosk": "kiosk-token"}
        self.now_ms = NOW_MS

    async def start(self) -> None:
        await self.place.open()
        database, shop, pin_hash = self.place.database, self.place.shop, hash_pin(PIN)
        await database.write(lambda tx: set_up_manager(tx, shop, NOW_MS, "ola", "Ola", pin_hash))
        self.sessions = Sessions(database, lambda: self.now_ms)
        self.door = Door(
            config=self._config(),
            database=database,
            shop=shop,
            helper=Helper(),
            now_ms=lambda: self.now_ms,
            random_bytes=os.urandom,
            uptime=lambda: None,
        )
        await self._pair("till")
        await self._pair("kiosk")
        await self.sessions.reload()
        app = build_app(
            self.routes(),
            about=About("Counterfoil store", "1"),
            resolve=self.sessions.resolve,
            limits=Limits(sensitive=Rate(per_s=1000, burst=1000)),
        )
        self.runner = build_runner(app, shutdown_timeout_s=2.0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.client = aiohttp.ClientSession(f"http://127.0.0.1:{self.runner.addresses[0][1]}")
        signed_in = await self.call("POST", "/v1/sign-ins", "till", {"operator": "ola", "pin": PIN})
        self.tokens["manager"] = signed_in.body["token"]

    async def stop(self) -> None:
        await self.client.close()
        await self.runner.cleanup()
        await self.place.database.close()

    def routes(self) -> list[Route]:
        return [
            *members.routes.bind(self.door),
            *points.routes.bind(self.door),
            *people.routes.bind(people.Desk(self.door, self.sessions)),
        ]

    async def call(self, method: str, path: str, who: str | None, body: object = None, **headers: str) -> Reply:
        """One request. `who` is a key of `tokens`; headers are written with _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["Authorization"] = f"Bearer {self.tokens[who]}"
        async with self.client.request(method, path, json=body, headers=sent) as answer:
            content = await answer.read()
            return Reply(answer.status, msgspec.json.decode(content) if content else None, answer.headers)

    async def sign_in_cashier(self, name: str = "cashier") -> None:
        """Add the cashier `ana` and sign her in on a second till, under tokens[name]."""
        command = {"name": "Ana", "role": "cashier", "pin": "2580"}
        await self.call("PUT", "/v1/operators/ana", "manager", command)
        code = (await self.call("POST", "/v1/pairing-codes", "manager", {"kind": "till"})).body["code"]
        paired = await self.call(
            "POST", "/v1/pairings", None, {"code": code, "device": {"name": "Second", "kind": "till"}}
        )
        self.tokens["second"] = paired.body["token"]
        signed_in = await self.call("POST", "/v1/sign-ins", "second", {"operator": "ana", "pin": "2580"})
        self.tokens[name] = signed_in.body["token"]

    async def together(self, count: int, method: str, path: str, who: str, body: object) -> list[Reply]:
        """The same request many times at once."""
        return await asyncio.gather(*(self.call(method, path, who, body) for _ in range(count)))

    def _config(self) -> Config:
        config = load_config()
        return msgspec.structs.replace(config, roles=msgspec.structs.replace(config.roles, pin_attempts=ATTEMPTS))

    async def _pair(self, kind: DeviceKind) -> None:
        database, token = self.place.database, self.tokens[kind]
        code = await database.write(lambda tx: create_pairing_code(tx, kind, NOW_MS, os.urandom(16)))
        command = PairDevice(code.code, NewDevice(kind.title(), kind))
        await database.write(lambda tx: pair_device(tx, command, NOW_MS, token, os.urandom(10)))
