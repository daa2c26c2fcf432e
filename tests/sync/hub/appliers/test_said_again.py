"""What a store says by itself is named after what it is about; a life that has lost it says it once more."""

from uuid import UUID

import pytest
from msgspec import Struct

from loyalty.points.account import Balance
from sync.facts.lending import LeaseEnded
from sync.facts.members import MemberErased, MemberMerged, MemberParted
from sync.facts.points import PointsReleased
from sync.facts.reserving import ReservationEnded
from sync.facts.returns import ReturnFollowed
from sync.facts.sales import SaleVoided
from tests.sync.hub.appliers.office import STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of

ANNA, BEN, THING = UUID(int=0x5000), UUID(int=0x5001), UUID(int=0x5002)
SAID: list[Struct] = [
    MemberErased(member=ANNA, reason="asked", locale="en", revision=2, enrolled_at=1),
    MemberMerged(request="", absorbed=ANNA, into=BEN, effective_at=5, reason="told", told=THING),
    MemberParted(merge=THING, absorbed=ANNA, into=BEN, reason="told", is_told=True),
    LeaseEnded(lease=THING, member=ANNA, points=10, unspent=10, why="over"),
    ReservationEnded(reservation=THING, kind="coupon_use", op=THING),
    PointsReleased(hold=THING, member=ANNA, balance=Balance()),
    ReturnFollowed(sale=THING, sale_number="S007-T01-000001", returned={1: 1000}),
]

SOLD = SaleVoided(
    request="",
    sale=THING,
    sale_number="S007-T01-000001",
    till="T01",
    shift=THING,
    currency="EUR",
    reason="void",
    lines=(),
    due_minor=100,
)
MERGED = MemberMerged(request="", absorbed=ANNA, into=BEN, effective_at=5, reason="one person")


def tell_twice(office: Office, said: list[Struct]) -> None:
    """One life of a store says all of this; a later one, which has lost that, says it again at another time."""
    lost = Shop()
    for member in (ANNA, BEN):
        lost.enrol(member)
    later = Shop(epoch=9, at_ms=lost.now_ms + 3_600_000)
    for shop in (lost, later):
        for n, body in enumerate(said):
            shop.log(body, UUID(int=n + 1))
        office.take_in(STORE, shop.journal)
        office.apply_all(STORE)


def test_what_a_store_says_by_itself_asks_for_nobody_however_often_a_life_has_lost_it(office: Office) -> None:
    tell_twice(office, SAID)
    assert office.rows("dead_letter") == []
    assert [seq for store, _, seq in office.rows("apply_cursor", "store, epoch, applied_seq")] == [10, 8]
    places = office.rows("applied", "op_id, epoch")
    assert {epoch for op, epoch in places if UUID(bytes=op).int <= len(SAID)} == {7}, "the first word counts"
    report = proof_of(office)
    assert report.ok, report.first_wrong


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("body", [SOLD, MERGED])
def test_what_a_person_did_twice_waits_for_a_person(office: Office, body: Struct) -> None:
    tell_twice(office, [body])
    assert [code for (code,) in office.rows("dead_letter", "code")] == ["id_conflict"]
