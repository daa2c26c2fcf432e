"""The tasks beside the push: what goes wrong in one round of them is told, and the next round comes."""

import asyncio
import logging
from typing import Any, cast

import pytest

from sync.agent import lease_reporter, puller
from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.agent.lease_reporter import LeaseReporter
from sync.agent.puller import Puller
from sync.agent.status_teller import StatusTeller
from sync.protocol import pull_store
from sync.protocol.lease_report import LeaseReport
from sync.protocol.messages import PullAnswer, StoreStatus
from sync.protocol.pull_store import ApplyPage, Event, StorePull


class Reader:
    """A store that has read nothing yet."""

    async def position(self) -> tuple[str | None, dict[str, int], tuple[str, ...]]:
        return "kept", {}, ()

    async def bootstrap(self, _client: HubClient, _session: str, _timeline: int) -> tuple[str, dict[str, int]] | None:
        return None

    async def keep_page(self, page: ApplyPage) -> tuple[str, ...]:
        raise AssertionError(page)

    async def note_read(self, applied: dict[str, int]) -> None:
        raise AssertionError(applied)

    async def audit(self) -> tuple[str, ...]:
        return ()


class Office:
    """Head office as these tasks meet it. A question is answered never."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        self.told: list[tuple[str, int]] = []
        self.reports: asyncio.Queue[str] = asyncio.Queue()
        self.problems: list[Exception] = []

    async def pull(self, session: str, cursor: str | None, _refetch: tuple[str, ...]) -> PullAnswer:
        self.asked.put_nowait((session, cursor))
        never: asyncio.Future[PullAnswer] = asyncio.get_running_loop().create_future()
        return await never

    async def report_leases(self, session: str, _report: LeaseReport) -> None:
        if self.problems:
            raise self.problems.pop()
        self.reports.put_nowait(session)

    async def tell_status(self, session: str, status: StoreStatus) -> None:
        self.told.append((session, status.queued))


async def test_a_fault_in_the_pull_is_logged_and_the_pull_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [RuntimeError("a fault of ours")]
    requests: list[int] = []

    def step(state: StorePull, event: Event, now_ms: int) -> Any:  # noqa: ANN401
        if state.in_flight is not None and faults:
            raise faults.pop()
        state, effects = puller_step(state, event, now_ms)
        requests.append(state.request)
        return state, effects

    puller_step = pull_store.step
    monkeypatch.setattr(puller, "step", step)
    monkeypatch.setattr(puller, "_AGAIN_S", 0.0)
    office = Office()
    task = Puller(Reader(), cast("HubClient", office), lambda _session, _fence: None)
    task.start()
    async with asyncio.timeout(120):
        task.begin_session("first")
        assert await office.asked.get() == ("first", "kept")
        with caplog.at_level(logging.ERROR):
            task.doubt(())
            assert await office.asked.get() == ("first", "kept")
    await task.stop()
    assert faults == []
    assert "will be read again" in caplog.text
    assert requests[-1] == 2, "a late answer to the first question is none to the second"


async def test_what_is_on_lease_is_said_once_a_session_until_head_office_has_heard_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease_reporter, "_AGAIN_S", 0.0)
    monkeypatch.setattr(lease_reporter, "_AFTER_REFUSAL_S", 0.0)
    office, problems = Office(), [HubSilent("gone"), HubRefused("too_many_requests"), RuntimeError("a fault of ours")]
    office.problems = problems
    reporter = LeaseReporter(read_nothing, cast("HubClient", office))
    async with asyncio.timeout(120):
        reporter.begin_session("first")
        assert await office.reports.get() == "first"
        reporter.begin_session("second")
        assert await office.reports.get() == "second"
    await reporter.stop()
    assert problems == []
    assert office.reports.empty()


async def read_nothing() -> LeaseReport:
    return LeaseReport(leases=(), heads=())


async def test_a_status_is_told_once_and_again_in_a_new_session() -> None:
    office, session, queued = Office(), ["first"], [3]

    async def look() -> StoreStatus:
        return StoreStatus(printers=(), queued=queued[0])

    teller = StatusTeller(look, cast("HubClient", office), lambda: session[0] or None)
    assert await teller.tell()
    assert await teller.tell()
    session[0] = ""
    assert not await teller.tell()
    session[0] = "second"
    assert await teller.tell()
    queued[0] = 0
    assert await teller.tell()
    assert office.told == [("first", 3), ("second", 3), ("second", 0)]
