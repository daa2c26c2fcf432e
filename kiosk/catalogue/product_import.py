"""pure: a catalogue in a CSV file, read line by line. Every wrong line is named with its column; the others are taken.

    sku;name;department;tax_class;price;unit;gtins;item_code;active
    1041453;Milk 3.2 % 1 l;DAIRY;food;1,43;piece;5901234123457|5901234123464;;yes
    2000112;Gouda;DAIRY;food;32,90;kg;;12345;yes

- A line is the whole product: what a column leaves empty, or what has no column, the product no longer has.
- `price` is in units of the currency with a point or a comma (1.43), `price_minor` in minor units (143): one of both.
- `unit` (piece), `gtins`, `item_code` and `active` (yes) may be left out. Comma, semicolon or tab between the columns.
- UTF-8, with or without byte order mark. Text stays text: a cell that begins with = is a name that begins with =.

A line with fewer cells than the header is refused even where the rest could be left out, because a line that was cut
short would otherwise sell at a price that was cut short.
"""

import csv
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from loyalty.identity import fold_name
from sync.facts.catalogue import ProductFact
from sync.gtin import normalise_gtin
from sync.product_rules import Fault, check_product

BYTES_MAX = 64 * 2**20
LINES_MAX = 250_000
PROBLEMS_MAX = 1000
_RECORD_LINES_MAX = 50
_RECORD_MAX = 64 * 1024

_REQUIRED = ("sku", "name", "department", "tax_class")
_PRICES = ("price", "price_minor")
_OPTIONAL = ("unit", "gtins", "item_code", "active")
_KNOWN = (*_REQUIRED, *_PRICES, *_OPTIONAL)
_DELIMITERS = (",", ";", "\t")
_YES_OR_NO = {
    "": True,
    "yes": True,
    "y": True,
    "true": True,
    "1": True,
    "no": False,
    "n": False,
    "false": False,
    "0": False,
}
_SPREADSHEET_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_PRICE = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,4}))?")


class LineProblem(Struct, frozen=True):
    """What is wrong in the file: line (the header is 1), column, what it is, and what to do about it."""

    line: int
    field: str
    code: str
    message: str
    hint: str


class ImportResult(Struct, frozen=True):
    """The good lines as products, with the line of each, and what is wrong with the others. `problems` holds the first
    PROBLEMS_MAX; `problem_count` counts all."""

    products: tuple[ProductFact, ...]
    lines: tuple[int, ...]
    problems: tuple[LineProblem, ...]
    problem_count: int


class _Wrong(Exception):
    """A cell that cannot be read."""

    def __init__(self, field: str, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.fault = Fault(field, code, message, hint)


class _Findings:
    """Problems as they are found, the first of them kept."""

    def __init__(self) -> None:
        self.problems: list[LineProblem] = []
        self.count = 0

    def add(self, line: int, fault: Fault) -> None:
        self.count += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(LineProblem(line, fault.field, fault.code, fault.message, fault.hint))


def parse_products(data: bytes, *, exponent: int, tax_classes: Collection[str]) -> ImportResult:
    """Read the file. `exponent` is the number of decimals of the store's currency (loyalty.money.currency_exponent).

    Never raises for what is in the file. Barcodes that belong to products outside it are found when it is taken
    (product_service.take_products).
    """
    findings = _Findings()
    text = _decode(data, findings)
    if text is None:
        return ImportResult((), (), tuple(findings.problems), findings.count)
    lines = text.split("\n")
    header = next((number for number, line in enumerate(lines, 1) if line.strip()), 0)
    delimiter = _sniff(lines[header - 1]) if header else ","
    columns = _read_header(lines[header - 1] if header else "", delimiter, header or 1, findings)
    taken: dict[str, tuple[int, ProductFact]] = {}
    claimed: dict[tuple[str, str], int] = {}
    for line, record in _records(lines, header) if columns else ():
        if line > LINES_MAX:
            findings.add(line, Fault("", "too_long", f"The file has more than {LINES_MAX} lines.", "Split the file."))
            break
        try:
            cells = _read_cells(record, delimiter, columns)
            if not any(cells.values()):
                continue
            product = _read_product(cells, exponent)
        except _Wrong as wrong:
            findings.add(line, wrong.fault)
            continue
        faults = [*check_product(product, tax_classes), *_claim(product, line, claimed)]
        for fault in faults:
            findings.add(line, _in_columns(fault, columns))
        if not faults:
            taken[product.sku] = (line, product)
    products = tuple(product for _, product in taken.values())
    return ImportResult(products, tuple(line for line, _ in taken.values()), tuple(findings.problems), findings.count)


def _decode(data: bytes, findings: _Findings) -> str | None:
    """The text with one kind of line end and composed letters, or None with the reason among the findings."""
    if len(data) > BYTES_MAX:
        findings.add(1, Fault("", "too_large", f"The file is larger than {BYTES_MAX >> 20} MB.", "Split the file."))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"The file is not UTF-8: byte {error.start + 1} cannot be read."
        findings.add(line, Fault("", "not_utf8", message, 'Save it again as "CSV UTF-8".'))
        return None
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")


def _sniff(header: str) -> str:
    """The delimiter that makes most sense of the header; a comma where none does."""
    return max(_DELIMITERS, key=lambda delimiter: len(set(_names(header, delimiter)) & set(_KNOWN)))


def _names(header: str, delimiter: str) -> list[str]:
    return [fold_name(cell) for cell in next(csv.reader([header[:_RECORD_MAX]], delimiter=delimiter), [])]


def _read_header(header: str, delimiter: str, line: int, findings: _Findings) -> list[str]:
    """The columns in their order, or none when the file cannot be read without guessing."""
    names = _names(header, delimiter)
    before = findings.count
    missing = [name for name in _REQUIRED if name not in names]
    if not any(name in names for name in _PRICES):
        missing.append("price")
    for name in missing:
        hint = f"The first line names the columns: {', '.join(_KNOWN)}."
        findings.add(line, Fault(name, "missing_column", f"There is no column {name}.", hint))
    if all(name in names for name in _PRICES):
        findings.add(
            line, Fault("price", "two_prices", "There are two columns of prices.", "Keep price or price_minor.")
        )
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        findings.add(
            line, Fault(name[:40], "doubled_column", f"Column {name[:40]} is there twice.", "Keep one of them.")
        )
    usable = findings.count == before
    for name in names:
        if name and name not in _KNOWN:
            hint = f"It is not read. Known columns: {', '.join(_KNOWN)}."
            findings.add(line, Fault(name[:40], "unknown_column", f"Column {name[:40]} is not known.", hint))
    return names if usable else []


def _records(lines: Sequence[str], start: int) -> Iterator[tuple[int, str]]:
    """Each record with the number of its first line.

    A cell in quotes may go over several lines, so a record ends where its quotes are even. One that does not end within
    some lines is a forgotten quote: then only its first line is given up, and not the rest of the file.
    """
    index = start
    while index < len(lines):
        record, following = lines[index], index + 1
        if record.count('"') % 2:
            quotes, joined = record.count('"'), [record]
            while quotes % 2 and following < min(len(lines), index + _RECORD_LINES_MAX):
                joined.append(lines[following])
                quotes += lines[following].count('"')
                following += 1
            if quotes % 2:
                following = index + 1
            else:
                record = "\n".join(joined)
        yield index + 1, record
        index = following


def _read_cells(record: str, delimiter: str, columns: Sequence[str]) -> Mapping[str, str]:
    """The cells of a record by column, trimmed. Raises _Wrong for broken quotes or the wrong number of cells."""
    if len(record) > _RECORD_MAX:
        raise _Wrong("", "too_long", f"The line has {len(record)} characters.", "Check the quotes around its cells.")
    try:
        cells = next(csv.reader([record], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise _Wrong(
            "", "wrong_quotes", f"The line cannot be read: {error}.", "Check the quotes around its cells."
        ) from error
    if not any(cells):
        return {}
    while len(cells) > len(columns) and not cells[-1].strip():
        cells.pop()
    if len(cells) != len(columns):
        message = f"The line has {len(cells)} cells, the header has {len(columns)}."
        raise _Wrong("", "wrong_cells", message, "Put quotes around a cell that holds the delimiter.")
    return {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if name}


def _read_product(cells: Mapping[str, str], exponent: int) -> ProductFact:
    active = _YES_OR_NO.get(cells.get("active", "").lower())
    if active is None:
        raise _Wrong("active", "wrong_choice", f"{cells['active'][:40]!r} is neither yes nor no.", "Write yes or no.")
    return ProductFact(
        sku=cells["sku"],
        name=cells["name"],
        department=cells["department"],
        tax_class=cells["tax_class"],
        price_minor=_read_price(cells, exponent),
        unit=cells.get("unit", "").lower() or "piece",
        gtins=tuple(_read_gtin(gtin.strip()) for gtin in cells.get("gtins", "").split("|") if gtin.strip()),
        item_code=cells.get("item_code") or None,
        active=active,
    )


def _read_price(cells: Mapping[str, str], exponent: int) -> int:
    """Minor units. More decimals than the currency has are refused and not rounded: "1.430" may mean 1430."""
    field = "price_minor" if "price_minor" in cells else "price"
    text, decimals = cells[field], 0 if field == "price_minor" else exponent
    match = _PRICE.fullmatch(text)
    if match is None or len(match[2] or "") > decimals:
        example = f"1234{'.' if decimals else ''}{'567890'[:decimals]}"
        message = f"{text[:40]!r} is not a price." if text else "The price is empty."
        raise _Wrong(field, "wrong_price", message, f"Write it like {example}, without currency or thousands.")
    return int(match[1] + (match[2] or "").ljust(decimals, "0"))


def _read_gtin(text: str) -> str:
    gtin = normalise_gtin(text)
    if gtin is not None:
        return gtin
    if _SPREADSHEET_NUMBER.fullmatch(text):
        message = f"{text[:40]!r} is a barcode that a spreadsheet program has rounded."
        raise _Wrong("gtins", "wrong_gtin", message, "Format the column as text before the barcodes are entered.")
    message = f"{text[:40]!r} is not a barcode number: 8, 12, 13 or 14 digits, the last of them a check digit."
    raise _Wrong("gtins", "wrong_gtin", message, "Scan the product's barcode. A leading zero may be missing.")


def _claim(product: ProductFact, line: int, claimed: dict[tuple[str, str], int]) -> list[Fault]:
    """Note whose the sku, the barcodes and the item code are; what an earlier line of the file has is a fault."""
    wanted = [("sku", product.sku), *(("gtins", gtin) for gtin in product.gtins)]
    if product.item_code is not None:
        wanted.append(("item_code", product.item_code))
    faults = []
    for field, value in wanted:
        first = claimed.setdefault((field, value), line)
        if first != line:
            message = f"{value[:64]} stands in line {first} already."
            faults.append(Fault(field, "doubled", message, "Keep one of the two lines, or correct one."))
    return faults


def _in_columns(fault: Fault, columns: Collection[str]) -> Fault:
    """The same fault named after the column of this file: the price may stand in `price`."""
    if fault.field == "price_minor" and "price_minor" not in columns:
        return Fault("price", fault.code, fault.message, fault.hint)
    return fault
