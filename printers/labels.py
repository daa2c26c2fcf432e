"""pure: the words on paper in English, Korean, Japanese and Polish.

What a thing is stays an enum in the content; only here does it become text a person can read, so a translation can
never change a total. A language we do not have is printed in English. The words claim nothing a tax office would have
to certify: Polish says "Potwierdzenie sprzedaży" and not "paragon fiskalny", Japanese says レシート and not 領収書.

    >>> label(Word.CHANGE, "pl-PL")
    'Reszta'
"""

import enum

from printers.contents import ReportWord, TenderKind


class Word(enum.StrEnum):
    """The words of our own templates; those of tenders and report rows belong to the contents."""

    TITLE_SALE = "title_sale"
    TITLE_RETURN = "title_return"
    TITLE_VOID = "title_void"
    TITLE_X = "title_x"
    TITLE_Z = "title_z"
    COPY = "copy"
    TRAINING = "training"
    TAX_ID = "tax_id"
    ORIGINAL = "original"
    TILL = "till"
    OPERATOR = "operator"
    BUSINESS_DAY = "business_day"
    SUBTOTAL = "subtotal"
    TOTAL = "total"
    REFUND = "refund"
    CHANGE = "change"
    SAVED = "saved"
    RATE = "rate"
    TAX_INCLUDED = "tax_included"
    TAX_ADDED = "tax_added"
    RETURNED = "returned"
    MEMBER_CARD = "member_card"
    POINTS_BALANCE = "points_balance"
    POINTS_PENDING = "points_pending"
    POINTS_ENDING = "points_ending"
    POINTS_PROVISIONAL = "points_provisional"
    OPENED = "opened"
    AS_OF = "as_of"
    CLOSED = "closed"
    QR = "qr"
    TITLE_COUPON = "title_coupon"
    VALID_UNTIL = "valid_until"
    COUPON_NUMBER = "coupon_number"
    COUPON_ONCE = "coupon_once"
    COUPON_FOR_MEMBER = "coupon_for_member"
    COUPON_THIS_SHOP = "coupon_this_shop"
    ISSUED = "issued"


LANGUAGES = ("en", "ko", "ja", "pl")

_TABLE: dict[str, tuple[str, str, str, str]] = {
    # papers and marks
    "title_sale": ("Receipt", "영수증", "レシート", "Potwierdzenie sprzedaży"),
    "title_return": ("Return", "반품", "返品", "Zwrot"),
    "title_void": ("Void", "거래 취소", "取消", "Anulowanie"),
    "title_x": ("X report", "중간 정산 (X)", "点検 (X)", "Raport zmiany X"),
    "title_z": ("Z report", "마감 정산 (Z)", "精算 (Z)", "Raport zmiany Z"),
    "copy": ("COPY", "사본", "再発行", "KOPIA"),
    "training": (
        "TRAINING - NOT A SALE",
        "연습 - 실제 판매 아님",
        "練習 - 販売ではありません",
        "SZKOLENIE - TO NIE SPRZEDAŻ",
    ),
    # head
    "tax_id": ("Tax ID", "사업자등록번호", "登録番号", "NIP"),
    "original": ("For receipt", "원거래 번호", "元レシート", "Dotyczy"),
    "till": ("Till", "계산대", "レジ", "Kasa"),
    "operator": ("Served by", "담당", "担当", "Obsługa"),
    "business_day": ("Business day", "영업일", "営業日", "Dzień sprzedaży"),
    "opened": ("Opened", "시작", "開始", "Otwarcie"),
    "as_of": ("As of", "기준 시각", "現在", "Stan na"),
    "closed": ("Closed", "마감", "締め", "Zamknięcie"),
    # amounts
    "subtotal": ("Subtotal", "소계", "小計", "Suma"),
    "discounts": ("Discounts", "할인", "値引き", "Rabaty"),
    "rounding": ("Rounding", "단수 조정", "端数調整", "Zaokrąglenie"),
    "total": ("TOTAL", "합계", "合計", "DO ZAPŁATY"),
    "refund": ("REFUND", "환불", "返金", "DO ZWROTU"),
    "change": ("Change", "거스름돈", "お釣り", "Reszta"),
    "saved": ("You saved", "할인받은 금액", "お得額", "Oszczędzasz"),
    "gross": ("Gross", "합계", "税込", "Brutto"),
    "net": ("Net", "공급가액", "税抜", "Netto"),
    "rate": ("Rate", "세율", "税率", "Stawka"),
    "tax": ("Tax", "부가세", "消費税", "VAT"),
    "taxes": ("Taxes", "세금", "税額", "Podatki"),
    "tax_included": ("Prices include tax", "가격에 부가세 포함", "価格は税込みです", "Ceny zawierają podatek"),
    "tax_added": ("Tax is added to the prices", "부가세 별도", "価格は税抜きです", "Podatek doliczony do cen"),
    "returned": ("Goods returned", "반품 상품", "返品商品", "Towary zwrócone"),
    # tenders
    "tenders": ("Payments", "결제", "お支払い", "Płatności"),
    "cash": ("Cash", "현금", "現金", "Gotówka"),
    "card": ("Card", "카드", "カード", "Karta płatnicza"),
    "points": ("Points", "포인트", "ポイント", "Punkty"),
    "gift_card": ("Gift card", "기프트 카드", "ギフトカード", "Karta podarunkowa"),
    "voucher": ("Voucher", "상품권", "商品券", "Bon"),
    "credit_note": ("Credit note", "적립금 전표", "クレジットノート", "Nota kredytowa"),
    "transfer": ("Bank transfer", "계좌 이체", "銀行振込", "Przelew"),
    "mobile": ("Mobile payment", "간편 결제", "スマホ決済", "Płatność mobilna"),
    "online": ("Paid online", "온라인 결제", "オンライン決済", "Zapłacono online"),
    "other": ("Other", "기타", "その他", "Inne"),
    # points
    "member_card": ("Member card", "회원 카드", "会員カード", "Karta klienta"),
    "points_earned": ("Points earned", "적립 포인트", "獲得ポイント", "Punkty zdobyte"),
    "points_redeemed": ("Points used", "사용 포인트", "利用ポイント", "Punkty wykorzystane"),
    "points_balance": ("Points balance", "포인트 잔액", "ポイント残高", "Saldo punktów"),
    "points_pending": ("Points that count later", "적립 예정 포인트", "獲得予定ポイント", "Punkty oczekujące"),
    "points_ending": ("Of these valid through", "소멸 예정일", "有効期限", "W tym ważne do"),
    "points_provisional": (
        "Balance not yet confirmed by head office",
        "잔액은 본사 확인 전입니다",
        "残高は本部の確認前です",
        "Saldo przed potwierdzeniem przez centralę",
    ),
    "qr": ("Code", "코드", "コード", "Kod"),
    # coupon
    "title_coupon": ("Coupon", "쿠폰", "クーポン", "Kupon"),
    "valid_until": ("Valid until", "유효 기한", "有効期限", "Ważny do"),
    "coupon_number": ("Number", "번호", "番号", "Numer"),
    "coupon_once": ("Can be used once", "1회만 사용 가능", "1回限り有効", "Do jednorazowego użycia"),
    "coupon_for_member": (
        "Only with the member card it was issued for",
        "발급받은 회원 카드로만 사용 가능",
        "発行を受けた会員カードでのみ有効",
        "Tylko z kartą klienta, dla której go wydano",
    ),
    "coupon_this_shop": ("Only in this shop", "이 매장에서만 사용 가능", "当店でのみ有効", "Tylko w tym sklepie"),
    "issued": ("Issued", "발급", "発行", "Wydano"),
    # shift report
    "sales": ("Sales", "판매", "売上", "Sprzedaż"),
    "returns": ("Returns", "반품", "返品", "Zwroty"),
    "voids": ("Voids", "취소", "取消", "Anulowania"),
    "drawer": ("Cash drawer", "현금 서랍", "現金在高", "Szuflada"),
    "opening_float": ("Opening float", "시작 준비금", "釣銭準備金", "Pogotowie kasowe"),
    "paid_in": ("Paid in", "입금", "入金", "Wpłaty"),
    "paid_out": ("Paid out", "출금", "出金", "Wypłaty"),
    "expected": ("Expected", "예상 금액", "計算在高", "Stan oczekiwany"),
    "counted": ("Counted", "실제 금액", "実在高", "Stan policzony"),
    "difference": ("Difference", "차액", "過不足", "Różnica"),
    "receipts": ("Receipts", "영수증 수", "レシート枚数", "Liczba dokumentów"),
    "first_receipt": ("First receipt", "첫 영수증", "最初のレシート", "Pierwszy dokument"),
    "last_receipt": ("Last receipt", "마지막 영수증", "最後のレシート", "Ostatni dokument"),
    "drawer_openings": ("Drawer openings", "서랍 열림 횟수", "ドロア開回数", "Otwarcia szuflady"),
    "loyalty": ("Loyalty", "멤버십", "ポイントカード", "Program lojalnościowy"),
}


def language_of(locale: str) -> str:
    """The language of `LANGUAGES` a locale is printed in ("pl-PL" -> "pl", "de" -> "en")."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


def label(word: Word | TenderKind | ReportWord, locale: str) -> str:
    """The word in the language of `locale`. Enums that share a value (cash as a tender, cash in a report) share the
    word.
    """
    return _TABLE[word.value][LANGUAGES.index(language_of(locale))]
