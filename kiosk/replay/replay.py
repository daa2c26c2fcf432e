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
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from kiosk.bench.server import StoreProcess
from kiosk.bench.tills import refusal
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from kiosk.replay.replay_folder import config_file
from kiosk.replay.replay_opening import open_store
from kiosk.replay.replay_orders import Order
from kiosk.replay.replay_plan import Plan
from kiosk.replay.replay_tally import SalesPage, Tally
from kiosk.replay.replay_tills import Desk, Supervised

_PAGE = 200


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

    def describe(self) -> tuple[str, ...]:
        """The outcome in lines for a person."""
        verdict = "holds" if self.verify_ok else "DOES NOT HOLD"
        return (
            *(f"  {note}" for note in self.notes),
            *(f"  ! {problem}" for problem in self.problems),
            f"{self.sales} of {self.baskets} baskets stand in the store, {self.wrong_totals} with a wrong total",
            f"{self.per_s:.0f} a second over {self.tills} tills: {self.booked} booked now, {self.repeated} before,",
            f"{self.refused} refused, {self.restarts} restarts of the service",
            f"the journal {verdict}: {self.verify_entries} entries verified, {self.verify_per_s:.0f} a second",
        )


async def replay(
    plan: Plan,
    folder: Path,
    *,
    tills: int = 4,
    on_answer: Callable[[Order], None] = lambda _: None,
    process: StoreProcess | None = None,
    settings: Mapping[str, str] = {},
) -> Replayed:
    """Sell all of `plan` in the store in `folder`, which is made when there is none, over `tills` tills at once.

    `on_answer` is told every order that was answered; `process` lets a test hold the service that it kills, and
    `settings` are further lines of the store's configuration by section.
    Raises ForeignFolder, StoreInUse, ServiceFailed, Refused.
    """
    process = process or StoreProcess(config_file(folder))
    service = Supervised(process)
    tally = Tally(plan.orders)
    desks: list[Desk] = []
    try:
        memory = await open_store(plan, folder, tills, process, settings)
        desks = [Desk(service, till) for till in memory.tills]
        began = time.perf_counter()
        await _sell(desks, plan.orders, tally, on_answer)
        elapsed_s = time.perf_counter() - began
        await _list_sales(desks[0], tally)
        for desk in desks:
            await _close_shift(desk)
    finally:
        for desk in desks:
            desk.close()
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


async def _sell(desks: list[Desk], orders: Iterable[Order], tally: Tally, on_answer: Callable[[Order], None]) -> None:
    """Every desk takes the next order, in the order of the file, until there is none."""
    waiting = iter(orders)

    async def serve(desk: Desk) -> None:
        for order in waiting:
            answer = await desk.deliver("POST", "/v1/sales", order.body)
            tally.take(order, answer.status, answer.body)
            on_answer(order)

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
