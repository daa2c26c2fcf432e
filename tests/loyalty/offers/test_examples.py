"""The examples in the docstrings of the offers are run, so that none of them can grow old."""

import doctest
import importlib
import pkgutil

import pytest

import loyalty.offers

WITHOUT_EXAMPLE = {"effects", "choice"}  # a table each, which the tests of carts repeat
MODULES = sorted(module.name for module in pkgutil.iter_modules(loyalty.offers.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"loyalty.offers.{name}"))
    assert (result.attempted > 0) is (name not in WITHOUT_EXAMPLE)
    assert result.failed == 0


def test_the_package_names_its_modules() -> None:
    text = loyalty.offers.__doc__ or ""
    assert [name for name in MODULES if f"{name} " not in text] == []
