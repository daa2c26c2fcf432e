"""A card that nobody here knows: told apart from one that never was, and taken in so that it earns at once."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.catalogue.catalogue_service import scan
from kiosk.life.told import STUB_KEY, schema_of
from kiosk.members.known_members import MemberElsewhere
from kiosk.members.member_views import resolve_member
from kiosk.members.members import CardTaken, ResolvedMember, ResolveMember, WrongCard
from loyalty.errors import IdConflict
from loyalty.identifier_store import CardReplaced
from loyalty.identity import make_card
from loyalty.member_store import UnknownMember
from sync.db_connections import connect_single
from sync.feed_file import add_stubs, lay_out
from sync.protocol.snapshots import STUBS
from sync.stubs import KNOWN, REPLACED, stub_of
from tests.kiosk.people_fixtures import Place, op

ELSEWHERE, LOST, NOBODYS = (make_card(bytes(6) + bytes([n])) for n in (1, 2, 3))
KEY = bytes(range(32))
FILE = "ab" * 32


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A store that was told of two cards of other stores."""
    place = Place(tmp_path)
    await place.open()
    path = tmp_path / "stubs.base"
    with contextlib.closing(connect_single(path)) as connection:
        lay_out(connection, stubs=True)
        add_stubs(connection, [(stub_of(KEY, ELSEWHERE), KNOWN), (stub_of(KEY, LOST), REPLACED)])
    place.database.attach({schema_of(FILE): path})
    install = "INSERT INTO feed_base (bucket, file, generation) VALUES (?, ?, 0)"
    note = "INSERT INTO head_office_note (name, value) VALUES (?, ?)"
    await place.database.write(lambda tx: tx.execute(install, (STUBS, FILE)).rowcount)
    await place.database.write(lambda tx: tx.execute(note, (STUB_KEY, KEY.hex())).rowcount)
    yield place
    await place.database.close()


async def resolve(place: Place, card: str) -> ResolvedMember:
    return await place.read(resolve_member, ResolveMember(token=card))


@pytest.mark.parametrize(
    ("card", "problem"), [(ELSEWHERE, MemberElsewhere), (LOST, CardReplaced), (NOBODYS, UnknownMember)]
)
async def test_a_card_of_another_store_is_told_apart_from_one_that_was_lost_and_one_that_never_was(
    place: Place, card: str, problem: type[Exception]
) -> None:
    with pytest.raises(problem) as raised:
        await resolve(place, card)
    assert type(raised.value) is problem


@pytest.mark.parametrize(("card", "reason"), [(ELSEWHERE, "member_elsewhere"), (NOBODYS, "unknown_member")])
async def test_a_scan_says_which_card_nobody_here_has_and_why(place: Place, card: str, reason: str) -> None:
    scanned = await place.read(scan, card, None)
    assert (scanned.kind, scanned.card, scanned.reason) == ("unknown", card, reason)
    await place.enrol(1, card=card)
    known = await place.read(scan, card, None)
    assert (known.kind, known.card, known.reason) == ("member", None, None)


async def test_what_is_no_card_is_unknown_and_no_more(place: Place) -> None:
    scanned = await place.read(scan, "no such thing", None)
    assert (scanned.kind, scanned.card, scanned.reason) == ("unknown", None, None)


@pytest.mark.parametrize("card", [ELSEWHERE, NOBODYS])
async def test_an_unknown_card_is_taken_in_and_found_from_then_on(place: Place, card: str) -> None:
    nothing = {"name": None, "phone": None, "email": None}
    taken = await place.enrol(1, card=card, **nothing)
    assert (taken.answer.token, taken.answer.name) == (card, None)
    assert (await resolve(place, card)).member.id == op(1)
    assert (await place.enrol(1, card=card, **nothing)).replayed
    with pytest.raises(IdConflict):
        await place.enrol(1, card=LOST, **nothing)
    contents = await place.rows("SELECT CAST(content AS TEXT) FROM journal")
    assert not any(card in content for (content,) in contents), "a card's number is in no hashed entry"
    assert (await place.verify()).ok


async def test_a_card_that_is_somebodys_here_was_lost_or_is_none_is_not_taken_in(place: Place) -> None:
    known = (await place.enrol(1)).answer.token
    for card, problem in ((known, CardTaken), (LOST, CardReplaced), ("1234", WrongCard)):
        with pytest.raises(problem):
            await place.enrol(2, card=card)
    assert await place.rows("SELECT count(*) FROM member") == [(1,)]


async def test_without_stubs_an_unknown_card_is_taken_in_likewise(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.open()
    with pytest.raises(UnknownMember):
        await resolve(place, ELSEWHERE)
    assert (await place.enrol(1, card=ELSEWHERE)).answer.token == ELSEWHERE
    await place.database.close()
