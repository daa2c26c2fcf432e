"""pure: the code that changes every half minute and proves that a member's own phone is here (RFC 6238).

A card number can be photographed and only identifies. The QR text a phone shows is that card number with the present
code behind it, digits only, so that no keyboard layout of a wedge scanner can garble it:

    29 4711 0815 4711 0815 13 94287082
    ───────────────────────── ────────
    card, with check digits   code of this half minute, 8 digits

28 digits are the length of nothing else that is scanned: a card has 20, a GTIN at most 14, an SSCC 18 or 20, a coupon
200. There are no check digits over the whole, because wallets can only put a code behind a fixed text; a wrong digit in
the card is found by the card's own, one in the code makes it a wrong code.

    >>> make_code(b"12345678901234567890", step_of(59_000))         # a test vector of RFC 6238
    '94287082'

**Replay.** `judge_code` takes a step only if it is later than the last one that was used, so a code works once, and an
older one that was photographed works never. Whoever asks keeps the step in the transaction that spends the points.
"""

import base64
import enum
import hmac
from urllib.parse import quote

from msgspec import Struct

from loyalty.identity import CARD_DIGITS, read_card, read_digits

STEP_MS = 30_000
CODE_DIGITS = 8
SECRET_BYTES = 20
"""RFC 4226 section 4: as long as the output of SHA-1."""

_DRIFT_STEPS = 1
_SEARCHED_STEPS = 60
"""Half an hour to either side: a phone or a store whose clock is that far off gets a reason, not only a no."""


class RotatingCard(Struct, frozen=True):
    """What a phone shows: whose card it is, and the code of the moment."""

    card: str
    code: str


class Verdict(enum.Enum):
    """What a code is worth. OTHER_TIME: right at another moment, within half an hour: somebody's clock is wrong, or the
    picture of the code is old."""

    RIGHT = "right"
    USED = "used"
    OTHER_TIME = "other_time"
    WRONG = "wrong"


class Judged(Struct, frozen=True):
    """A verdict; `step` is the step to remember when it is RIGHT, else 0."""

    verdict: Verdict
    step: int = 0


def step_of(now_ms: int) -> int:
    """The number of the half minute (RFC 6238 section 4.2, X = 30 s, T0 = 0)."""
    return now_ms // STEP_MS


def make_code(secret: bytes, step: int) -> str:
    """The code of a step: HOTP with HMAC-SHA-1, 8 digits (RFC 4226 section 5.3). Raises OverflowError below step 0."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def judge_code(secret: bytes, code: str, now_ms: int, last_used: int) -> Judged:
    """Whether `code` is that of now, or of the step before or after. `last_used` is the last step that was used.

        last used | now at step | code of step | verdict
        ----------|-------------|--------------|-----------
        0         | 100         | 99, 100, 101 | RIGHT
        100       | 100         | 99 or 100    | USED
        100       | 100         | 101          | RIGHT
        0         | 100         | 98 or 102    | OTHER_TIME
        0         | 100         | 900          | WRONG

    A last step that lies far ahead was used while the clock was wrong; until the clock gets there codes are USED, and
    the member spends by PIN or with a manager.
    """
    now = step_of(now_ms)
    near = [step for step in range(max(now - _DRIFT_STEPS, 0), now + _DRIFT_STEPS + 1) if _is(secret, code, step)]
    if near:
        step = near[-1]
        return Judged(Verdict.RIGHT, step) if step > last_used else Judged(Verdict.USED)
    searched = range(max(now - _SEARCHED_STEPS, 0), now + _SEARCHED_STEPS + 1)
    if any(_is(secret, code, step) for step in searched):
        return Judged(Verdict.OTHER_TIME)
    return Judged(Verdict.WRONG)


def read_rotating(text: str) -> RotatingCard | None:
    """Card and code in scanned or typed `text`, or None; as forgiving as `read_card`."""
    digits = read_digits(text)
    if digits is None or len(digits) != CARD_DIGITS + CODE_DIGITS:
        return None
    card = read_card(digits[:CARD_DIGITS])
    return RotatingCard(card, digits[CARD_DIGITS:]) if card is not None else None


def read_identifying(text: str) -> str | None:
    """The card number in what a member shows, paper or phone; None for anything else."""
    rotating = read_rotating(text)
    return rotating.card if rotating is not None else read_card(text)


def write_secret(secret: bytes) -> str:
    """A secret as text: base32 without padding, as every authenticator reads it."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def read_secret(text: str) -> bytes:
    """The secret of `write_secret`. Raises ValueError for text that is none."""
    return base64.b32decode(text + "=" * (-len(text) % 8))


def make_setup_uri(secret: bytes, card: str, issuer: str) -> str:
    """What the member's phone scans once to make codes from then on: the `otpauth` URI of the Key Uri Format.

    `issuer` is the shop's name; the account is the card number, so no name and no phone number stands in the picture.
    """
    name = quote(issuer, safe="")
    return (
        f"otpauth://totp/{name}:{card}?secret={write_secret(secret)}&issuer={name}"
        f"&algorithm=SHA1&digits={CODE_DIGITS}&period={STEP_MS // 1000}"
    )


def _is(secret: bytes, code: str, step: int) -> bool:
    return hmac.compare_digest(make_code(secret, step).encode(), code.encode())
