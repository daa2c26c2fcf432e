"""Contents keep everything, cheaply, and say so when they cannot be read."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.contents import (
    Content,
    ReceiptContent,
    ReceiptLine,
    ReceiptTotals,
    StoreHeader,
    decode_content,
    encode_content,
)
from printers.errors import UnreadableContent
from tests.printers.samples import PAPERS, POLISH


@pytest.mark.parametrize("name", PAPERS)
def test_a_content_comes_back_as_it_went_in(name: str) -> None:
    assert decode_content(encode_content(PAPERS[name])) == PAPERS[name]


@given(st.builds(StoreHeader, st.text(max_size=40)), st.integers(-(2**53), 2**53), st.text(max_size=60))
def test_any_text_and_any_amount_come_back_as_they_went_in(store: StoreHeader, amount: int, name: str) -> None:
    content = ReceiptContent(
        store=store,
        number="1",
        business_day="2026-11-21",
        at_local="2026-11-21 14:05",
        till="T01",
        operator=name,
        locale="en",
        currency="EUR",
        currency_digits=2,
        lines=(
            ReceiptLine(
                name=name, quantity_milli=amount, unit_price_minor=amount, gross_minor=amount, net_minor=amount
            ),
        ),
        totals=ReceiptTotals(gross_minor=amount, net_minor=amount, due_minor=amount),
    )
    assert decode_content(encode_content(content)) == content


def test_the_stored_bytes_name_their_kind_and_version() -> None:
    tags = {name: msgspec.json.decode(encode_content(paper))["content"] for name, paper in PAPERS.items()}
    assert tags == {
        "pl": "receipt.1",
        "ko": "receipt.1",
        "ja": "receipt.1",
        "return": "receipt.1",
        "z": "shift_report.1",
        "coupon": "coupon.1",
    }


def test_the_bytes_of_release_1_are_read_for_ever() -> None:
    stored = (
        b'{"content":"receipt.1","store":{"name":"S"},"number":"S001-T01-000001","business_day":"2026-11-21",'
        b'"at_local":"2026-11-21 09:00","till":"T01","operator":"A","locale":"en","currency":"EUR","currency_digits":2,'
        b'"lines":[{"name":"Tea","quantity_milli":1000,"unit_price_minor":250,"gross_minor":250,"net_minor":250}],'
        b'"totals":{"gross_minor":250,"net_minor":250,"due_minor":250},"tenders":[{"kind":"cash","amount_minor":250}]}'
    )
    content = decode_content(stored)
    assert isinstance(content, ReceiptContent)
    assert content.lines[0].name == "Tea"
    assert encode_content(content) == stored


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"content":"receipt.9"}',
        b'{"content":"receipt.1"}',
        b"\xff\xfe",
        encode_content(POLISH).replace(b'"earned":101', b'"earned":1e99'),
    ],
)
def test_bytes_this_release_does_not_know_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(UnreadableContent) as caught:
        decode_content(data)
    assert caught.value.status == 422


def test_a_refusal_quotes_no_value_of_the_content() -> None:
    data = encode_content(POLISH).replace(b'"operator":"Za', b'"operator":17,"was":"Za')
    with pytest.raises(UnreadableContent) as caught:
        decode_content(data)
    assert "Gęślą" not in caught.value.detail


def test_every_kind_of_content_is_in_the_samples() -> None:
    assert {type(paper) for paper in PAPERS.values()} == set(Content.__args__)
