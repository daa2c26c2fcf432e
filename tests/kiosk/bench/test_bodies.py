"""Commands as a till writes them."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kiosk.bench.bodies import encode_body
from kiosk.commands import CompleteSale, Discount, LineRequest, TenderRequest

LINES = st.builds(
    LineRequest,
    sku=st.none() | st.text("abc123", min_size=1, max_size=8),
    quantity_milli=st.integers(1, 5_000),
    unit_price_minor=st.none() | st.integers(0, 500),
    discount=st.none() | st.builds(Discount, st.just("amount"), st.integers(1, 9), st.just("old")),
)
SALES = st.builds(
    CompleteSale,
    id=st.uuids(version=4),
    lines=st.lists(LINES, max_size=4).map(tuple),
    member=st.none() | st.uuids(version=4),
    tenders=st.lists(st.builds(TenderRequest, kind=st.just("cash"), amount_minor=st.integers(1, 9)), max_size=2).map(
        tuple
    ),
    receipt=st.sampled_from(["paper", "none"]),
)


@given(SALES)
def test_a_body_decodes_to_the_same_command(command: CompleteSale) -> None:
    assert msgspec.json.decode(encode_body(command), type=CompleteSale) == command


def test_what_a_command_does_not_say_is_left_out() -> None:
    command = CompleteSale(id=UUID(int=7), lines=(LineRequest(sku="milk", unit_price_minor=0),), receipt="paper")
    assert msgspec.json.decode(encode_body(command)) == {
        "id": "00000000-0000-0000-0000-000000000007",
        "lines": [{"sku": "milk", "unit_price_minor": 0}],
        "receipt": "paper",
    }
