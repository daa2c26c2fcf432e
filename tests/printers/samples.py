"""Papers of four shops, used by every test of this package."""

import msgspec

from printers.contents import (
    CouponContent,
    Discount,
    JournalMark,
    PointsBlock,
    ReceiptContent,
    ReceiptLine,
    ReceiptTotals,
    ReportRow,
    ReportSection,
    ReportWord,
    ReturnedLine,
    ShiftReportContent,
    StoreHeader,
    TaxLine,
    Tender,
    TenderKind,
)

JOURNAL = JournalMark("3f2a90c1d4e5b607", 1234, "9ab3c1d2e4f5")

POLISH = ReceiptContent(
    store=StoreHeader(
        "Księgarnia Pod Lipą",
        ("ul. Długa 12, 80-831 Gdańsk",),
        "583-000-00-08",
        ("Dziękujemy za zakupy!", "Zwroty w ciągu 30 dni z tym potwierdzeniem"),
    ),
    number="S001-T01-000123",
    business_day="2026-11-21",
    at_local="2026-11-21 14:05",
    till="T01",
    operator="Zażółć Gęślą",
    locale="pl",
    currency="PLN",
    currency_digits=2,
    lines=(
        ReceiptLine(
            name="Kawa ziarnista Etiopia 1 kg",
            quantity_milli=1000,
            unit_price_minor=4999,
            gross_minor=4999,
            net_minor=4999,
            tax_mark="A",
        ),
        ReceiptLine(
            name="Jabłka Gala",
            quantity_milli=755,
            unit="kg",
            unit_price_minor=599,
            gross_minor=452,
            net_minor=452,
            tax_mark="C",
        ),
        ReceiptLine(
            name="Masło ekstra 82% z mleka krów pasących się na łąkach, kostka 200 g",
            quantity_milli=2000,
            unit_price_minor=799,
            gross_minor=1598,
            discounts=(Discount("Tydzień masła −20%", 320),),
            net_minor=1278,
            tax_mark="C",
        ),
        ReceiptLine(
            name="Pan Tadeusz, oprawa twarda",
            quantity_milli=1000,
            unit_price_minor=3450,
            gross_minor=3450,
            net_minor=3450,
            tax_mark="C",
        ),
    ),
    totals=ReceiptTotals(gross_minor=10499, discount_minor=320, net_minor=10179, due_minor=10179),
    taxes=(TaxLine("A", "23", 4064, 935), TaxLine("C", "5", 4933, 247)),
    tenders=(Tender(TenderKind.CARD, 5000, "Karta ****4242"), Tender(TenderKind.CASH, 6000)),
    change_minor=821,
    points=PointsBlock(earned=101, redeemed=50, active=1240, provisional=True, card_masked="**** 1234"),
    journal=JOURNAL,
    qr_text="CF1.S001-T01-000123.7K3M9Q",
)

KOREAN = msgspec.structs.replace(
    POLISH,
    store=StoreHeader(
        "한빛서점", ("서울특별시 마포구 월드컵북로 21", "02-555-0100"), "123-45-67890", ("감사합니다. 또 오세요!",)
    ),
    operator="김민지",
    locale="ko-KR",
    currency="KRW",
    currency_digits=0,
    lines=(
        ReceiptLine(
            name="유기농 사과 주스 1L", quantity_milli=2000, unit_price_minor=4500, gross_minor=9000, net_minor=9000
        ),
        ReceiptLine(
            name="국내산 한돈 삼겹살 구이용",
            quantity_milli=755,
            unit="kg",
            unit_price_minor=28900,
            gross_minor=21820,
            discounts=(Discount("회원 할인 10%", 2182),),
            net_minor=19638,
        ),
        ReceiptLine(
            name="소설 토지 1권 (양장본)",
            quantity_milli=1000,
            unit_price_minor=17000,
            gross_minor=17000,
            net_minor=17000,
        ),
    ),
    totals=ReceiptTotals(gross_minor=47820, discount_minor=2182, net_minor=45638, rounding_minor=2, due_minor=45640),
    taxes=(TaxLine("", "10", 41491, 4149),),
    tenders=(Tender(TenderKind.POINTS, 640), Tender(TenderKind.CASH, 50000)),
    change_minor=5000,
    points=PointsBlock(earned=450, redeemed=640, active=12400, card_masked="**** 8821"),
)

JAPANESE = msgspec.structs.replace(
    POLISH,
    store=StoreHeader(
        "喫茶と古書 すみれ堂",
        ("東京都千代田区神田神保町1-2-3",),
        "T1234567890123",
        ("またのご来店をお待ちしております。",),
    ),
    operator="髙橋",
    locale="ja",
    currency="JPY",
    currency_digits=0,
    lines=(
        ReceiptLine(
            name="オーガニック緑茶 ペットボトル500ml 24本入りケース（送料込み）",
            quantity_milli=1000,
            unit_price_minor=3980,
            gross_minor=3980,
            net_minor=3980,
            tax_mark="※",
        ),
        ReceiptLine(name="文庫本『こころ』", quantity_milli=2000, unit_price_minor=407, gross_minor=814, net_minor=814),
    ),
    totals=ReceiptTotals(gross_minor=4794, net_minor=4794, due_minor=4794),
    taxes=(TaxLine("", "10", 740, 74), TaxLine("※", "8", 3686, 294)),
    tenders=(Tender(TenderKind.MOBILE, 4794),),
    change_minor=0,
    points=None,
)

ENGLISH_RETURN = msgspec.structs.replace(
    POLISH,
    store=StoreHeader("Corner Shop", ("1 High Street",), None, ("Thank you!",)),
    title="return",
    number="S001-T01-000124",
    original_number="S001-T01-000123",
    at_local="2026-11-22 00:15",
    operator="Ann",
    locale="en",
    currency="EUR",
    lines=(),
    returned=(ReturnedLine(name="Tea, loose", quantity_milli=2000, amount_minor=-500, tax_mark="A"),),
    totals=ReceiptTotals(gross_minor=-500, net_minor=-500, due_minor=-500),
    taxes=(TaxLine("A", "23", -407, -93),),
    tenders=(Tender(TenderKind.CASH, -500),),
    change_minor=0,
    points=PointsBlock(earned=-5, active=97),
    qr_text=None,
)

Z_REPORT = ShiftReportContent(
    store=POLISH.store,
    kind="Z",
    number="S001-T01-Z000031",
    business_day="2026-11-21",
    opened_at_local="2026-11-21 08:58",
    at_local="2026-11-21 20:04",
    till="T01",
    operator="Anna",
    locale="pl",
    currency="PLN",
    currency_digits=2,
    sections=(
        ReportSection(
            (
                ReportRow(word=ReportWord.SALES, count=123, amount_minor=1234567),
                ReportRow(word=ReportWord.RETURNS, count=2, amount_minor=-5998),
                ReportRow(word=ReportWord.NET, amount_minor=1228569, total=True),
            ),
            ReportWord.SALES,
        ),
        ReportSection(
            (
                ReportRow(word=ReportWord.OPENING_FLOAT, amount_minor=20000),
                ReportRow(word=ReportWord.EXPECTED, amount_minor=145050),
                ReportRow(word=ReportWord.COUNTED, amount_minor=145000),
                ReportRow(word=ReportWord.DIFFERENCE, amount_minor=-50, total=True),
            ),
            ReportWord.DRAWER,
        ),
        ReportSection(
            (
                ReportRow(word=ReportWord.TAX, text="23%", amount_minor=230000),
                ReportRow(word=ReportWord.FIRST_RECEIPT, value="S001-T01-000001"),
                ReportRow(word=ReportWord.RECEIPTS, count=125),
            ),
        ),
    ),
    journal=JOURNAL,
)

COUPON = CouponContent(
    store=StoreHeader("Corner Shop", ("1 High Street",)),
    locale="en",
    title="Chocolate −20 %",
    terms="From 5.00 of sweets.",
    valid_until="2026-12-24",
    token=str(int.from_bytes(bytes(range(7, 90)))).zfill(200),  # 83 bytes in decimal, as a coupon's token has them
    code="7K2M-Q9XA-4D0C",
    serial="0001c4f2a77b3d21",
    at_local="2026-11-21 16:00",
    journal=JOURNAL,
)

PAPERS: dict[str, ReceiptContent | ShiftReportContent | CouponContent] = {
    "pl": POLISH,
    "ko": KOREAN,
    "ja": JAPANESE,
    "return": ENGLISH_RETURN,
    "z": Z_REPORT,
    "coupon": COUPON,
}
"""One paper of every kind and language."""
