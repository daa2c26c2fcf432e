"""The journal: gapless numbers, a chain anybody can compute, one fact per id, and no name in the hashed bytes."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.migrations import migrate
from loyalty.errors import IdConflict
from loyalty.transactions import Tx
from sync.chain import (
    ZERO_HASH,
    Head,
    chain_hash,
    decode_content,
    epoch_text,
    mark_of,
    private_hash,
)
from sync.db import SqliteError, connect
from sync.facts import Body, decode_body, kind_of
from sync.facts.members import MemberChanged, MemberEnrolled
from sync.facts.shifts import DrawerOpened, ShiftOpened
from sync.facts.store import EpochStarted, OperatorChanged
from sync.journal import (
    Apply,
    Entry,
    Journal,
    Origin,
    Private,
    find,
    find_same,
    forget_private,
    private_hash_of,
    read_after,
    read_entry,
    read_head,
    read_life,
)

EPOCH = 0x0123_4567_89AB_CDEF
AT_MS = 1_795_273_200_000
DEVICE = UUID("01987654-3210-7abc-8def-0123456789ab")
MEMBER = UUID("01990000-0000-7000-8000-00000000000a")
LIFE = EpochStarted(store="S001", currency="EUR", time_zone="Europe/Warsaw", ordinal=1, reason="first")


def op(number: int) -> UUID:
    return UUID(f"0199aaaa-0000-7000-8000-{number:012x}")


def origin(**changes: object) -> Origin:
    values: dict[str, Any] = {
        "now_ms": AT_MS,
        "business_day": "2026-11-21",
        "device": DEVICE,
        "operator": "ana",
        **changes,
    }
    return Origin(**values)


def opening(request: str = "r1", till: str = "T01") -> ShiftOpened:
    return ShiftOpened(request=request, till=till, currency="EUR", float_minor=10_000)


class Recorder(dict[type[Body], Apply]):
    """Appliers of every kind that only remember; a life goes into its table, because ids are looked up by life."""

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[Entry] = []

    def __missing__(self, kind: type[Body]) -> Apply:
        kind_of(kind)

        def apply(tx: Tx, entry: Entry) -> None:
            self.applied.append(entry)
            if isinstance(entry.body, EpochStarted):
                tx.execute(
                    "INSERT INTO life VALUES (?, ?, ?, 'S001', 'EUR', 'Europe/Warsaw', 'first', ?)",
                    (entry.epoch, entry.body.ordinal, entry.op_id.bytes, entry.at),
                )

        return apply


@pytest.fixture(name="tx")
def open_tx() -> Iterator[Any]:
    connection = connect(":memory:")
    migrate(connection)
    yield connection
    connection.close()


@pytest.fixture(name="recorder")
def make_recorder() -> Recorder:
    return Recorder()


@pytest.fixture(name="journal")
def make_journal(tx: Tx, recorder: Recorder) -> Journal:
    journal = Journal(EPOCH, recorder)
    journal.record(tx, Origin(now_ms=AT_MS), op(0), LIFE)
    return journal


# -- the chain ---------------------------------------------------------------------------------------------------------

# Three entries as they must be for ever: whoever changes one of these lines has broken every journal there is.
GOLDEN = (
    (
        (
            b'{"v":1,"kind":"epoch.started","op_id":"0199aaaa-0000-7000-8000-000000000000","at":1795273200000,'
            b'"body":{"store":"S001","currency":"EUR","time_zone":"Europe/Warsaw","ordinal":1,"reason":"first"}}'
        ),
        "5fde01cbe9f25ba55477a1d66722d04c5f9c4b9625796d7c3d0f2204aa1198b8",
    ),
    (
        (
            b'{"v":1,"kind":"operator.changed","op_id":"0199aaaa-0000-7000-8000-000000000001","at":1795273200000,'
            b'"business_day":"2026-11-21","device":"01987654-3210-7abc-8def-0123456789ab","operator":"ana",'
            b'"body":{"operator":"ana","role":"cashier","active":true}}'
        ),
        "23631edc6baeaae111097291e4a4451ba8d79702813e93d734f9af3ac7e69957",
    ),
    (
        (
            b'{"v":1,"kind":"drawer.opened","op_id":"0199aaaa-0000-7000-8000-000000000002","at":1795273201000,'
            b'"business_day":"2026-11-21","device":"01987654-3210-7abc-8def-0123456789ab","operator":"ana",'
            b'"body":{"request":"r2","till":"T01","reason":"\xc5\x81\xc3\xb3d\xc5\xba \\"1\\""}}'
        ),
        "fae26e45889cdbd47234efdc5d72a9ca9b9a968662140c246dd2d7f6e5a29e1a",
    ),
)


def test_three_entries_have_the_bytes_and_hashes_they_always_had(tx: Tx, journal: Journal) -> None:
    journal.record(tx, origin(), op(1), OperatorChanged(operator="ana", role="cashier", active=True))
    drawer = DrawerOpened(request="r2", till="T01", reason='Łódź "1"')
    journal.record(tx, origin(now_ms=AT_MS + 1000), op(2), drawer)
    rows = tx.execute("SELECT seq, content, hash FROM journal WHERE epoch = ? ORDER BY seq", (EPOCH,)).fetchall()
    assert [(seq, content, entry_hash.hex()) for seq, content, entry_hash in rows] == [
        (seq, content, entry_hash) for seq, (content, entry_hash) in enumerate(GOLDEN, 1)
    ]


def test_the_chain_is_the_one_of_the_docstring() -> None:
    """Computed here once more from the text of the rule, not by the code under test."""
    previous = bytes(32)
    for seq, (content, expected) in enumerate(GOLDEN, 1):
        link = b"counterfoil/1" + EPOCH.to_bytes(8, "big") + seq.to_bytes(8, "big") + previous
        previous = hashlib.sha256(link + hashlib.sha256(content).digest()).digest()
        assert previous.hex() == expected
        assert chain_hash(EPOCH, seq, bytes.fromhex(GOLDEN[seq - 2][1]) if seq > 1 else ZERO_HASH, content) == previous


@given(
    epoch=st.integers(0, 2**63 - 1), seq=st.integers(1, 2**40), previous=st.binary(min_size=32, max_size=32),
    content=st.binary(min_size=1, max_size=200), bit=st.integers(0, 10_000),
)  # fmt: skip
def test_every_bit_of_every_part_counts(epoch: int, seq: int, previous: bytes, content: bytes, bit: int) -> None:
    right = chain_hash(epoch, seq, previous, content)
    assert len(right) == 32

    def flipped(data: bytes) -> bytes:
        at = bit % (len(data) * 8)
        return bytes(byte ^ (1 << at % 8) if n == at // 8 else byte for n, byte in enumerate(data))

    assert chain_hash(epoch ^ (1 << bit % 63), seq, previous, content) != right
    assert chain_hash(epoch, seq ^ (1 << bit % 40), previous, content) != right
    assert chain_hash(epoch, seq, flipped(previous), content) != right
    assert chain_hash(epoch, seq, previous, flipped(content)) != right


def test_an_epoch_is_sixteen_hex_digits_in_json() -> None:
    assert epoch_text(EPOCH) == "0123456789abcdef"
    assert epoch_text(1) == "0000000000000001"
    assert mark_of(EPOCH, 3, b"\xab" * 32).hash == "ab" * 32


# -- recording ---------------------------------------------------------------------------------------------------------


def test_numbers_have_no_gap_even_after_a_rollback(tx: Tx, journal: Journal) -> None:
    for n in range(1, 6):
        tx.execute("BEGIN")
        journal.record(tx, origin(), op(n), opening(f"r{n}"))
        tx.execute("ROLLBACK" if n % 2 else "COMMIT")
    rows = tx.execute("SELECT seq FROM journal WHERE epoch = ? ORDER BY seq", (EPOCH,)).fetchall()
    assert rows == [(1,), (2,), (3,)]
    previous = ZERO_HASH
    for seq, content, entry_hash in tx.execute("SELECT seq, content, hash FROM journal ORDER BY seq"):
        previous = chain_hash(EPOCH, seq, previous, content)
        assert entry_hash == previous


def test_recording_applies_the_very_entry_once(tx: Tx, journal: Journal, recorder: Recorder) -> None:
    recorder.applied.clear()
    entry = journal.record(tx, origin(), op(1), opening())
    assert recorder.applied == [entry]
    assert (entry.epoch, entry.seq, entry.kind, entry.op_id) == (EPOCH, 2, "shift.opened", op(1))
    assert (entry.at, entry.business_day, entry.device, entry.operator) == (AT_MS, "2026-11-21", DEVICE, "ana")
    assert read_head(tx, EPOCH) == Head(EPOCH, 2, entry.hash)


def test_what_was_recorded_reads_back_the_same(tx: Tx, journal: Journal) -> None:
    entry = journal.record(tx, origin(), op(1), opening())
    assert find(tx, op(1)) == entry
    assert entry.stamp().mark == mark_of(EPOCH, 2, entry.hash)


def test_an_entry_that_cannot_be_applied_takes_its_line_with_it(tx: Tx) -> None:
    def refuse(_: Tx, __: Entry) -> None:
        raise ValueError("no")

    tx.execute("BEGIN")
    with pytest.raises(ValueError, match="no"):
        Journal(EPOCH, {ShiftOpened: refuse}).record(tx, origin(), op(1), opening())
    tx.execute("ROLLBACK")
    assert find(tx, op(1)) is None
    assert read_head(tx, EPOCH).seq == 0


def test_a_body_that_is_no_fact_is_a_mistake_and_writes_nothing(tx: Tx, journal: Journal) -> None:
    with pytest.raises(KeyError):
        journal.record(tx, origin(), op(1), Private(MEMBER, b"", b""))
    assert read_head(tx, EPOCH).seq == 1


def test_one_id_twice_in_an_epoch_breaks_the_unique_index(tx: Tx, journal: Journal) -> None:
    journal.record(tx, origin(), op(1), opening())
    with pytest.raises(SqliteError, match="UNIQUE"):
        journal.record(tx, origin(), op(1), opening("another"))
    assert read_head(tx, EPOCH).seq == 2


def test_one_id_in_two_lives_is_found_in_the_newest(tx: Tx, journal: Journal, recorder: Recorder) -> None:
    journal.record(tx, origin(), op(1), opening())
    later = Journal(7, recorder)
    later.record(tx, origin(), op(100), EpochStarted(**{**as_mapping(LIFE), "ordinal": 2, "reason": "restored"}))
    again = later.record(tx, origin(), op(1), opening())
    found = find(tx, op(1))
    assert found is not None
    assert (found.epoch, found.seq) == (7, 2) == (again.epoch, again.seq)
    assert read_life(tx) == (7, 2)


def as_mapping(body: Body) -> Mapping[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


# -- the same id again -------------------------------------------------------------------------------------------------


def test_a_new_id_has_no_entry(tx: Tx, journal: Journal) -> None:
    assert find_same(tx, op(1), ShiftOpened, "r1") is None


def test_the_same_request_finds_its_entry(tx: Tx, journal: Journal) -> None:
    entry = journal.record(tx, origin(), op(1), opening("r1"))
    assert find_same(tx, op(1), ShiftOpened, "r1") == entry


@pytest.mark.parametrize(("kind", "request_text"), [(ShiftOpened, "r2"), (DrawerOpened, "r1"), (EpochStarted, "r1")])
def test_the_same_id_for_anything_else_is_a_conflict(
    tx: Tx, journal: Journal, kind: type[Body], request_text: str
) -> None:
    journal.record(tx, origin(), op(1), opening("r1"))
    with pytest.raises(IdConflict):
        find_same(tx, op(1), kind, request_text)


def test_an_id_of_a_fact_without_a_request_is_a_conflict_for_everybody(tx: Tx, journal: Journal) -> None:
    with pytest.raises(IdConflict):
        find_same(tx, op(0), EpochStarted, "")


# -- personal data -----------------------------------------------------------------------------------------------------

ANNA = b'{"name":"Anna Kowalska","phone":"+48600100200","email":"anna@example.test"}'


def enrol(tx: Tx, journal: Journal, number: int = 1, member: UUID = MEMBER) -> Entry:
    private = Private(member, b"\x05" * 32, ANNA)
    body = MemberEnrolled(request="salted", member=member, locale="pl", private=private_hash_of(private))
    return journal.record(tx, origin(), op(number), body, private)


def test_personal_data_lies_beside_the_chain_and_never_in_it(tx: Tx, journal: Journal) -> None:
    entry = enrol(tx, journal)
    ((content,),) = tx.execute("SELECT content FROM journal WHERE seq = 2").fetchall()
    for text in (b"Anna", b"Kowalska", b"600100200", b"anna@"):
        assert text not in content
    assert private_hash(b"\x05" * 32, ANNA).encode() in content
    assert tx.execute("SELECT member, bytes FROM journal_private").fetchall() == [(MEMBER.bytes, ANNA)]
    assert find(tx, op(1)) == entry
    assert entry.private is not None


def test_the_private_hash_is_salted() -> None:
    assert private_hash(b"a", ANNA) == hashlib.sha256(b"a" + ANNA).hexdigest()
    assert private_hash(b"a", ANNA) != private_hash(b"b", ANNA)


def test_forgetting_a_member_takes_all_of_theirs_and_leaves_the_chain(tx: Tx, journal: Journal) -> None:
    other = UUID("01990000-0000-7000-8000-00000000000b")
    enrol(tx, journal, 1)
    enrol(tx, journal, 2, other)
    changed = MemberChanged(member=MEMBER, locale="pl", revision=2, enrolled_at=AT_MS, private="00")
    journal.record(tx, origin(), op(3), changed, Private(MEMBER, b"\x06" * 32, ANNA))
    before = tx.execute("SELECT content, hash FROM journal ORDER BY seq").fetchall()
    forget_private(tx, MEMBER)
    assert tx.execute("SELECT member FROM journal_private").fetchall() == [(other.bytes,)]
    assert tx.execute("SELECT content, hash FROM journal ORDER BY seq").fetchall() == before
    forgotten = find(tx, op(1))
    assert forgotten is not None
    assert forgotten.private is None


# -- reading -----------------------------------------------------------------------------------------------------------


def test_what_came_after_a_number_is_told_in_order_and_bounded(tx: Tx, journal: Journal) -> None:
    for n in range(1, 6):
        journal.record(tx, origin(), op(n), opening(f"r{n}"))
    assert list(read_after(tx, EPOCH, 2, 2)) == [(3, "shift.opened", op(2)), (4, "shift.opened", op(3))]
    assert list(read_after(tx, EPOCH, 6, 10)) == []
    assert list(read_after(tx, 99, 0, 10)) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"{}",
        b'{"v":1,"kind":"shift.opened"}',
        GOLDEN[0][0].replace(b'"ordinal":1', b'"ordinal":"one"'),
        GOLDEN[0][0].replace(b'"v":1', b'"v":2'),
        GOLDEN[0][0].replace(b"epoch.started", b"epoch.ended"),
    ],
)
def test_bytes_that_are_no_entry_of_this_release_are_told_apart(tx: Tx, raw: bytes) -> None:
    with pytest.raises((KeyError, ValueError)):
        read_entry(tx, (EPOCH, 1, "epoch.started", raw, bytes(32)))


def test_a_body_decodes_only_under_its_own_kind_and_version() -> None:
    body = decode_content(GOLDEN[1][0]).body
    assert decode_body("operator.changed", 1, body) == OperatorChanged(operator="ana", role="cashier", active=True)
    with pytest.raises(KeyError):
        decode_body("operator.changed", 2, body)
    with pytest.raises(ValueError, match="missing required field"):
        decode_body("shift.opened", 1, body)


def test_the_journal_survives_its_process(tmp_path: Path, recorder: Recorder) -> None:
    path = tmp_path / "store.sqlite"
    connection = connect(path)
    migrate(connection)
    Journal(EPOCH, recorder).record(connection, Origin(now_ms=AT_MS), op(0), LIFE)
    connection.close()
    connection = connect(path)
    entry = Journal(EPOCH, recorder).record(connection, origin(), op(1), opening())
    assert (entry.seq, read_life(connection)) == (2, (EPOCH, 1))
    connection.close()
