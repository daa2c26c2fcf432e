"""Reports over HTTP: a store pushes a real day, the appliers take it in, the office asks; on both engines."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from loyalty.transactions import Tx
from sync.day_entries import hashes_at, read_day
from sync.hub.applier import apply_next
from sync.hub.reports.catalogue import BUILDERS
from sync.hub.rollups.proof import find_wrong_rollup
from sync.manifest import Manifest, make_manifest
from sync.protocol.messages import OpPrivate
from tests.kiosk.history import tell_everything
from tests.kiosk.shopkit import open_shop
from tests.sync.hub.hubkit import RunningHub, Shop

DAY = "2026-11-21"
WITHOUT_ROWS = {"points-liability", "exposure", "day-closes"}
"""Added up by the database, or nothing to tell in this chain."""
SPAN = {"from": "2026-11-01", "to": "2026-11-30"}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    """The journal of a shop in which everything happened once."""
    connection, opened = open_shop(tmp_path_factory.mktemp("shop"))
    tell_everything(connection, opened)
    yield connection
    connection.close()


class Chain(NamedTuple):
    """A head office that has applied the journal of one store, and a token of its office."""

    hub: RunningHub
    shop: Shop
    office: str

    async def ask(self, path: str, accept: str = "application/json", **query: str) -> tuple[int, dict[str, Any]]:
        """GET as the office."""
        return await self.hub.call("GET", path, token=self.office, params=query, headers={"Accept": accept})


@pytest.fixture
async def chain(hub: RunningHub, journal: Tx) -> Chain:
    """One store whose whole journal is in."""
    shop = await hub.enrol("S001")
    private = {
        (epoch, seq): OpPrivate(member=UUID(bytes=member), salt=salt, data=data)
        for epoch, seq, member, salt, data in journal.execute(
            "SELECT epoch, seq, member, salt, bytes FROM journal_private"
        )
    }
    rows = journal.execute("SELECT epoch, seq, content FROM journal ORDER BY rowid").fetchall()
    shop.epoch = rows[0][0]
    for epoch, seq, content in rows:
        shop.append(content.decode(), private.get((epoch, seq)))
    await shop.open_session()
    status, answer = await shop.push(shop.ops)
    assert (status, answer["seq"]) == (200, len(rows)), answer
    database = hub.hub.database
    while (await database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, hub.clock.now_ms))).taken:
        pass
    return Chain(hub, shop, await hub.sign_in())


async def test_every_report_is_there_as_json_and_as_csv(chain: Chain) -> None:
    status, answer = await chain.ask("/v1/reports")
    assert (status, answer["items"]) == (200, list(BUILDERS))
    for name in answer["items"]:
        status, report = await chain.ask(f"/v1/reports/{name}", charts="true", **SPAN)
        assert status == 200, report
        assert (report["report"], report["from"], report["to"]) == (name, "2026-11-01", "2026-11-30")
        status, file = await chain.ask(f"/v1/reports/{name}", "text/csv", **SPAN)
        assert status == 200
        told = list(csv.DictReader(io.StringIO(file["raw"].decode())))
        assert len(told) == len(report["items"])
        assert not told or list(told[0]) == report["columns"]
        assert file["headers"]["Content-Type"].startswith("text/csv")
        for chart in report["charts"]:
            ET.fromstring(chart["svg"])


async def test_what_was_applied_is_what_the_reports_tell_and_the_proof_agrees(chain: Chain) -> None:
    _, sales = await chain.ask("/v1/reports/sales", **SPAN)
    assert (sales["figures"]["sales"], sales["figures"]["due_minor"]) == (14, 11258)
    assert [store["store"] for store in sales["missing"]] == []
    _, liability = await chain.ask("/v1/reports/points-liability")
    assert liability["figures"]["outstanding_points"] > 0
    assert await chain.hub.hub.database.read(find_wrong_rollup) is None
    status, answer = await chain.ask("/v1/reports/sales", "image/svg+xml", **SPAN)
    assert status == 200
    assert answer["headers"]["Content-Type"] == "image/svg+xml"
    assert ET.fromstring(answer["raw"]).get("role") == "img"


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/v1/reports/gossip", {}, 404, "unknown_report"),
        ("/v1/reports/sales", {"from": "2026-12-01", "to": "2026-11-01"}, 422, "wrong_days"),
        ("/v1/reports/sales", {"from": "2026-02-31"}, 422, "wrong_days"),
        ("/v1/reports/sales", {"from": "yesterday"}, 422, None),
        ("/v1/reports/sales", {"store": str(UUID(int=9))}, 404, None),
        ("/v1/reports/sales", {"colour": "red"}, 422, None),
        ("/v1/exports/poslog", {"store": str(UUID(int=9)), "day": DAY}, 404, None),
        ("/v1/exports/poslog", {"day": DAY}, 422, None),
    ],
)
async def test_what_cannot_be_reported_is_refused(
    small_hub: RunningHub, path: str, query: dict[str, str], status: int, code: str | None
) -> None:
    found, answer = await small_hub.call("GET", path, token=await small_hub.sign_in(), params=query)
    assert found == status, answer
    assert code is None or answer["code"] == code


async def test_reports_are_for_the_office_and_manifests_for_stores(small_hub: RunningHub) -> None:
    shop = await small_hub.enrol("S001")
    await shop.open_session()
    for path in ("/v1/reports", "/v1/reports/sales", "/v1/exports/journal-entries"):
        status, _ = await small_hub.call("GET", path)
        assert status == 401
        status, _ = await small_hub.call("GET", path, token=shop.token)
        assert status == 403
    body = {"manifest": Manifest(day=DAY, parts=(), sums={})}
    status, _ = await small_hub.call("POST", "/sync/v1/manifests", body, token=await small_hub.sign_in())
    assert status == 403


async def test_the_books_balance_and_the_documents_are_there_as_poslog(chain: Chain) -> None:
    status, file = await chain.ask("/v1/exports/journal-entries", "text/csv", **SPAN)
    assert status == 200
    rows = list(csv.DictReader(io.StringIO(file["raw"].decode())))
    assert sum(int(row["debit_minor"]) for row in rows) == sum(int(row["credit_minor"]) for row in rows) > 0
    assert "attachment" in file["headers"]["Content-Disposition"]
    status, file = await chain.ask("/v1/exports/poslog", store=str(chain.shop.store), day=DAY)
    assert status == 200
    assert len(ET.fromstring(file["raw"])) > 10


async def test_a_store_proves_its_day_and_learns_where_its_chain_parts(chain: Chain, journal: Tx) -> None:
    manifest = make_manifest(DAY, read_day(journal, DAY))
    assert await _prove(chain, {"manifest": manifest}) == {"outcome": "match"}
    _, closes = await chain.ask("/v1/reports/day-closes", **SPAN)
    assert [(row["store"], row["business_day"], row["outcome"]) for row in closes["items"]] == [("S001", DAY, "match")]
    assert closes["figures"] == {"closed": 1, "differing": 0}
    wrong = msgspec.structs.replace(manifest, sums={**manifest.sums, "sales": 1})
    answer = await _prove(chain, {"manifest": wrong})
    assert (answer["outcome"], answer["name"]) == ("differs", "sales")
    # Now the store's disk lost entry 40 and wrote another history behind it: its hashes from there on are others.
    part = msgspec.structs.replace(manifest.parts[0], head="ab" * 32)
    body: dict[str, Any] = {"manifest": msgspec.structs.replace(manifest, parts=(part,))}
    asked = await _prove(chain, body)
    assert asked["outcome"] == "ask"
    held = hashes_at(journal, chain.shop.epoch, asked["seqs"])
    told = [{"seq": seq, "hash": held[seq] if seq < 40 else "ab" * 32} for seq in asked["seqs"]]
    body["probe"] = {"epoch": asked["epoch"], "same_seq": asked["same_seq"], "places": told}
    found = await _prove(chain, body)
    assert (found["outcome"], found["what"], found["seq"]) == ("differs", "chain", 40)
    _, closes = await chain.ask("/v1/reports/day-closes", **SPAN)
    assert closes["items"][0]["what"] == f"chain {asked['epoch']} 40"
    _, incidents = await chain.ask("/v1/incidents", state="open")
    told = [each["refs"] for each in incidents["items"] if each["kind"] == "day_differs"]
    assert [{"business_day": DAY, "what": f"chain {asked['epoch']} 40"}] in told


@pytest.mark.parametrize(
    "manifest",
    [
        {"day": "today", "parts": [], "sums": {}},
        {
            "day": DAY,
            "parts": [{"epoch": "x", "first_seq": 1, "last_seq": 2, "count": 1, "head": "00" * 32}],
            "sums": {},
        },
        {"day": DAY, "parts": [], "sums": {"tender:cash": 2**70}},
        {"day": DAY, "parts": [], "sums": {}, "more": 1},
        {
            "day": DAY,
            "parts": [
                {"epoch": "0" * 16, "first_seq": 1, "last_seq": 2**53, "count": 2**53, "head": "00" * 32},
            ],
            "sums": {},
        },
    ],
)
async def test_a_manifest_that_makes_no_sense_is_refused(small_hub: RunningHub, manifest: dict[str, Any]) -> None:
    shop = await small_hub.enrol("S001")
    await shop.open_session()
    body = json.dumps({"manifest": manifest}).encode()
    status, answer = await small_hub.call("POST", "/sync/v1/manifests", body, token=shop.token)
    assert status in (400, 422), answer


async def test_a_day_that_a_store_spread_over_all_its_entries_is_not_read(
    chain: Chain, journal: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = make_manifest(DAY, read_day(journal, DAY))
    (part,) = manifest.parts
    monkeypatch.setattr("sync.hub.reports.day_proof.ENTRIES_MAX", part.last_seq - part.first_seq)
    for parts in (manifest.parts, ()):
        body = {"manifest": msgspec.structs.replace(manifest, parts=parts)}
        status, answer = await chain.hub.call("POST", "/sync/v1/manifests", body, token=chain.shop.token)
        assert (status, answer["code"]) == (422, "day_too_long")


async def _prove(chain: Chain, body: dict[str, Any]) -> dict[str, Any]:
    status, answer = await chain.hub.call("POST", "/sync/v1/manifests", body, token=chain.shop.token)
    assert status == 200, answer
    return {name: value for name, value in answer.items() if name != "headers"}


async def test_no_report_reads_more_rows_than_this_process_can_hold(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.hub.reports.bounded_rows.ROWS_MAX", 0)
    refused = set()
    for name in BUILDERS:
        status, answer = await chain.ask(f"/v1/reports/{name}", **SPAN)
        if status == 422:
            assert answer["code"] == "too_much_to_report"
            refused.add(name)
    assert refused == set(BUILDERS) - WITHOUT_ROWS
    status, answer = await chain.ask("/v1/exports/journal-entries", **SPAN)
    assert (status, answer["code"]) == (422, "too_much_to_report")
