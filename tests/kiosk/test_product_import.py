"""A catalogue in a CSV file: what is taken, and how each wrong line is named."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.catalogue.product_import import PROBLEMS_MAX, ImportResult, parse_products
from sync.facts.catalogue import ProductFact
from sync.gtin import check_digit

HEADER = "sku,name,department,tax_class,price,unit,gtins,item_code,active\n"
SHORT = "sku,name,department,tax_class,price\n"
CLASSES = {"standard", "food"}


def parse(text: str | bytes, exponent: int = 2) -> ImportResult:
    data = text.encode() if isinstance(text, str) else text
    return parse_products(data, exponent=exponent, tax_classes=CLASSES)


def problems(result: ImportResult) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.code) for problem in result.problems]


def milk(**changes: object) -> ProductFact:
    fields = {"sku": "1", "name": "Milk", "department": "DAIRY", "tax_class": "food", "price_minor": 143}
    return ProductFact(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "product"),
    [
        ("1,Milk,DAIRY,food,1.43,,,,", milk()),
        ("1,Milk,DAIRY,food,1.43,piece,,,yes", milk()),
        (" 1 , Milk ,DAIRY , food, 1.43 ,KG,,00123, No ", milk(unit="kg", item_code="00123", active=False)),
        (
            "1,Milk,DAIRY,food,1.43,,4006381333931| 96385074 |,,1",
            milk(gtins=("04006381333931", "00000096385074")),
        ),
        ('1,"Milk, ""fresh""",DAIRY,food,"1,43",,,,', milk(name='Milk, "fresh"')),
        ("1,Milk,DAIRY,food,2,,,,", milk(price_minor=200)),
        ("1,Milk,DAIRY,food,0.5,,,,", milk(price_minor=50)),
        ("1,Milk,DAIRY,food,0,,,,", milk(price_minor=0)),
        ("1,=HYPERLINK(A1),DAIRY,food,1.43,,,,", milk(name="=HYPERLINK(A1)")),
        ("1,+1 free,DAIRY,food,1.43,,,,", milk(name="+1 free")),
        ("1,서울우유,DAIRY,food,1.43,,,,", milk(name="서울우유")),
        ("1," + unicodedata.normalize("NFD", "서울żółć") + ",DAIRY,food,1.43,,,,", milk(name="서울żółć")),
        ("1,Milk,DAIRY,food,1.43,,,,,,", milk()),
    ],
)
def test_a_good_line_is_a_product(line: str, product: ProductFact) -> None:
    result = parse(HEADER + line)
    assert problems(result) == []
    assert result.products == (product,)
    assert result.lines == (2,)


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        (",Milk,DAIRY,food,1.43,,,,", "sku", "missing"),
        ("1,,DAIRY,food,1.43,,,,", "name", "missing"),
        ("1,Milk,,food,1.43,,,,", "department", "missing"),
        ("1,Milk,DAIRY,luxury,1.43,,,,", "tax_class", "unknown_tax_class"),
        ("1,Milk,DAIRY,food,,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,-1.43,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,€1.43,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,1.430,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,1 430,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,1e3,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,=1+1,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,NaN,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,٣,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,99999999999,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,9999999999999,,,,", "price", "wrong_price"),
        ("1,Milk,DAIRY,food,1.43,pound,,,", "unit", "unknown_unit"),
        ("1,Milk,DAIRY,food,1.43,,4006381333930,,", "gtins", "wrong_gtin"),
        ("1,Milk,DAIRY,food,1.43,,4.00638E+12,,", "gtins", "wrong_gtin"),
        ("1,Milk,DAIRY,food,1.43,,4006381333931|04006381333931,,", "gtins", "doubled_gtin"),
        ("1,Milk,DAIRY,food,1.43,,,12a,", "item_code", "wrong_item_code"),
        ("1,Milk,DAIRY,food,1.43,,,,perhaps", "active", "wrong_choice"),
        ("1,Milk,DAIRY,food,1", "", "wrong_cells"),
        ("1,Milk,DAIRY,food,1,43,,,,no", "", "wrong_cells"),
        ('1,"Milk" 1 l,DAIRY,food,1.43,,,,', "", "wrong_quotes"),
        ('1,"Milk,DAIRY,food,1.43,,,,', "", "wrong_quotes"),
        ('1,"Milk\n1 l",DAIRY,food,1.43,,,,', "name", "wrong_text"),
        ("1,Milk\0,DAIRY,food,1.43,,,,", "name", "wrong_text"),
        ("1," + "x" * 70_000 + ",DAIRY,food,1.43,,,,", "", "too_long"),
        ("1," + "x" * 121 + ",DAIRY,food,1.43,,,,", "name", "too_long"),
    ],
)
def test_a_wrong_line_is_named_with_its_column_and_the_others_are_taken(line: str, field: str, code: str) -> None:
    good = "8,Bread,BAKERY,food,2.00,,,,\n"
    result = parse(f"{HEADER}{good}{line}\n9,Rolls,BAKERY,food,0.30,,,,\n")
    assert problems(result) == [(3, field, code)]
    assert [product.sku for product in result.products] == ["8", "9"]
    assert result.lines == (2, 4 + line.count("\n"))
    assert all(problem.message and problem.hint for problem in result.problems)


def test_everything_wrong_in_a_line_is_told_at_once() -> None:
    result = parse(HEADER + ",Milk,DAIRY,luxury,1.43,pound,,,")
    assert problems(result) == [
        (2, "sku", "missing"),
        (2, "tax_class", "unknown_tax_class"),
        (2, "unit", "unknown_unit"),
    ]


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ("1,Bread,BAKERY,food,2.00,,,,", "sku"),
        ("2,Bread,BAKERY,food,2.00,,4006381333931,,", "gtins"),
        ("2,Bread,BAKERY,food,2.00,,,12345,", "item_code"),
    ],
)
def test_what_an_earlier_line_has_is_not_taken_again(second: str, field: str) -> None:
    result = parse(f"{HEADER}1,Milk,DAIRY,food,1.43,,04006381333931,12345,\n{second}\n")
    assert problems(result) == [(3, field, "doubled")]
    assert "line 2" in result.problems[0].message
    assert [product.sku for product in result.products] == ["1"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_spreadsheet_programs_write_can_be_read(delimiter: str, line_end: str, mark: bytes) -> None:
    lines = ["", SHORT.strip(), "1,Milk,DAIRY,food,1.43", ",,,,", "", "2,Żółty ser,DAIRY,food,3"]
    text = line_end.join(lines).replace(",", delimiter)
    result = parse(mark + text.encode())
    assert problems(result) == []
    assert result.products == (milk(), milk(sku="2", name="Żółty ser", price_minor=300))
    assert result.lines == (3, 6)


def test_a_decimal_comma_needs_no_quotes_between_semicolons() -> None:
    assert parse(SHORT.replace(",", ";") + "1;Milk;DAIRY;food;1,43").products == (milk(),)


@pytest.mark.parametrize(
    ("exponent", "text", "price_minor"),
    [(0, "143", 143), (0, "1.4", None), (3, "0.143", 143), (3, "0,1", 100), (2, "01.43", 143), (0, "143.", None)],
)
def test_a_price_has_the_decimals_of_its_currency(exponent: int, text: str, price_minor: int | None) -> None:
    result = parse(f'{SHORT}1,Milk,DAIRY,food,"{text}"', exponent)
    assert result.products == (() if price_minor is None else (milk(price_minor=price_minor),))


def test_a_price_may_come_in_minor_units() -> None:
    header = SHORT.replace("price", "price_minor")
    assert parse(header + "1,Milk,DAIRY,food,143").products == (milk(),)
    assert problems(parse(header + "1,Milk,DAIRY,food,1.43")) == [(2, "price_minor", "wrong_price")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [("sku", "missing_column"), ("name", "missing_column"), ("department", "missing_column"),
              ("tax_class", "missing_column"), ("price", "missing_column")]),
        ("sku,name,department,tax_class\n1,Milk,DAIRY,food", [("price", "missing_column")]),
        ("sku,name,department,tax_class,price,price_minor\n1,Milk,DAIRY,food,1.43,143", [("price", "two_prices")]),
        ("sku,name,department,tax_class,price,sku\n1,Milk,DAIRY,food,1.43,2", [("sku", "doubled_column")]),
    ],
)  # fmt: skip
def test_a_file_that_could_only_be_guessed_at_is_not_read(text: str, found: list[tuple[str, str]]) -> None:
    result = parse(text)
    assert [(problem.field, problem.code) for problem in result.problems] == found
    assert result.products == ()


def test_a_column_nobody_knows_is_told_and_passed_over() -> None:
    result = parse("SKU, Name ,colour,Department,tax_class,price,\n1,Milk,white,DAIRY,food,1.43,\n")
    assert problems(result) == [(1, "colour", "unknown_column")]
    assert result.products == (milk(),)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("sku,name\n1,Żółty".encode("cp1250"), 2),
        (HEADER.encode("utf-16"), 1),
        (b"sku\nname\n\xff", 3),
    ],
)
def test_another_encoding_is_told_with_its_line(data: bytes, line: int) -> None:
    assert problems(parse(data)) == [(line, "", "not_utf8")]


def test_a_forgotten_quote_costs_one_line_and_not_the_file() -> None:
    lines = [f"{number},Milk,DAIRY,food,1.43" for number in range(2, 500)]
    lines[100] = '102,"Milk,DAIRY,food,1.43'
    result = parse(SHORT + "\n".join(lines))
    assert problems(result) == [(102, "", "wrong_quotes")]
    assert len(result.products) == len(lines) - 1


def test_a_flood_of_problems_is_counted_and_cut() -> None:
    result = parse(SHORT + ",,,,x\n" * (PROBLEMS_MAX + 50))
    assert (len(result.problems), result.problem_count) == (PROBLEMS_MAX, PROBLEMS_MAX + 50)


def gtin(number: int) -> str:
    digits = f"952{number:09d}"
    return digits + check_digit(digits)


CELLS = st.sampled_from(
    ["1", "Milk", "food", "1.43", '"', '""', ",", ";", "\t", "\n", "\r", "=1", "\0", "|", "4006381333931"]
)


@given(st.lists(CELLS | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_makes_the_import_stumble(text: str) -> None:
    for header in ("", SHORT, HEADER.replace(",", ";")):
        result = parse((header + text).encode(errors="replace"))
        assert len(result.products) == len(result.lines)
        assert result.problem_count == len(result.problems)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_import_stumble(data: bytes) -> None:
    assert parse(data).products == ()
