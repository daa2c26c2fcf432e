"""pure: pictures of figures as SVG: bars, a grid of shades, intervals. Nothing of them needs a script or a style sheet.

Every picture says what it shows (`title`), is read out as one (`role="img"`), and stands above the table that holds the
same figures. Colours are those of Okabe and Ito, told apart by all kinds of colour sight; nothing is told by colour
alone. Words that a screen may translate carry `data-word`; everything else is a figure or a name.
"""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SERIES = (BLUE, ORANGE, GREEN, RED)
WIDTH = 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 28, 40
_HEIGHT = 250
_LABELS_MAX = 10
_SHADES = ("#f1f6fa", "#d6e6f1", "#a9cce3", "#6aa8d0", "#2f7fb5", "#0b5a8f")


class Bars(Struct, frozen=True, kw_only=True):
    """Bars over labels, one colour for each series; negative values hang down. `digits` of the values stand after the
    point, `unit` is written at the axis."""

    title: str
    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[int]]]
    unit: str = ""
    digits: int = 0


class Shades(Struct, frozen=True, kw_only=True):
    """A grid of figures, the darker the higher; None is an empty cell. `unit` is written above it."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[int | None]]
    row_name: str = ""
    column_name: str = ""
    unit: str = ""
    digits: int = 0


class Intervals(Struct, frozen=True, kw_only=True):
    """A line from low to high with a mark in the middle, one below the other."""

    title: str
    labels: Sequence[str]
    values: Sequence[tuple[int, int, int]]
    unit: str = ""
    digits: int = 0


Chart = Bars | Shades | Intervals


def draw(chart: Chart) -> str:
    """The picture as SVG text."""
    if isinstance(chart, Bars):
        return _draw_bars(chart)
    if isinstance(chart, Shades):
        return _draw_shades(chart)
    return _draw_intervals(chart)


def number_text(value: int, digits: int) -> str:
    """A figure in few letters: 1234567 with 2 digits is 12.3k.

    >>> number_text(1234567, 2), number_text(-1500, 0), number_text(258, 2), number_text(0, 2)
    ('12.3k', '-1.5k', '2.58', '0')
    """
    sign, size = ("-" if value < 0 else ""), abs(value)
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if size >= unit * 10**digits:
            tenths = size * 10 // (unit * 10**digits)
            whole, part = divmod(tenths, 10)
            return f"{sign}{whole}{f'.{part}' if part and whole < 100 else ''}{letter}"
    if not digits or not size:
        return f"{sign}{size}"
    whole, part = divmod(size, 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}" if part else f"{sign}{whole}"


def ticks(low: int, high: int) -> list[int]:
    """Four to eight round figures from at most `low` to at least `high`, 0 among them.

    >>> ticks(0, 93), ticks(-20, 30)
    ([0, 20, 40, 60, 80, 100], [-20, -10, 0, 10, 20, 30])
    """
    low, high = min(low, 0), max(high, 0)
    span = max(high - low, 1)
    step = next(size * 10**power for power in range(20) for size in (1, 2, 5) if size * 10**power * 6 >= span)
    first, last = low // step, -(-high // step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _draw_bars(chart: Bars) -> str:
    values = [value for _, column in chart.series for value in column]
    marks = ticks(min(values, default=0), max(values, default=0))
    legend = len(chart.series) > 1
    top = _TOP + (18 if legend else 0)
    height = _HEIGHT - top - _BOTTOM
    scale = _Scale(marks[0], marks[-1], top + height, top)
    parts = [_grid_line(scale.at(mark), number_text(mark, chart.digits), strong=mark == 0) for mark in marks]
    slot = (WIDTH - _LEFT - _RIGHT) / max(len(chart.labels), 1)
    bar = min(slot * 0.8 / max(len(chart.series), 1), 48)
    for place, label in enumerate(chart.labels):
        middle = _LEFT + slot * (place + 0.5)
        for number, (name, column) in enumerate(chart.series):
            x = middle + (number - len(chart.series) / 2) * bar
            y, base = scale.at(column[place]), scale.at(0)
            told = f"{label} {name} {number_text(column[place], chart.digits)}".replace("  ", " ")
            parts.append(
                f'<rect x="{x:.1f}" y="{min(y, base):.1f}" width="{max(bar - 1, 1):.1f}"'
                f' height="{abs(y - base):.1f}" fill="{SERIES[number % len(SERIES)]}">'
                f"<title>{escape(told)}</title></rect>"
            )
        every = -(-len(chart.labels) // _LABELS_MAX)
        if place % every == 0:
            parts.append(_text(middle, _HEIGHT - _BOTTOM + 18, label, anchor="middle"))
    parts.append(_text(_LEFT, 16, chart.unit, small=True))
    if legend:
        parts += _legend([name for name, _ in chart.series])
    return _svg(chart.title, _HEIGHT, parts)


def _draw_shades(chart: Shades) -> str:
    longest = max((len(name) for name in chart.rows), default=1)
    left = min(max(_LEFT, longest * 8 + 16), 200)
    width = (WIDTH - left - _RIGHT) / max(len(chart.columns), 1)
    height = 30
    full = _TOP + 20 + height * len(chart.rows) + 12
    most = max((cell for row in chart.cells for cell in row if cell is not None), default=0)
    parts = [_text(left, 16, chart.column_name, small=True)]
    parts.append(_text(WIDTH - _RIGHT, 16, chart.unit, anchor="end", small=True))
    parts.append(_text(left - 8, 16, chart.row_name, anchor="end", small=True))
    every = max(1, -(-len(chart.columns) // 20))
    for place, name in enumerate(chart.columns):
        if place % every == 0:
            parts.append(_text(left + width * (place + 0.5), _TOP + 12, name, anchor="middle"))
    for line, name in enumerate(chart.rows):
        y = _TOP + 20 + line * height
        parts.append(_text(left - 8, y + height / 2 + 5, name, anchor="end"))
        for place, cell in enumerate(chart.cells[line]):
            if cell is None:
                continue
            shade = 0 if most <= 0 or cell <= 0 else min(len(_SHADES) - 1, 1 + cell * (len(_SHADES) - 2) // most)
            told = number_text(cell, chart.digits)
            x = left + width * place
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width - 2:.1f}" height="{height - 2}" fill="{_SHADES[shade]}">'
                f"<title>{escape(f'{name} {chart.columns[place]}: {told}')}</title></rect>"
            )
            if len(told) * 8 <= width:
                colour = "#ffffff" if shade >= 4 else "#1c1c1c"
                parts.append(
                    f'<text x="{x + width / 2 - 1:.1f}" y="{y + height / 2 + 4:.1f}" text-anchor="middle"'
                    f' font-size="12" fill="{colour}">{escape(told)}</text>'
                )
    return _svg(chart.title, full, parts)


def _draw_intervals(chart: Intervals) -> str:
    left = min(max((len(label) for label in chart.labels), default=1) * 8 + 24, 240)
    height = 32
    full = _TOP + height * len(chart.labels) + _BOTTOM
    marks = ticks(
        min((value[0] for value in chart.values), default=0), max((value[2] for value in chart.values), default=0)
    )
    scale = _Scale(marks[0], marks[-1], left, WIDTH - _RIGHT - 20)
    bottom = full - _BOTTOM
    parts = []
    for mark in marks:
        x = scale.at(mark)
        parts.append(_line(x, _TOP, x, bottom, strong=mark == 0))
        parts.append(_text(x, bottom + 18, number_text(mark, chart.digits), anchor="middle"))
    for line, (label, (low, middle, high)) in enumerate(zip(chart.labels, chart.values, strict=True)):
        y = _TOP + height * (line + 0.5)
        ends = f"{number_text(low, chart.digits)} … {number_text(high, chart.digits)}"
        told = f"{label}: {number_text(middle, chart.digits)} ({ends})"
        parts.append(_text(left - 12, y + 5, label, anchor="end"))
        parts.append(
            f'<line x1="{scale.at(low):.1f}" y1="{y}" x2="{scale.at(high):.1f}" y2="{y}" stroke="{BLUE}"'
            f' stroke-width="4" stroke-linecap="round"><title>{escape(told)}</title></line>'
            f'<circle cx="{scale.at(middle):.1f}" cy="{y}" r="6" fill="{ORANGE}" stroke="#1c1c1c"/>'
        )
    parts.append(_text(left, full - 8, chart.unit, small=True))
    return _svg(chart.title, full, parts)


class _Scale:
    """Figures from `low` to `high` on a line from `start` to `end`."""

    def __init__(self, low: int, high: int, start: float, end: float) -> None:
        self._low, self._span = low, max(high - low, 1)
        self._start, self._end = start, end

    def at(self, value: int) -> float:
        """Where a figure is."""
        return self._start + (self._end - self._start) * (value - self._low) / self._span


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" class="chart"'
        f' aria-label={quoteattr(title)} font-family="system-ui, sans-serif" font-size="13">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _grid_line(y: float, label: str, *, strong: bool) -> str:
    return _line(_LEFT, y, WIDTH - _RIGHT, y, strong=strong) + _text(_LEFT - 8, y + 5, label, anchor="end")


def _line(x1: float, y1: float, x2: float, y2: float, *, strong: bool) -> str:
    opacity = "0.7" if strong else "0.2"
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-opacity="{opacity}"/>'


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    x = float(_LEFT)
    for number, name in enumerate(names):
        parts.append(f'<rect x="{x:.0f}" y="24" width="12" height="12" fill="{SERIES[number % len(SERIES)]}"/>')
        parts.append(_text(x + 18, 35, name))
        x += 36 + 9 * len(name)
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", small: bool = False) -> str:
    """A text; one that is a word of ours (lower case with underscores) can be translated by whoever shows it."""
    if not text:
        return ""
    word = f" data-word={quoteattr(text)}" if text.replace("_", "").isalpha() and text.islower() else ""
    size = ' font-size="12"' if small else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{size} fill="currentColor"{word}>'
        f"{escape(text.replace('_', ' ') if word else text)}</text>"
    )
