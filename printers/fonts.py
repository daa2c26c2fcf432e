"""pure: which font draws a character. No single font does: the Chinese, Japanese and Korean ones lack ą and ł, the
Latin ones lack 가 and 漢, so every character goes down a chain, Latin first.

IBM Plex Mono advances exactly 12.0 dots at 20 px, Noto Sans Mono CJK fills two such cells at 22 px: together they
keep the 48 columns of a printer's own font A. Noto is an optional package (`pip install counterfoil[cjk]`): without
it a Korean receipt has the sign of printers/legible.py for every such letter, and the log says why.

The fonts are package data and never change while we run, so opening them once is still "values in, values out".
"""

import functools
from importlib import import_module, resources
from types import ModuleType

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont, Layout

from printers.cells import NO_BREAK_SPACE
from printers.errors import Unprintable

LATIN_PIXELS = 20
CJK_PIXELS = 22
_NONCHARACTER = "\uffff"
# The Mono faces of the collection; the language decides how 直 or 骨 is drawn.
_CJK_FACES = {"ja": 5, "ko": 6, "zh": 7, "zh-hk": 9, "zh-mo": 9, "zh-tw": 8, "zh-hant": 8}


def latin_font(*, bold: bool, scale: int) -> FreeTypeFont:
    """IBM Plex Mono for a cell of 12 dots times `scale`."""
    # One weight heavier than the name says: a thermal head loses the thinnest strokes.
    return _open(
        "fontpkg_ibm_plex_mono", "files/IBMPlexMono-Bold.ttf" if bold else "files/IBMPlexMono-Medium.ttf", 0, scale
    )


def font_of(cluster: str, locale: str, *, bold: bool, scale: int) -> FreeTypeFont:
    """The first font of the chain that has every character of the cluster. Raises Unprintable where none has."""
    for font in _chain(locale, bold=bold, scale=scale):
        if all(_has(font, character) for character in cluster):
            return font
    names = " ".join(f"U+{ord(character):04X}" for character in cluster)
    raise Unprintable(f"No font here has the character {cluster!r} ({names}).")


@functools.lru_cache(maxsize=4096)
def is_latin(character: str) -> bool:
    """Whether the Latin font has the character."""
    return _has(latin_font(bold=False, scale=1), character)


def is_cjk(font: FreeTypeFont) -> bool:
    """Whether the font is the second of the chain, which has no bold face of its own."""
    return "CJK" in (font.getname()[0] or "")


def _chain(locale: str, *, bold: bool, scale: int) -> list[FreeTypeFont]:
    tag = locale.replace("_", "-").lower()
    face = _CJK_FACES.get(tag, _CJK_FACES.get(tag.partition("-")[0], _CJK_FACES["ja"]))
    fonts = [latin_font(bold=bold, scale=scale)]
    if _cjk_package() is not None:
        fonts.append(_open("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", face, scale))
    return fonts


@functools.cache
def _cjk_package() -> ModuleType | None:
    try:
        return import_module("noto_cjk_sans_otc")
    except ModuleNotFoundError:
        return None


@functools.cache
def _open(package: str, name: str, index: int, scale: int) -> FreeTypeFont:
    pixels = CJK_PIXELS if name.endswith(".ttc") else LATIN_PIXELS
    with resources.as_file(resources.files(package).joinpath(name)) as path:
        return ImageFont.truetype(str(path), pixels * scale, index, layout_engine=Layout.BASIC)


@functools.cache
def _has(font: FreeTypeFont, character: str) -> bool:
    """Whether the font has a glyph: one that looks like the glyph for "missing" is taken as missing, so no box is
    printed.
    """
    return character in (" ", NO_BREAK_SPACE) or _picture(font, character) != _picture(font, _NONCHARACTER)


def _picture(font: FreeTypeFont, character: str) -> bytes:
    image = Image.new("1", (font.size * 2, font.size * 2))  # type: ignore[arg-type]
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text((font.size / 2, font.size * 1.5), character, fill=1, font=font, anchor="ls")
    return image.tobytes()
