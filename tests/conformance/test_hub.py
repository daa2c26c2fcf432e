"""Head office over its whole way, on both engines: two shops' journals with every kind of fact, and with entries that
cannot be applied, come in over HTTP, are applied, pulled, reported and proved. Every answer and every row is the same
on both, and every statement keeps the nine rules.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from sync.chain import epoch_text
from sync.dialect import Engine
from sync.engines import open_database
from sync.hub.initialise import fill_hub
from sync.hub.lending_reports import has_heard_all, wait_for_reports
from sync.hub.proving import prove_hub
from sync.hub.schema_all import ALL_TABLES
from sync.protocol.messages import Op, OpPrivate
from tests.conformance.kit import rows_of
from tests.conformance.nine_rules import faults_of_rows, faults_of_statement, shapes_of
from tests.conformance.recording import Recorder
from tests.conformance.sweeps import SWEEPS
from tests.kiosk.history import Story, Storyteller, tell_everything
from tests.kiosk.shopkit import NOW_MS, open_shop
from tests.postgres import ENGINES, fresh_address
from tests.sync.hub.hubkit import RunningHub, Shop, hashed_password, running_hub, settings

AT_ONCE = 23
DAY_MS = 86_400_000
SHAPES = shapes_of(ALL_TABLES)
# What is drawn anew in each head office: tokens, the secret of cursors, the office's password.
DRAWN = {"hub_token", "hub_state", "office_user", "store", "enrolment"}
COMPARED = {table.name: len(table.key) for table in ALL_TABLES if table.name not in DRAWN}
FORGETFUL = {"session", "fence", "cursor", "headers", "token", "expires_at", "enrolment_code"}
DAYS = "from=2026-01-01&to=2027-12-31"

Answers = list[tuple[str, int, Any]]


class Life(NamedTuple):
    """One life of a shop's journal."""

    epoch: int
    ops: list[Op]


class Run(NamedTuple):
    """What one head office came to."""

    answers: Answers
    rows: list[tuple[str, tuple[Any, ...]]]
    recorder: Recorder


def lives_of(connection: Any) -> list[Life]:  # noqa: ANN401  pysqlite3 has no types
    """A shop's journal as it is pushed."""
    rows = connection.execute(
        "SELECT journal.epoch, content, member, salt, bytes FROM journal LEFT JOIN journal_private"
        " ON journal_private.epoch = journal.epoch AND journal_private.seq = journal.seq ORDER BY journal.rowid"
    ).fetchall()
    lives: dict[int, list[Op]] = {}
    for epoch, content, member, salt, data in rows:
        private = OpPrivate(member=UUID(bytes=member), salt=salt, data=data) if member is not None else None
        lives.setdefault(epoch, []).append(Op(content=content.decode(), private=private))
    return [Life(epoch, ops) for epoch, ops in lives.items()]


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> list[list[Life]]:
    """Two shops: one tells every kind of fact there is, the other whatever comes to it."""
    told = []
    for number in (1, 2):
        connection, shop = open_shop(tmp_path_factory.mktemp("shop"))
        if number == 1:
            tell_everything(connection, shop)
        else:
            teller = Storyteller(connection, shop, Random(7))
            # Ids follow from the clock: on another day they are others.
            teller.story = Story(connection, shop, NOW_MS + DAY_MS)
            teller.tell(120)
        told.append(lives_of(connection))
        connection.close()
    # One entry that contradicts itself, one of a release to come.
    ops = told[1][0].ops
    spoiled = next(n for n, op in enumerate(ops) if '"kind":"sale.completed"' in op.content and n > AT_ONCE)
    ops[spoiled] = Op(content=ops[spoiled].content.replace('"lines":[', '"lines":["none",', 1))
    later = next(n for n, op in enumerate(ops) if '"kind":"drawer.opened"' in op.content)
    ops[later] = Op(content=ops[later].content.replace('"kind":"drawer.opened"', '"kind":"drawer.dreamt"', 1))
    return told


@pytest.fixture(scope="module")
def runs(journals: list[list[Life]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Engine, Run]]:
    """The same day of head office on each engine."""
    with contextlib.ExitStack() as stack:
        found: dict[Engine, Run] = {}
        for engine in ENGINES:
            folder = tmp_path_factory.mktemp(engine)
            address = stack.enter_context(fresh_address(engine, folder))
            run = asyncio.run(run_day(address, folder, journals))
            report = prove_hub(settings(database=address), folder)
            run.answers.append(("verify", int(report.ok), [report.entries, report.epochs, report.first_wrong]))
            found[engine] = run
        yield found


async def run_day(address: str, folder: Path, journals: list[list[Life]]) -> Run:
    recorder, answers = Recorder(), []
    async with watched_hub(address, folder, recorder) as hub:
        office = await hub.sign_in()
        shops = []
        for number, lives in enumerate(journals, 1):
            shop = await hub.enrol(f"S{number:03d}")
            shops.append(shop)
            for life in lives:
                answers += await push_life(hub, shop, life)
        for shop in shops:
            answers += await pull_all(shop)
        answers += await look_after(hub, office)
        answers += await read_office(hub, office)
        rows = await hub.hub.database.read(lambda tx: rows_of(tx, COMPARED))
    return Run(answers, rows, recorder)


@contextlib.asynccontextmanager
async def watched_hub(address: str, folder: Path, recorder: Recorder) -> AsyncIterator[RunningHub]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("compose", "initialise"):
            patch.setattr(
                f"sync.hub.{module}.open_database", lambda *args, **more: recorder.watch(open_database(*args, **more))
            )
        assert await fill_hub(settings(database=address), folder, "office", hashed_password())
        async with running_hub(address, folder) as hub:
            yield hub


async def push_life(hub: RunningHub, shop: Shop, life: Life) -> Answers:
    """Everything of one life, in batches; one of them twice, and one that begins too late."""
    shop.epoch, shop.ops, shop.hashes = life.epoch, [], shop.hashes[:1]
    for op in life.ops:
        shop.append(op.content, op.private)
    told: Answers = [("session", *strip(await shop.open_session()))]
    starts = range(0, len(life.ops), AT_ONCE)
    for start in (*starts[1:2], *starts, *starts[:1]):
        ops = shop.ops[start : start + AT_ONCE]
        hub.clock.now_ms += 1000
        told.append((f"push {start}", *strip(await shop.push(ops, from_seq=start + 1))))
        await hub.hub.appliers.settle()
    status = {"printers": [], "queued": 3}
    told.append(("status", *strip(await hub.call("PUT", "/sync/v1/status", status, token=shop.token))))
    await hub.hub.database.write(lambda tx: wait_for_reports(tx, 1))
    held = {"lease": UUID(int=shop.epoch), "member": UUID(int=1), "points": 5}
    leases = {"leases": [held], "heads": [{"epoch": epoch_text(shop.epoch), "seq": len(life.ops)}]}
    told.append(("leases", *strip(await hub.call("POST", "/sync/v1/lease-reports", leases, token=shop.token))))
    told.append(("heard of all", 200, {"heard": await hub.hub.database.write(has_heard_all)}))
    return told


async def pull_all(shop: Shop) -> Answers:
    told: Answers = []
    cursor = None
    while True:
        status, answer = await shop.pull(cursor)
        told.append(("pull", *strip((status, answer))))
        cursor = answer.get("cursor")
        if status != 200 or not answer.get("more"):
            break
    told.append(("entries", *strip(await shop.entries(after=3, limit=5))))
    return told


async def look_after(hub: RunningHub, office: str) -> Answers:
    """What a person in the office does about what went wrong; and what upkeep does by itself."""
    told: Answers = []

    async def ask(method: str, path: str, body: object = None) -> dict[str, Any]:
        status, answer = await hub.call(method, path, body, token=office)
        told.append((path, *strip((status, answer))))
        return answer

    incidents = (await ask("GET", "/v1/incidents"))["items"]
    await ask("POST", f"/v1/incidents/{incidents[0]['id']}/resolve", {"resolution": "Looked into."})
    letters = (await ask("GET", "/v1/dead-letters"))["items"]
    for letter in letters:
        await ask("POST", f"/v1/dead-letters/{letter['id']}/replay")
    await ask("POST", f"/v1/dead-letters/{letters[0]['id']}/dismiss")
    store, _ = await hub.add_store("S009", office)
    await ask("POST", f"/v1/stores/{store}/revoke")
    await hub.hub.upkeep.sweep_now()
    await hub.hub.upkeep.note_now()
    spare = await hub.sign_in()
    told.append(("sign out", *strip(await hub.call("DELETE", "/v1/sign-ins", token=spare))))
    return told


async def read_office(hub: RunningHub, office: str) -> Answers:
    """Every list and every report that the office can ask for."""
    told: Answers = []
    paths = ["/v1/stores?limit=1", "/v1/incidents?limit=2", "/v1/dead-letters", "/v1/users", "/v1/reports"]
    status, listed = await hub.call("GET", "/v1/reports", token=office)
    assert status == 200, listed
    names = listed["items"]
    paths += [f"/v1/reports/{name}?{DAYS}" for name in names]
    status, listed = await hub.call("GET", "/v1/stores", token=office)
    assert status == 200, listed
    paths += [f"/v1/exports/poslog?store={item['id']}&day=2026-11-21" for item in listed["items"]]
    paths += [f"/v1/exports/journal-entries?{DAYS}", *(f"/v1/stores/{item['id']}" for item in listed["items"])]
    for path in paths:
        told.append((path, *strip(await hub.call("GET", path, token=office))))
    return told


def strip(answer: tuple[int, Any]) -> tuple[int, Any]:
    """An answer without what is drawn anew each time."""

    def without(value: Any) -> Any:  # noqa: ANN401  JSON
        if isinstance(value, dict):
            return {name: without(item) for name, item in value.items() if name not in FORGETFUL}
        if isinstance(value, list):
            return [without(item) for item in value]
        return value

    return answer[0], without(answer[1])


def test_both_engines_answer_the_same(runs: dict[Engine, Run]) -> None:
    sqlite, postgres = runs["sqlite"].answers, runs["postgresql"].answers
    assert [answer[:2] for answer in sqlite] == [answer[:2] for answer in postgres]
    for one, other in zip(sqlite, postgres, strict=True):
        assert one == other


def test_both_engines_hold_the_same_rows(runs: dict[Engine, Run]) -> None:
    sqlite, postgres = (runs[engine].rows for engine in ENGINES)
    for name in COMPARED:
        assert [row for row in sqlite if row[0] == name] == [row for row in postgres if row[0] == name]


def test_the_day_was_a_whole_one(runs: dict[Engine, Run], journals: list[list[Life]]) -> None:
    """A comparison of two empty head offices would show nothing."""
    run = runs["postgresql"]
    *answers, proof = run.answers
    assert proof[1] == 1, proof
    assert {answer[1] for answer in answers} == {200, 201, 204}, [a for a in answers if a[1] >= 400]
    entries = sum(len(life.ops) for lives in journals for life in lives)
    assert entries > 150
    names = [name for name, _ in run.rows]
    assert names.count("inbox") == entries
    assert names.count("dead_letter") == 2
    assert names.count("applied") == entries - 2
    filled = {"posting", "account", "points_lot", "member", "feed", "sales_hour", "tender_day", "incident", "receipt"}
    assert filled <= set(names)
    outcomes = [answer[2]["outcome"] for answer in run.answers if answer[0].startswith("push")]
    assert {"acknowledged", "rewind"} <= set(outcomes)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_statement_keeps_the_nine_rules(runs: dict[Engine, Run], engine: Engine) -> None:
    recorder = runs[engine].recorder
    assert len(recorder.statements) > 100
    faults = set()
    for sql, runs_of_it in recorder.statements.items():
        if " ".join(sql.split()) not in SWEEPS and not is_of_the_start(sql):
            faults |= {f"{fault} in {sql[:100]}" for fault in faults_of_statement(sql, SHAPES)}
        for parameters in runs_of_it:
            faults |= {f"{fault} in {sql[:100]}" for fault in faults_of_rows(sql, parameters, SHAPES)}
    assert faults == set()


def is_of_the_start(sql: str) -> bool:
    """What only makes the tables: sync.engines says it in each engine's own way."""
    return sql.strip().startswith("CREATE ") or any(
        word in sql for word in ("sqlite_schema", "pg_catalog", "pg_advisory")
    )
