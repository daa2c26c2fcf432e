"""pure: names of goods as people read them, out of a mainframe's capitals.

The source cuts names at 30 characters and shortens words to fit. What is plainly short for one word is written out, a
bracket that was cut open goes, and sizes get their usual small units.

    >>> name_product("FRZN MEAT - BAKED W/PORK (OVER 50%", "12 PK/12    OZ")
    'Frozen Meat - Baked w/Pork, 12 pk/12 oz'
"""

import re

LONGEST_NAME = 120

_WORD = re.compile(r"[A-Z0-9][A-Z0-9'%.]*")
_STRAY_LETTER = re.compile(r"^[A-Z] +(?=[\d.])")
_LONE_LITRE = re.compile(r"(?<![a-z])l(?![a-z])")
_SMALL_WORDS = frozenset(("AND", "FOR", "IN", "NOT", "OF", "ON", "OR", "THE", "WITH"))
_ACRONYMS = frozenset(("BBQ", "CD", "DVD", "DVDS", "GM", "IQF", "MLB", "OJ", "QSR", "RTD", "RTS", "SPF", "SS", "TV"))
_WRITTEN_OUT = {
    "BEV": "Beverage", "BTL": "Bottle", "CHIX": "Chicken", "CKTLS": "Cocktails", "CRBNTD": "Carbonated",
    "CRMD": "Creamed", "DNRS": "Dinners", "DRNK": "Drink", "DRNKNG": "Drinking", "DRSNG": "Dressing",
    "FLVR": "Flavor", "FLVRD": "Flavored", "FRZ": "Frozen", "FRZN": "Frozen", "GDS": "Goods", "GNGR": "Ginger",
    "GRND": "Ground", "JCE": "Juice", "LNCHMT": "Lunchmeat", "MERCH": "Merchandise", "MNRL": "Mineral",
    "PCKGD": "Packaged", "PKGD": "Packaged", "PLSTC": "Plastic", "PNCH": "Punch", "PRPCK": "Prepacked",
    "PRSLC": "Presliced", "PWDRS": "Powders", "SFT": "Soft", "SHLFSH": "Shellfish", "SNDWCH": "Sandwich",
    "SNGL": "Single", "SW": "Sweet", "WHL": "Whole", "WTR": "Water", "XPCTRNT": "Expectorant",
}  # fmt: skip


def name_product(product_type: str, package_size: str = "") -> str:
    """Name and size of a product, at most 120 characters; empty when the type says nothing."""
    name, size = capitalise(product_type), write_size(package_size)
    joined = f"{name}, {size}" if name and size else name
    return joined[:LONGEST_NAME].rstrip(" ,")


def capitalise(text: str) -> str:
    """Words in capitals with only their first letter large; a text that has small letters already is left alone."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if text.count("(") > text.count(")"):
        text = text[: text.rindex("(")].rstrip(" -&,")
    if text != text.upper():
        return text
    text = re.sub(r"\s*:\s*", ": ", text).strip()
    return _WORD.sub(_capitalise_word, text).replace("W/", "w/")


def write_size(text: str) -> str:
    """A package size with small units, without the stray letters and wide gaps of the source; L stays large."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    text = _STRAY_LETTER.sub("", text)
    if text.startswith("."):
        text = f"0{text}"
    return _LONE_LITRE.sub("L", text.lower())


def _capitalise_word(found: re.Match[str]) -> str:
    """One word of a text in capitals."""
    word = found[0]
    if word in _WRITTEN_OUT:
        return _WRITTEN_OUT[word]
    if word in _ACRONYMS:
        return word
    if word in _SMALL_WORDS and found.start() > 0:
        return word.lower()
    return word.capitalize()
