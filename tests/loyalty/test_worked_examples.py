"""The examples in the docstrings of the rule book are run, so that none of them can grow old."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["money", "rounding", "tax", "basket", "return_shares", "earning", "identity", "activities", "rewards"]
)
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"loyalty.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
