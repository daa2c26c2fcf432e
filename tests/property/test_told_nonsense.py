"""Whatever an account says that comes over the line: it is refused, or anything can be posted on top of it and written
down. A sale must never fail because of what head office tells."""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from loyalty.apply_points import INSERT_POSTING, posting_row, refold
from loyalty.points.facts import Posting, PostingId
from loyalty.points.told import Told, read_told
from tests.property.histories import ANA, identity
from tests.property.test_told_accounts import books

EARNED, PENDING, HELD, PAID = (identity(n) for n in (1, 2, 3, 4))
NOW = 6_000
FIELDS = ("account", "lots", "holds", "redemptions")


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def name(op: bytes, *more: int) -> list[Any]:
    return [text(op), 0, text(ANA), *more]


def cell(value: object) -> str:
    return json.dumps(value)


def sound() -> dict[str, Any]:
    """An account with a bit of everything: 40 active, 50 pending, 20 on hold; 30 were paid, 10 taken back."""
    earned, pending = name(EARNED, 0), name(PENDING, 0)
    lines, back = cell([[1, 60], [2, 40]]), cell([[1, 10]])
    return {
        "account_of": str(UUID(bytes=ANA)),
        "account": [40, 50, 20, 0, 5_000, cell([4_000, 1, 1, *name(EARNED)]), 0, "[]"],
        "lots": [
            [*earned, "earn", 100, 1_000, None, 40, 20, 30, 0, 10, 0, 0, 0, 0, lines, back, "[]"],
            [*pending, "earn", 50, 9_000, 99_000, 50, 0, 0, 0, 0, 0, 0, 0, 0, "[]", "[]", "[]"],
        ],
        "holds": [[text(HELD), *name(HELD), 20, 7_000, "open", cell([[earned, 20, 0]]), 0]],
        "redemptions": [[*name(PAID), 30, cell([[earned, 30, 0]]), cell([[1, 30]]), "[]"]],
        "due": 7_000,
        "through": {"0000000000000009": 3},
    }


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every cell."""
    if isinstance(value, (dict, list)):
        keys: Any = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield from places(value[key], (*path, key))
    else:
        yield path


def put(value: Any, path: tuple[Any, ...], new: object) -> None:  # noqa: ANN401
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def told_as(value: dict[str, Any]) -> Told:
    return read_told(json.dumps(value).encode())


PLACES = [path for path in places(sound()) if path[0] in FIELDS]
NONSENSE = (
    *(-(2**63), -5, -1, 0, 1, 20, 30, 100, 2**31, 2**53, 2**63 - 1, 2**63, 2**70, None, "", "[]", "gone", "earn"),
    *("open", "captured", "lapsed", cell([[1, 5]]), cell([[9, 5]]), cell([[1, -5]]), cell([[1, 2**63]])),
    *(cell([[name(EARNED, 0), points, 0]]) for points in (-5, 20, 2**63)),
    *(cell([[name(EARNED, 0), 20, 21]]), cell([[name(PENDING, 0), 20, 0]]), cell([name(PENDING, 0)])),
)
POSTINGS: tuple[dict[str, Any], ...] = (
    {"kind": "earn", "points": 10},
    {"kind": "redeem", "points": -200},
    {"kind": "redeem", "points": -20, "hold": HELD},
    {"kind": "hold", "points": 5, "expires_at": 99_999},
    {"kind": "release", "hold": HELD},
    {"kind": "reverse_earn", "points": -30, "reference": PostingId(EARNED, 0, ANA), "lines": ((1, 30),)},
    {"kind": "reverse_earn", "points": -30, "reference": PostingId(PENDING, 0, ANA)},
    {"kind": "reverse_redeem", "points": 10, "reference": PostingId(PAID, 0, ANA), "keep_until": 100_000},
    {"kind": "adjust", "points": -7},
)


def write_on_top(told: Told, kinds: list[dict[str, Any]]) -> None:
    """Post these and make the account's rows, as a sale does in a store."""
    connection = books()
    connection.execute("BEGIN")
    try:
        for n, kind in enumerate(kinds):
            posting = Posting(member=ANA, op_id=identity(100 + n), effective_at=NOW + n, origin=9, seq=10 + n, **kind)
            connection.execute(INSERT_POSTING, posting_row(posting, posting.seq))
        refold(connection, ANA, lambda _, __: (told,))
    finally:
        connection.execute("ROLLBACK")


def test_the_account_that_is_harmed_below_is_one_that_any_posting_can_follow() -> None:
    for kind in POSTINGS:
        write_on_top(told_as(sound()), [kind])


def test_nonsense_in_any_cell_is_refused_or_can_be_written_down() -> None:
    taken = 0
    for path, new in itertools.product(PLACES, NONSENSE):
        value = sound()
        put(value, path, new)
        try:
            told = told_as(value)
        except (ValueError, LookupError):
            continue
        taken += 1
        for kind in POSTINGS:
            write_on_top(told, [kind, POSTINGS[0]])
    assert taken, "some of it is sense"


@pytest.mark.parametrize(
    ("path", "new"),
    [
        pytest.param(("lots", 0, 5), 2**63, id="points beyond every integer of a table"),
        pytest.param(("lots", 1, 7), 2**63, id="an end that no table takes"),
        pytest.param(("lots", 0, 4), "found", id="points of a kind that there is not"),
        pytest.param(("lots", 0, 15), 91, id="more owed for a lot than it brought"),
        pytest.param(("lots", 0, 14), 1, id="more gone than has ended"),
        pytest.param(("lots", 0, 16), 21, id="more claimed of a hold than is held"),
        pytest.param(("lots", 0, 18), cell([[3, 1]]), id="taken back of a line that there is not"),
        pytest.param(("lots", 0, 18), cell([[1, 61]]), id="more taken back of a line than it earned"),
        pytest.param(("lots", 0, 17), cell([[1, 60], [1, 40]]), id="a line twice"),
        pytest.param(("holds", 0, 6), "spent", id="a hold in a state that there is not"),
        pytest.param(("holds", 0, 6), "lapsed", id="a hold that is over and reserves"),
        pytest.param(("holds", 0, 4), 19, id="a hold that reserves more than it says"),
        pytest.param(("holds", 0, 8), 5, id="an open hold that has paid"),
        pytest.param(("redemptions", 0, 4), cell([[name(EARNED, 0), 2**63, 0]]), id="paid with more than was paid"),
        pytest.param(("redemptions", 0, 4), cell([[name(EARNED, 0), 30, 31]]), id="more came back than was paid"),
        pytest.param(("redemptions", 0, 6), cell([[2, 1]]), id="came back to a line that paid nothing"),
        pytest.param(("account", 4), 3_999, id="older than its newest posting"),
    ],
)
def test_what_no_account_can_say_is_refused(path: tuple[Any, ...], new: object) -> None:
    value = sound()
    put(value, path, new)
    with pytest.raises(ValueError, match=r"."):
        told_as(value)
