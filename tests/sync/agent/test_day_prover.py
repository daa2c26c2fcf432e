"""Each day is proved once it is over: what matches is remembered, what differs is noted, what cannot be asked waits."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from sync.agent.client import HubSilent
from sync.agent.day_prover import DayProver
from sync.manifest import Manifest, ManifestAnswer, ManifestMessage, days_to_prove

STORE = UUID(int=7)


class Side:
    """A store whose hashes are their numbers."""

    def __init__(self, proved: str | None = "2026-11-18") -> None:
        self.newest = proved
        self.differences: list[tuple[str, str]] = []

    def today(self) -> str:
        return "2026-11-21"

    async def proved(self) -> str | None:
        return self.newest

    async def fold(self, day: str) -> Manifest:
        return Manifest(day=day, parts=(), sums={})

    async def hashes(self, epoch: int, seqs: Sequence[int]) -> Mapping[int, str]:
        assert epoch == 10
        return {seq: f"{seq:064x}" for seq in seqs if seq <= 100}

    async def note(self, day: str, difference: str | None) -> None:
        if difference is None:
            self.newest = day
        else:
            self.differences.append((day, difference))


class Client:
    """A head office that answers what it was told to, message by message."""

    def __init__(self, *answers: ManifestAnswer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[ManifestMessage] = []

    async def prove_day(self, session: str, message: ManifestMessage) -> ManifestAnswer:
        assert session == "token"
        self.asked.append(message)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


MATCH, NOT_YET = ManifestAnswer(outcome="match"), ManifestAnswer(outcome="not_yet", epoch="00", seq=3)
ASK = ManifestAnswer(outcome="ask", epoch="000000000000000a", same_seq=10, seqs=(11, 12))
CHAIN = ManifestAnswer(outcome="differs", what="chain", epoch="000000000000000a", seq=12, own="x", theirs="y")


async def prove(side: Side, client: Client, session: str | None = "token") -> None:
    prover = DayProver(side, client, lambda: session, store=STORE)  # type: ignore[arg-type]  # as far as it is used
    await prover.prove_what_is_over()


async def test_every_day_that_is_over_is_proved_in_turn_and_remembered() -> None:
    side, client = Side(), Client(MATCH, MATCH)
    await prove(side, client)
    assert [message.manifest.day for message in client.asked] == ["2026-11-19", "2026-11-20"]
    assert side.newest == "2026-11-20"
    await prove(side, client)
    assert len(client.asked) == 2


@pytest.mark.parametrize("answer", [NOT_YET, HubSilent("")])
async def test_a_day_that_cannot_be_judged_yet_waits_and_so_do_those_after_it(answer: ManifestAnswer) -> None:
    side, client = Side(), Client(MATCH, answer)
    try:
        await prove(side, client)
    except HubSilent:
        assert isinstance(answer, HubSilent)
    assert side.newest == "2026-11-19"
    assert side.differences == []


async def test_without_a_session_nothing_is_asked() -> None:
    client = Client()
    await prove(Side(), client, session=None)
    assert client.asked == []


async def test_hashes_are_told_as_they_are_asked_for_until_the_entry_is_found() -> None:
    side, client = Side(), Client(ASK, CHAIN)
    await prove(side, client)
    probe = client.asked[1].probe
    assert probe is not None
    assert (probe.epoch, probe.same_seq, [place.seq for place in probe.places]) == (ASK.epoch, 10, [11, 12])
    assert probe.places[0].hash == f"{11:064x}"
    assert side.differences == [("2026-11-19", "chain 000000000000000a 12")]
    assert side.newest == "2026-11-18"


async def test_a_head_office_that_never_ends_asking_is_left_alone() -> None:
    side, client = Side(), Client(*[ASK] * 20)
    await prove(side, client)
    assert len(client.asked) <= 6
    assert len(side.differences) == 1


async def test_a_head_office_that_asks_for_what_is_not_there_is_told_nothing() -> None:
    beyond = ManifestAnswer(outcome="ask", epoch="000000000000000a", same_seq=500, seqs=(501,))
    side, client = Side(), Client(beyond)
    await prove(side, client)
    assert side.differences == [("2026-11-19", "chain 000000000000000a")]


@pytest.mark.parametrize(
    ("proved", "days"),
    [
        (None, ["2026-11-20"]),
        ("2026-11-20", []),
        ("2026-11-25", []),
        ("2026-10-01", [f"2026-11-{day}" for day in range(14, 21)]),
    ],
)
def test_a_store_that_was_away_for_long_proves_its_last_week(proved: str | None, days: list[str]) -> None:
    assert days_to_prove(proved, "2026-11-21") == days


async def test_the_task_begins_and_ends() -> None:
    prover = DayProver(Side(), Client(), lambda: None, store=STORE)  # type: ignore[arg-type]  # as far as it is used
    prover.start()
    await prover.stop()
    await prover.stop()
