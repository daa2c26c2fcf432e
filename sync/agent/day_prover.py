"""edge: the task that proves each business day to head office, once it is over (sync/manifest.py says how).

    prover = DayProver(side, client, lambda: agent.session, store=store_id)
    prover.start()

It has all night, so each store begins at a time of its own, and a day that could not be proved (no line, head office
does not hold all of it yet) is tried again a few minutes later. What differs is noted for a person: nothing mends it by
itself, and nothing is changed by looking.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.manifest import Manifest, ManifestAnswer, ManifestMessage, Place, Probe, days_to_prove
from sync.protocol.backoff import slot_ms

logger = logging.getLogger(__name__)
_LOOK_S = 600.0
_MESSAGES_MAX = 6


class DaySide(Protocol):
    """What the task needs of the store."""

    def today(self) -> str:
        """The business day that is going on (YYYY-MM-DD)."""

    async def proved(self) -> str | None:
        """The newest day that was proved, None before the first."""

    async def fold(self, day: str) -> Manifest:
        """What a day comes to in this store's journal."""

    async def hashes(self, epoch: int, seqs: Sequence[int]) -> Mapping[int, str]:
        """The chain's hashes at these numbers of a life, as 64 hex digits."""

    async def note(self, day: str, difference: str | None) -> None:
        """The day was proved, or differs at head office and how."""


class DayProver:
    """The task. `session` answers the token of the present session, None while there is none."""

    def __init__(self, side: DaySide, client: HubClient, session: Callable[[], str | None], *, store: UUID) -> None:
        self._side, self._client, self._session = side, client, session
        self._begin_s = slot_ms(store, int(_LOOK_S * 1000)) / 1000
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first look is in this store's own slot."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; a day that was not proved is the next run's."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def prove_what_is_over(self) -> None:
        """Prove the days that are over and were not proved yet, the oldest first, up to the first that cannot be."""
        for day in days_to_prove(await self._side.proved(), self._side.today()):
            if not await self._prove(day):
                return

    async def _run(self) -> None:
        await asyncio.sleep(self._begin_s)
        while True:
            try:
                await self.prove_what_is_over()
            except (HubSilent, HubRefused) as problem:
                logger.info("the day is proved later", extra={"fields": {"why": problem.code}})
            except Exception:
                logger.exception("the proof of the day will be tried again")
            await asyncio.sleep(_LOOK_S)

    async def _prove(self, day: str) -> bool:
        """Whether the next day may be looked at."""
        session = self._session()
        if session is None:
            return False
        message = ManifestMessage(manifest=await self._side.fold(day))
        for _ in range(_MESSAGES_MAX):
            answer = await self._client.prove_day(session, message)
            if answer.outcome == "match":
                await self._side.note(day, None)
                return True
            if answer.outcome == "not_yet":
                return False
            if answer.outcome == "differs":
                break
            probe = await self._probe(answer)
            if probe is None:
                break
            message = ManifestMessage(manifest=message.manifest, probe=probe)
        told = _tell(answer)
        logger.error("the day differs at head office", extra={"fields": {"day": day, "what": told}})
        await self._side.note(day, told)
        return False

    async def _probe(self, answer: ManifestAnswer) -> Probe | None:
        """The hashes that head office asked for; None where it asks for what this store does not have."""
        if answer.epoch is None or answer.same_seq is None:
            return None
        held = await self._side.hashes(int(answer.epoch, 16), answer.seqs)
        places = tuple(Place(seq, held[seq]) for seq in answer.seqs if seq in held)
        return Probe(answer.epoch, answer.same_seq, places) if places else None


def _tell(answer: ManifestAnswer) -> str:
    """What differs, in a few words without any content."""
    place = (answer.epoch or "", str(answer.seq) if answer.seq is not None else "", answer.name or "")
    return " ".join(part for part in (answer.what or "chain", *place) if part)
