"""The rule book's own SQL, unchanged on both engines: the same histories make the same rows, and are read the same."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.accounts_store import read_groups, read_open_rows
from loyalty.apply_accounts import post_in_bulk, refold_accounts
from loyalty.apply_members import ConsentWord, add_consents, end_merge, put_erased_member, put_member, put_merge
from loyalty.apply_points import post_points, refold
from loyalty.identifier_store import (
    CardReplaced,
    IdentifierRow,
    SecretRow,
    is_card_known,
    read_identifiers,
    read_secrets,
    refuse_replaced_card,
)
from loyalty.member_store import (
    MemberRow,
    read_consent_log,
    read_consents,
    read_member,
)
from loyalty.merge_store import group_of, read_merges, survivor_of
from loyalty.points.facts import Merge, Posting
from loyalty.points_store import open_account, read_all_groups, read_balance, read_postings_page
from loyalty.schema import TABLES
from loyalty.transactions import Tx
from sync.engines import Storage, make_tables
from tests.conformance.kit import Both, compare, rows_of
from tests.property.histories import ANA, BEA, HOUR_MS, histories, identity

FOUND = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
MERGE = Merge(op_id=identity(500), effective_at=4 * HOUR_MS, absorbed=BEA, into=ANA)
NAMES = {table.name: len(table.key) for table in TABLES}


@pytest.fixture(name="ledgers", scope="module")
def make_ledgers(both: Both) -> Both:
    for storage in both.storages:
        both.runner.run(make_tables(storage, TABLES))
    return both


def clear(tx: Tx) -> None:
    for name in NAMES:
        tx.execute(f"DELETE FROM {name}")


def merge(tx: Tx) -> None:
    put_merge(tx, UUID(bytes=MERGE.op_id), MERGE)
    refold(tx, BEA)
    refold(tx, ANA)


def look(tx: Tx, at: int) -> list[Any]:
    """What a till reads of two members' points."""
    members = (UUID(bytes=ANA), UUID(bytes=BEA))
    holds = [UUID(bytes=identity(number)) for number in (1, 2, 3)]
    return [
        [read_balance(tx, member, at) for member in members],
        [
            open_account(tx, member, UUID(bytes=identity(900)), origin, at, need, named)
            for member in members
            for origin, need, named in ((-1, "balance", ()), (0, "open", ()), (1, "open", holds), (0, "all", holds))
        ],
        read_postings_page(tx, ANA, None, 5),
        sorted(read_all_groups(tx)),
    ]


@FOUND
@given(histories(), histories(member=BEA, first=101), st.integers(0, 24))
def test_points_posted_one_by_one_make_the_same_rows(
    ledgers: Both, of_ana: list[Posting], of_bea: list[Posting], hour: int
) -> None:
    def job(tx: Tx) -> list[Any]:
        clear(tx)
        for posting in [*of_ana, *of_bea]:
            post_points(tx, [posting])
        before = look(tx, hour * HOUR_MS)
        merge(tx)
        return [before, look(tx, hour * HOUR_MS), rows_of(tx, NAMES)]

    compare(ledgers, job)


@FOUND
@given(histories(), histories(member=BEA, first=101), st.integers(0, 28), st.booleans())
def test_points_posted_together_make_the_rows_they_make_one_by_one(
    ledgers: Both, of_ana: list[Posting], of_bea: list[Posting], cut: int, joined: bool
) -> None:
    postings = [*of_ana, *of_bea]

    def one_by_one(tx: Tx) -> list[Any]:
        clear(tx)
        for posting in postings:
            post_points(tx, [posting])
        if joined:
            merge(tx)
        return rows_of(tx, NAMES)

    def together(tx: Tx) -> list[Any]:
        clear(tx)
        for part in (postings[:cut], postings[cut:]):
            post_in_bulk(tx, part)
        if joined:
            put_merge(tx, UUID(bytes=MERGE.op_id), MERGE)
            refold(tx, BEA)
            refold_accounts(tx, [ANA])
        return [rows_of(tx, NAMES), read_groups(tx, [ANA, BEA]), read_open_rows(tx, [ANA, BEA])]

    expected = compare(ledgers, one_by_one)
    assert strip_order(compare(ledgers, together)[0]) == strip_order(expected)


def strip_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=repr)


def member_row(number: int, **facts: object) -> MemberRow:
    told: dict[str, Any] = {"status": "active", "locale": "pl", "revision": 1, "enrolled_at": number * 1000}
    nothing: dict[str, Any] = {"name": None, "phone": None, "email": None, "card": None}
    return MemberRow(**{"id": UUID(int=number), **told, **nothing, **facts})


def enrol_and_merge(tx: Tx) -> None:
    """Two shops enrol one phone; a card is lost; members are merged in a row, one of them parted; one is erased."""
    clear(tx)
    phone, card = "+48600700800", "12345678901234567890"
    put_member(tx, UUID(int=901), member_row(2, name="Zażółć", phone=phone, card=card))
    put_member(tx, UUID(int=902), member_row(1, name="점순", phone=phone), secrets=SecretRow("BASE32", None))
    put_member(tx, UUID(int=903), member_row(3, email="a@example.org", card="9" * 20))
    put_member(tx, UUID(int=904), member_row(4))
    put_member(
        tx,
        UUID(int=905),
        member_row(3, revision=2, email="a@example.org", card="8" * 20),
        [IdentifierRow("card", "9" * 20, "replaced"), IdentifierRow("email", "old@example.org")],
        SecretRow(None, "hash"),
    )
    for number, (absorbed, into) in enumerate([(2, 1), (4, 3), (3, 1)]):
        op = UUID(int=910 + number)
        at = Merge(
            op_id=op.bytes,
            effective_at=number,
            absorbed=UUID(int=absorbed).bytes,
            into=UUID(int=into).bytes,
            seq=number,
        )
        put_merge(tx, op, at)
    end_merge(tx, UUID(int=920), UUID(int=2))
    put_member(tx, UUID(int=906), member_row(5, phone="+48111222333"))
    put_erased_member(tx, UUID(int=921), UUID(int=5), "pl", 2, 5000)
    for number, words in enumerate(CONSENTS):
        add_consents(tx, UUID(int=930 + number), UUID(int=words[0]), words[1], words[2])


CONSENTS: Sequence[tuple[int, int, list[ConsentWord]]] = (
    (1, 10, [ConsentWord("email", "offers", True, None), ConsentWord("sms", "offers", True, "weekly")]),
    (3, 11, [ConsentWord("email", "offers", False, None)]),
    (1, 11, [ConsentWord("email", "offers", True, "monthly"), ConsentWord("email", "news", True, None)]),
)


def every_answer(tx: Tx) -> list[Any]:
    """What a till, a kiosk and an office ask about these members."""
    members = [UUID(int=number) for number in range(1, 7)]
    identifiers = [
        *(("phone", "+48600700800"), ("phone", "+48111222333"), ("card", "9" * 20), ("card", "8" * 20)),
        *(("email", "a@example.org"), ("email", "old@example.org"), ("card", "12345678901234567890")),
    ]
    return [
        [(read_member(tx, one), read_identifiers(tx, one), read_secrets(tx, one)) for one in members],
        [(survivor_of(tx, one), group_of(tx, one), sorted(read_merges(tx, one), key=repr)) for one in members],
        [(is_card_known(tx, value), refusal_of(tx, value)) for _, value in identifiers],
        [(read_consents(tx, one), read_consent_log(tx, one)) for one in members],
    ]


def refusal_of(tx: Tx, card: str) -> str:
    try:
        refuse_replaced_card(tx, card, "/card")
    except CardReplaced as problem:
        return problem.code
    return ""


def test_members_make_the_same_rows_and_answers(ledgers: Both) -> None:
    def job(tx: Tx) -> list[Any]:
        enrol_and_merge(tx)
        return [every_answer(tx), rows_of(tx, NAMES)]

    answers, rows = compare(ledgers, job)
    assert answers[2][2] == (True, "card_replaced")
    assert {name for name, _ in rows} >= {"member", "member_identifier", "member_secret", "member_merge", "consent"}


async def test_two_postings_of_one_name_are_refused(storage: Storage) -> None:
    await make_tables(storage, TABLES)
    posting = Posting(member=ANA, op_id=identity(1), kind="earn", points=5, effective_at=HOUR_MS)
    await storage.write(lambda tx: post_points(tx, [posting]))
    before = await storage.read(lambda tx: rows_of(tx, NAMES))
    for post in (post_points, post_in_bulk):
        with pytest.raises(Exception, match="posting"):
            await storage.write(lambda tx, post=post: post(tx, [posting]))
    assert await storage.read(lambda tx: rows_of(tx, NAMES)) == before
