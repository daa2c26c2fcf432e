"""A store that makes points and gift cards up: what other shops pay for it on a day is at most the cap."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from sync.hub.credits import CARDS_ABOVE_CAP, POINTS_ABOVE_CAP
from tests.sync.hub.hubkit import RunningHub, running_hub
from tests.sync.hub.test_card_commands import Till, name
from tests.sync.hub.test_lending import Lender

CAP_POINTS, CAP_MINOR = 1_000, 5_000
DAY_MS = 86_400_000


@pytest.fixture
async def strict(address: str, tmp_path: Path) -> AsyncIterator[RunningHub]:
    """A head office that stands for little."""
    caps = {"store_credit_points": CAP_POINTS, "store_credit_minor": CAP_MINOR}
    async with running_hub(address, tmp_path, **caps) as hub:
        yield hub


async def give(lender: Lender, points: int) -> UUID:
    """A member who was given these points."""
    member = lender.hub.new_id()
    lender.give(member, points)
    await lender.tell()
    return member


async def list_kinds(hub: RunningHub) -> list[tuple[str, int]]:
    """The open incidents of stores that gave too much, with how much it was."""
    await hub.hub.upkeep.look_at_credits()
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    kinds = (POINTS_ABOVE_CAP, CARDS_ABOVE_CAP)
    return [(each["kind"], each["amount"]) for each in page["items"] if each["kind"] in kinds and is_open(each)]


def is_open(incident: dict[str, object]) -> bool:
    return incident["state"] == "open"


async def resolve_all(hub: RunningHub) -> None:
    """A person looks at everything."""
    _, page = await hub.call("GET", "/v1/incidents", token=await hub.office())
    for each in filter(is_open, page["items"]):
        body = {"resolution": "A campaign: looked at."}
        status, answer = await hub.call("POST", f"/v1/incidents/{each['id']}/resolve", body, token=await hub.office())
        assert status == 200, answer


async def test_what_a_store_made_up_is_lent_to_nobody_from_the_very_push_on(strict: RunningHub) -> None:
    liar, honest = await Lender.enrolled(strict, "S001"), await Lender.enrolled(strict, "S002")
    shopper = await give(honest, 400)
    accomplice = await give(liar, 900)
    assert (await honest.free(accomplice), await list_kinds(strict)) == (900, [])
    rich = await give(liar, 1_000_000_000)
    assert [await honest.free(each) for each in (rich, accomplice, shopper)] == [0, 0, 400]
    assert await list_kinds(strict) == [(POINTS_ABOVE_CAP, 1_000_000_900)]


async def test_only_the_points_of_that_store_and_that_day_are_withheld(strict: RunningHub) -> None:
    liar, honest = await Lender.enrolled(strict, "S001"), await Lender.enrolled(strict, "S002")
    member = await give(liar, 100)
    strict.clock.now_ms += 2 * DAY_MS
    await liar.shop.open_session()
    await honest.shop.open_session()
    liar.give(member, CAP_POINTS + 1)
    await liar.tell()
    honest.give(member, 30)
    await honest.tell()
    assert await honest.free(member) == 130


async def test_a_clock_that_lies_makes_no_room_for_more(strict: RunningHub) -> None:
    liar, honest = await Lender.enrolled(strict, "S001"), await Lender.enrolled(strict, "S002")
    now_ms, members = strict.clock.now_ms, []
    for days in (400, 300, 200):
        strict.clock.now_ms = now_ms - days * DAY_MS
        members.append(strict.new_id())
        liar.give(members[-1], CAP_POINTS // 2)
    strict.clock.now_ms = now_ms
    await liar.tell()
    assert [await honest.free(member) for member in members] == [0, 0, 0]


async def test_exactly_the_cap_is_believed(strict: RunningHub) -> None:
    lender = await Lender.enrolled(strict, "S001")
    member = await give(lender, CAP_POINTS)
    assert (await lender.free(member), await list_kinds(strict)) == (CAP_POINTS, [])


async def test_what_was_taken_away_does_not_make_room_for_more(strict: RunningHub) -> None:
    lender = await Lender.enrolled(strict, "S001")
    member = await give(lender, CAP_POINTS)
    lender.give(member, -CAP_POINTS)
    lender.give(member, 1)
    await lender.tell()
    assert await lender.free(member) == 0


async def test_after_a_person_has_looked_everything_is_lent_until_the_day_has_doubled(strict: RunningHub) -> None:
    lender = await Lender.enrolled(strict, "S001")
    member = await give(lender, 2_000)
    assert await list_kinds(strict) == [(POINTS_ABOVE_CAP, 2_000)]
    await resolve_all(strict)
    assert await lender.free(member) == 2_000
    lender.give(member, 1_999)
    await lender.tell()
    assert (await list_kinds(strict), await lender.free(member)) == ([], 3_999)
    lender.give(member, 1)
    await lender.tell()
    assert (await list_kinds(strict), await lender.free(member)) == ([(POINTS_ABOVE_CAP, 4_000)], 0)


async def test_cards_of_a_store_that_sold_more_than_a_shop_can_are_taken_nowhere_else(strict: RunningHub) -> None:
    liar, honest = await Till.enrolled(strict, "S001"), await Till.enrolled(strict, "S002")
    honest.move(name(1), "activate", 5_000)
    await honest.tell()
    liar.move(name(2), "activate", 4_000)
    await liar.tell()
    status, answer = await honest.ask(name(2), 4_000)
    assert status == 201, answer
    liar.move(name(3), "activate", 1_001)
    await liar.tell()
    for card, free in ((name(3), 0), (name(1), 5_000)):
        status, answer = await honest.ask(card, 5_001)
        assert (status, answer["code"], answer["balance_minor"]) == (409, "card_short", free)
    assert await list_kinds(strict) == [(CARDS_ABOVE_CAP, 5_001)]
    await resolve_all(strict)
    status, answer = await honest.ask(name(3), 1_001)
    assert status == 201, answer


async def test_the_sums_of_a_day_follow_from_the_journals(strict: RunningHub) -> None:
    lender = await Lender.enrolled(strict, "S001")
    member = await give(lender, 70)
    lender.give(member, -20)
    lender.give(member, 30)
    await lender.tell()
    rows = await strict.hub.door.read(lambda tx: tx.execute("SELECT points, card_minor FROM credit_day").fetchall())
    assert [tuple(row) for row in rows] == [(100, 0)]
