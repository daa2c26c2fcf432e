"""pure: a page of barcodes and loyalty codes to scan from the screen or to print.

EAN-13 bars are drawn here (GS1 General Specifications section 5.2: L, G and R patterns, parity by the first digit);
loyalty codes are QR by the qrcode library.
"""

from collections.abc import Sequence
from html import escape
from typing import Protocol

import qrcode
from qrcode.constants import ERROR_CORRECT_M

_L = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
_PARITY = ("LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL")
_QUIET = 11
_BAR_HEIGHT = 40
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #16202a; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
figure { margin: 0; padding: 1rem; border: 1px solid #c8d0d8; border-radius: 6px; break-inside: avoid; }
figcaption { margin-top: .5rem; } small { color: #52606d; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; max-height: 9rem; }
"""


class Article(Protocol):
    """What the sheet shows of a product."""

    @property
    def gtin(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def price_minor(self) -> int: ...


class Cardholder(Protocol):
    """What the sheet shows of a member."""

    @property
    def token(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def pin(self) -> str: ...


def sheet_page(products: Sequence[Article], members: Sequence[Cardholder]) -> str:
    """The page as HTML, complete in itself."""
    articles = "".join(_figure(ean13_svg(product.gtin), product.name, product.gtin) for product in products)
    cards = "".join(
        _figure(qr_svg(member.token), member.name, f"{member.token} · {member.phone} · PIN {member.pin}")
        for member in members
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Counterfoil: codes to scan</title>'
        f"<style>{_STYLE}</style></head><body><h1>Codes to scan</h1>"
        f'<h2>Loyalty cards</h2><div class="grid">{cards}</div>'
        f'<h2>Articles</h2><div class="grid">{articles}</div></body></html>'
    )


def ean13_bars(gtin: str) -> str:
    """The 95 modules of an EAN-13, 1 for black.

    >>> ean13_bars("9520000000011")[:3], len(ean13_bars("9520000000011"))
    ('101', 95)
    """
    if len(gtin) != 13 or not gtin.isdecimal():
        raise ValueError("an EAN-13 has 13 digits")
    left = "".join(
        _L[int(digit)] if parity == "L" else _inverted(_L[int(digit)])[::-1]
        for digit, parity in zip(gtin[1:7], _PARITY[int(gtin[0])], strict=True)
    )
    right = "".join(_inverted(_L[int(digit)]) for digit in gtin[7:])
    return f"101{left}01010{right}101"


def ean13_svg(gtin: str) -> str:
    """The barcode as SVG with its quiet zones."""
    dark = [(_QUIET + x, 0) for x, bar in enumerate(ean13_bars(gtin)) if bar == "1"]
    return _svg(95 + 2 * _QUIET, _BAR_HEIGHT, dark, _BAR_HEIGHT, gtin)


def qr_svg(text: str) -> str:
    """A QR code of level M with its quiet zone of 4 modules as SVG."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dark = [(x, y) for y, row in enumerate(rows) for x, cell in enumerate(row) if cell]
    return _svg(len(rows), len(rows), dark, 1, text)


def _svg(width: int, height: int, dark: Sequence[tuple[int, int]], cell_height: int, label: str) -> str:
    """Dark cells of width 1 on a light ground."""
    cells = "".join(f'<rect x="{x}" y="{y}" width="1" height="{cell_height}"/>' for x, y in dark)
    return (
        f'<svg viewBox="0 0 {width} {height}" shape-rendering="crispEdges" role="img"'
        f' aria-label="{escape(label)}">{cells}</svg>'
    )


def _figure(picture: str, name: str, detail: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(name)}<br><small>{escape(detail)}</small></figcaption></figure>"


def _inverted(modules: str) -> str:
    return modules.translate(str.maketrans("01", "10"))
