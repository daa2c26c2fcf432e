"""pure: QR codes and Code 128 as patterns of dark and light, and how large they are drawn.

A QR module is 4 dots (0.5 mm): the measured size that survives a print head with dead dots and faded paper on every
code length we print. Where that is too wide for narrow paper it is 3; less is refused, because it would not scan.
Error correction M, quiet zone 4 modules (ISO/IEC 18004 section 9.1); Code 128 after ISO/IEC 15417 with 10 modules of
quiet zone.
"""

import functools
import re

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError

from printers.errors import Unprintable

QUIET_MODULES = 4
BAR_ROWS = 80
"""Height of a Code 128 in dots: 10 mm."""

# The widths of bar, space, bar, space, bar, space of each of the 107 symbols (the stop has one bar more).
_CODE_128 = tuple(
    re.findall(
        r"\d{6,7}",
        "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 "
        "113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 "
        "212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 "
        "113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
        "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 "
        "241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 "
        "214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 "
        "211232 2331112 ",
    )
)
_TO_C, _TO_B, _START_B, _START_C, _STOP = 99, 100, 104, 105, 106


@functools.lru_cache(maxsize=64)
def qr_matrix(text: str) -> tuple[tuple[bool, ...], ...]:
    """The modules of a QR code without its quiet zone, True for dark. Raises Unprintable where the text is too long."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError) as error:
        raise Unprintable("The text is too long for a QR code.") from error
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def trace_qr(text: str) -> tuple[int, str]:
    """A QR code for screens: how many modules wide it is with its quiet zone, and its dark modules as an SVG path.

    Raises Unprintable where the text is too long.
    """
    matrix = qr_matrix(text)
    path = "".join(
        f"M{column + QUIET_MODULES} {row + QUIET_MODULES}h1v1h-1z"
        for row, modules in enumerate(matrix)
        for column, is_dark in enumerate(modules)
        if is_dark
    )
    return len(matrix) + 2 * QUIET_MODULES, path


def qr_module_dots(text: str, dots: int) -> int:
    """How many dots a module gets on paper of that width: 4, or 3 on narrow paper. Raises Unprintable below that."""
    modules = len(qr_matrix(text)) + 2 * QUIET_MODULES
    for size in (4, 3):
        if modules * size <= dots:
            return size
    raise Unprintable(f"A QR code of {modules} modules does not fit on {dots} dots and stay readable.")


def barcode_runs(text: str) -> list[tuple[str, str]]:
    """A text as runs of code set B and C: ("C", "001234"), ("B", "-A"). Raises Unprintable outside ASCII 32..126."""
    if not text or not all(" " <= character <= "~" for character in text):
        raise Unprintable("A barcode holds letters, digits and signs of plain ASCII only.")
    runs: list[tuple[str, str]] = []
    index = 0
    while index < len(text):
        digits = _digits_at(text, index)
        # Changing the set costs a symbol: it pays from 4 digits at an end, from 6 in the middle.
        at_an_end = index == 0 or index + digits == len(text)
        if digits >= (4 if at_an_end else 6):
            take = digits - digits % 2
            runs.append(("C", text[index : index + take]))
            index += take
        elif runs and runs[-1][0] == "B":
            runs[-1] = ("B", runs[-1][1] + text[index])
            index += 1
        else:
            runs.append(("B", text[index]))
            index += 1
    return runs


def barcode_modules(text: str) -> tuple[bool, ...]:
    """The modules of a Code 128 from left to right without quiet zone, True for a bar."""
    symbols: list[int] = []
    runs = barcode_runs(text)
    for number, (code_set, run) in enumerate(runs):
        if number == 0:
            symbols.append(_START_B if code_set == "B" else _START_C)
        else:
            symbols.append(_TO_B if code_set == "B" else _TO_C)
        if code_set == "B":
            symbols += [ord(character) - 32 for character in run]
        else:
            symbols += [int(run[index : index + 2]) for index in range(0, len(run), 2)]
    check = (symbols[0] + sum(position * symbol for position, symbol in enumerate(symbols[1:], 1))) % 103
    modules: list[bool] = []
    for symbol in (*symbols, check, _STOP):
        for index, width in enumerate(_CODE_128[symbol]):
            modules += [index % 2 == 0] * int(width)
    return tuple(modules)


def barcode_module_dots(text: str, dots: int) -> int:
    """3 dots per module (0.375 mm), or 2 where that is too wide. Raises Unprintable below that."""
    modules = len(barcode_modules(text)) + 20
    for size in (3, 2):
        if modules * size <= dots:
            return size
    raise Unprintable(f"The barcode {text!r} is too long for this paper.")


def _digits_at(text: str, index: int) -> int:
    end = index
    while end < len(text) and text[end].isdigit():
        end += 1
    return end - index
