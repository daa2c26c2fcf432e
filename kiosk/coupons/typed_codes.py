"""sql: typed codes of coupons that another store has issued. A code proves nothing and says only which coupon is meant;
head office tells the token behind it, which is then looked at as if it had been scanned.

    own code                    | the own ledger, line or not
    another store's, line up    | head office is asked once for its token (kiosk/web/typed_codes.py)
    another store's, line down  | refused: scanned, its token would do

`Tokens` are what was asked: the token of each text, None where head office knows none.
"""

from collections.abc import Mapping, Sequence

from kiosk.coupons.coupon_store import find_coupon
from kiosk.points.link import read_line
from kiosk.shop import Caller, Shop
from loyalty.coupon_codes import read_code
from loyalty.coupons import find_token, looks_cut
from loyalty.transactions import Tx

Tokens = Mapping[str, str | None]
NO_TOKENS: Tokens = {}


def read_typed(text: str) -> int | None:
    """The serial that a text names as a typed code; None for scanned digits, and for what is no code."""
    return read_code(text) if find_token(text) is None and not looks_cut(text) else None


def list_strange(tx: Tx, _: Shop, __: Caller, texts: Sequence[str]) -> dict[str, int]:
    """The typed codes among `texts` that head office has to be asked about, with the serials they stand for. None where
    the line is down."""
    line = read_line(tx)
    if line is None or not line.online:
        return {}
    typed = {text: serial for text in texts if (serial := read_typed(text)) is not None}
    return {text: serial for text, serial in typed.items() if find_coupon(tx, serial) is None}
