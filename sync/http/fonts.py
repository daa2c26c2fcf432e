"""edge: a font for the letters a browser may lack. A bare mini-PC has no Chinese, Japanese or Korean font, and a kiosk
that offers 한국어 as three boxes is of no use; so the pages bring Noto Sans CJK along, from the optional package that
draws receipts too (`pip install counterfoil[cjk]`). Without the package the style sheet is empty.

A browser loads the font only when a page shows such a letter and the machine has no Noto Sans CJK of its own, and then
keeps it. Pages name this font first: behind an installed font without Hangul, Chromium shows boxes all the same.
"""

import asyncio
from importlib import resources
from importlib.resources.abc import Traversable

from sync.http.etag import content_etag
from sync.http.routes import PUBLIC, Answer, Handler, Route

# The address carries the version of the font, so that a copy may be kept for good.
_FONT_ADDRESS = "/fonts/noto-sans-cjk-2.ttc"
_KEPT = "public, max-age=31536000, immutable"
_STYLE = f"""@font-face {{
  font-family: "Counterfoil CJK";
  src: local("Noto Sans CJK JP"), local("Noto Sans CJK KR"), url("{_FONT_ADDRESS}");
  font-display: swap;
  unicode-range: U+1100-11FF, U+2E80-2FDF, U+3000-4DBF, U+4E00-9FFF, U+A960-A97F, U+AC00-D7FF, U+F900-FAFF,
    U+FF00-FFEF, U+20000-2FA1F;
}}
"""


def font_routes() -> list[Route]:
    """`/fonts/cjk.css`, which each page links, and the font it names where the package is installed."""
    font = _find_font()
    style = _route("/fonts/cjk.css", _show_style(_STYLE if font else ""), "text/css")
    return [style, _route(_FONT_ADDRESS, _show_font(font), "font/collection")] if font else [style]


def _find_font() -> Traversable | None:
    try:
        return resources.files("noto_cjk_sans_otc").joinpath("NotoSansCJK-Regular.ttc")
    except ModuleNotFoundError:
        return None


def _show_style(text: str) -> Handler:
    content = text.encode()
    headers = {"ETag": content_etag(content), "Cache-Control": "no-cache"}

    async def show_style(_call: object) -> Answer:
        return Answer(200, content, headers)

    return show_style


def _show_font(font: Traversable) -> Handler:
    async def show_font(_call: object) -> Answer:
        # Sixteen megabytes that a browser asks for once in its life are not kept in memory.
        return Answer(200, await asyncio.to_thread(font.read_bytes), {"Cache-Control": _KEPT})

    return show_font


def _route(address: str, handler: Handler, content_type: str) -> Route:
    return Route(
        method="GET",
        path=address,
        handler=handler,
        summary="A font",
        tag="screens",
        roles=PUBLIC,
        response=bytes,
        produces=content_type,
        documented=False,
        logged=False,
    )
