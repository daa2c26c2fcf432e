"""Members join, change, consent, get points by hand and are forgotten; and the journal proves every row of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.members.known_members import need_active_member
from kiosk.members.member_service import change_member, record_consents
from kiosk.members.member_views import resolve_member, show_member
from kiosk.members.members import (
    ChangeMember,
    ConsentRequest,
    ConsentTwice,
    ErasedDifferently,
    MemberNotActive,
    ReasonNamesMember,
    RecordConsents,
    ResolveMember,
    TokenOrPhone,
    mentions,
    tag_of,
)
from kiosk.points.points import AdjustPoints
from kiosk.points.points_service import adjust_points
from kiosk.points.points_views import list_postings, show_points
from loyalty.errors import IdConflict
from loyalty.identity import WrongEmail, WrongPhone, read_card
from loyalty.member_store import MemberNotFound, UnknownMember
from loyalty.points.refusals import AdjustmentForbidden, AdjustmentUnexplained, InsufficientPoints
from printers.spool import submit
from sync.http.paging import InvalidCursor, PageQuery
from sync.http.problems import PreconditionFailed, PreconditionRequired
from tests.kiosk.people_fixtures import Place, op

CONSENTS = "SELECT content FROM journal WHERE kind = 'consent.recorded' ORDER BY seq"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    await place.open()
    yield place
    await place.database.close()


async def test_a_member_joins_with_normalised_identifiers_and_a_card(place: Place) -> None:
    member = (await place.enrol(1)).answer
    assert (member.id, member.status, member.revision, member.locale) == (op(1), "active", 1, "pl")
    assert (member.name, member.phone, member.email) == ("Anna Kowalska", "+48600100200", "anna.k@example.test")
    assert member.token is not None
    assert read_card(member.token) == member.token
    assert await place.rows("SELECT kind, value FROM member_identifier ORDER BY kind") == [
        ("card", member.token),
        ("email", "anna.k@example.test"),
        ("phone", "+48600100200"),
    ]
    assert (await place.verify()).ok


async def test_a_replayed_enrolment_answers_the_same_even_after_a_change(place: Place) -> None:
    consents = (ConsentRequest("sms", "marketing", granted=True),)
    first = await place.enrol(1, consents=consents)
    await place.change(op(1), name="Anna Nowak")
    again = await place.enrol(1, consents=consents)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    assert await place.rows("SELECT count(*) FROM journal WHERE kind = 'member.enrolled'") == [(1,)]


@pytest.mark.parametrize("fields", [{"name": "Anna"}, {"phone": "600100200"}, {"email": None}, {"locale": "en"}])
async def test_an_id_used_for_another_member_is_refused(place: Place, fields: dict[str, str]) -> None:
    await place.enrol(1)
    with pytest.raises(IdConflict):
        await place.enrol(1, **fields)
    assert (await place.read(show_member, op(1))).revision == 1


async def test_an_id_of_another_fact_is_refused(place: Place) -> None:
    with pytest.raises(IdConflict):
        await place.enrol(999_999)


async def test_nothing_personal_stands_in_the_chain_and_its_fingerprint_cannot_be_guessed(place: Place) -> None:
    await place.enrol(1)
    await place.enrol(2)
    contents = [bytes(row[0]) for row in await place.rows("SELECT content FROM journal WHERE kind LIKE 'member.%'")]
    for text in (b"Kowalska", b"600100200", b"example.test"):
        assert not any(text in content for content in contents)
    requests = {msgspec.json.decode(content)["body"]["request"] for content in contents}
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"phone": "abc"}, WrongPhone),
        ({"email": "anna"}, WrongEmail),
        ({"consents": (ConsentRequest("sms", "news", True), ConsentRequest("sms", "news", False))}, ConsentTwice),
    ],
)
async def test_a_wrong_enrolment_writes_nothing(place: Place, fields: dict[str, str], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        await place.enrol(1, **fields)
    assert await place.rows("SELECT count(*) FROM member") == [(0,)]
    assert not (await place.enrol(1)).replayed


async def test_a_shared_phone_is_taken_and_reported_oldest_first(place: Place) -> None:
    assert (await place.enrol(1)).answer.duplicates == ()
    await place.enrol(2, email=None)
    third = await place.enrol(3, email="other@example.test")
    assert third.answer.duplicates == (op(1), op(2))
    found = await place.read(resolve_member, ResolveMember(phone="600-100-200"))
    assert (found.member.id, [other.id for other in found.others]) == (op(1), [op(2), op(3)])
    await place.erase(op(1))
    assert (await place.read(resolve_member, ResolveMember(phone="600-100-200"))).member.id == op(2)


async def test_a_change_touches_only_what_it_names(place: Place) -> None:
    first = (await place.enrol(1)).answer
    changed = await place.change(op(1), email=None, phone="+44 20 7946 0000")
    assert (changed.name, changed.phone, changed.email, changed.token) == (
        "Anna Kowalska",
        "+442079460000",
        None,
        first.token,
    )
    assert (changed.revision, changed.enrolled_at) == (2, first.enrolled_at)
    assert [row[0] for row in await place.rows("SELECT kind FROM member_identifier ORDER BY kind")] == ["card", "phone"]
    assert (await place.verify()).ok


async def test_a_change_of_nothing_writes_nothing(place: Place) -> None:
    await place.enrol(1)
    assert (await place.change(op(1), name="Anna Kowalska", phone="+48600100200")).revision == 1
    assert await place.rows("SELECT count(*) FROM journal WHERE kind = 'member.changed'") == [(0,)]


async def test_a_change_needs_the_version_it_was_made_on(place: Place) -> None:
    tag = tag_of((await place.enrol(1)).answer)
    await place.change(op(1), name="Anna Nowak")
    for if_match, problem in ((tag, PreconditionFailed), (None, PreconditionRequired), ("*", PreconditionFailed)):
        with pytest.raises(problem):
            await place.write(change_member, op(1), ChangeMember(name="Zofia"), if_match, bytes(42))
    assert (await place.read(show_member, op(1))).name == "Anna Nowak"


async def test_a_withdrawn_consent_stays_withdrawn_though_the_clock_is_set_back(place: Place) -> None:
    await place.enrol(1, consents=(ConsentRequest("sms", "news", granted=True),))
    place.now_ms -= 3_600_000
    command = RecordConsents(id=op(2), consents=(ConsentRequest("sms", "news", granted=False),))
    saved = await place.write(record_consents, op(1), command)
    member = await place.read(show_member, op(1))
    assert [(consent.channel, consent.granted) for consent in member.consents] == [("sms", False)]
    assert (await place.write(record_consents, op(1), command)).answer == saved.answer
    assert await place.rows("SELECT count(*) FROM consent") == [(2,)]
    assert (await place.verify()).ok


async def test_a_new_grant_names_the_withdrawals_that_it_replaces_and_no_others(place: Place) -> None:
    await place.enrol(1, consents=(ConsentRequest("sms", "news", granted=True),))

    async def say(n: int, granted: bool, channel: str = "sms") -> None:
        consents = (ConsentRequest(channel, "news", granted=granted),)
        await place.write(record_consents, op(1), RecordConsents(id=op(n), consents=consents))

    await say(2, granted=False)
    await say(3, granted=False, channel="email")
    await say(4, granted=True)
    await say(5, granted=True)
    bodies = [json.loads(row[0])["body"] for row in await place.rows(CONSENTS)]
    assert [body.get("replaces") for body in bodies] == [None, None, [str(op(2))], None]
    assert (await place.verify()).ok


async def test_one_id_cannot_record_the_consents_of_two_members(place: Place) -> None:
    await place.enrol(1)
    await place.enrol(2)
    command = RecordConsents(id=op(3), consents=(ConsentRequest("sms", "news", granted=True),))
    await place.write(record_consents, op(1), command)
    with pytest.raises(IdConflict):
        await place.write(record_consents, op(2), command)


async def test_adjusted_points_fold_into_the_balance_once(place: Place) -> None:
    await place.enrol(1)
    first = await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=100, reason="goodwill"))
    again = await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=100, reason="goodwill"))
    taken = await place.write(adjust_points, op(1), AdjustPoints(id=op(3), points=-70, reason="a mistake"))
    assert (again.answer, again.replayed) == (first.answer, True)
    assert (first.answer.balance.active, taken.answer.balance.active, taken.answer.balance.debt) == (100, 30, 0)
    points = await place.read(show_points, op(1))
    assert (points.active, points.pending, points.held, points.debt) == (30, 0, 0, 0)
    with pytest.raises(IdConflict):
        await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=101, reason="goodwill"))
    assert (await place.verify()).ok


async def test_an_adjustment_that_cannot_be_right_is_refused(place: Place) -> None:
    await place.enrol(1)
    with pytest.raises(AdjustmentUnexplained):
        await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=0, reason="goodwill"))
    with pytest.raises(AdjustmentForbidden):
        await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=100_001, reason="goodwill"))
    with pytest.raises(InsufficientPoints):
        await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=-1, reason="goodwill"))
    with pytest.raises(ReasonNamesMember):
        await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=1, reason="kowalska asked"))
    with pytest.raises(MemberNotFound):
        await place.write(adjust_points, op(7), AdjustPoints(id=op(2), points=1, reason="goodwill"))


async def test_the_ledger_comes_in_pages_newest_first(place: Place) -> None:
    await place.enrol(1)
    for number in range(5):
        command = AdjustPoints(id=op(10 + number), points=number + 1, reason=f"gift {number}")
        await place.write(adjust_points, op(1), command)
    seen, after = [], None
    for _ in range(3):
        page = await place.read(list_postings, op(1), PageQuery(after=after, limit=2))
        seen += [(posting.points, posting.reason, posting.kind) for posting in page.items]
        after = page.next
    assert seen == [(number + 1, f"gift {number}", "adjust") for number in reversed(range(5))]
    assert after is None
    first = await place.read(list_postings, op(1), PageQuery(limit=2))
    await place.enrol(2)
    with pytest.raises(InvalidCursor):
        await place.read(list_postings, op(2), PageQuery(after=first.next))


async def test_a_member_is_recognised_by_card_however_it_was_scanned(place: Place) -> None:
    token = (await place.enrol(1)).answer.token or ""
    found = await place.read(resolve_member, ResolveMember(token=f"]Q1{token[:4]} {token[4:]}"))
    assert (found.member.id, found.member.phone) == (op(1), "+48 ••• ••• 200")
    assert found.points is not None
    for command, pointer in ((ResolveMember(token="4711"), "/token"), (ResolveMember(phone="600100201"), "/phone")):
        with pytest.raises(UnknownMember) as refused:
            await place.read(resolve_member, command)
        assert refused.value.pointer == pointer
    for command in (ResolveMember(), ResolveMember(token=token, phone="1")):
        with pytest.raises(TokenOrPhone):
            await place.read(resolve_member, command)


async def test_a_kiosk_sees_an_initial_and_no_balance(place: Place) -> None:
    token = (await place.enrol(1)).answer.token
    kiosk = place.caller(role="kiosk", operator=None, till="K01")
    found = await place.database.read(lambda tx: resolve_member(tx, place.shop, kiosk, ResolveMember(token=token)))
    assert (found.member.name, found.member.phone, found.points) == ("A.", "+48 ••• ••• 200", None)
    assert "Kowalska" not in msgspec.json.encode(found).decode()


async def test_an_erased_member_leaves_no_trace_in_any_file(place: Place) -> None:
    personal = ["Kowalska", "Nowak", "600100200", "600100201", "anna.k@example.test"]
    first = (await place.enrol(1)).answer
    await place.change(op(1), name="Anna Nowak", phone="600100201")
    await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=40, reason="goodwill"))
    await place.database.write(lambda tx: print_for(tx, op(1), b"Kowalska 600100200"))
    assert len({trace.split(" in ")[0] for trace in place.traces_of(*personal, first.token or "")}) == 6
    erased = await place.erase(op(1))
    assert place.traces_of(*personal, first.token or "") == []
    answer = erased.answer
    assert (answer.status, answer.name, answer.phone, answer.email, answer.token) == ("erased", None, None, None, None)
    assert (await place.read(show_points, op(1))).active == 40
    assert (await place.verify()).ok


async def test_many_members_erased_among_many_leave_no_trace(place: Place) -> None:
    """Rows that move when pages split and merge leave copies behind, unless SQLite overwrites what it frees."""
    for number in range(120):
        await place.enrol(
            number, name=f"Name{number:04}", phone=f"600{number:06}", email=f"mail{number:04}@example.test"
        )
    for number in range(100):
        await place.erase(op(number))
    texts = [text for n in range(100) for text in (f"Name{n:04}", f"+48600{n:06}", f"mail{n:04}@")]
    assert place.traces_of(*texts) == []
    assert (await place.verify()).ok


def print_for(tx: object, member: UUID, content: bytes) -> None:
    submit(
        tx,  # type: ignore[arg-type]
        job_id=op(50),
        printer="receipt",
        kind="receipt",
        content=content,
        now_ms=1,
        reference=op(51),
        member=member,
    )


async def test_erasing_again_answers_the_same_and_another_reason_is_refused(place: Place) -> None:
    await place.enrol(1)
    first, again = await place.erase(op(1)), await place.erase(op(1))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    with pytest.raises(ErasedDifferently):
        await place.erase(op(1), "another reason")
    with pytest.raises(MemberNotFound):
        await place.erase(op(2))


async def test_a_reason_that_names_the_member_is_not_taken(place: Place) -> None:
    await place.enrol(1)
    with pytest.raises(ReasonNamesMember):
        await place.erase(op(1), "Anna asked for it")
    assert (await place.read(show_member, op(1))).status == "active"


async def test_an_erased_member_cannot_be_used_any_more(place: Place) -> None:
    await place.enrol(1)
    tag = tag_of((await place.erase(op(1))).answer)
    consents = RecordConsents(id=op(5), consents=(ConsentRequest("sms", "news", granted=True),))
    with pytest.raises(MemberNotActive):
        await place.write(change_member, op(1), ChangeMember(name="Zofia"), tag, bytes(42))
    with pytest.raises(MemberNotActive):
        await place.write(record_consents, op(1), consents)
    with pytest.raises(MemberNotActive):
        await place.write(adjust_points, op(1), AdjustPoints(id=op(6), points=1, reason="goodwill"))
    with pytest.raises(UnknownMember):
        await place.database.read(lambda tx: need_active_member(tx, op(1)))


async def test_an_enrolment_replayed_after_the_erasure_says_only_that(place: Place) -> None:
    await place.enrol(1)
    await place.erase(op(1))
    for fields in ({}, {"name": "Somebody Else"}):
        again = await place.enrol(1, **fields)
        assert (again.replayed, again.answer.status, again.answer.name) == (True, "erased", None)


async def test_verify_goes_on_from_any_mark_across_changes_and_erasures(place: Place) -> None:
    await place.enrol(1)
    marks = [(await place.verify()).mark]
    await place.change(op(1), name="Anna Nowak")
    marks.append((await place.verify(marks[-1])).mark)
    await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=5, reason="goodwill"))
    marks.append((await place.verify(marks[-1])).mark)
    await place.erase(op(1))
    for mark in (None, *marks):
        report = await place.verify(mark)
        assert report.ok, report.first_wrong


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("UPDATE member SET name = 'Eve'", "member"),
        ("DELETE FROM member_identifier WHERE kind = 'phone'", "member_identifier"),
        ("UPDATE consent SET granted = 0", "consent"),
        ("UPDATE posting SET points = 500", "posting"),
    ],
)
async def test_verify_finds_what_no_entry_explains(place: Place, damage: str, table: str) -> None:
    await place.enrol(1, consents=(ConsentRequest("sms", "news", granted=True),))
    await place.write(adjust_points, op(1), AdjustPoints(id=op(2), points=5, reason="goodwill"))
    await place.database.write(lambda tx: tx.execute(damage))
    report = await place.verify()
    assert not report.ok
    assert not report.tables[table]


async def test_verify_finds_personal_data_that_went_without_an_erasure(place: Place) -> None:
    await place.enrol(1)
    await place.database.write(lambda tx: tx.execute("DELETE FROM journal_private"))
    wrong = (await place.verify()).first_wrong
    assert wrong is not None
    assert "no erasure explains" in wrong.what


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("asked for it", False),
        ("ANNA asked", True),
        ("Mrs kowalska", True),
        ("call 600 100-200", True),
        ("receipt S001-T01-000123", False),
        ("wrote from anna.k@example.test", True),
        ("annals of the shop", False),
        ("Li is a short word", False),
    ],
)
def test_a_reason_is_searched_for_the_customer(reason: str, *, expected: bool) -> None:
    assert mentions(reason, "Anna Li Kowalska", "+48600100200", "anna.k@example.test") is expected


@given(st.text(max_size=60))
def test_a_member_without_personal_data_is_never_named(reason: str) -> None:
    assert not mentions(reason, None, None, None)
