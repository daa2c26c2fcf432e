"""Small real shops for tests: a configuration, a shop in this process, a store behind a real socket.

    connection, shop = open_shop(tmp_path)                       # real SQLite, real journal, the shop's catalogue
    perform(connection, open_shift, shop, caller(), OpenShift(id=new_id()))
    assert prove_all(connection).ok

    async with running_store(make_config(tmp_path)) as store:    # the real application on 127.0.0.1, a free port
        await store.open_shift()
        reply = await store.call("POST", "/v1/sales", {...})     # as the cashier of T01
        assert reply.status == 201

Every shop has the products of CATALOGUE, the manager `mia` and the cashier `ana`, both with the PIN 4711, and the
devices T01 (ana is signed in), T02 (mia is signed in) and K01 (a kiosk).
"""

import contextlib
import functools
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

import aiohttp
from aiohttp import web
from msgspec import Struct

from kiosk.catalogue.product_service import change_products
from kiosk.compose import Store, make_shop, now_ms
from kiosk.config import Config, load_config
from kiosk.identity.people import PAIRING_RANDOM_BYTES, DeviceKind, NewDevice, PairDevice, SaveOperator
from kiosk.identity.people_service import (
    PinLimits,
    begin_attempt,
    complete_sign_in,
    create_pairing_code,
    pair_device,
    save_operator,
    set_up_manager,
)
from kiosk.life.initialise import create_database
from kiosk.life.proof import prove_open
from kiosk.life.start import DATABASE_NAME, release, start_store
from kiosk.shop import Caller, Shop
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.db import connect
from sync.facts.catalogue import ProductFact
from sync.http.application import build_runner
from sync.journal import Origin, read_life
from sync.pins import hash_pin
from sync.verify import Mark, Report

P = ParamSpec("P")
T = TypeVar("T")

NOW_MS = 1_795_273_200_000
"""2026-11-21T15:00:00Z: the clock of shops made with `open_shop`."""

PIN = "4711"
MANAGER, CASHIER = "mia", "ana"
TOKENS = {"cashier": "test-token-cashier", "manager": "test-token-manager", "kiosk": "test-token-kiosk"}
_TILLS = {"cashier": "T01", "manager": "T02", "kiosk": "K01"}
_OPERATORS = {"cashier": CASHIER, "manager": MANAGER, "kiosk": None}

CATALOGUE = (
    ProductFact(
        sku="100", name="Milk 1 l", department="DAIRY", tax_class="food", price_minor=129, gtins=("09520000000011",)
    ),
    ProductFact(
        sku="101",
        name="Chocolate 100 g",
        department="SWEETS",
        tax_class="standard",
        price_minor=259,
        gtins=("09520000000028", "09520000000035"),
    ),
    ProductFact(sku="102", name="Newspaper", department="PRESS", tax_class="reduced", price_minor=350),
    ProductFact(sku="103", name="Postage stamp", department="PRESS", tax_class="zero", price_minor=75),
    ProductFact(
        sku="104", name="Cheese", department="DAIRY", tax_class="food", price_minor=1990, unit="kg", item_code="12345"
    ),
    ProductFact(sku="105", name="Paper bag", department="OTHER", tax_class="standard", price_minor=0),
)

_counter = iter(range(1, 2**62))


def new_id(at_ms: int | None = None) -> UUID:
    """An id that nobody has used: UUIDv7 of `at_ms` (now, if none is given)."""
    return uuid7(now_ms() if at_ms is None else at_ms, os.urandom(6) + next(_counter).to_bytes(8)[-4:])


@functools.cache
def pin_hash() -> str:
    """The PIN as it is stored; hashed once for all tests, because hashing is slow on purpose."""
    return hash_pin(PIN)


# -- configuration -----------------------------------------------------------------------------------------------------


def write_config(folder: Path, **sections: Mapping[str, object]) -> Path:
    """`folder`/store.toml with what tests need (loopback, a free port, quick printers) and `sections` laid over it.

    write_config(tmp_path, tender={"return_days": 30}, roles={"needs_approval": ["void"]})
    """
    values: dict[str, dict[str, object]] = {
        "store": {"data_dir": "data"},
        "http": {"host": "127.0.0.1", "port": 0, "sign_ins_per_minute": 10_000, "requests_per_second": 100_000},
        "printing": {"printers": [{"name": "receipt", "kind": "virtual", "profile": "epson-80mm", "pace_ms": 0}]},
        "maintenance": {"verify_enabled": False, "minimum_free_mb": 0},
        "log": {"level": "warning"},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    lines = []
    for name, section in values.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in section.items())]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "store.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_config(folder: Path, **sections: Mapping[str, object]) -> Config:
    """`write_config`, loaded as a store loads it."""
    return load_config(write_config(folder, **sections))


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


# -- a shop in this process --------------------------------------------------------------------------------------------


def caller(role: str = "cashier", *, till: str | None = None, at_ms: int = NOW_MS, operator: str | None = "") -> Caller:
    """Somebody who calls: the cashier of T01, the manager of T02, the kiosk K01; or as named."""
    return Caller(
        device=device_of(_TILLS[role]),
        till=till or _TILLS[role],
        role=role,
        operator=_OPERATORS[role] if operator == "" else operator,
        now_ms=at_ms,
    )


def device_of(till: str) -> UUID:
    """The id under which a till stands in entries of shops made with `open_shop`."""
    return uuid7(NOW_MS, till.encode().rjust(10, b"\0"))


def prepare_store(config: Config, at_ms: int | None = None) -> Path:
    """Make the store of `config`, ready to run: people, devices with TOKENS, catalogue. Returns the database's path."""
    at_ms = now_ms() if at_ms is None else at_ms
    with create_database(config) as (tx, shop):
        set_up_manager(tx, shop, at_ms, MANAGER, "Mia Manager", pin_hash())
        ana = SaveOperator(name="Ana Cashier", role="cashier", pin=PIN)
        save_operator(tx, shop, caller("manager", at_ms=at_ms), CASHIER, ana, pin_hash(), None, os.urandom(10))
        for role in TOKENS:
            _pair(tx, shop, role, at_ms)
        add_products(tx, shop, *CATALOGUE, at_ms=at_ms)
    return config.data_dir() / DATABASE_NAME


def _pair(tx: Tx, shop: Shop, role: str, at_ms: int) -> None:
    kind: DeviceKind = "kiosk" if role == "kiosk" else "till"
    code = create_pairing_code(tx, kind, at_ms, os.urandom(PAIRING_RANDOM_BYTES)).code
    device_token = TOKENS[role] if role == "kiosk" else f"test-token-device-{_TILLS[role]}"
    command = PairDevice(code=code, device=NewDevice(name=_TILLS[role], kind=kind))
    paired = pair_device(tx, command, at_ms, device_token, os.urandom(10))
    assert paired.till == _TILLS[role]
    operator = _OPERATORS[role]
    if operator is not None:
        signing = Caller(device=paired.device_id, till=paired.till, role="device", operator=None, now_ms=at_ms)
        attempt = begin_attempt(tx, shop, signing, operator, PinLimits(5, 5))
        complete_sign_in(tx, shop, signing, attempt, TOKENS[role], at_ms + 86_400_000)


def add_products(tx: Tx, shop: Shop, *products: ProductFact, at_ms: int = NOW_MS) -> None:
    """Put products into the catalogue, inside an open transaction."""
    classes = {rate.tax_class for rate in shop.terms.rates}
    origin = Origin(now_ms=at_ms, business_day="2026-11-21", operator=MANAGER)
    change_products(tx, shop.journal, origin, new_id(at_ms), products, "manager", tax_classes=classes)


def open_shop(folder: Path, **sections: Mapping[str, object]) -> tuple[Any, Shop]:
    """A prepared store opened in this process: the connection (autocommit, no transaction open) and the shop.

    The connection is the caller's to close.
    """
    config = make_config(folder, **sections)
    connection = connect(prepare_store(config, NOW_MS))
    life = read_life(connection)
    assert life is not None
    return connection, make_shop(config, *life)


def perform(
    connection: Any,  # noqa: ANN401  pysqlite3 has no types
    service: Callable[Concatenate[Tx, Shop, Caller, P], T],
    shop: Shop,
    who: Caller,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a service function in a transaction of its own; what it raises rolls everything back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = service(connection, shop, who, *args, **kwargs)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return answer


def prove_all(connection: Any, since: Mark | None = None) -> Report:  # noqa: ANN401  pysqlite3 has no types
    """Verify a shop's database as `counterfoil verify` does, without remembering the outcome."""
    return prove_open(connection, since, full=since is None)


# -- a store behind a real socket --------------------------------------------------------------------------------------


class Reply(NamedTuple):
    """An HTTP answer, read to its end. `json` is None where the answer is no JSON."""

    status: int
    json: Any
    headers: Mapping[str, str]
    raw: bytes


class Running(Struct, frozen=True):
    """A store that answers on `url`. `tokens` has one for cashier, manager and kiosk; `client` sends none by itself."""

    url: str
    tokens: dict[str, str]
    client: aiohttp.ClientSession
    store: Store
    config: Config

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        role: str | None = "cashier",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request as `role` (None: without a token) and read the answer."""
        sent = {**({"Authorization": f"Bearer {self.tokens[role]}"} if role else {}), **(headers or {})}
        payload: dict[str, Any] = {} if body is None else {"json": body}
        async with self.client.request(method, path, headers=sent, **payload) as response:
            raw = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Reply(response.status, json.loads(raw) if is_json else None, response.headers.copy(), raw)

    async def sign_in(self, role: str = "cashier") -> None:
        """Sign in anew on the till of `role`: a restored store has forgotten who was signed in."""
        device = {"Authorization": f"Bearer test-token-device-{_TILLS[role]}"}
        body = {"operator": _OPERATORS[role], "pin": PIN}
        reply = await self.call("POST", "/v1/sign-ins", body, role=None, headers=device)
        assert reply.status == 201, reply
        self.tokens[role] = reply.json["token"]

    async def open_shift(self, float_minor: int = 0, role: str = "cashier") -> str:
        """Open a shift on the till of `role`; its id."""
        shift = str(new_id())
        reply = await self.call("POST", "/v1/shifts", {"id": shift, "float_minor": float_minor}, role=role)
        assert reply.status == 201, reply
        return shift

    async def sell(self, sku: str = "100", quantity_milli: int = 1000, **more: object) -> Reply:
        """Sell one line for 1,000.00 in cash; `more` are further members of the request."""
        return await self.call("POST", "/v1/sales", sale_request(sku, quantity_milli, **more))


def sale_request(sku: str = "100", quantity_milli: int = 1000, **more: object) -> dict[str, object]:
    """The body of a sale of one line, paid with 1,000.00 in cash."""
    return {
        "id": str(new_id()),
        "lines": [{"sku": sku, "quantity_milli": quantity_milli}],
        "tenders": [{"kind": "cash", "amount_minor": 100_000}],
        **more,
    }


@contextlib.asynccontextmanager
async def running_store(config: Config) -> AsyncIterator[Running]:
    """The store of `config`, made if it is not there yet, served as `counterfoil store` serves it, until the end of
    the block. The same configuration again goes on with the same store and the same tokens."""
    if not (config.data_dir() / DATABASE_NAME).exists():
        prepare_store(config)
    settings = config.store
    started = start_store(config.data_dir(), settings.code, settings.currency, settings.time_zone)
    deaths: list[BaseException] = []
    store = Store(config, started, on_death=deaths.append)
    runner = build_runner(store.application(), shutdown_timeout_s=5.0)
    try:
        await store.open()
        await runner.setup()
        await web.TCPSite(runner, config.http.host, config.http.port).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(url) as client:
            yield Running(url, dict(TOKENS), client, store, config)
    finally:
        await runner.cleanup()
        await store.close()
        release(started, clean=True)
    assert not deaths, deaths
