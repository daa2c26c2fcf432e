"""What is signed is everything that is said, and heads come over the wire as they were."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from sync.chain import Head
from sync.protocol.messages import (
    EpochHead,
    Op,
    Push,
    SessionOpen,
    head_of,
    message_of,
    push_signed_bytes,
    session_signed_bytes,
)
from tests.sync.protocol.places import STORE, UNSIGNED, Chain, push_of

HEAD = Head(2**63 - 1, 2**53, bytes(range(32)))
OPENING = SessionOpen(
    store=STORE,
    run="1" * 32,
    count=4,
    fence=9,
    protocol_min=1,
    protocol_max=2,
    version="1.0",
    heads=(message_of(HEAD),),
    sent_at=77,
    signature=UNSIGNED,
)
PUSH = push_of(Chain(7, ["a1", "b2"]), 1, 2)
OTHER: dict[type, Callable[[Any], object]] = {
    int: lambda value: value + 1,
    str: lambda value: "0" + value[1:] if value[0] != "0" else "1" + value[1:],
    bool: lambda value: not value,
    UUID: lambda value: UUID(int=value.int + 1),
    tuple: lambda value: value[1:],
}


@pytest.mark.parametrize("field", [field for field in SessionOpen.__struct_fields__ if field != "signature"])
def test_every_field_of_an_opening_is_signed(field: str) -> None:
    value = getattr(OPENING, field)
    changed = replace(OPENING, **{field: OTHER[type(value)](value)})
    assert session_signed_bytes(changed) != session_signed_bytes(OPENING)


@pytest.mark.parametrize("field", [field for field in Push.__struct_fields__ if field != "signature"])
def test_every_field_of_a_push_is_signed(field: str) -> None:
    value = getattr(PUSH, field)
    changed = replace(PUSH, **{field: OTHER[type(value)](value)})
    assert push_signed_bytes("s", changed, "ab") != push_signed_bytes("s", PUSH, "ab")


def test_a_push_is_signed_for_its_session_and_for_every_byte_of_its_ops() -> None:
    assert push_signed_bytes("s", PUSH, "ab") != push_signed_bytes("t", PUSH, "ab")
    assert push_signed_bytes("s", PUSH, "ab") != push_signed_bytes("s", PUSH, "ac")


@pytest.mark.parametrize("head", [HEAD, Head(0, 0, bytes(32)), Head(0xABC, 17, bytes(range(1, 33)))])
def test_a_head_goes_over_the_wire_unchanged(head: Head) -> None:
    wire = msgspec.json.encode(message_of(head))
    assert head_of(msgspec.json.decode(wire, type=EpochHead)) == head


REFUSED = {
    "an epoch of 2^63": {"epoch": "8000000000000000"},
    "an epoch in capitals": {"epoch": "00000000000000AB"},
    "a hash that is short": {"previous": "ab"},
    "number 0": {"from_seq": 0},
    "a number beyond what JSON carries": {"max_seq": 2**53 + 1},
    "request 0": {"request": 0},
    "too many ops": {"ops": [{"content": "{}"}] * 501},
    "an empty op": {"ops": [{"content": ""}]},
    "a field that nobody knows": {"store": str(STORE)},
    "a signature of another length": {"signature": "00"},
    "half a letter": {"ops": [{"content": "\\ud800"}]},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_push_outside_of_its_bounds_is_not_read(case: str) -> None:
    good = msgspec.to_builtins(PUSH)
    assert msgspec.json.decode(msgspec.json.encode(good), type=Push) == PUSH
    raw = msgspec.json.encode(good | REFUSED[case]).replace(b"\\\\ud800", b"\\ud800")
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        msgspec.json.decode(raw, type=Push)


def test_an_op_comes_over_the_wire_byte_by_byte() -> None:
    content = '{"name":"Żaneta 김 あ \\u0000 \\" 😀"}'
    assert msgspec.json.decode(msgspec.json.encode(Op(content=content)), type=Op).content == content
