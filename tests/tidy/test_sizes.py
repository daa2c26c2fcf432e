"""A module fits on a few screens, a function on one: the sizes of the production code."""

import ast
import statistics
from collections.abc import Sequence

from tests.tidy.sources import Module, planted, production

MODULE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 200


def lines_of(module: Module) -> int:
    return len(module.text.splitlines())


def too_long(modules: Sequence[Module]) -> list[str]:
    breaches = []
    for module in modules:
        if lines_of(module) > MODULE_LINES:
            breaches.append(f"{module.path} has {lines_of(module)} lines, more than {MODULE_LINES}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    breaches.append(f"{module.at(node)} {node.name} has {lines} lines, more than {FUNCTION_LINES}")
    return breaches


def median_lines(modules: Sequence[Module]) -> float:
    """The median size of the modules that hold code."""
    return statistics.median(lines_of(module) for module in modules if not module.is_package)


def test_modules_and_functions_are_short() -> None:
    assert too_long(production()) == []


def test_the_median_module_is_short() -> None:
    median = median_lines(production())
    assert median <= MEDIAN_LINES, f"the median of {len(production())} modules is {median} lines"


def test_a_module_too_long_is_caught() -> None:
    assert too_long([planted("kiosk/sales/sale.py", "x = 1\n" * 400)]) == []
    assert len(too_long([planted("kiosk/sales/sale.py", "x = 1\n" * 401)])) == 1
    assert median_lines([planted("kiosk/sales/sale.py", "x = 1\n" * 201)]) > MEDIAN_LINES


def test_a_function_too_long_is_caught() -> None:
    method = "class A:\n    async def f(self):\n" + "        x = 1\n"
    assert too_long([planted("kiosk/sales/sale.py", method + "        x = 1\n" * 58)]) == []
    assert len(too_long([planted("kiosk/sales/sale.py", method + "        x = 1\n" * 59)])) == 1
