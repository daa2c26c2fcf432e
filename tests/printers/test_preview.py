"""The picture of a paper is the paper: same dots, readable codes, every language."""

import io

import pytest
import zxingcpp
from PIL import Image, ImageChops

from printers import fonts
from printers.contents import encode_content
from printers.document import BANNER, PLAIN, Document, Style, Wrapped
from printers.errors import Unprintable
from printers.layout import TextRow, layout
from printers.preview import preview_png, preview_text
from printers.profile import load_profile
from printers.raster import DotGrid, draw_rows
from printers.render import document_of, render
from tests.printers.samples import JAPANESE, KOREAN, PAPERS, POLISH

EPSON = load_profile("epson-80mm")


def picture(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def draw(text: str, style: Style = PLAIN, locale: str = "ja") -> Image.Image:
    return draw_rows((TextRow(text, style),), EPSON, locale)


def ink(image: Image.Image) -> int:
    return image.convert("L").histogram()[0]


@pytest.mark.parametrize("profile", ["epson-80mm", "generic-58mm"])
@pytest.mark.parametrize("content", [POLISH, KOREAN, JAPANESE], ids=["pl", "ko", "ja"])
def test_the_return_code_is_readable_from_the_picture(content: object, profile: str) -> None:
    image = picture(render(encode_content(content), profile, "png"))
    (found,) = zxingcpp.read_barcodes(image.convert("L"))
    assert (found.symbology_identifier, found.text) == ("]Q1", POLISH.qr_text)


@pytest.mark.parametrize("name", PAPERS)
def test_the_picture_has_the_printers_dots_inside_its_margin(name: str) -> None:
    document = document_of(PAPERS[name])
    drawn = draw_rows(layout(document, DotGrid(48)), EPSON, document.locale)
    image = picture(preview_png(document, EPSON))
    assert (image.mode, image.size) == ("1", (576 + 64, drawn.height + 64))
    inside = image.crop((32, 32, 32 + 576, 32 + drawn.height))
    assert ImageChops.difference(inside.convert("L"), drawn.convert("L")).getbbox() is None
    assert round(image.info["dpi"][0]) == 203


def test_the_same_content_always_gives_the_same_picture() -> None:
    assert render(encode_content(KOREAN), "virtual", "png") == render(encode_content(KOREAN), "virtual", "png")


@pytest.mark.parametrize("character", "aŁżßЖα€₩¥…—가힣漢髙﨑あアｱ※①─│×−")
def test_a_character_leaves_ink_only_in_its_own_cells(character: str) -> None:
    cells = DotGrid(48).cells(character)
    alone = draw(" " * 10 + character)
    box = ImageChops.invert(alone.convert("L")).getbbox()
    assert box is not None
    assert box[0] >= 10 * 12 - 1
    assert box[2] <= (10 + cells) * 12 + 1
    assert box[1] >= 0
    assert box[3] <= 30


def test_wide_and_narrow_letters_keep_the_columns() -> None:
    """The amount behind a Korean name stands where it stands behind a Latin one."""
    korean, latin = draw("사과" + " " * 40 + "9,000"), draw("appl" + " " * 40 + "9,000")
    right = (40 * 12, 0, 576, 30)
    assert ImageChops.difference(korean.crop(right).convert("L"), latin.crop(right).convert("L")).getbbox() is None


def test_a_language_draws_chinese_characters_its_own_way() -> None:
    japanese, chinese = draw("直骨", locale="ja"), draw("直骨", locale="zh-CN")
    assert ImageChops.difference(japanese.convert("L"), chinese.convert("L")).getbbox() is not None


@pytest.mark.parametrize("text", ["bold", "굵게", "太字"])
def test_bold_has_more_ink_than_plain(text: str) -> None:
    assert ink(draw(text, Style(bold=True))) > ink(draw(text))


def test_a_banner_is_black_across_the_paper() -> None:
    (row,) = layout(Document("ko", (Wrapped("사본 1", "center", BANNER),)), DotGrid(48))
    image = draw_rows((row,), EPSON, "ko")
    assert ink(image) > image.width * image.height * 0.8
    assert all(image.getpixel((x, 15)) == 0 for x in (0, 575))


def test_no_missing_character_comes_out_as_a_box() -> None:
    with pytest.raises(Unprintable, match=r"U\+0E01"):
        draw("ก")


def test_without_the_cjk_package_korean_fails_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_cjk_package", lambda: None)
    with pytest.raises(Unprintable, match="U\\+AC1C"):
        draw_rows((TextRow("개"),), EPSON, "ko-without")
    assert ink(draw_rows((TextRow("zażółć"),), EPSON, "pl")) > 0


def test_a_paper_as_text_needs_no_font_at_all() -> None:
    assert preview_text(Document("en", (Wrapped("smile \U0001f600"),)), EPSON) == "smile \U0001f600\n"
