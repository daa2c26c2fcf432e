"""sql: who may work here and on which device: PINs, sign-ins, approvals, pairing, operators.

A PIN has four digits, so what protects it is the counter. It is moved **before** the PIN is looked at, in a transaction
of its own, and the slow comparison happens outside of any transaction:

    attempt = begin_attempt(tx, shop, caller, "ana", limits)     # counted; raises PinLocked
    ... the edge compares attempt.pin_hash with the PIN ...
    complete_sign_in(tx, shop, caller, attempt, ...)             # right: the counter goes back to zero

So a hundred guesses sent at once are a hundred counts, and only the first few are compared at all.
"""

import hashlib
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.identity.approvals import grant_approval
from kiosk.identity.people import (
    PAIRING_CODE_MINUTES,
    Approved,
    DeviceAnswer,
    LastManager,
    OperatorAnswer,
    OperatorExists,
    OperatorId,
    OperatorName,
    PairDevice,
    Paired,
    PairingCode,
    PinLocked,
    PinMissing,
    SaveOperator,
    SignedIn,
    UnknownPairingCode,
    WrongDeviceKind,
    WrongOperatorId,
    WrongPin,
    make_pairing_code,
    read_pairing_code,
    till_name,
)
from kiosk.identity.people_store import (
    OperatorRow,
    TokenRow,
    add_token,
    answer_operator,
    count_devices,
    count_other_managers,
    end_device,
    end_operator,
    end_sign_ins,
    end_token,
    find_operator,
    read_devices_page,
    read_operator,
    read_operators_page,
    revoke_device,
    write_failures,
    write_nothing,
    write_secret,
)
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.facts.store import OperatorChanged
from sync.http.auth import hash_token
from sync.http.etag import require_match, strong_etag
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from sync.http.problems import PreconditionFailed
from sync.journal import Origin

_MINUTE_MS = 60_000
_LONGEST_LOCK_MS = 24 * 60 * _MINUTE_MS
_ID_BYTES = 10


class PinLimits(Struct, frozen=True):
    """How many wrong PINs lock an operator, and for how long the first time; each further time is twice as long."""

    attempts: int
    lock_minutes: int

    def lock_ms(self, failures: int) -> int:
        """The lock after `failures` wrong PINs in a row, at most a day: ten thousand PINs are not tried in a year."""
        return min(self.lock_minutes * _MINUTE_MS << max(failures // self.attempts - 1, 0), _LONGEST_LOCK_MS)


class Attempt(Struct, frozen=True):
    """A counted try. `pin_hash` is None where there is nobody to sign in: the edge compares with a dummy all the
    same."""

    operator: str
    pin_hash: str | None


def begin_attempt(tx: Tx, _shop: Shop, caller: Caller, operator: str, limits: PinLimits) -> Attempt:
    """Count a try to give an operator's PIN, before it is looked at. Raises PinLocked.

    The try that reaches the limit locks at once and is still compared; if it is right, the lock opens again.
    """
    row = read_operator(tx, operator)
    if row is None or row.pin_hash is None or not row.active:
        write_nothing(tx)
        return Attempt(operator, None)
    # A lock that seems to last longer than any can was set before the clock was put back; it must not shut out the
    # only manager until the clock has caught up.
    left_ms = row.locked_until - caller.now_ms
    if 0 < left_ms <= limits.lock_ms(row.failures):
        raise PinLocked(-(-left_ms // 1000))
    failures = row.failures + 1
    locks = failures % limits.attempts == 0
    write_failures(tx, operator, failures, caller.now_ms + limits.lock_ms(failures) if locks else 0)
    return Attempt(operator, row.pin_hash)


def complete_sign_in(tx: Tx, _shop: Shop, caller: Caller, attempt: Attempt, token: str, expires_at: int) -> SignedIn:
    """Sign in after the PIN was found right. Whoever was signed in on this device is signed out by it.

    Raises WrongPin should the operator or the PIN have changed since the try was counted.
    """
    row = _need_unchanged(tx, attempt)
    write_failures(tx, row.id, 0, 0)
    end_sign_ins(tx, caller.device)
    added = TokenRow(
        hash=hash_token(token),
        device=caller.device,
        till=caller.till,
        operator=row.id,
        role=row.role,
        expires_at=expires_at,
    )
    add_token(tx, added, caller.now_ms)
    return SignedIn(
        token=token, role=row.role, expires_at=utc_text(expires_at), operator=OperatorName(row.id, row.name)
    )


def complete_approval(
    tx: Tx, _shop: Shop, caller: Caller, attempt: Attempt, token: str, purpose: str, expires_at: int
) -> Approved | None:
    """Approve after the PIN was found right. Raises WrongPin as `complete_sign_in`.

    None for somebody who is no manager: it is no error here, so that the counter's reset is kept.
    """
    row = _need_unchanged(tx, attempt)
    write_failures(tx, row.id, 0, 0)
    if row.role != "manager":
        return None
    grant_approval(tx, token, row.id, purpose, caller.device, expires_at)
    return Approved(token, utc_text(expires_at))


def sign_out(tx: Tx, _shop: Shop, _caller: Caller, token_hash: bytes) -> None:
    """End the sign-in that asks for it."""
    end_token(tx, token_hash)


def create_pairing_code(tx: Tx, kind: str, now_ms: int, random: bytes) -> PairingCode:
    """Make a code that one device may use once within ten minutes. `random` is PAIRING_RANDOM_BYTES long."""
    code = make_pairing_code(random)
    expires_at = now_ms + PAIRING_CODE_MINUTES * _MINUTE_MS
    tx.execute("DELETE FROM pairing_code WHERE expires_at <= ?", (now_ms,))
    tx.execute("INSERT INTO pairing_code (hash, kind, expires_at) VALUES (?, ?, ?)", (_hash(code), kind, expires_at))
    return PairingCode(code, utc_text(expires_at))


def request_pairing_code(tx: Tx, _shop: Shop, caller: Caller, kind: str, random: bytes) -> PairingCode:
    """`create_pairing_code` for a signed-in manager."""
    return create_pairing_code(tx, kind, caller.now_ms, random)


def pair_device(tx: Tx, command: PairDevice, now_ms: int, token: str, random: bytes) -> Paired:
    """Take a device in, under the next name of its kind. `random` is 10 bytes for its id.

    Raises UnknownPairingCode; WrongDeviceKind, which leaves the code unused.
    """
    row = tx.execute(
        "DELETE FROM pairing_code WHERE hash = ? AND expires_at > ? RETURNING kind",
        (_hash(read_pairing_code(command.code)), now_ms),
    ).fetchone()
    if row is None:
        raise UnknownPairingCode(pointer="/code")
    kind = command.device.kind
    if row[0] != kind:
        raise WrongDeviceKind(pointer="/device/kind")
    device, till = uuid7(now_ms, random), till_name(kind, count_devices(tx, kind) + 1)
    tx.execute(
        "INSERT INTO device (id, name, kind, till, paired_at) VALUES (?, ?, ?, ?, ?)",
        (device.bytes, command.device.name, kind, till, now_ms),
    )
    role = "kiosk" if kind == "kiosk" else "device"
    added = TokenRow(hash=hash_token(token), device=device, till=till, operator=None, role=role, expires_at=None)
    add_token(tx, added, now_ms)
    return Paired(device, token, till)


def list_devices(tx: Tx, _shop: Shop, _caller: Caller, query: PageQuery) -> Page[DeviceAnswer]:
    """A page of all devices ever paired, by till. Raises InvalidCursor."""
    after = decode_cursor(query.after, "devices", str) if query.after else ""
    rows = read_devices_page(tx, after, query.limit + 1)
    return page_of(rows, query.limit, lambda device: encode_cursor(device.till, "devices"))


def revoke(tx: Tx, _shop: Shop, caller: Caller, device: UUID) -> None:
    """Take a device's tokens away for good. The same again does nothing. Raises DeviceNotFound."""
    revoke_device(tx, device, caller.now_ms)
    end_device(tx, device)


def list_operators(tx: Tx, _shop: Shop, _caller: Caller, query: PageQuery) -> Page[OperatorAnswer]:
    """A page of the operators, by id. Raises InvalidCursor."""
    after = decode_cursor(query.after, "operators", str) if query.after else ""
    rows = [answer_operator(row) for row in read_operators_page(tx, after, query.limit + 1)]
    return page_of(rows, query.limit, lambda operator: encode_cursor(operator.id, "operators"))


def show_operator(tx: Tx, _shop: Shop, _caller: Caller, operator: str) -> OperatorAnswer:
    """One operator. Raises OperatorNotFound."""
    return answer_operator(find_operator(tx, operator))


def save_operator(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    operator: str,
    command: SaveOperator,
    pin_hash: str | None,
    if_match: str | None,
    random: bytes,
) -> tuple[OperatorAnswer, bool]:
    """Add or change an operator; the second value says whether it is new. `random` is 10 bytes for the entry's id.

    Every change is an entry, so that the journal shows who changed whose PIN and when. A new role or PIN, and being
    switched off, end the operator's sign-ins.

    Raises WrongOperatorId, PinMissing, LastManager; PreconditionRequired and PreconditionFailed for one that exists.
    """
    row = read_operator(tx, operator)
    if row is None:
        _check_new(operator, pin_hash, if_match)
    else:
        require_match(if_match, strong_etag(row.revision))
        if _is_same(row, command) and pin_hash is None:
            return answer_operator(row), False
    if row is not None:
        _need_a_manager(tx, row, command)
    body = OperatorChanged(operator=operator, role=command.role, active=command.active)
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), uuid7(caller.now_ms, random), body)
    write_secret(tx, operator, command.name, pin_hash)
    if row is not None and (pin_hash is not None or (row.role, row.active) != (command.role, command.active)):
        end_operator(tx, operator)
    return answer_operator(find_operator(tx, operator)), row is None


def set_up_manager(tx: Tx, shop: Shop, now_ms: int, operator: str, name: str, pin_hash: str) -> None:
    """Make the first manager of a new shop. Raises WrongOperatorId, and OperatorExists once there is any manager."""
    _check_new(operator, pin_hash, None)
    if count_other_managers(tx, "") or read_operator(tx, operator) is not None:
        raise OperatorExists
    origin = Origin(now_ms=now_ms)
    seed = hashlib.sha256(shop.journal.epoch.to_bytes(8) + operator.encode()).digest()
    body = OperatorChanged(operator=operator, role="manager", active=True)
    shop.journal.record(tx, origin, uuid7(now_ms, seed[:_ID_BYTES]), body)
    write_secret(tx, operator, name, pin_hash)


def _need_unchanged(tx: Tx, attempt: Attempt) -> OperatorRow:
    row = read_operator(tx, attempt.operator)
    if row is None or not row.active or row.pin_hash is None or row.pin_hash != attempt.pin_hash:
        raise WrongPin(pointer="/pin")
    return row


def _check_new(operator: str, pin_hash: str | None, if_match: str | None) -> None:
    """Raises WrongOperatorId, PinMissing, and PreconditionFailed for a version of somebody who is not there."""
    try:
        msgspec.convert(operator, OperatorId)
    except msgspec.ValidationError:
        raise WrongOperatorId from None
    if if_match is not None:
        raise PreconditionFailed
    if pin_hash is None:
        raise PinMissing(pointer="/pin")


def _need_a_manager(tx: Tx, row: OperatorRow, command: SaveOperator) -> None:
    """Raises LastManager when this change would leave the shop without an active one."""
    was, stays = (row.role == "manager" and row.active), (command.role == "manager" and command.active)
    if was and not stays and not count_other_managers(tx, row.id):
        raise LastManager


def _is_same(row: OperatorRow, command: SaveOperator) -> bool:
    return (row.name, row.role, row.active) == (command.name, command.role, command.active)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
