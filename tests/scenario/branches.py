"""A chain of real processes for scenarios: `counterfoil hub`, and `counterfoil store` several times, on loopback.

    async with Office.started(tmp_path / "office") as office:
        branch = await Branch.joined(tmp_path / "S001", "S001", office)
        await branch.sell(20)
        await office.has_everything(branch)

A branch's tills are the ones of tests/kiosk/shopkit.py. Every port is fixed before a process starts, so that it comes
back where it was.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import aiohttp

from kiosk.config import Config
from kiosk.life.start import DATABASE_NAME
from sync.agent.journal_reader import read_heads
from sync.chain import Head, epoch_text
from sync.db import connect
from tests.kiosk.shopkit import PIN, TOKENS, make_config, new_id, prepare_store
from tests.ports import reserve_port

START_S, SETTLE_S = 120, 180
WITH_APPLIERS = True
PASSWORD = "a long password"


async def command(*arguments: str, expect: int = 0) -> str:
    """Run `counterfoil …` to its end; what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from kiosk.cli import main; main()", *arguments, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(SETTLE_S):
        out, err = await process.communicate()
    assert process.returncode == expect, (arguments, out.decode(), err.decode())
    return out.decode()


class Service:
    """One process that serves. `start` waits until it answers. `first` is run in it before everything else: where a
    test changes how long the service waits for something."""

    first = ""

    def __init__(self, url: str, log: Path, *arguments: str) -> None:
        self.url, self._log, self._arguments = url, log, arguments
        self._process: Process | None = None

    async def start(self) -> None:
        """Begin, and wait for an answer."""
        program = f"{self.first}\nfrom kiosk.cli import main; main()"
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, *self._arguments, stdout=DEVNULL, stderr=log
            )
        async with asyncio.timeout(START_S), aiohttp.ClientSession() as client:
            while True:
                assert self._process.returncode is None, self._log.read_text()
                with contextlib.suppress(aiohttp.ClientError):
                    async with client.get(f"{self.url}/livez") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)

    async def end(self, how: signal.Signals) -> None:
        """SIGTERM or SIGKILL, and wait until it is gone."""
        if self._process is None or self._process.returncode is not None:
            return
        os.kill(self._process.pid, how)
        async with asyncio.timeout(START_S):
            await self._process.wait()

    def log(self) -> str:
        """What it said so far."""
        return self._log.read_text(encoding="utf-8")


class Office:
    """Head office."""

    def __init__(self, folder: Path, database: str, **settings: object) -> None:
        self.folder, self.port = folder, reserve_port()
        self.config_file = folder / "hub.toml"
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        keys: dict[str, object] = {"data_dir": "data", "listen_port": self.port, "database": database}
        keys |= {"silent_after_minutes": 1, **settings}
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        self.config_file.write_text("\n".join(["[hub]", *lines, "[log]", 'level = "info"', ""]), encoding="utf-8")
        self.service = Service(self.url, folder / "hub.log", "hub", "--config", str(self.config_file))
        self._token = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def started(
        cls, folder: Path, database: str = "sqlite:hub.sqlite", **settings: object
    ) -> AsyncIterator["Office"]:
        """Make it, serve it, and end it with the block."""
        office = cls(folder, database, **settings)
        config = ("--config", str(office.config_file))
        await command("hub", "init", *config, "--user", "office", "--password", PASSWORD)
        await office.service.start()
        try:
            yield office
        finally:
            await office.service.end(signal.SIGKILL)

    async def call(self, method: str, path: str, body: object = None, expect: int = 200) -> Any:  # noqa: ANN401
        """A call of the office's user."""
        async with aiohttp.ClientSession(self.url) as client:
            if not self._token:
                who = {"user": "office", "password": PASSWORD}
                async with client.post("/v1/sign-ins", json=who) as signed_in:
                    self._token = (await signed_in.json())["token"]
            headers = {"Authorization": f"Bearer {self._token}"}
            async with client.request(method, path, json=body, headers=headers) as answer:
                assert answer.status == expect, (answer.status, await answer.text())
                return await answer.json()

    async def give_code(self, code: str) -> tuple[UUID, str]:
        """Make a store known; its id and the code to join with."""
        store = new_id()
        answer = await self.call("POST", "/v1/stores", {"id": str(store), "code": code, "name": f"Shop {code}"}, 201)
        return store, answer["enrolment_code"]

    async def has_everything(self, *branches: "Branch") -> None:
        """Wait until head office holds every life of these stores to its head, and has applied it."""
        async with asyncio.timeout(SETTLE_S):
            for branch in branches:
                while (lacks := await self.lacks(branch)) != "":
                    await asyncio.sleep(0.2)
                    branch.last_lack = lacks

    async def lacks(self, branch: "Branch") -> str:
        """What is not the same on both sides yet; nothing where all is."""
        shown = await self.call("GET", f"/v1/stores/{branch.id}")
        held = {life["epoch"]: life for life in shown["chain"]}
        mine = {epoch_text(head.epoch): head for head in branch.heads()}
        if held.keys() != mine.keys():
            return f"lives {held.keys()} and {mine.keys()}"
        for epoch, head in mine.items():
            if (held[epoch]["seq"], held[epoch]["hash"]) != (head.seq, head.hash.hex()):
                return f"epoch {epoch}: {held[epoch]} and {head}"
            if WITH_APPLIERS and held[epoch]["applied_seq"] != head.seq:
                return f"epoch {epoch}: applied {held[epoch]['applied_seq']} of {head.seq}: {held[epoch]['alarm']}"
        return ""


class Sold(NamedTuple):
    """A sale that was answered."""

    id: str
    number: str
    due_minor: int


class Branch:
    """A store of the chain."""

    def __init__(self, folder: Path, code: str, **sections: Mapping[str, object]) -> None:
        self.folder, self.code, self.port = folder, code, reserve_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own: dict[str, Mapping[str, object]] = {"store": {"code": code, "data_dir": "data"}, "http": _http(self.port)}
        self.config: Config = make_config(folder, **own, **sections)
        self.config_file = folder / "store.toml"
        self.database = self.config.data_dir() / DATABASE_NAME
        self.service = Service(self.url, folder / "store.log", "store", "--config", str(self.config_file))
        self.id = UUID(int=0)
        self.sold: list[Sold] = []
        self.last_lack = ""
        self._token = TOKENS["cashier"]

    @classmethod
    async def joined(
        cls,
        folder: Path,
        code: str,
        office: Office,
        *,
        url: str = "",
        first: str = "",
        **sections: Mapping[str, object],
    ) -> "Branch":
        """Make a store, join the chain, serve. `url` is where it finds head office; without it, where that is. `first`
        is that of its Service."""
        branch = cls(folder, code, **sections)
        branch.service.first = first
        prepare_store(branch.config)
        branch.id, enrolment_code = await office.give_code(code)
        hub = ("--hub", url or office.url, "--code", enrolment_code)
        await command("enrol", "--config", str(branch.config_file), *hub, "--json")
        await branch.service.start()
        await branch.open_shift()
        return branch

    async def call(
        self, method: str, path: str, body: object = None, *, token: str = "", **headers: str
    ) -> tuple[int, Any]:
        """A call of the cashier; (status, body)."""
        sent = {"Authorization": f"Bearer {token or self._token}", **headers}
        async with (
            aiohttp.ClientSession(self.url) as client,
            client.request(method, path, json=body, headers=sent) as answer,
        ):
            return answer.status, await answer.json()

    async def sign_in(self, device_token: str = "test-token-device-T01") -> None:
        """The cashier types the PIN."""
        status, answer = await self.call("POST", "/v1/sign-ins", {"operator": "ana", "pin": PIN}, token=device_token)
        assert status == 201, answer
        self._token = answer["token"]

    async def open_shift(self) -> None:
        """Open the shift of T01 where it is not open."""
        status, answer = await self.call("POST", "/v1/shifts", {"id": str(new_id()), "float_minor": 0})
        assert status == 201 or answer["code"] == "shift_already_open", answer

    async def sell(self, count: int, **headers: str) -> None:
        """So many sales of three lines, each answered."""
        for n in range(count):
            body = {
                "id": str(new_id()),
                "lines": [{"sku": "100", "quantity_milli": 1000 * (1 + n % 3)}, {"sku": "101"}],
                "tenders": [{"kind": "cash", "amount_minor": 5000}],
            }
            status, answer = await self.call("POST", "/v1/sales", body, **headers)
            assert status == 201, (status, answer)
            self.sold.append(Sold(body["id"], answer["number"], answer["totals"]["due_minor"]))

    async def link(self) -> dict[str, Any]:
        """The line to head office, as a till sees it."""
        status, answer = await self.call("GET", "/v1/store")
        assert status == 200, answer
        return dict(answer["link"])

    async def until(self, state: str, **more: object) -> dict[str, Any]:
        """Wait until the line is so, in `more` as well."""
        wanted = {"state": state, **more}
        async with asyncio.timeout(SETTLE_S):
            while not wanted.items() <= (link := await self.link()).items():  # noqa: ASYNC110  the service says so
                await asyncio.sleep(0.1)
        return link

    async def in_life(self, ordinal: int) -> None:
        """Wait until the store has begun that life of its own accord, and serves in it."""
        device = {"Authorization": "Bearer test-token-device-T01"}
        async with asyncio.timeout(SETTLE_S), aiohttp.ClientSession(self.url) as client:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with client.get("/v1/store", headers=device) as answer:
                        shop = await answer.json()
                    ((newest,),) = self.ask("SELECT max(ordinal) FROM life")
                    if newest == ordinal and shop["read_only"] is None:
                        return
                await asyncio.sleep(0.1)

    def heads(self) -> tuple[Head, ...]:
        """The newest entry of each life on this disk."""
        with contextlib.closing(connect(self.database, read_only=True)) as connection:
            return read_heads(connection)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What the store's own file says."""
        with contextlib.closing(connect(self.database, read_only=True)) as connection:
            return list(connection.execute(sql).fetchall())

    async def prove(self) -> None:
        """`counterfoil verify` over everything."""
        report = json.loads(await command("verify", "--full", "--json", "--config", str(self.config_file)))
        assert report["ok"], report

    def keep_image(self, place: Path) -> None:
        """The whole disk as it is now; the service must be stopped."""
        shutil.copytree(self.config.data_dir(), place)

    def go_back(self, image: Path) -> None:
        """The disk is what it was: database, marks, keys and all."""
        shutil.rmtree(self.config.data_dir())
        shutil.copytree(image, self.config.data_dir())

    def lose_disk(self) -> None:
        """Nothing is left."""
        shutil.rmtree(self.config.data_dir())


def _http(port: int) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": port, "sign_ins_per_minute": 10_000, "requests_per_second": 100_000}
