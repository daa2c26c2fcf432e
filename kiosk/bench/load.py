"""edge: load: every till sends its requests one after the other on its own connection, all tills at once.

    load = await measure(connections, [sales_of(till) for till in tills], percentiles=(50, 99))
    load.per_s, load.latency_ms["p99"]

A latency runs from just before the request is written until the asking task has the answer, so what the client's own
loop makes an answer wait is in it: a bench on shared cores may look worse for that, never better.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from kiosk.bench.client import Answer, Connection
from kiosk.bench.statistics import Figure, Load, summarise


async def measure(
    connections: Sequence[Connection],
    requests: Sequence[Iterable[bytes]],
    percentiles: Sequence[Figure] = (50, 99),
    on_answer: Callable[[Answer], None] | None = None,
) -> Load:
    """Send `requests[i]` over `connections[i]`, each in order, all at once, and measure until the last answer.

    Answers of any status count, and `Load.answers` tells which; `on_answer` sees each one, inside the time measured.
    An iterable may stop on a clock of its own to bound the run. A connection that fails ends the whole run: raises its
    ClientProblem, since a mean over fewer tills than were meant says nothing. Raises ValueError without any request.
    """
    if len(connections) != len(requests):
        raise ValueError("every connection needs its own requests")
    latencies_ns: list[int] = []
    answers: Counter[int] = Counter()

    async def run(connection: Connection, own: Iterable[bytes]) -> None:
        clock = time.perf_counter_ns
        for request in own:
            started_ns = clock()
            answer = await connection.ask(request)
            latencies_ns.append(clock() - started_ns)
            answers[answer.status] += 1
            if on_answer is not None:
                on_answer(answer)

    cpu_ns, started_ns = time.process_time_ns(), time.perf_counter_ns()
    tasks = [asyncio.create_task(run(*pair)) for pair in zip(connections, requests, strict=True)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    elapsed_ns, cpu_ns = time.perf_counter_ns() - started_ns, time.process_time_ns() - cpu_ns
    return summarise(latencies_ns, elapsed_ns, answers, cpu_ns, percentiles)
