"""A basket may name a member who was merged into another while the goods were scanned."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kiosk.commands import CompleteSale, LineRequest, TenderRequest
from loyalty.errors import IdConflict
from loyalty.member_store import UnknownMember
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id
from tests.kiosk.test_points_merged import merge


@pytest.fixture(name="till")
def open_one(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path) as till:
        yield till


def test_a_sale_in_the_name_of_a_merged_member_is_hers_who_stands_for_her(till: Till) -> None:
    ana, bea, cleo = till.enrol("Ana"), till.enrol("Bea"), till.enrol("Cleo")
    merge(till, ana, bea)
    merge(till, bea, cleo)
    quoted = till.quote("100", member=ana)
    sold = till.sell("100", member=ana)
    assert sold.member == cleo
    assert till.points(ana) == till.points(cleo)
    assert till.points(cleo).active == sold.points.earned == quoted.points.earned > 0
    assert_holds(till.connection)


def test_the_same_sale_sent_again_after_a_merge_is_the_same_sale(till: Till) -> None:
    ana, bea = till.enrol("Ana"), till.enrol("Bea")
    command = CompleteSale(
        id=new_id(),
        currency="EUR",
        lines=(LineRequest(sku="100", quantity_milli=1000),),
        tenders=(TenderRequest(kind="cash", amount_minor=1_000),),
        member=ana,
    )
    merge(till, ana, bea)
    first, again = till.send(command), till.send(command)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    with pytest.raises(IdConflict):
        till.send(msgspec.structs.replace(command, member=bea))


def test_who_was_never_enrolled_buys_nothing(till: Till) -> None:
    with pytest.raises(UnknownMember) as refused:
        till.sell("100", member=new_id())
    assert refused.value.pointer == "/member"
