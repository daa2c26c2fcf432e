"""So many pushes at a time; who waits gets a turn, who cannot is told when to come again, and nothing is leaked."""

import asyncio
from uuid import UUID

import pytest

from sync.http.problems import TooManyRequests
from sync.hub.turnstile import Turnstile
from sync.protocol.admission import SALES, TURN_HEADER, Limits


def store(number: int) -> UUID:
    return UUID(int=number)


class Work:
    """Pushes that last until the test says so."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.turnstile = turnstile
        self.inside: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}

    def start(self, number: int) -> "asyncio.Task[None]":
        self.gates[number] = asyncio.Event()
        return asyncio.create_task(self._push(number))

    async def _push(self, number: int) -> None:
        async with self.turnstile.enter(store(number), SALES):
            self.inside.append(number)
            await self.gates[number].wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_wait_come_in_one_by_one_as_others_leave() -> None:
    work = Work(Turnstile(Limits(served=2, waiting=2)))
    tasks = [work.start(number) for number in range(4)]
    await settle()
    assert (work.inside, work.turnstile.waiting) == ([0, 1], 2)
    for number in range(4):
        work.gates[number].set()
        await settle()
    await asyncio.gather(*tasks)
    assert (work.inside, work.turnstile.waiting) == ([0, 1, 2, 3], 0)


async def test_whoever_finds_the_line_full_is_told_when_to_come_again() -> None:
    work = Work(Turnstile(Limits(served=1, waiting=1)))
    tasks = [work.start(number) for number in range(2)]
    await settle()
    with pytest.raises(TooManyRequests) as refused:
        await work.start(2)
    assert int(refused.value.headers["Retry-After"]) >= 1
    assert refused.value.headers[TURN_HEADER] == str(store(2))
    for number in range(2):
        work.gates[number].set()
    await asyncio.gather(*tasks)


async def test_whoever_waited_too_long_or_went_away_leaves_the_line() -> None:
    work = Work(Turnstile(Limits(served=1, waiting=5), patience_s=0.05))
    first = work.start(0)
    await settle()
    with pytest.raises(TooManyRequests):
        await work.start(1)
    gone = work.start(2)
    await settle()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert work.turnstile.waiting == 0
    work.gates[0].set()
    await first
    last = work.start(3)
    await settle()
    assert work.inside == [0, 3]
    work.gates[3].set()
    await last


async def test_a_turn_that_came_as_its_owner_went_is_given_on() -> None:
    work = Work(Turnstile(Limits(served=1, waiting=5)))
    first, second, third = (work.start(number) for number in range(3))
    await settle()
    work.gates[0].set()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await settle()
    assert work.inside[-1] == 2
    work.gates[2].set()
    await third
