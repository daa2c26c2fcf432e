"""`counterfoil verify`, the journal: every changed, missing or foreign entry is found, and so is every change to the
personal data beside it."""

from pathlib import Path
from typing import Any

import pytest

from kiosk.members.member_service import erase_member
from kiosk.members.members import EraseMember
from sync.chain import ZERO_HASH, chain_hash, epoch_text
from sync.schema import JOURNAL, PRIVATE
from tests.kiosk.damage import change_cell, delete_row, rows_of
from tests.kiosk.history import Story
from tests.kiosk.shopkit import open_shop, prove_all
from tests.kiosk.told import first_wrong, told, undone

# -- the journal -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["op_id", "kind", "content", "hash"])
def test_every_changed_cell_of_the_journal_is_found_at_its_entry(column: str) -> None:
    connection, _ = told()
    for row in rows_of(connection, JOURNAL):
        with undone(connection):
            change_cell(connection, JOURNAL, row, column)
            wrong = first_wrong(prove_all(connection))
        assert (wrong.epoch, wrong.seq) == (epoch_text(row["epoch"]), row["seq"]), wrong


@pytest.mark.parametrize("column", ["epoch", "seq"])
def test_an_entry_moved_elsewhere_is_found(column: str) -> None:
    connection, _ = told()
    rows = rows_of(connection, JOURNAL)
    for row in (rows[0], rows[4], rows[-1]):
        with undone(connection):
            connection.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (row[column] + 1000, row["seq"]))
            wrong = first_wrong(prove_all(connection))
        # The first entry of an epoch that is no other entry's neighbour breaks its own chain.
        assert "missing" in wrong.what or (row["seq"] == 1 and "the chain does not fit" in wrong.what)


def test_every_bit_of_an_entrys_bytes_counts() -> None:
    connection, _ = told()
    row = next(row for row in rows_of(connection, JOURNAL) if row["kind"] == "sale.voided")
    for at in range(0, len(row["content"]) * 8, 37):
        content = bytearray(row["content"])
        content[at // 8] ^= 1 << at % 8
        with undone(connection):
            connection.execute("UPDATE journal SET content = ? WHERE seq = ?", (bytes(content), row["seq"]))
            wrong = first_wrong(prove_all(connection))
        assert wrong.seq == row["seq"]


def test_every_missing_entry_is_found_the_first_and_the_last_too() -> None:
    connection, _ = told()
    rows = rows_of(connection, JOURNAL)
    for row in rows:
        with undone(connection):
            delete_row(connection, JOURNAL, row)
            wrong = first_wrong(prove_all(connection))
        if row is not rows[-1]:
            assert (wrong.epoch, wrong.seq) == (epoch_text(row["epoch"]), row["seq"])
            assert "missing" in wrong.what
        else:
            assert "no entry explains" in wrong.what


def test_an_entry_changed_together_with_its_hash_breaks_at_the_next_one() -> None:
    """Who can compute hashes must rewrite the whole rest of the chain."""
    connection, _ = told()
    rows = rows_of(connection, JOURNAL)
    row, before = rows[6], rows[5]
    content = row["content"].replace(b'"at":17', b'"at":18')
    assert content != row["content"]
    with undone(connection):
        connection.execute(
            "UPDATE journal SET content = ?, hash = ? WHERE seq = ?",
            (content, chain_hash(row["epoch"], row["seq"], before["hash"], content), row["seq"]),
        )
        wrong = first_wrong(prove_all(connection))
    assert wrong.seq == row["seq"] + 1


def test_a_rewritten_rest_of_the_chain_is_found_by_the_tables_or_by_the_mark() -> None:
    connection, _ = told()
    mark = prove_all(connection).mark
    with undone(connection):
        _rewrite(connection, lambda content: content.replace(b'"amount_minor":500', b'"amount_minor":501'))
        wrong = first_wrong(prove_all(connection))
        assert wrong.what == "shift_movement: amount_minor is 500, the entry says 501"
        connection.execute("UPDATE shift_movement SET amount_minor = 501")
        assert prove_all(connection).ok, "a perfect forgery; only somebody who knows an older head can tell"
        assert "proved last time" in first_wrong(prove_all(connection, mark)).what


def _rewrite(connection: Any, forge: Any) -> None:  # noqa: ANN401
    """Every entry as the forger wants it, the chain anew, and the hashes that entries name of others too."""
    previous, renamed = ZERO_HASH, dict[bytes, bytes]()
    for row in rows_of(connection, JOURNAL):
        content = forge(row["content"])
        for before, after in renamed.items():
            content = content.replace(before, after)
        previous = chain_hash(row["epoch"], row["seq"], previous, content)
        renamed[row["hash"].hex().encode()] = previous.hex().encode()
        connection.execute("UPDATE journal SET content = ?, hash = ? WHERE seq = ?", (content, previous, row["seq"]))


@pytest.mark.parametrize(
    "forgery",
    [
        b"not json",
        b"{}",
        b'{"v":1,"kind":"shift.opened","op_id":"0199aaaa-0000-7000-8000-000000000000","at":1,"body":{}}',
        b'{"v":1,"kind":"no.such","op_id":"0199aaaa-0000-7000-8000-000000000000","at":1,"body":{}}',
        b'{"v":99,"kind":"shift.opened","op_id":"0199aaaa-0000-7000-8000-000000000000","at":1,"body":{}}',
    ],
)
def test_an_entry_that_cannot_be_read_is_named_even_in_a_sound_chain(forgery: bytes) -> None:
    connection, _ = told()
    target = rows_of(connection, JOURNAL)[5]["content"]
    with undone(connection):
        _rewrite(connection, lambda content: forgery if content == target else content)
        wrong = first_wrong(prove_all(connection))
    assert wrong.seq == 6
    assert "cannot be read" in wrong.what


def test_a_first_entry_that_begins_no_life_is_found() -> None:
    connection, _ = told()
    with undone(connection):
        _rewrite(connection, lambda content: content.replace(b'"ordinal":1', b'"ordinal":"1"'))
        assert first_wrong(prove_all(connection)).seq == 1


def test_two_entries_changing_places_are_found() -> None:
    connection, _ = told()
    one, two = rows_of(connection, JOURNAL)[5:7]
    with undone(connection):
        for seq, row in ((-1, one), (one["seq"], two), (two["seq"], one)):
            connection.execute("UPDATE journal SET seq = ? WHERE op_id = ?", (seq, row["op_id"]))
        assert first_wrong(prove_all(connection)).seq == one["seq"]


def test_a_negative_epoch_is_found_and_does_not_end_the_proof() -> None:
    connection, _ = told()
    with undone(connection):
        connection.execute("UPDATE journal SET epoch = -epoch")
        assert first_wrong(prove_all(connection)).seq == 1


# -- personal data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["epoch", "seq", "member", "salt", "bytes"])
def test_every_changed_cell_of_the_personal_half_is_found(column: str) -> None:
    connection, _ = told()
    for row in rows_of(connection, PRIVATE):
        with undone(connection):
            connection.execute("DELETE FROM journal_private WHERE seq = ?", (row["seq"] + 1,))
            change_cell(connection, PRIVATE, row, column)
            wrong = first_wrong(prove_all(connection))
        assert "personal data" in wrong.what


def test_personal_data_may_be_missing_only_where_an_erasure_explains_it() -> None:
    connection, _ = told()
    erased = connection.execute("SELECT count(*) FROM journal WHERE kind = 'member.erased'").fetchone()[0]
    assert erased == 1
    assert prove_all(connection).ok, "the erased member's data is gone, and the erasure explains it"
    for row in rows_of(connection, PRIVATE):
        with undone(connection):
            delete_row(connection, PRIVATE, row)
            wrong = first_wrong(prove_all(connection))
        assert wrong.seq == row["seq"]
        assert wrong.what == "the personal data is missing and no erasure explains it"


def test_personal_data_of_an_erased_member_that_came_back_is_found(tmp_path: Path) -> None:
    connection, shop = open_shop(tmp_path)
    story = Story(connection, shop)
    member = story.enrol()
    row = rows_of(connection, PRIVATE)[0]
    story.do(erase_member, member, EraseMember(reason="wished so"))
    assert prove_all(connection).ok
    connection.execute(
        "INSERT INTO journal_private (epoch, seq, member, salt, bytes) VALUES (?, ?, ?, ?, ?)", tuple(row.values())
    )
    assert first_wrong(prove_all(connection)).what == "personal data of a member who was erased"
    connection.close()


def test_personal_data_beside_the_wrong_entry_is_found() -> None:
    connection, _ = told()
    row = rows_of(connection, PRIVATE)[0]
    for seq, what in ((1, "beside an entry that names none"), (99_999, "beside an entry that does not exist")):
        with undone(connection):
            connection.execute(
                "INSERT INTO journal_private (epoch, seq, member, salt, bytes) VALUES (?, ?, ?, ?, ?)",
                (row["epoch"], seq, row["member"], row["salt"], row["bytes"]),
            )
            assert what in first_wrong(prove_all(connection)).what
