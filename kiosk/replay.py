"""edge: `counterfoil replay FILE`: real baskets through the HTTP contract, several tills at once, proved to the cent.

    done = await replay(file, folder, tills=4)
    done.wrong_totals, done.verify_ok

The store is a throw-away one in `folder`, its service a process of its own. Every basket is sold under an id derived
from it, so the same folder a second time goes on where it stopped and books nothing twice, wherever it was killed. At
the end every total is compared twice, in the answer to the till and in the list of the store's sales, the shifts are
closed, the service is stopped, and verify proves the journal and the tables from the first entry on.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from kiosk.bench.client import Answer, ClientProblem, Connection, connect, encode_request
from kiosk.bench.load import measure
from kiosk.bench.server import ServiceFailed, StoreProcess
from kiosk.bench.tills import Till, add_till, import_products, open_shift, pair_till, refusal, sign_in
from kiosk.compose import now_ms
from kiosk.demo.catalogue import build_catalogue
from kiosk.demo.files import find_products, load_baskets, load_products
from kiosk.demo.ids import member_id_of, shift_id_of
from kiosk.demo.prices import choose_prices, count_overrides, describe
from kiosk.proof import prove
from kiosk.replay_folder import Memory, config_file, new_pairing_code, open_folder, read_digest, remember
from kiosk.replay_orders import Order, make_orders
from kiosk.replay_tally import SalesPage, Tally
from kiosk.replay_tills import Desk, Supervised
from kiosk.start import DATABASE_NAME
from sync.facts.catalogue import ProductFact

_ATTEMPTS = 3
_PAGE = 200


class Plan(Struct, frozen=True, kw_only=True):
    """What a file asks for: its baskets as orders, the goods and households in them, and what was settled on the
    way."""

    digest: str
    orders: tuple[Order, ...]
    lines: int
    overrides: int
    products: tuple[ProductFact, ...]
    households: tuple[str, ...]
    notes: tuple[str, ...]


class Replayed(Struct, frozen=True, kw_only=True):
    """What `counterfoil replay --json` prints.

    `sales` is how many of the baskets stand in the store, each exactly once; of them `booked` in this run, while
    `repeated` had been booked before (by an earlier run, or by a request whose answer was lost). `per_s` counts
    answers. `problems` holds the first of whatever was refused or wrong.
    """

    baskets: int
    sales: int
    wrong_totals: int
    overrides: int
    verify_ok: bool
    per_s: float
    lines: int
    tills: int
    booked: int
    repeated: int
    refused: int
    restarts: int
    verify_entries: int
    verify_per_s: float
    notes: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything agreed."""
        return self.verify_ok and not self.wrong_totals and not self.refused and self.sales == self.baskets


def read_plan(file: Path) -> Plan:
    """Read a file of baskets, and the products beside it if there are any. Raises WrongFile."""
    found = load_baskets(file)
    lines = [line for basket in found.baskets for line in basket.lines]
    prices = choose_prices(lines)
    overrides = count_overrides(found.baskets, prices)
    return Plan(
        digest=read_digest(file),
        orders=tuple(make_orders(found.baskets, prices)),
        lines=len(lines),
        overrides=overrides,
        products=build_catalogue(prices, load_products(find_products(file))),
        households=tuple(sorted({basket.household_id for basket in found.baskets if basket.household_id})),
        notes=describe(found.counts, overrides),
    )


async def replay(
    plan: Plan,
    folder: Path,
    *,
    tills: int = 4,
    on_sale: Callable[[], None] = lambda: None,
    process: StoreProcess | None = None,
) -> Replayed:
    """Sell all of `plan` in the store in `folder`, which is made when there is none, over `tills` tills at once.

    `process` lets a test hold the service that it kills. Raises ForeignFolder, StoreInUse, ServiceFailed, Refused.
    """
    process = process or StoreProcess(config_file(folder))
    service = Supervised(process)
    tally = Tally(plan.orders)
    try:
        memory = await _prepare(plan, folder, tills, process)
        desks = [Desk(service, till) for till in memory.tills]
        began = time.perf_counter()
        await _sell(desks, plan.orders, tally, on_sale)
        elapsed_s = time.perf_counter() - began
        await _list_sales(desks[0], tally)
        for desk in desks:
            await _close_shift(desk)
            desk.close()
    finally:
        await process.stop()
    began = time.perf_counter()
    proof = prove(folder / DATABASE_NAME, full=True)
    verify_s = time.perf_counter() - began
    if proof.first_wrong is not None:
        tally.note(f"verify: entry {proof.first_wrong.seq}: {proof.first_wrong.what}")
    return Replayed(
        baskets=len(plan.orders),
        sales=tally.sales,
        wrong_totals=tally.wrong_totals,
        overrides=plan.overrides,
        verify_ok=proof.ok,
        per_s=round(len(plan.orders) / elapsed_s, 1),
        lines=plan.lines,
        tills=len(desks),
        booked=tally.booked,
        repeated=tally.repeated,
        refused=tally.refused,
        restarts=service.restarts,
        verify_entries=proof.entries,
        verify_per_s=round(proof.entries / verify_s, 1),
        notes=plan.notes,
        problems=tuple(tally.problems),
    )


async def _prepare(plan: Plan, folder: Path, tills: int, process: StoreProcess) -> Memory:
    """A running service with goods, members and tills whose shifts are open.

    Every step may be done again, so a service that dies meanwhile only makes it begin anew. A pairing code whose
    answer was lost is spent; the next attempt makes another.
    """
    for attempt in range(_ATTEMPTS):
        memory = open_folder(folder, plan.digest)
        code = None if memory.tills else new_pairing_code(folder)
        try:
            await process.start()
            return await _open_shop(plan, folder, memory, code, tills, process.url)
        except (ClientProblem, ServiceFailed):
            await process.kill()
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _open_shop(plan: Plan, folder: Path, memory: Memory, code: str | None, tills: int, url: str) -> Memory:
    """Sign in on the tills there are, pair those that lack, open shifts, bring goods and members in."""
    connections: list[Connection] = []
    signed_in: list[Till] = []
    try:
        for till in memory.tills:
            connections.append(await connect(url))
            signed_in.append(await sign_in(connections[-1], till.name, till.device_token, memory.operator))
        while len(signed_in) < tills:
            name = f"Till {len(signed_in) + 1}"
            if code is not None and not signed_in:
                signed_in.append(await pair_till(url, name, code, memory.operator))
            else:
                signed_in.append(await add_till(url, signed_in[0], name, memory.operator))
            memory = remember(folder, msgspec.structs.replace(memory, tills=tuple(signed_in)))
            connections.append(await connect(url))
        for connection, till in zip(connections, signed_in, strict=True):
            await open_shift(connection, till, shift_id_of(till.name, now_ms()))
        if not memory.stocked:
            await import_products(connections[0], signed_in[0], plan.products)
            await _enrol(connections, signed_in, plan.households)
    finally:
        for connection in connections:
            connection.close()
    return remember(folder, msgspec.structs.replace(memory, tills=tuple(signed_in), stocked=True))


async def _enrol(connections: list[Connection], tills: list[Till], households: tuple[str, ...]) -> None:
    """Make every household a member; those who are members already answer so. Raises Refused, ClientProblem."""

    def need_member(answer: Answer) -> None:
        if answer.status not in (200, 201):
            raise refusal("POST /v1/members", answer.status, msgspec.json.decode(answer.body))

    requests: list[list[bytes]] = [[] for _ in tills]
    for n, household in enumerate(households):
        at = n % len(tills)
        body = {"id": member_id_of(household), "locale": "en", "name": f"Household {household}"}
        content = msgspec.json.encode(body)
        requests[at].append(encode_request("POST", "/v1/members", connections[at].host, tills[at].token, content))
    if households:
        await measure(connections, requests, on_answer=need_member)


async def _sell(desks: list[Desk], orders: Iterable[Order], tally: Tally, on_sale: Callable[[], None]) -> None:
    """Every desk takes the next order, in the order of the file, until there is none."""
    waiting = iter(orders)

    async def serve(desk: Desk) -> None:
        for order in waiting:
            answer = await desk.deliver("POST", "/v1/sales", order.body)
            tally.take(order, answer.status, answer.body)
            on_sale()

    tasks = [asyncio.create_task(serve(desk)) for desk in desks]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _list_sales(desk: Desk, tally: Tally) -> None:
    """Show `tally` every page of the store's sales. Raises Refused."""
    after: str | None = ""
    while after is not None:
        cursor = f"&after={after}" if after else ""
        answer = await desk.deliver("GET", f"/v1/sales?limit={_PAGE}{cursor}")
        if answer.status != 200:
            raise refusal("GET /v1/sales", answer.status, msgspec.json.decode(answer.body))
        page = msgspec.json.decode(answer.body, type=SalesPage)
        tally.take_page(page)
        after = page.next


async def _close_shift(desk: Desk) -> None:
    """Close the desk's shift with exactly what its X report says is there. Raises Refused."""
    answer = await desk.deliver("GET", "/v1/shifts/current")
    report = msgspec.json.decode(answer.body)
    if answer.status == 200:
        counted = {tender["kind"]: tender["expected_minor"] for tender in report["tenders"]}
        body = msgspec.json.encode({"counted": counted})
        answer = await desk.deliver("POST", f"/v1/shifts/{report['id']}/close", body)
        report = msgspec.json.decode(answer.body)
    if answer.status != 200 or report["variance_minor"]:
        raise refusal("closing the shift", answer.status, report)
