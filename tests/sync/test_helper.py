"""The helper process: what it raises travels, what kills it is noticed, and the loop goes on meanwhile."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.sales.returns import RefundMismatch
from loyalty.errors import InvalidInput, Problem
from sync import helper as helper_module
from sync.helper import Helper, HelperGone


def double(number: int, *, times: int = 1) -> int:
    return number << times


def own_id() -> int:
    return os.getpid()


def refuse(text: str) -> None:
    raise InvalidInput(text, pointer="/lines/0", limit=3)


def mistake() -> None:
    raise ZeroDivisionError("1/0")


def refund_mismatch() -> None:
    raise RefundMismatch("too much", refund_minor=258)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(0)


def nap(seconds: float) -> str:
    time.sleep(seconds)
    return "rested"


def compute(until: Path) -> None:
    """Pure Python, holding the interpreter lock, until a file is there."""
    end = time.monotonic() + 120
    while not until.exists():
        assert time.monotonic() < end, "nobody made the file"
        sum(range(10_000))


@pytest.fixture(name="helper")
async def open_helper() -> AsyncIterator[Helper]:
    helper = Helper()
    yield helper
    await helper.close()


async def test_a_function_runs_in_one_child_and_its_answer_comes_back(helper: Helper) -> None:
    assert await helper.run(double, 21) == 42
    assert await helper.run(double, 3, times=2) == 12
    children = {await helper.run(own_id) for _ in range(3)}
    assert len(children) == 1
    assert os.getpid() not in children
    assert helper.process_ids() == list(children)


async def test_a_problem_travels_with_all_that_a_screen_shows(helper: Helper) -> None:
    with pytest.raises(InvalidInput, match="no such thing") as refused:
        await helper.run(refuse, "no such thing")
    problem = refused.value
    assert (problem.detail, problem.pointer, problem.extra) == ("no such thing", "/lines/0", {"limit": 3})
    with pytest.raises(RefundMismatch) as mismatch:
        await helper.run(refund_mismatch)
    assert mismatch.value.extra == {"refund_minor": 258}


async def test_a_mistake_travels_and_the_child_lives_on(helper: Helper) -> None:
    child = await helper.run(own_id)
    with pytest.raises(ZeroDivisionError):
        await helper.run(mistake)
    assert await helper.run(own_id) == child


@pytest.mark.parametrize("end", [die, leave])
async def test_a_child_that_ends_is_told_and_the_next_call_gets_a_new_one(helper: Helper, end: Any) -> None:  # noqa: ANN401
    child = await helper.run(own_id)
    with pytest.raises(HelperGone) as gone:
        await helper.run(end)
    assert isinstance(gone.value, Problem)
    assert (gone.value.status, gone.value.code) == (503, "helper_gone")
    assert await helper.run(own_id) != child


async def test_a_child_killed_from_outside_fails_what_waits_for_it_and_no_more(helper: Helper) -> None:
    child = await helper.run(own_id)
    waiting = [asyncio.create_task(helper.run(nap, 60)), asyncio.create_task(helper.run(double, 1))]
    await asyncio.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 120)
    assert [type(answer) for answer in answers] == [HelperGone, HelperGone]
    assert await helper.run(double, 2) == 4


async def test_the_loop_goes_on_while_the_child_computes(helper: Helper, tmp_path: Path) -> None:
    await helper.run(own_id)
    work = asyncio.create_task(helper.run(compute, tmp_path / "enough"))
    for _ in range(50):
        await asyncio.sleep(0.005)
        assert not work.done()
    (tmp_path / "enough").touch()
    await work


async def test_close_waits_for_what_runs(helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper_module, "_PATIENCE_S", 120)
    await helper.run(own_id)
    work = asyncio.create_task(helper.run(nap, 0.3))
    await asyncio.sleep(0.05)
    await helper.close()
    assert await work == "rested"
    assert helper.process_ids() == []


async def test_close_does_not_wait_for_ever(helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper_module, "_PATIENCE_S", 0.2)
    child = await helper.run(own_id)
    work = asyncio.create_task(helper.run(nap, 600))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await helper.close()
    assert time.monotonic() - started < 120, "what runs takes ten minutes"
    with pytest.raises(HelperGone):
        await work
    async with asyncio.timeout(120):  # the kernel takes a killed process away in its own time
        while is_running(child):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_closing_without_a_child_is_nothing() -> None:
    helper = Helper()
    await helper.close()
    await helper.close()


async def test_signals_of_the_terminal_or_the_unit_are_the_parents_business(helper: Helper) -> None:
    child = await helper.run(own_id)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(child, number)
    assert await helper.run(own_id) == child


def test_a_child_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    said = tmp_path / "child"
    context = multiprocessing.get_context("spawn")
    parent = context.Process(target=_be_a_parent, args=(said,))
    parent.start()
    child = wait_for(lambda: int(said.read_text()) if said.exists() and said.read_text() else 0)
    assert is_running(child)
    assert parent.pid is not None
    os.kill(parent.pid, signal.SIGKILL)
    parent.join(120)
    assert wait_for(lambda: not is_running(child)), "an orphan would stay for ever"


def _be_a_parent(said: Path) -> None:
    async def live() -> None:
        helper = Helper()
        said.write_text(str(await helper.run(own_id)))  # noqa: ASYNC240  there is nobody to wait
        await helper.run(nap, 600)

    asyncio.run(live())


def is_running(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition: Any, seconds: float = 120.0) -> Any:  # noqa: ANN401
    """The first true answer of `condition`, or its last one when the time is over."""
    end = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer
