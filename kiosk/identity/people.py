"""pure: operators, devices, sign-ins and pairing: commands, answers, refusals and the pairing code.

A pairing code is read from one screen and typed into another, so it has no vowels (no words), and none of the letters
and digits that are taken for each other:

    >>> make_pairing_code(bytes(range(16)))
    'P6F37P7W'
    >>> read_pairing_code(" p6f3-7p7w ")
    'P6F37P7W'
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kiosk.commands import Name
from loyalty.errors import Conflict, Forbidden, InvalidInput, NotFound, Problem

# `$` alone would let a line break through at the end.
OperatorId = Annotated[str, Meta(max_length=30, pattern=r"^[a-z0-9][a-z0-9_-]{0,29}(?!\n)$")]
Pin = Annotated[str, Meta(min_length=4, max_length=12, pattern=r"^[0-9]+(?!\n)$")]
OperatorRole = Literal["cashier", "manager"]
DeviceKind = Literal["till", "kiosk"]
Purpose = Literal["price_override", "discount", "void", "return", "drawer", "redeem"]

PAIRING_CODE_MINUTES = 10
PAIRING_RANDOM_BYTES = 16
_ALPHABET = "CDFGHJKMNPQRTVWX34679"
_CODE_LENGTH = 8
_SERIES = {"till": "T", "kiosk": "K"}


class WrongPin(InvalidInput):
    """The operator or the PIN is wrong."""

    code, hint = "wrong_pin", "Type the PIN again slowly; after a few wrong ones it is locked for some minutes."


class PinLocked(Problem):
    """Too many wrong PINs were typed for this operator."""

    code, hint, status = "pin_locked", "Wait until the time is over, or let a manager set a new PIN.", 423

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} s.", retry_after_s=retry_after_s)
        self.headers = {"Retry-After": str(retry_after_s)}


class NotAManager(Forbidden):
    """Only a manager can approve this."""

    code, hint = "not_a_manager", "Ask a manager to type their own PIN."


class UnknownPairingCode(InvalidInput):
    """This pairing code is wrong, was used already, or is too old."""

    code, hint = "unknown_pairing_code", "Let a manager make a new code and type it within ten minutes."


class WrongDeviceKind(InvalidInput):
    """This code was made for another kind of device."""

    code, hint = "wrong_device_kind", "Pair a till with a till's code and a kiosk with a kiosk's."


class OperatorNotFound(NotFound):
    """There is no operator of this name."""

    code, hint = "operator_not_found", "Look at the list of operators."


class WrongOperatorId(InvalidInput):
    """An operator's short name has 1 to 30 small letters, digits, - or _."""

    code, hint = "wrong_operator_id", "Choose a short name such as ana."


class PinMissing(InvalidInput):
    """A new operator needs a PIN."""

    code, hint = "pin_missing", "Let the new operator type a PIN of 4 to 12 digits."


class LastManager(Conflict):
    """This is the only manager left; without one nobody could run the shop."""

    code, hint = "last_manager", "Make somebody else a manager first."


class OperatorExists(Conflict):
    """This shop has its first manager already."""

    code, hint = "operator_exists", "Sign in as that manager and add operators there."


class DeviceNotFound(NotFound):
    """There is no such device."""

    code, hint = "device_not_found", "Look at the list of devices."


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/sign-ins."""

    operator: OperatorId
    pin: Pin


class Approve(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/approvals: a manager's PIN for one thing, `for`, on this device."""

    operator: OperatorId
    pin: Pin
    purpose: Purpose = field(name="for")


class RequestPairingCode(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/pairing-codes."""

    kind: DeviceKind


class NewDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """What a device says of itself."""

    name: Name
    kind: DeviceKind


class PairDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/pairings."""

    code: Annotated[str, Meta(min_length=1, max_length=32)]
    device: NewDevice


class SaveOperator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/operators/{id}. A PIN left out stays as it is."""

    name: Name
    role: OperatorRole
    active: bool = True
    pin: Pin | UnsetType = UNSET


class OperatorName(Struct, frozen=True):
    """Who signed in."""

    id: str
    name: str


class SignedIn(Struct, frozen=True, kw_only=True):
    """The token of a sign-in; it holds until `expires_at`, a sign-out, or the next sign-in on this device."""

    token: str
    role: str
    expires_at: str
    operator: OperatorName


class Approved(Struct, frozen=True):
    """A one-use token for the call that needed a manager's word."""

    approval: str
    expires_at: str


class PairingCode(Struct, frozen=True):
    """A code that one device may use once, until `expires_at`."""

    code: str
    expires_at: str


class Paired(Struct, frozen=True):
    """A device's own token and the name of its till."""

    device_id: UUID
    token: str
    till: str


class OperatorAnswer(Struct, frozen=True, kw_only=True):
    """An operator. `revision` counts the changes and makes the ETag."""

    id: str
    name: str
    role: str
    active: bool
    revision: int


class DeviceAnswer(Struct, frozen=True, kw_only=True):
    """A paired device. `revoked_at` is set once its tokens are worth nothing any more."""

    id: UUID
    name: str
    kind: str
    till: str
    paired_at: str
    revoked_at: str | None


def make_pairing_code(random: bytes) -> str:
    """A code of 8 characters from PAIRING_RANDOM_BYTES random bytes: one of 3.7 * 10**10."""
    assert len(random) == PAIRING_RANDOM_BYTES
    number = int.from_bytes(random)
    code = ""
    for _ in range(_CODE_LENGTH):
        number, at = divmod(number, len(_ALPHABET))
        code += _ALPHABET[at]
    return code


def read_pairing_code(text: str) -> str:
    """A typed code as it was made: capital letters, without the spaces and dashes people put in."""
    return "".join(character for character in text.upper() if character.isalnum())


def till_name(kind: str, number: int) -> str:
    """T01, T02 … for tills, K01 … for kiosks: the middle part of receipt numbers.

    >>> till_name("kiosk", 3)
    'K03'
    """
    return f"{_SERIES[kind]}{number:02}"
