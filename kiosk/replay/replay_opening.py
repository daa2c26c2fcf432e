"""edge: everything before the first sale of a replay: a running store with goods, members, and tills with open shifts.

memory = await open_store(plan, folder, tills=4, process=process)

Every step may be done again, so a service that dies meanwhile only makes it begin anew, in this run or in the next.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kiosk.bench.client import Answer, ClientProblem, Connection, connect, encode_request
from kiosk.bench.load import measure
from kiosk.bench.server import ServiceFailed, StoreProcess
from kiosk.bench.tills import Till, add_till, import_products, open_shift, pair_till, refusal, sign_in
from kiosk.compose import now_ms
from kiosk.demo.ids import member_id_of, shift_id_of
from kiosk.replay.replay_folder import Memory, new_pairing_code, open_folder, remember
from kiosk.replay.replay_plan import Plan

_ATTEMPTS = 10


async def open_store(
    plan: Plan, folder: Path, tills: int, process: StoreProcess, settings: Mapping[str, str] = {}
) -> Memory:
    """A running service with goods, members and tills whose shifts are open.

    Every step may be done again, so a service that dies meanwhile only makes it begin anew. A pairing code whose
    answer was lost is spent; the next attempt makes another.
    """
    for attempt in range(_ATTEMPTS):
        memory = open_folder(folder, plan.digest, settings)
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
        # Goods before shifts: a large catalogue is not taken in while tills sell. What a killed run has brought in
        # already is unchanged now, and changes nothing.
        if not memory.stocked:
            await import_products(connections[0], signed_in[0], plan.products)
        for connection, till in zip(connections, signed_in, strict=True):
            await open_shift(connection, till, shift_id_of(till.name, now_ms()))
        if not memory.stocked:
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
