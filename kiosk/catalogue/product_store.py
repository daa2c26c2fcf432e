"""sql: what the shop sells, read back: by sku, by barcode, by the item code of a scale's label, by search.

A read of products is one statement, whatever the number asked for, because a sale waits for it. Prices are what the
newest price book says; an entry of the journal names its version.

    page = search_products(tx, "choc 100", after=None, limit=20)   # every word occurs in the name, in any order
    page.items[0].name, page.next
"""

import unicodedata
from collections.abc import Collection

import msgspec

from loyalty.identity import fold_name
from loyalty.transactions import Row, Tx
from sync.http.paging import Page, decode_cursor, encode_cursor, page_of

_QUERY_MAX = 200
_WORDS_MAX = 8
_CODES_MAX = 50
_CODE_DIGITS_MIN = 4  # fewer digits begin half the barcodes of a shop
_GTIN_PADDING = ("", "0", "00", "000000")  # how GTIN-14, -13, -12 and -8 begin when written with 14 digits
_LAST_CHARACTER = "\U0010ffff"
_PATTERN = frozenset("*?[\0")
_BY_CODE, _BEGINS, _CONTAINS, _ALL = range(4)

# Barcodes come in order: the index by sku holds the gtin as its second column.
_SELECT = """
SELECT product.sku, product.name, product.department, product.tax_class, product.price_minor, product.unit,
    (SELECT group_concat(gtin, ' ' ORDER BY gtin) FROM product_barcode WHERE product_barcode.sku = product.sku),
    product.item_code, product.active, product.price_book, product.op
"""
_BY_SKU = f"{_SELECT} FROM product WHERE sku = ?"
_BY_SKUS = f"{_SELECT} FROM json_each(?) AS wanted JOIN product ON product.sku = wanted.value"
_BY_GTIN = f"{_SELECT} FROM product_barcode AS found JOIN product ON product.sku = found.sku WHERE found.gtin = ?"
_BY_GTINS = f"""
{_SELECT}, found.gtin FROM json_each(?) AS wanted
JOIN product_barcode AS found ON found.gtin = wanted.value JOIN product ON product.sku = found.sku
"""
_BY_ITEM_CODE = f"{_SELECT} FROM product WHERE item_code = ? ORDER BY active DESC, sku LIMIT 1"


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product as it is sold now. `price_minor` is for one `unit` (piece, kg, …); `gtins` are 14 digits, in order;
    `item_code` is its part of price- and weight-embedded labels; `revision` names the fact that wrote it last."""

    sku: str
    name: str
    department: str
    tax_class: str
    price_minor: int
    unit: str
    gtins: tuple[str, ...]
    item_code: str | None
    active: bool
    price_book: int
    revision: str


def read_product(tx: Tx, sku: str) -> Product | None:
    """The product with exactly this sku, sold or no longer sold (`active`)."""
    row = tx.execute(_BY_SKU, (sku,)).fetchone()
    return _product(row) if row else None


def read_products(tx: Tx, skus: Collection[str]) -> dict[str, Product]:
    """The products with these skus, by sku; an unknown sku is not in the answer."""
    return {row[0]: _product(row) for row in tx.execute(_BY_SKUS, (_distinct(skus),))}


def find_by_gtin(tx: Tx, gtin: str) -> Product | None:
    """The product that carries this barcode; `gtin` has 14 digits (barcodes.normalise_gtin)."""
    row = tx.execute(_BY_GTIN, (gtin,)).fetchone()
    return _product(row) if row else None


def find_by_gtins(tx: Tx, gtins: Collection[str]) -> dict[str, Product]:
    """The products that carry these barcodes (14 digits), by barcode; one that nobody carries is not in the answer."""
    return {row[-1]: _product(row) for row in tx.execute(_BY_GTINS, (_distinct(gtins),))}


def find_by_item_code(tx: Tx, item_code: str) -> Product | None:
    """The product whose labels carry this item code. Should two have it, one that is still sold wins."""
    row = tx.execute(_BY_ITEM_CODE, (item_code,)).fetchone()
    return _product(row) if row else None


def read_price_book(tx: Tx) -> int:
    """The version of the newest price book, 0 before the first."""
    row = tx.execute("SELECT max(version) FROM price_book").fetchone()
    return int(row[0] or 0) if row else 0


def read_stock(tx: Tx, sku: str) -> int:
    """What should lie on the shelf, in thousandths of the unit: 0 for what never moved, negative when oversold."""
    row = tx.execute("SELECT quantity_milli FROM stock_level WHERE sku = ?", (sku,)).fetchone()
    return int(row[0]) if row else 0


def read_stocks(tx: Tx, skus: Collection[str]) -> dict[str, int]:
    """`read_stock` of many in one statement; every sku asked for is in the answer."""
    rows = tx.execute(
        "SELECT sku, quantity_milli FROM json_each(?) AS wanted JOIN stock_level ON stock_level.sku = wanted.value",
        (_distinct(skus),),
    )
    return dict.fromkeys(skus, 0) | {row[0]: int(row[1]) for row in rows}


def search_products(tx: Tx, query: str, after: str | None, limit: int, *, with_inactive: bool = False) -> Page[Product]:
    """A page of the products that a person means by `query`, best first; all products by sku when it is blank.

    1. sku or barcode begins with the query (at most 50 of each; four digits or more are a barcode),
    2. the name begins with the first word and contains the others,
    3. the name contains every word, in any order.

    Names and words are folded alike (loyalty.identity.fold_name): case, wide letters and European accents make no
    difference ("zolty" finds "żółty"), and two characters of Korean, Chinese or Japanese are a word like any other.
    `after` is the `next` of the page before. 100,000 names are read in a few milliseconds.

    Raises InvalidCursor for an `after` of another query.
    """
    words = fold_name(query[:_QUERY_MAX]).split()[:_WORDS_MAX]
    purpose = f"products {with_inactive:d} {' '.join(words)}"
    stage, last = decode_cursor(after, purpose, tuple[int, str]) if after else (_BY_CODE if words else _ALL, "")
    found: list[tuple[int, str]] = []
    wanted = limit + 1
    active = 0 if with_inactive else 1
    codes = _find_codes(tx, query, active) if words else []
    if stage == _ALL:
        rows = tx.execute(
            "SELECT sku FROM product WHERE sku > ? AND active >= ? ORDER BY sku LIMIT ?", (last, active, wanted)
        )
        found = [(_ALL, row[0]) for row in rows]
    if stage == _BY_CODE:
        found = [(_BY_CODE, sku) for sku in codes if sku > last][:wanted]
    for names in (_BEGINS, _CONTAINS):
        if stage <= names and len(found) < wanted:
            start = last if stage == names else None
            skus = _find_names(tx, words, codes, start, active, wanted - len(found), begins=names == _BEGINS)
            found += [(names, sku) for sku in skus]
    page = page_of(found, limit, lambda position: encode_cursor(position, purpose))
    products = read_products(tx, [sku for _, sku in page.items])
    return Page(tuple(products[sku] for _, sku in page.items), page.next)


def _find_codes(tx: Tx, query: str, active: int) -> list[str]:
    """Skus of products whose sku or barcode begins with the query, in order. Index ranges only, a fixed number."""
    code = " ".join(unicodedata.normalize("NFKC", query[:_QUERY_MAX]).split())
    found: set[str] = set()
    for start in {code, code.upper(), code.lower()}:
        rows = tx.execute(
            "SELECT sku FROM product WHERE sku >= ? AND sku < ? AND active >= ? ORDER BY sku LIMIT ?",
            (start, start + _LAST_CHARACTER, active, _CODES_MAX),
        )
        found.update(row[0] for row in rows)
    if len(code) >= _CODE_DIGITS_MIN and code.isascii() and code.isdigit():
        for padding in _GTIN_PADDING:
            rows = tx.execute(
                "SELECT sku FROM product_barcode WHERE gtin >= ? AND gtin < ?"
                " AND (SELECT active FROM product WHERE product.sku = product_barcode.sku) >= ? ORDER BY gtin LIMIT ?",
                (padding + code, padding + code + ":", active, _CODES_MAX),
            )
            found.update(row[0] for row in rows)
    return sorted(found)


def _find_names(
    tx: Tx, words: list[str], without: list[str], last: str | None, active: int, limit: int, *, begins: bool
) -> list[str]:
    """Skus of products whose folded name holds every word, by name, after the product `last`.

    GLOB is the fastest of SQLite's ways to look for a text in a text, but some characters are a pattern or an end to
    it: words with such a character take instr.
    """
    first, *others = words
    bounds = (first, first + _LAST_CHARACTER)
    conditions = ["folded >= ? AND folded < ?" if begins else "NOT (folded >= ? AND folded < ?)"]
    parameters: list[object] = [*bounds]
    for word in others if begins else words:
        plain = _PATTERN.isdisjoint(word)
        conditions.append("folded GLOB ?" if plain else "instr(folded, ?)")
        parameters.append(f"*{word}*" if plain else word)
    if last is not None:
        conditions.append("(folded, sku) > ((SELECT folded FROM product WHERE sku = ?), ?)")
        parameters += [last, last]
    rows = tx.execute(
        f"SELECT sku FROM product WHERE {' AND '.join(conditions)} AND active >= ?"  # noqa: S608  no value is in it
        " AND sku NOT IN (SELECT value FROM json_each(?)) ORDER BY folded, sku LIMIT ?",
        (*parameters, active, _distinct(without), limit),
    )
    return [row[0] for row in rows]


def _distinct(values: Collection[str]) -> str:
    return msgspec.json.encode(list(dict.fromkeys(values))).decode()


def _product(row: Row) -> Product:
    return Product(
        sku=row[0],
        name=row[1],
        department=row[2],
        tax_class=row[3],
        price_minor=row[4],
        unit=row[5],
        gtins=tuple(row[6].split()) if row[6] else (),
        item_code=row[7],
        active=bool(row[8]),
        price_book=row[9],
        revision=row[10].hex(),
    )
