"""edge: `counterfoil bench scan`: how quickly a large store knows a product, a member, and finds by two characters.

100,000 products and 1,000,000 members are prepared in the file; then the service starts over it in a process of its
own, and one till asks: barcodes, then loyalty cards and phone numbers, all over the file and none of them twice, and
searches of two characters in three scripts. The raw limit of each is the same bound statements on a connection of our
own, without service and HTTP.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kiosk.bench.client import Answer, Connection, connect, encode_request
from kiosk.bench.crowd import bring_goods, bring_members
from kiosk.bench.goods import card_of, gtin_of, phone_of
from kiosk.bench.load import measure
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.recording import Job, Kind, record, replay
from kiosk.bench.server import StoreProcess
from kiosk.bench.stand import Stand, make_caller, prepare_stand
from kiosk.bench.statistics import Report, milliseconds, percentile, report
from kiosk.bench.tills import refusal
from kiosk.catalogue.catalogue_service import find_products, scan
from kiosk.compose import now_ms
from kiosk.config import load_config
from kiosk.life.initialise import open_offline
from kiosk.members.member_views import resolve_member
from kiosk.members.members import ResolveMember
from kiosk.shop import Caller, Shop
from loyalty.transactions import Tx
from sync.db import connect as open_file

Reading = Callable[[Tx, Shop, Caller], object]

_STEP = 7_919
_PAGE = 50
_QUERIES = ("mi", "so", "우유", "al", "牛乳", "no", "食パ", "ar", "커피", "99")


class Extent(Struct, frozen=True, kw_only=True):
    """How much a run does: `asked` scans of products and of members, `searched` searches, `warm_up` of each before."""

    products: int = 100_000
    members: int = 1_000_000
    asked: int = 3_000
    searched: int = 1_000
    warm_up: int = 200


class Question(Struct, frozen=True):
    """A request (method, path, body), and what the service has to read for it."""

    method: str
    path: str
    body: bytes
    reading: Reading


async def bench_scan(folder: Path, extent: Extent | None = None) -> Report:
    """Run the bench in `folder`, which is empty and lies on the disk to be measured.

    Raises ServiceFailed, Refused, ClientProblem.
    """
    extent = extent or Extent()
    stand = await prepare_stand(folder / "store", tills=1, products=0, members=0)
    fill(stand, extent)
    kinds = {
        "product_p99_ms": list(ask_products(extent)),
        "member_p99_ms": list(ask_members(extent)),
        "search_p99_ms": list(ask_searches(extent)),
    }
    service = StoreProcess(stand.config_file)
    ready_s = await service.start()
    try:
        connection = await connect(service.url)
        figures = {name: await _p99_ms(connection, stand, asked, extent.warm_up) for name, asked in kinds.items()}
        connection.close()
        rss_mb, sqlite = service.usage().rss_mb, (await service.readiness()).sqlite
    finally:
        await service.stop()
    raw = read_raw(stand, kinds, extent.warm_up)
    counts = {"products": extent.products, "members": extent.members}
    told = {**counts, **figures, "ready_s": ready_s, "rss_mb": rss_mb}
    return report("scan", told, raw, read_machine(sqlite), read_commit())


def fill(stand: Stand, extent: Extent) -> None:
    """Bring goods and members into the stopped store, in one transaction that need not survive anything."""
    config = load_config(stand.config_file)
    with open_offline(config) as (tx, shop):
        bring_goods(tx, shop, make_caller(tx, stand.tills[0], now_ms()), extent.products)
        bring_members(tx, extent.members, now_ms())


def ask_products(extent: Extent) -> Iterable[Question]:
    """Barcodes, all over the catalogue."""
    for n in range(extent.warm_up + extent.asked):
        yield _scan_of(gtin_of(n * _STEP % extent.products)[1:])


def ask_members(extent: Extent) -> Iterable[Question]:
    """Loyalty cards and phone numbers in turn."""
    for n in range(extent.warm_up + extent.asked):
        member = n * _STEP % extent.members
        if n % 2:
            command = ResolveMember(phone=phone_of(member))
            body = msgspec.json.encode({"phone": phone_of(member)})
            yield Question("POST", "/v1/members/resolve", body, _resolving(command))
        else:
            yield _scan_of(card_of(member))


def ask_searches(extent: Extent) -> Iterable[Question]:
    """Searches of two characters."""
    for n in range(extent.warm_up + extent.searched):
        text = _QUERIES[n % len(_QUERIES)]
        yield Question("GET", f"/v1/products?query={quote(text)}&limit={_PAGE}", b"", _searching(text))


def read_raw(stand: Stand, kinds: dict[str, list[Question]], warm_up: int) -> dict[str, float]:
    """The same bound statements alone: the 99th percentile of each kind in milliseconds."""
    config = load_config(stand.config_file)
    with open_offline(config) as (tx, shop):
        caller = make_caller(tx, stand.tills[0], now_ms())
        jobs = {name: [_noted(tx, shop, caller, question) for question in asked] for name, asked in kinds.items()}
    connection = open_file(stand.database, read_only=True)
    try:
        return {name: _raw_p99_ms(connection, done[:warm_up], done[warm_up:]) for name, done in jobs.items()}
    finally:
        connection.close()


def _noted(tx: Tx, shop: Shop, caller: Caller, question: Question) -> Job:
    return record(tx, lambda noting: question.reading(noting, shop, caller), Kind.READING)


def _raw_p99_ms(connection: Any, warm_up: Sequence[Job], jobs: Sequence[Job]) -> float:  # noqa: ANN401  no types
    for job in warm_up:
        replay(cast("Tx", connection), job)
    durations_ns = []
    for job in jobs:
        began_ns = time.perf_counter_ns()
        connection.execute("BEGIN")
        replay(cast("Tx", connection), job)
        connection.execute("ROLLBACK")
        durations_ns.append(time.perf_counter_ns() - began_ns)
    return milliseconds(percentile(sorted(durations_ns), 99))


async def _p99_ms(connection: Connection, stand: Stand, asked: Sequence[Question], warm_up: int) -> float:
    token = stand.tills[0].token
    requests = [encode_request(each.method, each.path, connection.host, token, each.body) for each in asked]
    await measure([connection], [requests[:warm_up]], on_answer=_need_found)
    load = await measure([connection], [requests[warm_up:]], on_answer=_need_found)
    return load.latency_ms["p99"]


def _need_found(answer: Answer) -> None:
    """Everything that is asked is there; an answer that found nothing would be quick and worth nothing."""
    if answer.status != 200 or b'"kind":"unknown"' in answer.body or b'"items":[]' in answer.body:
        raise refusal("a scan", answer.status, msgspec.json.decode(answer.body))


def _scan_of(text: str) -> Question:
    def reading(tx: Tx, shop: Shop, caller: Caller) -> object:
        return scan(tx, shop, caller, text, None)

    return Question("POST", "/v1/scans", msgspec.json.encode({"text": text}), reading)


def _resolving(command: ResolveMember) -> Reading:
    return lambda tx, shop, caller: resolve_member(tx, shop, caller, command)


def _searching(text: str) -> Reading:
    return lambda tx, shop, caller: find_products(tx, shop, caller, text, None, _PAGE)
