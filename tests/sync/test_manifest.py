"""A store and head office that hold the same day say so; whatever differs is found, down to the first entry."""

from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, chain_hash, epoch_text
from sync.day_entries import hashes_at, read_day
from sync.hub.reports.day_proof import answer_manifest
from sync.manifest import (
    PLACES_MAX,
    DayEntry,
    Difference,
    Manifest,
    ManifestAnswer,
    ManifestMessage,
    Match,
    Narrowed,
    Place,
    Probe,
    compare,
    make_manifest,
    narrow,
    places,
)
from tests.kiosk.history import tell_everything
from tests.kiosk.shopkit import open_shop
from tests.sync.hub.reports.office import OTHER, STORE, Office

DAY = "2026-11-21"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    """The journal of a shop in which everything happened once."""
    connection, opened = open_shop(tmp_path_factory.mktemp("shop"))
    tell_everything(connection, opened)
    yield connection
    connection.close()


def office_of(shop: Tx) -> Office:
    """Head office with the whole journal of the shop."""
    office = Office()
    office.take(shop)
    office.put_heads()
    return office


def prove(office: Office, shop: Tx, manifest: Manifest) -> tuple[ManifestAnswer, int]:
    """Send a manifest, and hashes as long as they are asked for; the last answer, and how many messages it took."""
    message = ManifestMessage(manifest=manifest)
    for sent in range(1, 10):
        answer = answer_manifest(office.tx, STORE.bytes, message)
        if answer.outcome != "ask":
            return answer, sent
        assert answer.epoch is not None
        assert answer.same_seq is not None
        held = hashes_at(shop, int(answer.epoch, 16), answer.seqs)
        told = tuple(Place(seq, held[seq]) for seq in answer.seqs)
        message = ManifestMessage(manifest=manifest, probe=Probe(answer.epoch, answer.same_seq, told))
    raise AssertionError(answer)


def test_the_same_day_on_both_sides_matches(shop: Tx) -> None:
    manifest = make_manifest(DAY, read_day(shop, DAY))
    assert prove(office_of(shop), shop, manifest) == (ManifestAnswer(outcome="match"), 1)


def test_a_manifest_goes_over_the_wire_unchanged(shop: Tx) -> None:
    message = ManifestMessage(manifest=make_manifest(DAY, read_day(shop, DAY)))
    assert msgspec.json.decode(msgspec.json.encode(message), type=ManifestMessage) == message


def test_the_sums_of_a_day_are_those_that_the_reports_tell(shop: Tx) -> None:
    sums = make_manifest(DAY, read_day(shop, DAY)).sums
    office = office_of(shop)
    (cash,) = office.rows("tender_day WHERE kind = 'cash'", "taken_minor - refunded_minor")
    assert sums["tender:cash"] - sums["tender:change"] == cash[0]
    for rate, back, tax_back in office.rows("tax_day", "rate, returned_base_minor, returned_tax_minor"):
        # Prices include tax in this shop, so the net of a returned line holds both.
        assert sums.get(f"tax:{rate}:returned_net", 0) == back + tax_back
    for kind, points in office.tx.execute("SELECT kind, sum(points) FROM points_day GROUP BY kind").fetchall():
        assert sums.get(f"points:{kind}", 0) == points
    sold, voids, returns = office.tx.execute("SELECT sum(sales), sum(voids), sum(returns) FROM sales_hour").fetchone()
    assert sums["sales"] - sums["voids"] == sold
    assert sums["voids"] == voids
    assert sums["returns"] == returns - 1  # one of them came back in an exchange
    assert (sums["coupons:used"], sums["coupons:given_back"], sums["gift_cards"]) == (3, 2, 350)
    assert sums["stock:sold_milli"] > sums["stock:returned_milli"] > 0


def test_entries_of_other_days_are_left_out(shop: Tx) -> None:
    everything = shop.execute("SELECT count(*) FROM journal").fetchone()[0]
    on_the_day = len(list(read_day(shop, DAY)))
    assert 0 < on_the_day < everything
    assert list(read_day(shop, "2026-11-20")) == []
    last = max(entry.seq for entry in read_day(shop, DAY))
    epoch = next(read_day(shop, DAY)).epoch
    assert list(read_day(shop, DAY, {epoch: last})) == []


def test_entries_of_a_life_that_came_back_from_head_office_are_the_stores_own(shop: Tx) -> None:
    """Such a life is in the journal and not among the lives that this disk began itself."""
    shop.execute("SAVEPOINT came_back")
    row = shop.execute("SELECT op_id, kind, content, hash FROM journal WHERE seq = 40").fetchone()
    assert row is not None
    shop.execute("INSERT INTO journal (epoch, seq, op_id, kind, content, hash) VALUES (7, 1, ?, ?, ?, ?)", row)
    parts = make_manifest(DAY, read_day(shop, DAY)).parts
    shop.execute("ROLLBACK TO came_back")
    shop.execute("RELEASE came_back")
    assert len(parts) == 2
    assert (parts[0].epoch, parts[0].count) == (epoch_text(7), 1)


@pytest.mark.parametrize("seq", [3, 17, 90])
def test_the_first_entry_that_differs_is_named(shop: Tx, seq: int) -> None:
    office = Office()
    previous = {}
    for epoch, number, _, content in shop.execute("SELECT epoch, seq, hash, content FROM journal").fetchall():
        changed = content.replace(b'"kind"', b' "kind"', 1) if number == seq else content
        link = chain_hash(epoch, number, previous.get(epoch, ZERO_HASH), changed)
        previous[epoch] = link
        office.hold(STORE, epoch, number, link, changed)
    office.put_heads()
    answer, _ = prove(office, shop, make_manifest(DAY, read_day(shop, DAY)))
    assert (answer.outcome, answer.what, answer.seq) == ("differs", "chain", seq)
    assert answer.own != answer.theirs


def test_a_day_that_has_not_come_in_whole_is_not_judged(shop: Tx) -> None:
    office = office_of(shop)
    office.tx.execute("UPDATE epoch_head SET seq = 40")
    answer, _ = prove(office, shop, make_manifest(DAY, read_day(shop, DAY)))
    assert (answer.outcome, answer.seq) == ("not_yet", 40)


def test_a_life_that_head_office_never_heard_of_is_named(shop: Tx) -> None:
    own = make_manifest(DAY, read_day(shop, DAY))
    stranger = replace(own, parts=(replace(own.parts[0], epoch="0000000000000007"), *own.parts))
    answer, _ = prove(office_of(shop), shop, stranger)
    assert (answer.outcome, answer.what, answer.epoch) == ("differs", "unknown_epoch", "0000000000000007")
    answer, _ = prove(office_of(shop), shop, replace(own, parts=()))
    assert (answer.outcome, answer.what, answer.epoch) == ("differs", "missing_epoch", own.parts[0].epoch)


def test_entries_that_a_store_keeps_quiet_about_are_seen(shop: Tx) -> None:
    entries = list(read_day(shop, DAY))
    answer, _ = prove(office_of(shop), shop, make_manifest(DAY, entries[:-1]))
    assert (answer.outcome, answer.what) == ("differs", "chain")
    answer, _ = prove(office_of(shop), shop, make_manifest(DAY, entries[1:]))
    assert (answer.outcome, answer.what) == ("differs", "count")


def test_a_sum_that_is_added_up_wrongly_is_named(shop: Tx) -> None:
    own = make_manifest(DAY, read_day(shop, DAY))
    wrong = replace(own, sums={**own.sums, "tender:cash": own.sums["tender:cash"] + 1})
    answer, _ = prove(office_of(shop), shop, wrong)
    assert (answer.outcome, answer.what, answer.name) == ("differs", "sum", "tender:cash")
    assert int(answer.theirs or 0) - int(answer.own or 0) == 1


@pytest.mark.parametrize(("holds", "asks"), [(STORE, OTHER), (OTHER, STORE)])
def test_a_store_is_judged_by_its_own_rows_alone(shop: Tx, holds: UUID, asks: UUID) -> None:
    office = Office()
    office.take(shop, holds)
    office.put_heads()
    manifest = make_manifest(DAY, read_day(shop, DAY))
    answer = answer_manifest(office.tx, asks.bytes, ManifestMessage(manifest=manifest))
    assert (answer.outcome, answer.what) == ("differs", "unknown_epoch")


def test_a_manifest_over_too_many_numbers_is_refused(shop: Tx) -> None:
    own = make_manifest(DAY, read_day(shop, DAY))
    endless = replace(own, parts=(replace(own.parts[0], first_seq=1, last_seq=60_000),))
    with pytest.raises(Exception, match="one business day"):
        answer_manifest(office_of(shop).tx, STORE.bytes, ManifestMessage(manifest=endless))


def test_two_days_without_anything_match() -> None:
    assert compare(make_manifest(DAY, ()), make_manifest(DAY, ())) == Match()


def test_a_body_of_a_newer_release_is_counted_but_adds_to_no_sum() -> None:
    manifest = make_manifest(DAY, [DayEntry(1, 5, bytes(32), None)])
    assert (manifest.parts[0].count, manifest.sums) == (1, {})


def test_the_order_of_the_entries_makes_no_difference(shop: Tx) -> None:
    entries = list(read_day(shop, DAY))
    assert make_manifest(DAY, reversed(entries)) == make_manifest(DAY, entries)
    assert compare(make_manifest(DAY, entries), make_manifest(DAY, entries[5:])) == Difference(
        what="count",
        epoch=epoch_text(entries[0].epoch),
        own=f"{len(entries)} from {entries[0].seq}",
        theirs=f"{len(entries) - 5} from {entries[5].seq}",
    )


@given(st.integers(1, 250_000), st.integers(1, 250_000), st.integers(2, PLACES_MAX))
def test_the_entry_where_chains_part_is_found_in_few_messages(length: int, fork: int, most: int) -> None:
    fork = min(fork, length)
    between: Narrowed | None = Narrowed(0, length)
    for _ in range(20):
        assert between is not None
        if between.is_found:
            break
        asked = places(between.same_seq, between.other_seq, most)
        told = [Place(seq, "same" if seq < fork else "mine") for seq in asked]
        own = {seq: "same" if seq < fork else "other" for seq in asked}
        between = narrow(between.same_seq, told, own)
    assert between is not None
    assert between.other_seq == fork


def test_500_places_find_it_among_250_000_in_two_messages() -> None:
    first = places(0, 250_000)
    assert len(first) == 500
    assert len(places(first[7], first[8])) == 500
