"""pure: how a member is recognised: card number, phone, e-mail, name. Identifying is all it does; spending needs proof.

A card number is 20 digits, so that no keyboard layout or input method of a wedge scanner can garble it, and so that no
GTIN (8 to 14 digits) or SSCC (18, or 20 beginning 00) can be one:

    29 4711 0815 4711 0815 13
    ── ─────────────────── ──
    │  16 random digits    check digits, ISO 7064 MOD 97-10
    version

    >>> make_card(bytes(7))
    '29000000000000000039'
    >>> read_card("]Q1 2900 0000 0000 0000 0039")
    '29000000000000000039'
"""

import re
import unicodedata

from loyalty.errors import InvalidInput

_VERSION = "29"
_RANDOM_DIGITS = 16
CARD_DIGITS = len(_VERSION) + _RANDOM_DIGITS + 2
_AIM_IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")  # ISO/IEC 15424: what a scanner may put before the data
_LONGEST_SCAN = 64
_LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets

# Recommendation ITU-T E.164: country codes have one digit (1, 7), two (these) or three (all others).
_TWO_DIGIT_COUNTRIES = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
# Where a leading 0 is part of the number and is dialled from abroad too.
_ZERO_IS_KEPT = frozenset(("39", "225", "229", "242", "378", "379"))
_PHONE_SEPARATORS = re.compile(r"[\s().\-/‐‑‒–—−ー·]+")
_INTERNATIONAL = re.compile(r"[1-9][0-9]{6,14}")  # so the national part has at least 4 digits
_EMAIL_LOCAL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}")
_EMAIL_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_DOT = "•"
_ACCENTS = re.compile(r"[\u0300-\u036f]+")  # the block of European accents; the marks of kana and of Asia lie elsewhere
_STROKED = str.maketrans(  # letters that Unicode does not decompose into a letter and a mark
    {"ł": "l", "đ": "d", "ð": "d", "ø": "o", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)


class WrongPhone(InvalidInput):
    """This is not a phone number."""

    code, hint = "wrong_phone", "Type the number as the customer says it, or with + and the country code."


class WrongEmail(InvalidInput):
    """This is not an e-mail address."""

    code, hint = "wrong_email", "Ask for the address again: it needs a name, an @ and a domain."


def make_card(random: bytes) -> str:
    """A card number from 7 random bytes. Two may be equal by chance, so whoever issues one checks the index first.

    56 bits over 10**16 numbers are not perfectly even; a card only identifies, so nothing hangs on that.

    Raises ValueError for another length.
    """
    if len(random) != 7:
        raise ValueError("make_card needs exactly 7 random bytes")
    body = _VERSION + str(int.from_bytes(random) % 10**_RANDOM_DIGITS).zfill(_RANDOM_DIGITS)
    return body + _check_digits(body)


def read_card(text: str) -> str | None:
    """The card number in scanned or typed `text`, or None. AIM identifiers, spaces and wide digits do not disturb.

    The check digits find every wrong digit and every swap of two neighbours.
    """
    card = read_digits(text)
    if card is None or len(card) != CARD_DIGITS or not card.startswith(_VERSION):
        return None
    # Computed anew rather than "remainder is 1": that would also take 99 for 02 and give one card two numbers.
    return card if _check_digits(card[:-2]) == card[-2:] else None


def read_digits(text: str) -> str | None:
    """The digits of a scanned or typed number, without AIM identifier and spaces; None for text that holds more."""
    if len(text) > _LONGEST_SCAN:
        return None
    compact = "".join(unicodedata.normalize("NFKC", text).split())
    digits = _AIM_IDENTIFIER.sub("", compact, count=1) if compact.startswith("]") else compact
    return digits if digits.isascii() and digits.isdigit() else None


def normalise_phone(text: str, country_prefix: str) -> str:
    """A phone number in E.164 form, `+` and digits. `country_prefix` is the store's own country code: "48" or "+48".

        typed            | prefix | answer
        -----------------|--------|---------------
        600 100 200      | 48     | +48600100200
        010-1234-5678    | 82     | +821012345678
        0048 600-100-200 | 82     | +48600100200
        +44 (0)20 7946 0 | 48     | +442079460
        06 1234 5678     | 39     | +390612345678   the zero belongs to Italian numbers

    The rules are those of E.164 (at most 15 digits) and a trunk prefix of 0; no numbering plan is consulted, so a
    number that passes may still not exist.

    Raises WrongPhone, without the number in it; ValueError when `country_prefix` is no country code.
    """
    country = country_prefix.removeprefix("+")
    if not (country.isascii() and country.isdigit() and len(country) <= 3 and _country_code(country + "0") == country):
        raise ValueError("country_prefix is a country code of E.164")
    if len(text) > _LONGEST_SCAN:
        raise WrongPhone
    compact = _PHONE_SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    if compact.startswith("+"):
        digits = compact[1:]
    elif compact.startswith("00"):
        digits = compact[2:]
    else:
        digits = country + compact
    if not (digits.isascii() and digits.isdigit()):
        raise WrongPhone
    country = _country_code(digits)
    national = digits[len(country) :]
    if country not in _ZERO_IS_KEPT:
        national = national.removeprefix("0")
    if _INTERNATIONAL.fullmatch(country + national) is None:
        raise WrongPhone
    return f"+{country}{national}"


def mask_phone(phone: str) -> str:
    """A phone number (E.164) as a receipt or a screen may show it: the country and at most the last three digits.

        >>> mask_phone("+48600100200")
        '+48 ••• ••• 200'

    Text that is not E.164 is masked completely.
    """
    if not phone.startswith("+") or _INTERNATIONAL.fullmatch(phone[1:]) is None:
        return _DOT * 3
    country = _country_code(phone[1:])
    national = phone[1 + len(country) :]
    shown = min(3, len(national) // 3)
    masked = _DOT * (len(national) - shown) + national[len(national) - shown :]
    first = len(masked) % 3
    groups = [masked[:first]] if first else []
    groups += [masked[start : start + 3] for start in range(first, len(masked), 3)]
    return f"+{country} {' '.join(groups)}"


def normalise_email(text: str) -> str:
    """An e-mail address as a key: trimmed, small letters, wide letters made narrow, the domain in its ASCII form.

    Dots and `+tags` stay, since only some providers ignore them and two members must never become one by a guess.

    Raises WrongEmail, without the address in it.
    """
    if len(text) > _LONGEST_EMAIL:
        raise WrongEmail
    local, at, domain = unicodedata.normalize("NFKC", text).strip().lower().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise WrongEmail from None
    if (
        not at
        or len(local) + len(ascii_domain) >= _LONGEST_EMAIL
        or ".." in local
        or local[:1] == "."
        or local[-1:] == "."
    ):
        raise WrongEmail
    if _EMAIL_LOCAL.fullmatch(local) is None or _EMAIL_DOMAIN.fullmatch(ascii_domain) is None:
        raise WrongEmail
    return f"{local}@{ascii_domain}"


def fold_name(text: str) -> str:
    """A name as a search key: compatibility forms (NFKC), case, runs of spaces and the accents of European letters make
    no difference, since nobody types ż on a keyboard that has none. Marks that make another letter of a script stay: か
    and が, 하 and 해 are different words.

    >>> fold_name("  ŻÓŁW  Ａｎｎａ "), fold_name("ガラス"), fold_name("신라면")
    ('zolw anna', 'ガラス', '신라면')
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded)).translate(_STROKED)
    return " ".join(unicodedata.normalize("NFC", bare).split())


def _check_digits(body: str) -> str:
    """ISO/IEC 7064 MOD 97-10: two digits that make the whole number leave 1 when divided by 97."""
    return f"{98 - int(body) * 100 % 97:02}"


def _country_code(digits: str) -> str:
    """The country code at the front of an international number."""
    if digits[:1] in ("1", "7"):
        return digits[:1]
    return digits[:2] if _TWO_DIGIT_COUNTRIES.match(digits) else digits[:3]
