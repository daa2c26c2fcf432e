"""Names of goods as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.demo.names import LONGEST_NAME, name_product, write_size


@pytest.mark.parametrize(
    ("product_type", "package_size", "name"),
    [
        ("PREPARED BEANS - BAKED W/PORK", "15.75 OZ", "Prepared Beans - Baked w/Pork, 15.75 oz"),
        ("FRZN SS PREMIUM ENTREES/DNRS/T", "16 OZ", "Frozen SS Premium Entrees/Dinners/T, 16 oz"),
        ("APPLE JUICE & CIDER (OVER 50% ", "64 OZ", "Apple Juice & Cider, 64 oz"),
        ("JUICE (UNDER 10% JUICE)", "", "Juice (Under 10% Juice)"),
        ("BREAD:SWEET/BREAKFAST", "", "Bread: Sweet/Breakfast"),
        ("CARDS EVERYDAY", "", "Cards Everyday"),
        ("NOT JUICE AND NOT TEA", "2 L", "Not Juice and not Tea, 2 L"),
        ("BBQ SAUCE", "18 OZ", "BBQ Sauce, 18 oz"),
        ("SOFT DRINKS 6PK", "750 ML", "Soft Drinks 6pk, 750 ml"),
        ("Crème brûlée", "4 CT", "Crème brûlée, 4 ct"),
        ("MILK\x00\n WHOLE", "1 GAL", "Milk Whole, 1 gal"),
        ("김치", "500 G", "김치, 500 g"),
        ("", "16 OZ", ""),
        ("(", "", ""),
    ],
)
def test_a_name_is_written_as_people_read_it(product_type: str, package_size: str, name: str) -> None:
    assert name_product(product_type, package_size) == name


@pytest.mark.parametrize(
    ("size", "written"),
    [
        ("L    16.3 OZ", "16.3 oz"), ("12 PK/12    OZ", "12 pk/12 oz"), (".5 L", "0.5 L"), ("L", "L"),
        ("LARGE", "large"), ("2 LB", "2 lb"), ("1.5 LTR", "1.5 ltr"), ("", ""),
    ],
)  # fmt: skip
def test_a_size_keeps_its_number_and_gets_small_units(size: str, written: str) -> None:
    assert write_size(size) == written


@given(st.text(), st.text())
def test_any_text_makes_a_name_that_can_be_printed(product_type: str, package_size: str) -> None:
    name = name_product(product_type, package_size)
    assert len(name) <= LONGEST_NAME
    assert name.isprintable()
    assert name == name.strip()
