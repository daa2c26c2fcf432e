"""The goods of the demonstration."""

import biip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.demo.catalogue import PRODUCT_COLUMNS, ProductRow, build_catalogue, gtin_of, read_products, tax_class_of
from kiosk.demo.files import bundled_baskets, find_products, load_baskets, load_products
from kiosk.demo.prices import choose_prices
from kiosk.demo.rows import WrongFile

HEADER = ",".join(PRODUCT_COLUMNS)


@given(st.integers(0, 999_999_999))
def test_every_number_of_nine_digits_gets_a_gtin_that_scanners_accept_as_an_example(number: int) -> None:
    gtin = gtin_of(str(number))
    assert gtin is not None
    assert len(gtin) == 14
    read = biip.parse(gtin[1:]).gtin
    assert read is not None
    assert read.as_gtin_14() == gtin
    assert read.prefix is not None
    assert "demonstration" in read.prefix.usage.casefold()


@pytest.mark.parametrize("product_id", ["", "1000000000", "042", "00", "A12", "-1", "²", "٣", "1 2"])
def test_an_id_that_is_no_plain_number_has_no_barcode(product_id: str) -> None:
    assert gtin_of(product_id) is None


@pytest.mark.parametrize(
    ("department", "tax_class"),
    [("GROCERY", "food"), ("SEAFOOD-PCKGD", "food"), ("FLORAL", "reduced"), ("SALAD BAR", "reduced"),
     ("DRUG GM", "standard"), ("SPIRITS", "standard"), ("", "standard"), ("NEVER SEEN", "standard")],
)  # fmt: skip
def test_a_department_is_taxed_as_a_whole(department: str, tax_class: str) -> None:
    assert tax_class_of(department) == tax_class


def test_a_product_gets_its_name_department_and_price() -> None:
    row = ProductRow("818980", "GROCERY", "BEANS", "PREPARED BEANS - BAKED W/PORK", "15.75 OZ")
    (product,) = build_catalogue({"818980": 129}, {"818980": row})
    assert (product.sku, product.name) == ("818980", "Prepared Beans - Baked w/Pork, 15.75 oz")
    assert (product.department, product.tax_class, product.unit) == ("Grocery", "food", "piece")
    assert (product.price_minor, product.gtins, product.active) == (129, (gtin_of("818980"),), True)


def test_a_product_nobody_knows_is_sold_by_its_number() -> None:
    known = {"2": ProductRow("2", "", "", "", ""), "3": ProductRow("3", "DELI", "CHEESE", "", "")}
    one, two, three, four = build_catalogue({"1": 5, "2": 6, "3": 7, "X-4": 8}, known)
    assert [product.name for product in (one, two, three, four)] == ["Product 1", "Product 2", "Cheese", "Product X-4"]
    assert (one.department, one.tax_class) == (two.department, two.tax_class) == ("Other", "standard")
    assert four.gtins == ()


def test_the_real_catalogue_is_complete_and_no_barcode_is_used_twice() -> None:
    file = load_baskets(bundled_baskets())
    prices = choose_prices(line for basket in file.baskets for line in basket.lines)
    catalogue = build_catalogue(prices, load_products(find_products(bundled_baskets())))
    assert len({product.sku for product in catalogue}) == len(catalogue) == 21_625
    assert len({gtin for product in catalogue for gtin in product.gtins}) == 21_625
    assert {product.tax_class for product in catalogue} == {"food", "reduced", "standard"}
    assert sum(product.name == f"Product {product.sku}" for product in catalogue) == 55
    assert all(product.name and product.department and product.price_minor >= 0 for product in catalogue)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1,D,C,T,S", "1,D,C,T,S"], "line 3: product 1 is named a second time"),
        ([",D,C,T,S"], "line 2: product_id is empty"),
        (["1,D,C"], "line 2: 3 fields where the header has 5"),
    ],
)
def test_a_wrong_row_of_products_is_refused_with_its_line(rows: list[str], said: str) -> None:
    with pytest.raises(WrongFile) as caught:
        read_products([HEADER, *rows])
    assert said in caught.value.detail
