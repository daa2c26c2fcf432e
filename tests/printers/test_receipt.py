"""What stands on paper, compared with papers a person has looked at.

`UPDATE_GOLDEN=1` writes the files in golden/ anew; look at the difference before keeping it.
"""

import os
from pathlib import Path

import msgspec
import pytest

from printers.contents import (
    Discount,
    ReceiptContent,
    ReceiptLine,
    ReceiptTotals,
    ReportRow,
    ReportSection,
    TaxLine,
    Tender,
    TenderKind,
    encode_content,
)
from printers.render import render
from tests.printers.samples import ENGLISH_RETURN, PAPERS, POLISH, Z_REPORT

GOLDEN = Path(__file__).parent / "golden"


def paper(content: ReceiptContent, copy_number: int = 0) -> str:
    return render(encode_content(content), "epson-80mm", "txt", copy_number).decode()


def compare(name: str, data: bytes) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_bytes(data)
    assert data == path.read_bytes()


@pytest.mark.parametrize("profile", ["epson-80mm", "generic-58mm"])
@pytest.mark.parametrize("name", PAPERS)
def test_the_paper_reads_as_it_was_approved(name: str, profile: str) -> None:
    compare(f"{name}-{profile}.txt", render(encode_content(PAPERS[name]), profile, "txt"))


@pytest.mark.parametrize("name", ["pl", "return", "z"])
def test_the_printer_gets_the_bytes_it_got_before(name: str) -> None:
    compare(f"{name}-epson-80mm.bin", render(encode_content(PAPERS[name]), "epson-80mm", "bin", 1))


def test_a_copy_and_a_training_paper_say_so_at_head_and_foot() -> None:
    training = msgspec.structs.replace(ENGLISH_RETURN, training=True)
    assert paper(training, 2).count("COPY 2") == 2
    assert paper(training, 2).count("TRAINING - NOT A SALE") == 2
    assert "COPY" not in paper(training)
    assert "TRAINING" not in paper(ENGLISH_RETURN, 2)


@pytest.mark.parametrize(("title", "word"), [("sale", "Receipt"), ("return", "Return"), ("void", "Void")])
def test_the_title_says_what_paper_it_is(title: str, word: str) -> None:
    text = paper(msgspec.structs.replace(ENGLISH_RETURN, title=title))
    assert any(line.startswith(word) and line.endswith("S001-T01-000124") for line in text.splitlines())


def test_the_business_day_is_printed_only_where_it_is_another_day() -> None:
    assert "Business day" in paper(ENGLISH_RETURN)
    assert "Business day" not in paper(msgspec.structs.replace(ENGLISH_RETURN, at_local="2026-11-21 23:59"))


def test_one_piece_needs_no_second_row_two_pieces_and_weighed_goods_do() -> None:
    rows = paper(POLISH).splitlines()
    assert [row.strip() for row in rows if " × " in row] == ["0,755 kg × 5,99", "2 × 7,99"]


def test_a_discount_is_printed_with_its_reason_and_a_minus() -> None:
    rows = paper(POLISH).splitlines()
    assert any(row.split() == ["Tydzień", "masła", "−20%", "−3,20"] for row in rows)


def test_the_lowest_price_stands_below_its_line_and_what_was_saved_below_the_change() -> None:
    lines = (msgspec.structs.replace(POLISH.lines[2], note="Najniższa cena z 30 dni przed obniżką: 7,49 zł"),)
    totals = msgspec.structs.replace(POLISH.totals, saved_minor=320)
    rows = [row.split() for row in paper(msgspec.structs.replace(POLISH, lines=lines, totals=totals)).splitlines()]
    discount = rows.index(["Tydzień", "masła", "−20%", "−3,20"])
    assert rows[discount + 1][:3] == ["Najniższa", "cena", "z"]
    assert rows[rows.index(["Reszta", "8,21"]) + 1] == ["Oszczędzasz", "3,20"]
    assert not any(row[:1] == ["Oszczędzasz"] for row in map(str.split, paper(POLISH).splitlines()))


def test_tax_that_is_added_stands_between_net_and_total() -> None:
    content = msgspec.structs.replace(
        ENGLISH_RETURN,
        title="sale",
        returned=(),
        lines=(
            ReceiptLine(
                name="Tea",
                quantity_milli=1000,
                unit_price_minor=1000,
                gross_minor=1000,
                discounts=(Discount("Autumn", 100),),
                net_minor=900,
                tax_mark="A",
            ),
        ),
        prices_include_tax=False,
        totals=ReceiptTotals(gross_minor=1000, discount_minor=100, net_minor=900, rounding_minor=-2, due_minor=1105),
        taxes=(TaxLine("A", "23", 900, 207),),
        tenders=(Tender(TenderKind.CARD, 1105, "Visa **** 4242"),),
    )
    rows = [row.split() for row in paper(content).splitlines()]
    start = rows.index(["Subtotal", "10.00"])
    assert rows[start : start + 7] == [
        ["Subtotal", "10.00"],
        ["Discounts", "−1.00"],
        ["Net", "9.00"],
        ["Tax", "23%", "2.07", "A"],
        ["Rounding", "−0.02"],
        ["TOTAL", "€11.05"],
        ["Visa", "****", "4242", "11.05"],
    ]
    assert ["Tax", "is", "added", "to", "the", "prices"] in rows


def test_money_that_goes_back_is_a_refund_and_keeps_its_sign() -> None:
    assert any(row.split() == ["REFUND", "−€5.00"] for row in paper(ENGLISH_RETURN).splitlines())


def test_the_receipt_number_stands_below_the_code_for_a_scanner_that_fails() -> None:
    rows = [row.strip() for row in paper(POLISH).splitlines()]
    code = rows.index(f"[{POLISH.qr_text}]")
    assert rows[code + 1] == POLISH.number


def test_a_report_row_without_a_word_prints_its_text_and_every_kind_of_value() -> None:
    rows = (
        ReportRow(text="Anna", count=3, amount_minor=1250),
        ReportRow(text="Till lid", count=4),
        ReportRow(text="Note", value="checked"),
    )
    content = msgspec.structs.replace(Z_REPORT, locale="en", kind="X", sections=(ReportSection(rows, None, "By hand"),))
    lines = [line.split() for line in render(encode_content(content), "epson-80mm", "txt").decode().splitlines()]
    assert ["By", "hand"] in lines
    assert ["Anna", "3", "×", "12.50"] in lines
    assert ["Till", "lid", "4"] in lines
    assert ["Note", "checked"] in lines
    assert ["As", "of", "2026-11-21", "20:04"] in lines
