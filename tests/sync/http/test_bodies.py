"""Reading JSON: what is refused, and that the quick way refuses exactly what the thorough way does."""

import json
import timeit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import InvalidInput
from sync.http.bodies import check_json, is_storable, pointer_of, read_body, read_query
from sync.http.problems import NotJson

# Few names and awkward texts, so that doubled members and confusing spaces are common.
NAMES = st.sampled_from(["a", "b", "a, b", 'c": ', "d,e", "ż", ""])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), NAMES)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> tuple[str, bool]:
    """A JSON text and whether some object in it names a member twice."""
    kind = draw(st.sampled_from(["leaf", "array", "object"])) if depth else "leaf"
    if kind == "leaf":
        return json.dumps(draw(LEAVES), ensure_ascii=draw(st.booleans())), False
    parts = draw(st.lists(documents(depth=depth - 1), max_size=4))
    doubled = any(part[1] for part in parts)
    comma = draw(st.sampled_from([",", ", ", " ,\n"]))
    if kind == "array":
        return "[" + comma.join(text for text, _ in parts) + "]", doubled
    names = [draw(NAMES) for _ in parts]
    colon = draw(st.sampled_from([":", ": ", " : "]))
    members = [f"{json.dumps(name)}{colon}{text}" for name, (text, _) in zip(names, parts, strict=True)]
    return "{" + comma.join(members) + "}", doubled or len(set(names)) != len(names)


@given(documents())
def test_exactly_the_documents_with_a_doubled_member_are_refused(document: tuple[str, bool]) -> None:
    text, doubled = document
    if doubled:
        with pytest.raises(NotJson):
            check_json(text.encode())
    else:
        check_json(text.encode())


@given(st.binary(max_size=60))
def test_no_bytes_break_it(raw: bytes) -> None:
    try:
        value = read_body(raw, msgspec.json.Decoder(dict[str, int]).decode)
    except (NotJson, InvalidInput):
        return
    assert value == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "refused"),
    [
        (b'"a\\u0000b"', True),
        (b'"a\\\\u0000b"', False),
        (b'{"\\u0000":1}', True),
        (b'"9223372036854775808"', False),
        (b"9223372036854775807", False),
        (b"9223372036854775808", True),
        (b"-9223372036854775808", False),
        (b"-9223372036854775809", True),
        (b"18446744073709551616", True),
        (b"[[18446744073709551616]]", True),
        (b"1" * 5000, True),
        (b"1.5e3", False),
        (b"1e400", True),
        (b'{"card":"29123456789012345678"}', False),
    ],
)
def test_what_cannot_be_stored_is_refused(raw: bytes, refused: bool) -> None:
    if refused:
        with pytest.raises(InvalidInput):
            check_json(raw)
    else:
        check_json(raw)


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("$", ""),
        ("$.id", "/id"),
        ("$.lines[0].sku", "/lines/0/sku"),
        ("$[12][3].a", "/12/3/a"),
        ("$.counted[...]", "/counted"),
        ("$.a/b.c~d", "/a~1b/c~0d"),
    ],
)
def test_pointers(path: str, pointer: str) -> None:
    assert pointer_of(path) == pointer


class Part(msgspec.Struct, forbid_unknown_fields=True):
    sku: str


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    parts: tuple[Part, ...] = ()
    named: dict[str, Part] = {}


@pytest.mark.parametrize(
    ("raw", "pointer", "words"),
    [
        (b"{}", "/id", "missing required field"),
        (b'{"id":1,"colour":2}', "/colour", "unknown field"),
        (b'{"id":1,"a/b~c":2}', "/a~1b~0c", "unknown field"),
        (b'{"id":1,"parts":[{"sku":"x"},{}]}', "/parts/1/sku", "missing required field"),
        (b'{"id":1,"parts":[{"sku":"x","size":1}]}', "/parts/0/size", "unknown field"),
        (b'{"id":1,"parts":[{"sku":1}]}', "/parts/0/sku", "Expected `str`"),
        (b'{"id":1,"named":{"x":{}}}', "/named", "missing required field"),  # msgspec does not say which member
        (b"[]", "", "Expected `object`"),
    ],
)
def test_a_wrong_body_names_the_very_field(raw: bytes, pointer: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_body(raw, msgspec.json.Decoder(Whole).decode)
    assert caught.value.pointer == pointer
    assert words in caught.value.detail


class Filter(msgspec.Struct):
    day: str
    limit: int = 50
    open: bool | None = None


KNOWN = frozenset(Filter.__struct_encode_fields__)


def test_a_query_is_typed() -> None:
    assert read_query([("day", "x"), ("limit", "7"), ("open", "true")], Filter, KNOWN) == Filter("x", 7, True)


@pytest.mark.parametrize(
    ("pairs", "pointer"),
    [
        ([], "/day"),
        ([("day", "a"), ("day", "b")], "/day"),
        ([("day", "a"), ("dya", "b")], "/dya"),
        ([("day", "a\0")], "/day"),
        ([("day", "\udcff")], "/day"),
        ([("day", "a"), ("limit", "x")], "/limit"),
        ([("day", "a"), ("limit", str(2**64))], "/limit"),
        ([("day", "a"), ("limit", str(2**63))], "/limit"),
        ([("day", "a"), ("a/" + "x" * 500, "1")], "/a~1" + "x" * 62),
    ],
)
def test_a_wrong_query_names_its_parameter(pairs: list[tuple[str, str]], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_query(pairs, Filter, KNOWN)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("text", "ok"), [("", True), ("żółć", True), ("a\0", False), ("ż\0", False), ("\ud800", False)]
)
def test_storable_texts(text: str, ok: bool) -> None:
    assert is_storable(text) is ok


def test_the_check_of_a_till_s_body_costs_little() -> None:
    """Reading every body the thorough way would show here; the bound is relative, so a slow machine passes."""
    lines = [{"sku": str(1041453 + number), "quantity_milli": 2000, "reason": "bruised"} for number in range(17)]
    raw = json.dumps({"id": "01890000-0000-7000-8000-000000000001", "lines": lines}, separators=(",", ":")).encode()
    assert 1000 < len(raw) < 1300
    quick = min(timeit.repeat(lambda: check_json(raw), number=300, repeat=5))
    thorough = min(timeit.repeat(lambda: json.loads(raw, object_pairs_hook=dict), number=300, repeat=5))
    assert quick < thorough
