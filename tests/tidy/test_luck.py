"""What makes a test depend on luck: it passes on a quiet machine, and ends a run of everything on a busy one."""

import ast
from collections.abc import Iterator, Sequence

import pytest

from tests.tidy.sources import Module, calls_of, planted, suite

PATIENCE_S = 60
THE_ONE_LINE = "tests/browser/line.py"


def impatient_waits(modules: Sequence[Module]) -> list[str]:
    """A wait for something that will happen takes as long as it takes: a minute at least. What is shorter than a second
    is the wait for a time to be over, and means what it says."""
    return [
        f"{module.at(call)} {name}({seconds}) is too little on a busy machine; wait {PATIENCE_S} or more"
        for module in modules
        for call, name in calls_of(module)
        for seconds in patience_of(call, name)
        if 1 <= seconds < PATIENCE_S
    ]


def patience_of(call: ast.Call, name: str) -> Iterator[float]:
    """The seconds that are written in a call that waits."""
    places = {"asyncio.timeout": 0, "asyncio.wait_for": 1}
    if name not in places:
        return
    for node in (*call.args[places[name] :], *(keyword.value for keyword in call.keywords)):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield node.value


def other_routes(modules: Sequence[Module]) -> list[str]:
    """Requests of a page are held up in one way (tests/browser/line.py says what goes wrong in another)."""
    return [
        f"{module.at(call)} {name}: lay a Line"
        for module in modules
        if module.path.startswith("tests/browser/") and module.path != THE_ONE_LINE
        for call, name in calls_of(module)
        if name.endswith((".page.route", "page.unroute", "page.unroute_all")) or name == "page.route"
    ]


@pytest.mark.parametrize("check", [impatient_waits, other_routes])
def test_no_test_depends_on_luck(check: object) -> None:
    assert callable(check)
    assert check(suite()) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("import asyncio\nasyncio.timeout(20)", 1),
        ("import asyncio\nasyncio.wait_for(x, 5)", 1),
        ("import asyncio\nasyncio.wait_for(x, timeout=5.0)", 1),
        ("import asyncio\nasyncio.timeout(120)", 0),
        ("import asyncio\nasyncio.timeout(0.2)", 0),
        ("import asyncio\nasyncio.timeout(SETTLE_S)", 0),
    ],
)
def test_an_impatient_wait_is_caught(text: str, count: int) -> None:
    assert len(impatient_waits([planted("tests/x.py", text)])) == count


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("tests/browser/test_till.py", "screen.page.route(a, b)", 1),
        ("tests/browser/test_till.py", "page.unroute_all()", 1),
        ("tests/browser/test_office.py", "page.route(a, b)", 1),
        (THE_ONE_LINE, "page.route(a, b)", 0),
        ("tests/sync/http/test_metrics.py", "metrics.route()", 0),
    ],
)
def test_a_route_beside_the_line_is_caught(path: str, text: str, count: int) -> None:
    assert len(other_routes([planted(path, text)])) == count
