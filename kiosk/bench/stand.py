"""edge: a prepared store for a bench: goods, members, tills with open shifts, and load on them.

stand = await prepare_stand(folder, tills=16, products=2_000, members=2_000)
service = StoreProcess(stand.config_file)
await service.start()
run = await sell(service, stand.tills, make_sales(...))
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.bench.bodies import encode_body
from kiosk.bench.client import Answer, Connection, connect, encode_request
from kiosk.bench.goods import make_products, member_of, phone_of
from kiosk.bench.load import measure
from kiosk.bench.server import StoreProcess, write_store
from kiosk.bench.statistics import Load, join_loads
from kiosk.bench.tills import Operator, Till, add_till, import_products, open_shift, pair_till, refusal
from kiosk.commands import CompleteSale
from kiosk.compose import now_ms
from kiosk.config import load_config
from kiosk.life.initialise import initialise
from kiosk.life.start import DATABASE_NAME
from kiosk.shop import Caller
from loyalty.ids import uuid7
from loyalty.transactions import Tx

RESTING_MS = 60_000
"""The virtual printer's pace while printing is not what is measured: one receipt a minute."""

_OPERATOR = Operator("manager", "2580")


class Stand(Struct, frozen=True):
    """A prepared store: its configuration, and its tills with open shifts."""

    config_file: Path
    tills: tuple[Till, ...]

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.config_file.with_name(DATABASE_NAME)


class Run(Struct, frozen=True, kw_only=True):
    """A run under load: what the tills saw, and what the service did meanwhile. `cpu_ms` is that of all its
    processes."""

    load: Load
    commits: int
    jobs: int
    cpu_ms: float
    rss_mb: float
    synchronous: int
    sqlite: str

    @property
    def group_size(self) -> float:
        """Write jobs per commit."""
        return self.jobs / max(self.commits, 1)


async def prepare_stand(folder: Path, *, tills: int, products: int, members: int) -> Stand:
    """Make a store in `folder` through its HTTP contract and stop it again. Raises ServiceFailed, Refused."""
    config_file = write_store(folder, {"printing": _printers(RESTING_MS)})
    code = initialise(load_config(config_file), _OPERATOR.id, "Bench", _OPERATOR.pin).pairing_code
    service = StoreProcess(config_file)
    await service.start()
    try:
        first = await pair_till(service.url, "Till 1", code, _OPERATOR)
        paired = [first, *[await add_till(service.url, first, f"Till {n}", _OPERATOR) for n in range(2, tills + 1)]]
        connections = [await connect(service.url) for _ in paired]
        # Goods before shifts: a large catalogue is not taken in while tills sell.
        if products:
            await import_products(connections[0], first, make_products(products))
        for connection, till in zip(connections, paired, strict=True):
            await open_shift(connection, till, uuid7(now_ms(), os.urandom(10)))
        if members:
            await _enrol(connections, paired, members)
        for connection in connections:
            connection.close()
    finally:
        await service.stop()
    return Stand(config_file, tuple(paired))


def copy_stand(stand: Stand, folder: Path, *, pace_ms: int) -> Stand:
    """The same store once more, while it is stopped, with a printer of another pace."""
    shutil.copytree(stand.config_file.parent, folder)
    return Stand(write_store(folder, {"printing": _printers(pace_ms)}), stand.tills)


def make_caller(tx: Tx, till: Till, now_ms: int) -> Caller:
    """Whoever is signed in on `till`, for a service function called in this process."""
    row = tx.execute("SELECT id FROM device WHERE till = ?", (till.name,)).fetchone()
    assert row is not None, "the till was paired"
    return Caller(device=UUID(bytes=row[0]), till=till.name, role="manager", operator=_OPERATOR.id, now_ms=now_ms)


async def sell(service: StoreProcess, tills: Sequence[Till], sales: Iterable[CompleteSale]) -> Run:
    """Sell `sales`, dealt out to `tills`, all at once. Raises Refused should a single one not be booked."""
    connections = [await connect(service.url) for _ in tills]
    dealt: list[list[bytes]] = [[] for _ in tills]
    for n, sale in enumerate(sales):
        at = n % len(tills)
        body = encode_body(sale)
        dealt[at].append(encode_request("POST", "/v1/sales", connections[at].host, tills[at].token, body))
    before, used_before = await service.readiness(), service.usage()
    load = await measure(connections, dealt, on_answer=_need_created)
    used, after = service.usage(), await service.readiness()
    for connection in connections:
        connection.close()
    return Run(
        load=load,
        commits=after.commits - before.commits,
        jobs=after.jobs - before.jobs,
        cpu_ms=used.cpu_ms - used_before.cpu_ms,
        rss_mb=used.rss_mb,
        synchronous=after.synchronous,
        sqlite=after.sqlite,
    )


def join_runs(runs: Sequence[Run]) -> Run:
    """Runs on one service, one after the other, as one; memory is that of the last. Raises ValueError for none."""
    load = join_loads([run.load for run in runs])
    return Run(
        load=load,
        commits=sum(run.commits for run in runs),
        jobs=sum(run.jobs for run in runs),
        cpu_ms=sum(run.cpu_ms for run in runs),
        rss_mb=runs[-1].rss_mb,
        synchronous=runs[-1].synchronous,
        sqlite=runs[-1].sqlite,
    )


async def _enrol(connections: Sequence[Connection], tills: Sequence[Till], members: int) -> None:
    requests: list[list[bytes]] = [[] for _ in tills]
    for n in range(members):
        at = n % len(tills)
        body = msgspec.json.encode({"id": member_of(n), "locale": "en", "name": f"Member {n}", "phone": phone_of(n)})
        requests[at].append(encode_request("POST", "/v1/members", connections[at].host, tills[at].token, body))
    await measure(connections, requests, on_answer=_need_created)


def _need_created(answer: Answer) -> None:
    if answer.status != 201:
        raise refusal("POST", answer.status, msgspec.json.decode(answer.body))


def _printers(pace_ms: int) -> str:
    return f'printers = [{{ name = "receipt", kind = "virtual", profile = "epson-80mm", pace_ms = {pace_ms} }}]'
