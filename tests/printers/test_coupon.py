"""A coupon on paper: every language and width, a code that scans from the picture, and the same code to be typed."""

import io

import msgspec
import pytest
import zxingcpp
from PIL import Image

from printers.contents import CouponContent, encode_content
from printers.profile import load_profile
from printers.render import render
from printers.symbols import qr_matrix, qr_module_dots
from tests.printers.samples import COUPON

OFFERS = {
    "en": ("Chocolate −20 %", "From 5.00 of sweets."),
    "ko": ("초콜릿 20% 할인", "과자 5,000원 이상 구매 시."),
    "ja": ("チョコレート20％引き", "お菓子500円以上のお買い上げで。"),
    "pl": ("Czekolada −20 %", "Od 5,00 zł za słodycze. Nie łączy się z innymi promocjami."),
}
WORDS = {
    "en": ("Coupon", "Valid until", "Can be used once", "Only in this shop", "Only with the member card"),
    "ko": ("쿠폰", "유효 기한", "1회만 사용 가능", "이 매장에서만", "발급받은 회원 카드"),
    "ja": ("クーポン", "有効期限", "1回限り有効", "当店でのみ", "発行を受けた会員カード"),
    "pl": ("Kupon", "Ważny do", "Do jednorazowego użycia", "Tylko w tym sklepie", "Tylko z kartą klienta"),
}
PROFILES = ("epson-80mm", "epson-80mm-asia", "generic-80mm", "generic-58mm")


def coupon(locale: str = "en", **more: object) -> CouponContent:
    title, terms = OFFERS[locale]
    return msgspec.structs.replace(COUPON, locale=locale, title=title, terms=terms, **more)


def text_of(content: CouponContent, profile: str = "epson-80mm", copy_number: int = 0) -> str:
    return render(encode_content(content), profile, "txt", copy_number).decode()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("locale", OFFERS)
def test_the_code_scans_from_the_picture_in_every_language_and_width(locale: str, profile: str) -> None:
    image = Image.open(io.BytesIO(render(encode_content(coupon(locale)), profile, "png")))
    (found,) = zxingcpp.read_barcodes(image.convert("L"))
    assert found.text == COUPON.token


def test_the_code_is_a_qr_code_of_version_5_at_4_dots_on_both_widths() -> None:
    assert len(qr_matrix(COUPON.token)) == 37
    for profile in PROFILES:
        assert qr_module_dots(COUPON.token, load_profile(profile).dots) == 4


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("locale", OFFERS)
def test_the_paper_says_what_when_where_and_how_to_type_it(locale: str, profile: str) -> None:
    text = " ".join(text_of(coupon(locale, for_member=True), profile).split())
    for part in (*WORDS[locale], "2026-12-24", "7K2M-Q9XA-4D0C", "0001c4f2a77b3d21"):
        assert " ".join(part.split()) in text or part.replace(" ", "") in text.replace(" ", ""), part
    for part in OFFERS[locale]:
        assert part.replace(" ", "") in text.replace(" ", "")


def test_what_does_not_bind_the_coupon_is_not_printed() -> None:
    text = text_of(coupon(chain_wide=True, once=False))
    for word in ("Only in this shop", "Only with the member card", "Can be used once"):
        assert word not in text
        assert word in text_of(coupon(for_member=True))


def test_a_copy_has_the_same_code_and_says_that_it_is_one() -> None:
    copy = text_of(coupon(), copy_number=1)
    assert copy.count("COPY 1") == 2
    assert COUPON.token in copy
    assert "TRAINING" in text_of(coupon(training=True))


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_stands_beside_the_code(profile: str) -> None:
    """Every row of dots that the code crosses is white outside of it."""
    image = Image.open(io.BytesIO(render(encode_content(coupon()), profile, "png"))).convert("L")
    (found,) = zxingcpp.read_barcodes(image)
    box = found.position
    top, bottom = box.top_left.y, box.bottom_left.y
    left, right = box.top_left.x, box.top_right.x
    for area in ((0, top, left - 8, bottom), (right + 8, top, image.width, bottom)):
        assert image.crop(area).getextrema() == (255, 255)


def test_a_stored_coupon_is_read_again() -> None:
    content = coupon("pl", for_member=True)
    assert msgspec.json.decode(encode_content(content))["content"] == "coupon.1"
    assert render(encode_content(content), "epson-80mm", "bin") == render(encode_content(content), "epson-80mm", "bin")
