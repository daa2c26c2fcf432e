"""What the docstrings of the demonstration and the benches show is what happens."""

import doctest
from types import ModuleType

import pytest

from kiosk.bench import statistics
from kiosk.demo import baskets, catalogue, ids, names, prices, rows


@pytest.mark.parametrize("module", [baskets, catalogue, ids, names, prices, rows, statistics])
def test_the_examples_of_a_module_come_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
