"""Made-up goods, members and baskets: sound, and never the same thing twice."""

from kiosk.bench.goods import LINES_PER_SALE, card_of, make_products, make_sales, member_of, phone_of
from loyalty.identity import normalise_phone, read_card
from sync.gtin import normalise_gtin
from sync.product_rules import check_product

COUNT = 3_000


def test_products_pass_the_rules_of_the_shop_and_have_their_own_barcode() -> None:
    products = make_products(COUNT, mixed_scripts=True)
    classes = frozenset({"standard", "reduced", "food"})
    assert {fault for product in products for fault in check_product(product, classes)} == set()
    assert len({product.sku for product in products}) == len({product.gtins for product in products}) == COUNT
    assert all(normalise_gtin(product.gtins[0]) == product.gtins[0] for product in products)
    assert sum(not product.name.isascii() for product in products) == COUNT // 4


def test_members_have_a_card_and_a_phone_of_their_own() -> None:
    assert len({member_of(n) for n in range(COUNT)}) == COUNT
    assert len({read_card(card_of(n)) for n in range(COUNT)} - {None}) == COUNT
    assert len({normalise_phone(phone_of(n), "48") for n in range(COUNT)}) == COUNT


def test_a_sale_has_five_different_articles_a_member_and_a_receipt() -> None:
    sales = list(make_sales(0, COUNT, 500, 100))
    assert len({sale.id for sale in sales} | {member_of(n) for n in range(100)}) == COUNT + 100
    assert all(len({line.sku for line in sale.lines}) == LINES_PER_SALE == 5 for sale in sales)
    assert {sale.receipt for sale in sales} == {"paper"}
    assert {sale.member for sale in sales} == {member_of(n) for n in range(100)}
    assert {line.sku for sale in sales for line in sale.lines} == {product.sku for product in make_products(500)}


def test_sales_go_on_where_the_last_ones_ended() -> None:
    assert [*make_sales(0, 4, 50, 9), *make_sales(4, 6, 50, 9)] == list(make_sales(0, 10, 50, 9))
